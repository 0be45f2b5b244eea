package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadgate/leadgate/capi/capitest"
	"github.com/leadgate/leadgate/internal/edgetest"
	"github.com/leadgate/leadgate/internal/google/googletest"
	"github.com/leadgate/leadgate/internal/linkcode"
)

// ads is an edge that reports to a Google of its own, whose clock can be set forward.
type ads struct {
	*edge
	fake  *googletest.Server
	meta  *capitest.Server
	ahead atomic.Int64 // of Google's clock
	key   string       // the credentials' file
}

// accountRow is what the admin API says of the account.
type accountRow struct {
	Name, Kind, Target, State, Reason string
	Backlog, Awaiting, Dead, InFlight int
	Delivered, OldestAgeSeconds       int64
}

func newAds(t *testing.T, global string) *ads {
	a := &ads{edge: &edge{edgetest.New(t)}, meta: capitest.New(t)}
	a.fake = googletest.New(t, func(s *googletest.Server) {
		s.Now = func() time.Time { return time.Now().Add(time.Duration(a.ahead.Load())) }
		s.ReadyAfter = 10 * time.Minute
		s.Reasons = map[string]string{"young": "TOO_RECENT_CLICK", "lower": "INVALID_GCLID"}
	})
	a.key = filepath.Join(a.Dir, "google.json")
	a.write(t, a.fake.KeyFile(t))
	a.Configure(a.Caddyfile(global, "", edgetest.MetaBlock("tenant acme\ncapi {\n dataset 1\n access_token x\n linger 10ms\n endpoint "+
		a.meta.URL()+"\n}\ngoogle {\n name gads\n account 123-456-7890\n credentials {file."+a.key+"}\n endpoint "+a.fake.URL()+
		"\n convert Lead 6501234567\n convert Purchase 6507654321\n hold 0s\n linger 10ms\n ask_after 500ms\n}\n"+saleRule)+
		"\nleadgate_link /go/* {\n tenant acme\n link summer {\n to whatsapp +15550783881\n"+
		"text \"Ref {code}. Hi! I would like to know more\"\n}\n}"+
		"\nleadgate_conversions /conversions {\n tenant acme\n token word\n}"))
	a.Start()
	return a
}

func (a *ads) write(t *testing.T, key []byte) {
	t.Helper()
	if err := os.WriteFile(a.key, key, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (a *ads) row() accountRow {
	resp, err := edgetest.Client.Get(a.Admin + "/leadgate/destinations")
	if err != nil {
		return accountRow{}
	}
	defer resp.Body.Close()
	var list []accountRow
	_ = json.NewDecoder(resp.Body).Decode(&list) // none is found then
	for _, r := range list {
		if r.Name == "gads" {
			return r
		}
	}
	return accountRow{}
}

// until waits for the account's row to be so.
func (a *ads) until(t *testing.T, what string, delivered int64, awaiting, backlog, dead int) {
	t.Helper()
	var last accountRow
	defer func() {
		if t.Failed() {
			t.Logf("%s: the last was %+v", what, last)
		}
	}()
	edgetest.Until(t, what, func() bool {
		last = a.row()
		return last.Delivered == delivered && last.Awaiting == awaiting && last.Backlog == backlog && last.Dead == dead
	})
}

// sell posts a Purchase of the contact.
func (a *ads) sell(t *testing.T, order, value string) {
	t.Helper()
	body := fmt.Sprintf(`{"eventName":"Purchase","waPhone":"+15551230001","value":%s,"currency":"EUR","orderId":%q}`, value, order)
	req, err := http.NewRequest(http.MethodPost, a.Site+"/conversions", bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer word")
	resp, err := edgetest.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if answer, _ := io.ReadAll(resp.Body); !strings.Contains(string(answer), `"status":"queued"`) {
		t.Fatalf("%s: %d %s", body, resp.StatusCode, answer)
	}
}

// sent are the events that Google took, in short.
func (a *ads) sent() (list []string) {
	for _, e := range a.fake.Accepted() {
		var event struct {
			TransactionID string
			AdIdentifiers map[string]string
			Value         json.Number `json:"conversionValue"`
		}
		if json.Unmarshal(e.Event, &event) == nil {
			list = append(list, strings.Join([]string{e.Action, event.AdIdentifiers["gclid"], event.Value.String()}, " "))
		}
	}
	return list
}

// TestGoogle goes the way of a Google click: a lead, a sale and its correction, with the
// receipts over kill -9, on both queues; and the contact's Meta ad gets its own reports.
func TestGoogle(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			global, server := store(t)
			a := newAds(t, global)
			code := linkcode.Format(a.mustVisit(t, "?gclid=TeSt-Gclid_1&consent=granted"))
			a.mustPost(t, click("wamid.ad", "15551230001", "Aff-1"))
			a.mustPost(t, says("wamid.link", "15551230001", "Ref "+code))
			a.mustPost(t, says("wamid.again", "15551230001", "Ref "+code+" again"))
			a.until(t, "the lead is taken", 1, 1, 0, 0)
			if r := a.row(); r.Kind != "google" || r.Target != "1234567890" || r.State != "running" || r.OldestAgeSeconds != 0 {
				t.Errorf("%+v", r)
			}
			const consent = `"adUserData":"CONSENT_GRANTED","adPersonalization":"CONSENT_GRANTED"`
			if e := string(a.fake.Accepted()[0].Event); !strings.Contains(e, consent) {
				t.Errorf("without the link's consent: %s", e)
			}
			a.sell(t, "A-1", "10")
			a.until(t, "the sale is taken", 2, 2, 0, 0)
			a.sell(t, "A-1", "12") // waits until it is known what became of the first
			a.until(t, "the correction waits", 2, 2, 1, 0)

			a.Kill()
			if server != nil {
				server.Kill()
				server.Restart()
			}
			a.Start()
			a.until(t, "the receipts are there after a crash", 0, 2, 1, 0)
			a.ahead.Store(int64(11 * time.Minute))
			a.until(t, "both are confirmed, and the correction is taken", 1, 1, 0, 0)
			a.ahead.Store(int64(22 * time.Minute))
			a.until(t, "all is confirmed", 1, 0, 0, 0)
			want := []string{"6501234567 TeSt-Gclid_1 ", "6507654321 TeSt-Gclid_1 10", "6507654321 TeSt-Gclid_1 12"}
			if got := a.sent(); strings.Join(got, "|") != strings.Join(want, "|") {
				t.Errorf("Google took %q, want %q", got, want)
			}
			edgetest.Until(t, "Meta has the ad's lead and sales", func() bool { return a.meta.Total() >= 2 })
			_, metrics := a.Ask(http.MethodGet, "/metrics", "", "")
			for _, line := range []string{`event_name="Lead",outcome="confirmed"} 1`, `event_name="Purchase",outcome="confirmed"} 2`} {
				if !strings.Contains(string(metrics), `leadgate_google_events_total{destination="gads",`+line) {
					t.Errorf("no %s in the metrics", line)
				}
			}
			for _, secret := range []string{"PRIVATE KEY", "ya29.", "TeSt-Gclid_1"} {
				if _, config := a.Ask(http.MethodGet, "/config/", "", ""); strings.Contains(string(config), secret) {
					t.Errorf("/config/ has %s", secret)
				}
				if strings.Contains(a.Said(), secret) && secret != "TeSt-Gclid_1" {
					t.Errorf("the log has %s", secret)
				}
			}
		})
	}
}

// TestGoogleRefuses: a key that Google refuses parks the account until the file has
// another; a click that is too young is kept to be sent again; what is refused for good is
// a dead letter with Google's reason. All of it is so after kill -9, too.
func TestGoogleRefuses(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			global, _ := store(t)
			a := newAds(t, global)
			good, err := os.ReadFile(a.key)
			if err != nil {
				t.Fatal(err)
			}
			foreign, err := new(googletest.Server).NewKey(a.fake.URL() + "/token")
			if err != nil {
				t.Fatal(err)
			}
			a.Kill()
			a.write(t, foreign)
			a.Start()
			code := linkcode.Format(a.mustVisit(t, "?gclid=TeSt-Gclid_2"))
			a.mustPost(t, says("wamid.link", "15551230001", "Ref "+code))
			edgetest.Until(t, "the account is parked", func() bool { return a.row().State == "parked" })
			if r := a.row(); !strings.Contains(r.Reason, "invalid_grant") || r.Backlog != 1 {
				t.Errorf("%+v", r)
			}
			a.write(t, good)
			a.Do(http.MethodPost, "/leadgate/destinations/gads/resume", "", nil)
			a.until(t, "it goes on with the new key", 1, 1, 0, 0)
			a.sell(t, "young", "1")
			a.sell(t, "lower", "2")
			a.until(t, "all are taken", 3, 3, 0, 0)
			a.ahead.Store(int64(11 * time.Minute))
			a.until(t, "one waits, one is dead", 3, 0, 1, 1)
			var dead struct {
				Dead []struct{ Reason, Code, Explanation string }
			}
			a.Do(http.MethodGet, "/leadgate/dead?destination=gads", "", &dead)
			if len(dead.Dead) != 1 || dead.Dead[0].Code != "INVALID_GCLID" || dead.Dead[0].Reason != "refused" || dead.Dead[0].Explanation == "" {
				t.Errorf("%+v", dead)
			}
			taken := len(a.fake.Accepted())
			a.Kill()
			a.Start()
			a.until(t, "it waits after a crash", 0, 0, 1, 1)
			if n := len(a.fake.Accepted()); n != taken || a.row().State != "running" {
				t.Errorf("%d were sent again at once, %+v", n-taken, a.row())
			}
		})
	}
}
