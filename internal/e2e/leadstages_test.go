package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadgate/leadgate/capi/capitest"
	"github.com/leadgate/leadgate/internal/edgetest"
	"github.com/leadgate/leadgate/internal/leadfake"
)

// stageDesk is an edge whose forms' leads and their stages are reported to a Meta of its own,
// beside its chats.
type stageDesk struct {
	*edge
	desk, raw *formDesk
	fake      *leadfake.Server
	refusal   atomic.Pointer[leadfake.Refusal] // of whatever is asked of leads
	meta      *capitest.Server
	block     string
}

const (
	chatDataset  = "111"
	stageDataset = "345"
)

func newStageDesk(t *testing.T, global string) *stageDesk {
	t.Helper()
	s := &stageDesk{edge: &edge{edgetest.New(t)}, desk: newFormDesk(t), raw: newFormDesk(t), fake: new(leadfake.Server), meta: capitest.New(t)}
	s.fake.Next = s.meta
	s.fake.Refuse = func(*http.Request) *leadfake.Refusal { return s.refusal.Load() }
	s.fake.AddForm(&leadfake.Form{ID: leadForm, Page: leadPage, Name: "Summer", Status: "ACTIVE"})
	graph := httptest.NewServer(s.fake)
	t.Cleanup(graph.Close)
	s.KeepLog = true
	token := filepath.Join(s.Dir, "token")
	if err := os.WriteFile(token, []byte("right"), 0o600); err != nil {
		t.Fatal(err)
	}
	capi := func(channel, dataset, more string) string {
		return "capi " + channel + " {\n dataset " + dataset + "\n access_token {file." + token + "}\n linger 10ms\n" +
			" endpoint " + graph.URL + "\n" +
			more + "}\n"
	}
	s.block = edgetest.MetaBlock("tenant acme {\n match page_id "+leadPage+"\n match phone_number_id 106540352242922\n forward "+s.desk.URL+
		" {\n name crm\n}\n forward "+s.raw.URL+" {\n name raw\n raw\n}\n leads {\n access_token {file."+token+"}\n endpoint "+graph.URL+
		"\n report Lead\n}\n"+capi("whatsapp", chatDataset, "")+capi("lead_ads", stageDataset, "lead_event_source HubSpot\n")+"}") +
		"\nleadgate_conversions /conversions {\n tenant acme\n token word\n map won Purchase\n}" +
		"\nleadgate_dashboard /board/* {\n insecure_skip_auth\n}"
	s.Configure(s.Caddyfile(global, "", s.block))
	s.Start()
	return s
}

// say posts what became of somebody, and returns the answer.
func (s *stageDesk) say(t *testing.T, item string) (status, why string) {
	t.Helper()
	items := "[" + item + `,{"eventName":"Lead","ctwaClid":"none"}]`
	req, err := http.NewRequest(http.MethodPost, s.Site+"/conversions", bytes.NewReader([]byte(items)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer word")
	resp, err := edgetest.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Results []struct {
			Status     string
			Error, Fix *string
			Click      json.RawMessage
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || len(answer.Results) != 2 {
		t.Fatalf("%s: %d %v", item, resp.StatusCode, err)
	}
	r := answer.Results[0]
	if r.Error != nil {
		why = *r.Error
	}
	return r.Status, why
}

// stage is an event that Meta took, as far as it is looked at here.
type stage struct {
	Name     string `json:"event_name"`
	ID       string `json:"event_id"`
	Source   string `json:"action_source"`
	Channel  string `json:"messaging_channel"`
	UserData struct {
		LeadID string `json:"lead_id"`
		EM, PH []string
	} `json:"user_data"`
	Custom struct {
		Source string `json:"event_source"`
		CRM    string `json:"lead_event_source"`
	} `json:"custom_data"`
}

// told are the events that a dataset took: "Lead 238512345678900000", and how many hashes.
func (s *stageDesk) told(t *testing.T, dataset string) (list []string) {
	t.Helper()
	once := map[string]bool{}
	for _, a := range s.meta.Accepted() {
		if a.Dataset != dataset {
			continue
		}
		var ev stage
		if err := json.Unmarshal(a.Event, &ev); err != nil {
			t.Fatal(err)
		}
		ofStages := ev.Source == "system_generated" && ev.Channel == "" && ev.Custom.Source == "crm" && ev.Custom.CRM == "HubSpot"
		if ofStages != (dataset == stageDataset) {
			t.Errorf("dataset %s got %s", dataset, a.Event)
		}
		if once[ev.ID] {
			continue // in doubt when the edge was killed, and sent again
		}
		once[ev.ID] = true
		list = append(list, fmt.Sprintf("%s %s %d%d", ev.Name, ev.UserData.LeadID, len(ev.UserData.EM), len(ev.UserData.PH)))
	}
	slices.Sort(list)
	return list
}

// untilTold waits for all that a dataset is to be told, and holds it to be that alone.
func (s *stageDesk) untilTold(t *testing.T, dataset string, want ...string) {
	t.Helper()
	slices.Sort(want)
	defer func() {
		if got := s.told(t, dataset); !slices.Equal(got, want) {
			t.Errorf("dataset %s was told %q\nwant %q", dataset, got, want)
		}
	}()
	edgetest.Until(t, "Meta is told", func() bool { return len(s.told(t, dataset)) >= len(want) })
	edgetest.Until(t, "nothing waits", func() bool {
		for _, d := range s.Destinations() {
			if d.Backlog != 0 {
				return false
			}
		}
		return true
	})
}

// TestLeadStages: each lead, and each of its stages in the CRM, is told to Meta once, by
// whatever the CRM names it, over a dead token and kill -9; never to a dataset of chats, and
// nothing of one that is a test's or was erased.
func TestLeadStages(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			global, server := store(t)
			s := newStageDesk(t, global)
			ids := leadIDs(0, 6)
			for _, id := range ids[:4] {
				s.fake.Add(leadfake.Sample(id, time.Now().Truncate(time.Second)))
			}
			people := []string{"bob@example.com", "carl@example.com", "dora@example.com"}
			for i, l := range []string{ids[1], ids[2], ids[3]} {
				lead := leadfake.Sample(l, time.Now().Truncate(time.Second))
				lead.Fields[1].Values, lead.Fields[2].Values = []string{fmt.Sprintf("+1555123000%d", i)}, []string{people[i]}
				s.fake.Replace(lead)
			}
			s.fake.Add(&leadfake.Lead{ID: ids[4], Form: leadForm, Created: time.Now().Add(-8 * 24 * time.Hour), Fields: leadfake.Sample(ids[4],
				time.Now()).Fields[:1]})
			s.fake.Add(&leadfake.Lead{ID: ids[5], Form: leadForm, Created: time.Now(), Test: true,
				Fields: []leadfake.Field{{Name: "full_name", Values: []string{"<test lead: dummy data for full_name>"}}}})

			// The token for Meta has ended.
			s.meta.Script(1, capitest.Answer{Status: http.StatusUnauthorized,
				Body: `{"error":{"message":"Session has expired","type":"OAuthException","code":190,"error_subcode":463}}`})
			s.mustPost(t, leadgen(ids[0], `"`+ids[1]+`"`, ids[4], ids[5]))
			edgetest.Until(t, "it is parked", func() bool { return s.Destinations()["acme-capi-345"].State == "parked" })
			s.mustPost(t, leadgen(ids[2], ids[3], ids[0]))
			s.Kill()
			if server != nil {
				server.Kill()
				server.Restart()
			}
			s.Start()
			s.desk.onceEach(t, ids[:4])
			want := []string{"Lead " + ids[0] + " 11", "Lead " + ids[1] + " 11", "Lead " + ids[2] + " 11", "Lead " + ids[3] + " 11"}
			s.untilTold(t, stageDataset, want...)

			s.mustPost(t, click("wamid.1", "15551230001", "Aff-1")) // who wrote the third form
			s.untilTold(t, chatDataset, "LeadSubmitted  01")
			for _, c := range []struct{ item, status string }{
				{`{"eventName":"Marketing Qualified Lead","leadId":"l:` + ids[0] + `"}`, "queued"},
				{`{"eventName":"Marketing Qualified Lead","leadId":` + ids[0] + `,"email":"ana@example.com"}`, "duplicate"},
				{`{"eventName":"Marketing Qualified Lead","email":" Bob@example.com"}`, "queued"},
				{`{"eventName":"Qualificação","waPhone":"+5511987654321"}`, "queued"},
				{`{"eventName":"QualifiedLead","waPhone":"+15551230001"}`, "queued"}, // a click goes first
				{`{"eventName":"won","leadId":"` + ids[2] + `","waPhone":"+15551230001","value":"12.50","currency":"USD"}`, "queued"},
				{`{"eventName":"Lead","leadId":"` + ids[3] + `"}`, "duplicate"}, // it was, when it came
				{`{"eventName":"Lost","leadId":"` + ids[5] + `"}`, "invalid"},
				{`{"eventName":"Lost","leadId":"` + ids[4] + `"}`, "queued"}, // an old lead's stage of today
				{`{"eventName":"Lost","leadId":"1111222233334444","email":"eve@example.com"}`, "queued"},
				{`{"eventName":"Lost","waPhone":"+15557654321"}`, "no_click"},
			} {
				if status, why := s.say(t, c.item); status != c.status {
					t.Errorf("%s: %s %s, want %s", c.item, status, why, c.status)
				}
			}
			s.Kill()
			s.Start()
			want = append(want, "Marketing Qualified Lead "+ids[0]+" 11", "Marketing Qualified Lead "+ids[1]+" 11", "Qualificação "+ids[0]+" 11",
				"Purchase "+ids[2]+" 11", "Lost "+ids[4]+" 00", "Lost 1111222233334444 10")
			s.untilTold(t, stageDataset, want...)
			s.untilTold(t, chatDataset, "LeadSubmitted  01", "QualifiedLead  01")

			s.Do(http.MethodPost, "/leadgate/contacts/erase", `{"tenant":"acme","contact":"bob@example.com"}`, nil)
			s.mustPost(t, leadgen(ids[1]))
			for item, status := range map[string]string{
				`{"eventName":"Lost","leadId":"` + ids[1] + `"}`:   "no_click",
				`{"eventName":"Lost","waPhone":"+15551230000"}`:    "no_click",
				`{"eventName":"Lost","leadId":"` + ids[0] + `"}`:   "queued",
				`{"eventName":"Lost","leadId":"9111222233334444"}`: "queued",
			} {
				if got, why := s.say(t, item); got != status {
					t.Errorf("%s: %s %s, want %s", item, got, why, status)
				}
			}
			s.untilTold(t, stageDataset, append(want, "Lost "+ids[0]+" 11", "Lost 9111222233334444 00")...)
			for _, secret := range append(people, "Ana Souza", "5511987654321", "ana@example.com", "eve@example.com", "1555123000") {
				if strings.Contains(s.Said(), secret) {
					t.Errorf("the log has %q", secret)
				}
			}
		})
	}
}
