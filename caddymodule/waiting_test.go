package caddymodule

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/command"
	"github.com/leadgate/leadgate/internal/delivery"
	"github.com/leadgate/leadgate/internal/media/mediatest"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// waitingSite has a dataset at each path of meta, by its code, and a forward to
// each path of crm, by its status.
func waitingSite(meta, crm string) string {
	var block strings.Builder
	block.WriteString("\t\ttenant acme\n")
	for i, code := range []string{"368", "80004", "190", "2"} {
		fmt.Fprintf(&block,
			"\t\tcapi%s {\n\t\t\tname meta%s\n\t\t\tdataset %s\n\t\t\taccess_token t\n\t\t\tendpoint %s\n\t\t\tlinger 0s\n\t\t}\n",
			[]string{" whatsapp", " messenger", " instagram", ""}[i], code, code, meta)
	}
	for _, status := range []string{"401", "404", "429"} {
		fmt.Fprintf(&block, "\t\tforward %s/%s {\n\t\t\tname crm%s\n\t\t}\n", crm, status, status)
	}
	return strings.Replace(site(block.String()), "\trespond ", "\troute /metrics {\n\t\tmetrics\n\t}\n\trespond ", 1)
}

// page is a webhook of Messenger or Instagram with a message that an ad brought.
func adMessage(object, mid string) []byte {
	at := time.Now().UnixMilli()
	return fmt.Appendf(nil,
		`{"object":%q,"entry":[{"id":"1029384756","time":%d,"messaging":[{"sender":{"id":"24680"},"recipient":{"id":"1029384756"},`+
			`"timestamp":%d,`+
			`"message":{"mid":%q,"text":"Hi","referral":{"source":"ADS","type":"OPEN_THREAD",`+
			`"ad_id":"120210000000000001"}}}]}]}`, object, at, at, mid)
}

// TestWaitingSaysWhy: what keeps a destination waiting stands with its code, what
// it means, and until when, in the admin API, the command's table and the metrics,
// with both stores.
func TestWaitingSaysWhy(t *testing.T) {
	meta := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		code := strings.Split(r.URL.Path, "/")[2]
		subcode := ""
		switch code {
		case "190":
			subcode = `,"error_subcode":463`
		case "80004":
			w.Header().Set("X-Business-Use-Case-Usage", `{"1":[{"type":"ads_management","call_count":100,"estimated_time_to_regain_access":25}]}`)
		}
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error":{"message":"x","type":"OAuthException","code":%s%s}}`, code, subcode)
	}))
	t.Cleanup(meta.Close)
	crm := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var status int
		_, _ = fmt.Sscanf(r.URL.Path, "/%d", &status)
		if status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "3600")
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(crm.Close)
	for _, store := range []string{"embedded", "redis"} {
		t.Run(store, func(t *testing.T) {
			config, base := withAdmin(t, waitingSite(meta.URL, crm.URL))
			if store == "redis" {
				config = strings.Replace(config, "queue embedded %DIR%/queue", "queue redis "+redistest.Start(t).URL(), 1)
			}
			e := startEdge(t, config)
			began := time.Now()
			for _, body := range [][]byte{click("wamid.1", "15551234567", "Aff-1"), adMessage("page", "m_1"), adMessage("instagram", "aWd_1")} {
				if resp, _ := e.post("/webhooks/meta", body); resp.StatusCode != 200 {
					t.Fatalf("status %d", resp.StatusCode)
				}
			}
			for name, want := range map[string]struct {
				state        delivery.State
				code, reason string
				least, most  time.Duration // until when, from now
			}{
				"meta368":   {delivery.StateRetrying, "368", "throttled (368): Meta has blocked", 59 * time.Minute, 61 * time.Minute},
				"meta80004": {delivery.StateRetrying, "80004", "throttled (80004): the ad account", 24 * time.Minute, 26 * time.Minute},
				"meta190":   {delivery.StateParked, "190/463", "token (190/463): the access token has expired", 0, 0},
				"crm401":    {delivery.StateRetrying, "401", "401 Unauthorized: ", 0, 10 * time.Minute},
				"crm404":    {delivery.StateRetrying, "404", "404 Not Found: ", 0, 10 * time.Minute},
				"crm429":    {delivery.StateRetrying, "429", "429 Too Many Requests: ", 59 * time.Minute, 61 * time.Minute},
			} {
				var d delivery.Status
				waitFor(t, name, func() bool {
					var list []delivery.Status
					e.admin(base, "GET", "/leadgate/destinations", nil, &list)
					for _, d = range list {
						if d.Name == name {
							return d.State == want.state && (want.most == 0 || d.Until != nil)
						}
					}
					return false
				})
				if d.Code != want.code || !strings.HasPrefix(d.Reason, want.reason) || d.Backlog == 0 {
					t.Errorf("%s: %+v", name, d)
				}
				if want.most > 0 {
					if left := time.UnixMilli(*d.Until).Sub(began); left < want.least-time.Minute || left > want.most+time.Minute {
						t.Errorf("%s waits %s, want %s", name, left, want.most)
					}
				}
				if asked := strings.Contains(d.Reason, "it waits until 2"); asked != strings.HasPrefix(want.reason, "throttled") {
					t.Errorf("%s: %s", name, d.Reason)
				}
				table := strings.Join(strings.Fields(command.DestinationTable([]delivery.Status{d})), " ")
				for _, part := range []string{string(want.state), want.reason} {
					if !strings.Contains(table, strings.TrimSpace(part)) {
						t.Errorf("%s: the table lacks %q: %s", name, part, table)
					}
				}
				_, metrics, _ := mediatest.Fetch(t, http.MethodGet, e.url("/metrics"))
				text := string(metrics)
				code, _, _ := strings.Cut(want.code, "/")
				for _, line := range []string{
					fmt.Sprintf(`leadgate_destination_state{destination=%q,state=%q} 1`, name, want.state),
					fmt.Sprintf(`leadgate_destination_error_code{destination=%q} %s`, name, code),
				} {
					if !strings.Contains(text, line+"\n") {
						t.Errorf("the metrics lack %s", line)
					}
				}
				until := fmt.Sprintf(`leadgate_destination_wait_until_timestamp_seconds{destination=%q} `, name)
				if waits := !strings.Contains(text, until+"0\n"); waits != (want.most > 0) || !strings.Contains(text, until) {
					t.Errorf("%s: the metrics say that it waits: %v", name, waits)
				}
			}
		})
	}
}
