package examples

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/leadgate/leadgate/caddymodule"
	"github.com/leadgate/leadgate/capi/capitest"
	"github.com/leadgate/leadgate/internal/freeport"
	"github.com/leadgate/leadgate/internal/google/googletest"
)

const appSecret = "test_app_secret"

// edge is a Caddy in this process.
type edge struct {
	t   *testing.T
	url string
}

func (e *edge) load(caddyfile string) {
	e.t.Helper()
	cfg, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(caddyfile), map[string]any{"filename": "Caddyfile"})
	if err == nil {
		err = caddy.Load(cfg, true)
	}
	if err != nil {
		e.t.Fatalf("loading: %v", err)
	}
}

// post posts a webhook for a phone number id and returns the status.
func (e *edge) post(phoneNumberID, secret, message string) int {
	e.t.Helper()
	body := fmt.Appendf(nil,
		`{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"field":"messages",`+
			`"value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550783881","phone_number_id":%q},"messages":[%s]}}]}]}`,
		phoneNumberID, message)
	return e.postBody(secret, string(body))
}

// postBody posts a webhook of Meta's.
func (e *edge) postBody(secret, body string) int {
	e.t.Helper()
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	req, err := http.NewRequestWithContext(e.t.Context(), http.MethodPost, e.url+"/webhooks/meta", strings.NewReader(body))
	if err != nil {
		e.t.Fatal(err)
	}
	req.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	req.Close = true // a reload closes idle connections
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		e.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// visit follows a link as a browser does, as far as the edge's answer.
func (e *edge) visit(path string) {
	e.t.Helper()
	req, err := http.NewRequestWithContext(e.t.Context(), http.MethodGet, e.url+path, nil)
	if err != nil {
		e.t.Fatal(err)
	}
	req.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36")
	req.Close = true
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		e.t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusFound {
		e.t.Fatalf("%s: %d", path, resp.StatusCode)
	}
}

// sell posts a sale as a CRM does.
func (e *edge) sell() int {
	e.t.Helper()
	req, err := http.NewRequestWithContext(e.t.Context(), http.MethodPost, e.url+"/conversions",
		strings.NewReader(`{"eventName":"Purchase","waPhone":"+15551230006","value":49.90,"currency":"EUR"}`))
	if err != nil {
		e.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer test_token")
	req.Close = true
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		e.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// text is a message of the contact number n; extra is put into it.
func text(n int, body, extra string) string {
	return fmt.Sprintf(`{"from":"1555123%04d","id":"wamid.%d","timestamp":"%d","type":"text","text":{"body":%q}%s}`, n, n,
		time.Now().Unix(), body, extra)
}

func (e *edge) scrape() metrics {
	e.t.Helper()
	req, err := http.NewRequestWithContext(e.t.Context(), http.MethodGet, e.url+"/metrics", nil)
	if err != nil {
		e.t.Fatal(err)
	}
	req.Close = true
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		e.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		e.t.Fatal(err)
	}
	return parseScrape(string(answer))
}

// until scrapes until the metric has had the label's value. The limit only ends
// a test that has failed.
func (e *edge) until(name, label, value string) metrics {
	e.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for limit := time.After(30 * time.Second); ; {
		m := e.scrape()
		if m[name] != nil && m[name].labels[label][value] {
			return m
		}
		select {
		case <-tick.C:
		case <-limit:
			e.t.Fatalf("the edge never showed %s{%s=%q}", name, label, value)
		}
	}
}

// always is a destination that gives one answer.
func always(t *testing.T, status int, body string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// exposedByEdge starts an edge, has everything happen to it that an alert or a
// panel looks for, and returns all that it exposed.
func exposedByEdge(t *testing.T) metrics {
	t.Helper()
	e := &edge{t: t, url: fmt.Sprintf("http://127.0.0.1:%d", freeport.New(t))}
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Errorf("stopping: %v", err)
		}
	})
	meta := httptest.NewServer(new(capitest.Server))
	t.Cleanup(meta.Close)
	google := googletest.New(t)
	key := filepath.Join(t.TempDir(), "google.json")
	if err := os.WriteFile(key, google.KeyFile(t), 0o600); err != nil {
		t.Fatal(err)
	}
	refusing := always(t, http.StatusBadRequest,
		`{"error":{"message":"Error validating access token","type":"OAuthException","code":190,"fbtrace_id":"x"}}`)
	down := always(t, http.StatusServiceUnavailable, "")
	mute := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(mute.Close)

	const leaver = "forward %DOWN%/leaver {\n name leaver\n }\n"
	config := strings.NewReplacer(
		"%URL%", e.url, "%DIR%", t.TempDir(), "%SECRET%", appSecret, "%META%", meta.URL, "%REFUSING%", refusing,
		"%GOOGLE%", google.URL(), "%KEY%", key, "%MUTE%", mute.URL,
		"%OK%", always(t, http.StatusOK, ""), "%DOWN%", down, "%GONE%", always(t, http.StatusGone, ""),
	)
	caddyfile := func(leaver string) string {
		return config.Replace(`{
	admin off
	leadgate {
		queue embedded %DIR% {
			max_size 300KB
		}
		grace 0s
	}
}
%URL% {
	metrics /metrics
	leadgate_conversions /conversions {
		tenant acme
		token test_token
	}
	leadgate_link /go/* {
		tenant acme
		link summer {
			to whatsapp +15550783881
			text "Ref {code}. Hi!"
		}
	}
	leadgate /webhooks/meta {
		provider meta {
			app_secret %SECRET%
			verify_token test_verify_token
		}
		tenant acme {
			match phone_number_id 1
			forward %OK% {
				name crm
			}
			capi whatsapp {
				dataset 1234567890
				access_token test
				endpoint %META%
				linger 0s
			}
			google {
				account 123-456-7890
				credentials {file.%KEY%}
				endpoint %GOOGLE%
				convert Purchase 6507654321
				without_click on
				linger 0s
			}
			convert Purchase {
				text sold
				pattern "(?P<value>[0-9.,]+)"
				currency EUR
			}
		}
		tenant initech {
			match phone_number_id 3
			match page_id 4
			forward %OK% {
				name initech
			}
			capi whatsapp {
				dataset 3456789012
				access_token test
				endpoint %MUTE%
				linger 0s
			}
		}
		tenant globex {
			match phone_number_id 2
			match page_id 5
			` + leaver + `
			forward %DOWN% {
				name down
			}
			forward %GONE% {
				name gone
			}
			capi whatsapp {
				dataset 2345678901
				access_token test
				endpoint %REFUSING%
				linger 0s
			}
			ads {
				access_token test
				account act_1029384756
				endpoint %REFUSING%
			}
			leads {
				access_token test
				endpoint %REFUSING%
				reconcile 15m
			}
		}
	}
}
`)
	}
	e.load(caddyfile(leaver))
	expect := func(what string, got, want int) {
		t.Helper()
		if got != want {
			t.Fatalf("%s: answered %d, want %d", what, got, want)
		}
	}
	click := func(n int) string {
		return fmt.Sprintf(`,"referral":{"source_url":"https://fb.me/x","source_id":"120210000000000001","source_type":"ad",`+
			`"ctwa_clid":"Aff-example%d"}`, n)
	}
	ad := text(1, "hi", click(1))
	expect("a click", e.post("1", appSecret, ad), 200)
	expect("it again", e.post("1", appSecret, ad), 200)
	expect("a sale", e.sell(), 200)
	expect("one that is said, and cannot be read", e.post("1", appSecret, text(7, "sold 1.234", "")), 200)
	expect("a click of a dataset that does not answer", e.post("3", appSecret, text(8, "hi", click(8))), 200)
	expect("a word that nobody knows", e.post("1", appSecret,
		strings.Replace(text(9, "hi", ""), `"type":"text"`, `"type":"hologram"`, 1)), 200)
	expect("a form", e.postBody(appSecret, fmt.Sprintf(`{"object":"page","entry":[{"id":"4","time":%d,"changes":[{"field":"leadgen",`+
		`"value":{"leadgen_id":"5","page_id":"4","form_id":"6","created_time":%[1]d}}]}]}`, time.Now().Unix())), 200)
	e.visit("/go/summer?gclid=example")
	expect("a click of a dataset that is refused", e.post("2", appSecret, text(2, "hi", click(2))), 200)
	for n := range 12 { // enough for the breaker
		expect("a message", e.post("2", appSecret, text(10+n, "hi", "")), 200)
	}
	expect("a stranger", e.post("9", appSecret, text(3, "hi", "")), 200)
	expect("a wrong signature", e.post("1", "wrong", text(4, "hi", "")), 401)
	expect("more than fits", e.post("1", appSecret, text(5, strings.Repeat("x", 400_000), "")), 503)

	const state, waiting = "leadgate_destination_state", "state"
	e.until("leadgate_capi_events_total", "outcome", "delivered")
	e.until("leadgate_google_events_total", "outcome", "delivered")
	e.until("leadgate_deliveries_total", "outcome", "delivered")
	e.until("leadgate_capi_in_doubt_total", "destination", "initech-capi-3456789012")
	e.until("leadgate_ads_failures_total", "reason", "token")
	e.until("leadgate_ads_read_timestamp_seconds", "what", "spend")
	e.until(state, waiting, "parked")
	e.until(state, waiting, "paused")
	e.until(state, waiting, "open")
	before := e.scrape()

	// A destination leaves the configuration, and what waits for it stays.
	e.load(caddyfile(""))
	after := e.until(state, waiting, "removed")
	for name, m := range after {
		if before[name] == nil {
			before[name] = m
			continue
		}
		for label, values := range m.labels {
			for value := range values {
				if before[name].labels[label] == nil {
					before[name].labels[label] = make(map[string]bool)
				}
				before[name].labels[label][value] = true
			}
		}
	}
	return before
}
