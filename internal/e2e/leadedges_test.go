package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/edgetest"
	"github.com/leadgate/leadgate/internal/leadfake"
)

// TestLeadsOnTwoEdges: what one edge took and cannot read another reads when the first is
// killed, once; a stage that both are told counts once; and what one has erased neither tells.
func TestLeadsOnTwoEdges(t *testing.T) {
	global, _ := stores["redis"](t)
	one := newStageDesk(t, global)
	ids := leadIDs(0, 6)
	one.fake.SetToken("another") // nothing can be read there
	one.mustPost(t, leadgen(ids...))
	edgetest.Until(t, "it is parked", func() bool { return one.Destinations()["acme-leads"].State == "parked" })
	other := newStageDesk(t, global)
	for i, id := range ids {
		lead := leadfake.Sample(id, time.Now().Truncate(time.Second))
		lead.Fields[1].Values, lead.Fields[2].Values = []string{fmt.Sprintf("+1555123000%d", i)}, []string{fmt.Sprintf("p%d@example.com", i)}
		other.fake.Add(lead)
	}
	other.mustPost(t, leadgen(ids[:3]...)) // by the other edge, too
	one.Kill()
	edgetest.Until(t, "the other edge is asked again", func() bool {
		other.Do(http.MethodPost, "/leadgate/destinations/acme-leads/resume", "", nil)
		return other.Destinations()["acme-leads"].Backlog == 0
	})
	other.desk.onceEach(t, ids)
	var want []string
	for _, id := range ids {
		want = append(want, "Lead "+id+" 11")
	}
	other.untilTold(t, stageDataset, want...)

	one.Start()
	item := `{"eventName":"Qualified","leadId":"` + ids[0] + `"}`
	said := make(chan string, 2)
	for _, edge := range []*stageDesk{one, other} {
		go func() {
			status, _ := edge.say(t, item)
			said <- status
		}()
	}
	if both := <-said + " " + <-said; both != "queued duplicate" && both != "duplicate queued" {
		t.Error(both)
	}
	one.Do(http.MethodPost, "/leadgate/contacts/erase", `{"tenant":"acme","contact":"`+ids[1]+`"}`, nil)
	if status, why := other.say(t, `{"eventName":"Qualified","leadId":"`+ids[1]+`"}`); status != "no_click" {
		t.Error(status, why)
	}
	if status, why := other.say(t, `{"eventName":"Qualified","email":"p2@example.com"}`); status != "queued" {
		t.Error(status, why)
	}
	edgetest.Until(t, "both stages are told, by whichever edge", func() bool {
		return len(one.told(t, stageDataset))+len(other.told(t, stageDataset)) >= len(want)+2
	})
	all := strings.Join(append(one.told(t, stageDataset), other.told(t, stageDataset)...), "\n")
	for _, stage := range []string{"Qualified " + ids[0] + " 11", "Qualified " + ids[2] + " 11"} {
		if strings.Count(all, stage) != 1 {
			t.Errorf("%s is not there once:\n%s", stage, all)
		}
	}
}

// leadRows are the shapes in which a form's webhook comes, each with what the CRM may name its
// lead by. A shape is one more row, and gets every column of TestLeadMatrix.
var leadRows = []struct {
	name   string
	value  string // of the change, with %s for the id; page, form and time are added
	entry  string // the entry's id
	ad     bool
	fields []leadfake.Field
	by     map[string]string // a field of the item, and its value
}{
	{name: "texts", value: `"leadgen_id":"%s","ad_id":"120210000000000001","adgroup_id":"120210000000000001"`, entry: `"` + leadPage + `"`,
		ad: true, by: map[string]string{"leadId": "", "waPhone": `"+15551230000"`, "email": `"p0@example.com"`},
		fields: []leadfake.Field{{Name: "full_name", Values: []string{"P"}}, {Name: "phone_number", Values: []string{"+15551230000"}},
			{Name: "email", Values: []string{"p0@example.com"}}}},
	{name: "numbers", value: `"leadgen_id":%s,"ad_id":120210000000000001,"adgroup_id":120210000000000001`, entry: leadPage, ad: true,
		by:     map[string]string{"leadId": "", "waPhone": `"+15551230001"`},
		fields: []leadfake.Field{{Name: "full_name", Values: []string{"P"}}, {Name: "phone_number", Values: []string{"+15551230001"}}}},
	{name: "organic", value: `"leadgen_id":"%s","ad_id":null`, entry: `"` + leadPage + `"`,
		by:     map[string]string{"leadId": "", "email": `"P2@Example.com"`},
		fields: []leadfake.Field{{Name: "full_name", Values: []string{"P"}}, {Name: "email", Values: []string{"p2@example.com"}}}},
	{name: "Brazil", value: `"leadgen_id":"%s","ad_id":0`, entry: leadPage,
		by:     map[string]string{"leadId": "", "waPhone": `"5511987654321"`},
		fields: []leadfake.Field{{Name: "full_name", Values: []string{"P"}}, {Name: "phone_number", Values: []string{"+55 11 8765-4321"}}}},
	{name: "nobody", value: `"leadgen_id":"%s"`, entry: `"` + leadPage + `"`, by: map[string]string{"leadId": ""},
		fields: []leadfake.Field{{Name: "full_name", Values: []string{"P"}}, {Name: "phone_number", Values: []string{"(11) 98765-4321"}}}},
}

// TestLeadMatrix takes each shape of a form's webhook through all that is promised of a lead, on
// each store: the raw bytes at once, the whole event and Meta's report of it once over kill -9,
// redeliveries, and dead letters that are replayed, its stages by every name that it has, and erasure.
func TestLeadMatrix(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			global, server := store(t)
			s := newStageDesk(t, global)
			s.fake.SetToken("another")
			ids := leadIDs(0, len(leadRows))
			bodies := make([][]byte, len(leadRows))
			for i, row := range leadRows {
				bodies[i] = fmt.Appendf(nil, `{"object":"page","entry":[{"id":%s,"time":%d,"changes":[{"field":"leadgen","value":{`+row.value+
					`,"page_id":"%s","form_id":"%s","created_time":%d}}]}]}`, row.entry, time.Now().Unix(), ids[i], leadPage, leadForm, time.Now().Unix())
				s.mustPost(t, bodies[i])
			}
			edgetest.Until(t, "the raw bytes are there, and nothing of them is in flight", func() bool {
				raw, ok := s.Destinations()["raw"] // what is in flight at a kill comes again
				return ok && raw.Backlog == 0 && s.raw.all() == len(leadRows)
			})
			if s.desk.len() != 0 || len(s.told(t, stageDataset)) != 0 {
				t.Error("leads went on without their answers")
			}
			s.Kill()
			if server != nil {
				server.Kill()
				server.Restart()
			}
			// What Meta fails at becomes a dead letter after a week, and what it does not know after hours.
			s.Configure(s.Caddyfile(global, "", strings.Replace(s.block, "\n report Lead\n", "\n report Lead\n retry_for 1ms\n", 1)))
			s.deadLeads(t, bodies)
			for i, row := range leadRows {
				lead := &leadfake.Lead{ID: ids[i], Form: leadForm, Created: time.Now().Truncate(time.Second), Fields: row.fields}
				if row.ad {
					lead.Ad = "120210000000000001"
				}
				s.fake.Add(lead)
			}
			s.fake.SetToken("right")
			s.Start()
			for _, body := range bodies {
				s.mustPost(t, body)
			}
			s.desk.onceEach(t, ids)
			edgetest.Until(t, "each is reported", func() bool { return len(s.told(t, stageDataset)) >= len(ids) })
			s.replayed(t, `{"destination":"acme-leads","all":true}`, 0)
			for i, row := range leadRows {
				t.Run(row.name, func(t *testing.T) { s.leadRow(t, ids[i], row.by) })
			}
			if s.raw.all() != len(leadRows) {
				t.Errorf("%d raw webhooks", s.raw.all())
			}
		})
	}
}

// deadLeads has Meta fail at all leads for too long: they are dead letters, also when they are posted
// again, and when an operator replays them too early; replayed by a page, where the token is dead,
// they wait. The edge is down before and after.
func (s *stageDesk) deadLeads(t *testing.T, bodies [][]byte) {
	all := func(state string, backlog, dead int) func() bool {
		return func() bool {
			d, ok := s.Destinations()["acme-leads"]
			return ok && d.Backlog == backlog && d.Dead == dead && (state == "" || d.State == state)
		}
	}
	s.fake.SetToken("right")
	s.refusal.Store(&leadfake.Refusal{Status: 500, Code: 2, Message: "Service temporarily unavailable"})
	s.Start()
	s.Do(http.MethodPost, "/leadgate/destinations/acme-leads/resume", "", nil)
	edgetest.Until(t, "they are dead", all("", 0, len(bodies)))
	for _, body := range bodies {
		s.mustPost(t, body)
	}
	var letters struct {
		Dead []struct{ ID, Explanation string }
	}
	s.Do(http.MethodGet, "/leadgate/dead?destination=acme-leads", "", &letters)
	if len(letters.Dead) != len(bodies) || !strings.Contains(letters.Dead[0].Explanation, "temporarily unavailable") {
		t.Fatalf("dead letters: %+v", letters.Dead)
	}
	s.replayed(t, `{"destination":"acme-leads","ids":["`+letters.Dead[0].ID+`","`+letters.Dead[1].ID+`"]}`, 2)
	edgetest.Until(t, "they are dead again", all("", 0, len(bodies)))

	s.fake.SetToken("another")
	s.refusal.Store(nil)
	status, answer := s.board(t, "dead/replay", `{"destination":"acme-leads","all":true}`)
	if answer != fmt.Sprintf(`{"count":%d}`, len(bodies)) {
		t.Errorf("the page's replay: %d %s", status, answer)
	}
	edgetest.Until(t, "they wait for a token", all("parked", len(bodies), 0))
	if s.desk.len() != 0 || len(s.told(t, stageDataset)) != 0 {
		t.Error("leads went on without their answers")
	}
	s.Kill()
}

// replayed replays dead letters by the admin API.
func (s *stageDesk) replayed(t *testing.T, selection string, want int) {
	t.Helper()
	var answer struct{ Count int }
	if s.Do(http.MethodPost, "/leadgate/dead/replay", selection, &answer); answer.Count != want {
		t.Errorf("%s: replayed %d, want %d", selection, answer.Count, want)
	}
}

// board posts as the dashboard's page does.
func (s *stageDesk) board(t *testing.T, path, body string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, s.Site+"/board/api/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	req.Header.Set("Leadgate-Dashboard", "1")
	resp, err := edgetest.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(text))
}

// leadRow holds a lead to be told, by each of its names, and to be forgotten.
func (s *stageDesk) leadRow(t *testing.T, id string, by map[string]string) {
	told := func(stage string) (n int) {
		for _, event := range s.told(t, stageDataset) {
			if strings.HasPrefix(event, stage+" "+id+" ") {
				n++
			}
		}
		return n
	}
	if told("Lead") != 1 {
		t.Errorf("the lead is reported %d times", told("Lead"))
	}
	for field, value := range by {
		if field == "leadId" {
			value = id
		}
		item := func(stage string) string { return fmt.Sprintf(`{"eventName":%q,%q:%s}`, stage, field, value) }
		if status, why := s.say(t, item("By "+field)); status != "queued" {
			t.Errorf("%s: %s %s", field, status, why)
		}
		edgetest.Until(t, "Meta is told by "+field, func() bool { return told("By "+field) > 0 })
		if status, _ := s.say(t, `{"eventName":"By `+field+`","leadId":"`+id+`"}`); status != "duplicate" {
			t.Errorf("%s again: %s", field, status)
		}
	}
	s.Do(http.MethodPost, "/leadgate/contacts/erase", `{"tenant":"acme","contact":"`+id+`"}`, nil)
	for field, value := range by {
		want := "no_click"
		switch field {
		case "leadId":
			value = id
		case "email": // the CRM says it itself
			want = "queued"
		}
		if status, why := s.say(t, fmt.Sprintf(`{"eventName":"Erased",%q:%s}`, field, value)); status != want {
			t.Errorf("erased, %s: %s %s, want %s", field, status, why, want)
		}
	}
	if told("Erased") != 0 {
		t.Error("the id of an erased lead is told")
	}
}
