package leads

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/graph"
	"github.com/leadgate/leadgate/internal/leadfake"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

const leadID = "23851234567890123"

var now = time.UnixMilli(1736535600412)

// rig is a sender, the fake that it asks, and what it hands on.
type rig struct {
	*Sender
	fake   *leadfake.Server
	clock  time.Time
	events []string
	hashes []string
	failed error
}

func newRig(t *testing.T, change func(*Config)) *rig {
	t.Helper()
	r := &rig{clock: now}
	r.fake = &leadfake.Server{Now: func() time.Time { return r.clock }}
	r.fake.AddForm(&leadfake.Form{ID: "771234567890123", Page: "1029384756", Name: "Summer", Status: "ACTIVE"})
	s := httptest.NewServer(r.fake)
	t.Cleanup(s.Close)
	c := Config{
		Endpoint: s.URL, GraphVersion: "v27.0", UserAgent: "Leadgate/test", Credentials: graph.Credentials{Token: "page"},
		Now: func() time.Time { return r.clock },
		Complete: func(_ context.Context, ev *normalize.Event, emailHash string) error {
			ev.SetTenant("acme")
			text, _ := ev.AppendJSON(nil)
			r.events, r.hashes = append(r.events, string(text)), append(r.hashes, emailHash)
			return r.failed
		},
	}
	if change != nil {
		change(&c)
	}
	r.Sender = NewSender(c)
	t.Cleanup(r.CloseIdleConnections)
	return r
}

func (r *rig) send(t *testing.T, note string) destination.Verdict {
	t.Helper()
	return r.sendOf(t, leadID, note)
}

func (r *rig) sendOf(t *testing.T, id, note string) destination.Verdict {
	t.Helper()
	body := `{"object":"page","entry":[{"id":"1029384756","time":1736535612,"changes":[{"field":"leadgen","value":{"leadgen_id":"` + id +
		`","page_id":"1029384756","form_id":"771234567890123","ad_id":"120210000000000001","created_time":1736535600}}]}]}`
	var b normalize.Batch
	if err := normalize.Meta(&b, []byte(body), now.UnixMilli()); err != nil {
		t.Fatal(err)
	}
	ev := &b.Events[0]
	ev.SetTenant("acme")
	payload, _ := ev.AppendJSON(nil)
	it := destination.Item{Entry: queue.Entry{Header: queue.Header{Kind: uint8(ev.Kind)}, Payload: payload}, Attempt: 1, Note: note}
	return r.Send(t.Context(), []destination.Item{it})[0]
}

// TestLead: a lead becomes the whole event, with the names that Meta has and the form's.
func TestLead(t *testing.T) {
	r := newRig(t, nil)
	r.fake.Add(leadfake.Sample(leadID, now.Add(-time.Minute)))
	if v := r.send(t, ""); v.Action != destination.Done || v.After != 0 {
		t.Fatalf("%+v", v)
	}
	if len(r.events) != 1 {
		t.Fatalf("%d events", len(r.events))
	}
	for _, want := range []string{
		`"kind":"lead","channel":"lead_ads"`, `"waPhone":"+5511987654321","waId":null`, `"profileName":"Ana Souza"`,
		`"leadgenId":"` + leadID + `","formId":"771234567890123","formName":"Summer","pageId":"1029384756","adId":"120210000000000001",` +
			`"adName":"Ad 120210000000000001","adsetId":"120210000000000002","adsetName":"Women 25-40","campaignId":"120210000000000003",` +
			`"campaignName":"Summer","createdAt":1736535540000,"organic":false,"platform":"fb","test":false,"answers":[` +
			`{"name":"full_name","values":["Ana Souza"]},{"name":"phone_number","values":["+5511987654321"]},` +
			`{"name":"email","values":["ana@example.com"]},{"name":"qual_o_seu_bairro?","values":["centro"]}],"disclaimers":null}`,
		`"receivedAt":1736535540000`, `"raw":{"field":"leadgen"`,
	} {
		if !strings.Contains(r.events[0], want) {
			t.Errorf("%s is not in\n%s", want, r.events[0])
		}
	}
	if len(r.hashes[0]) != 64 {
		t.Errorf("e-mail hash %q", r.hashes[0])
	}
}

// TestWithoutAdRights: the lead is not lost for what the token may not know of the ad.
func TestWithoutAdRights(t *testing.T) {
	r := newRig(t, nil)
	r.fake.NoAds = true
	r.fake.Add(leadfake.Sample(leadID, now))
	if v := r.send(t, ""); v.Action != destination.Done {
		t.Fatalf("%+v", v)
	}
	if !strings.Contains(r.events[0], `"adId":"120210000000000001","adName":null`) || !strings.Contains(r.events[0], `"centro"`) {
		t.Errorf("%s", r.events[0])
	}
}

// TestAnswers: what each answer means for the lead, and for the others.
func TestAnswers(t *testing.T) {
	busy := map[string]string{"X-Business-Use-Case-Usage": `{"1":[{"type":"leadgen","call_count":100,"estimated_time_to_regain_access":7}]}`}
	elsewhere := map[string]string{"Location": "http://127.0.0.1:1/"}
	for name, c := range map[string]struct {
		no     leadfake.Refusal
		action destination.Action
		after  time.Duration
		code   string
	}{
		"dead token":          {leadfake.Refusal{Status: 401, Code: 190, Subcode: 463}, destination.Park, 0, "190/463"},
		"no leads_retrieval":  {leadfake.Refusal{Status: 403, Code: 200, Message: "leads_retrieval"}, destination.Park, 0, "200"},
		"no Page's token":     {leadfake.Refusal{Status: 400, Code: 210}, destination.Park, 0, "210"},
		"another one":         {leadfake.Refusal{Status: 400, Code: 278}, destination.Park, 0, "278"},
		"wrong proof":         {leadfake.Refusal{Status: 400, Code: 104}, destination.Park, 0, "104"},
		"throttled":           {leadfake.Refusal{Status: 400, Code: 80005, Header: busy}, destination.Throttle, 7 * time.Minute, "80005"},
		"throttled wordless":  {leadfake.Refusal{Status: 400, Code: 4}, destination.Throttle, time.Minute, "4"},
		"429":                 {leadfake.Refusal{Status: 429, Body: "slow"}, destination.Throttle, time.Minute, ""},
		"HTML":                {leadfake.Refusal{Status: 502, Body: "<html>"}, destination.Retry, 0, ""},
		"not the Graph API":   {leadfake.Refusal{Status: 200, Body: "<html>welcome"}, destination.Retry, 0, ""},
		"another object":      {leadfake.Refusal{Status: 200, Body: `{"id":"1"}`}, destination.Retry, 0, ""},
		"Meta's own":          {leadfake.Refusal{Status: 500, Code: 2}, destination.Retry, 0, "2"},
		"no subcode":          {leadfake.Refusal{Status: 400, Code: 100}, destination.Later, soonest, "100"},
		"an odd subcode":      {leadfake.Refusal{Status: 400, Code: 100, Subcode: 2018001}, destination.Later, soonest, "100/2018001"},
		"no such node":        {leadfake.Refusal{Status: 404, Code: 803}, destination.Later, soonest, "803"},
		"not there":           {leadfake.Refusal{Status: 400, Code: 100, Subcode: 33}, destination.Later, soonest, "100/33"},
		"a redirect":          {leadfake.Refusal{Status: 302, Body: " ", Header: elsewhere}, destination.Retry, 0, ""},
		"a code of next year": {leadfake.Refusal{Status: 400, Code: 98765}, destination.Retry, 0, "98765"},
	} {
		r := newRig(t, nil)
		r.fake.Add(leadfake.Sample(leadID, now))
		r.fake.Refuse = func(*http.Request) *leadfake.Refusal { return &c.no }
		v := r.send(t, "")
		if v.Action != c.action || v.After != c.after || v.Code != c.code || len(r.events) != 0 {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

// TestMissing: a lead that Meta does not know is asked for during six hours, and then dead;
// the time runs from when it was first not there, over restarts.
func TestMissing(t *testing.T) {
	r := newRig(t, nil)
	v := r.send(t, "")
	if v.Action != destination.Later || v.Note != "1736535600412" || v.After != soonest {
		t.Fatalf("%+v", v)
	}
	r.clock = now.Add(5*time.Hour + 55*time.Minute)
	if v = r.send(t, v.Note); v.Action != destination.Later || v.After != 5*time.Minute || v.Note != "1736535600412" {
		t.Errorf("%+v", v)
	}
	r.fake.Add(leadfake.Sample("23851234567890124", now))
	if other := r.sendOf(t, "23851234567890124", ""); other.Action != destination.Done {
		t.Errorf("another lead: %+v", other)
	}
	r.clock = now.Add(6 * time.Hour)
	if dead := r.send(t, v.Note); dead.Action != destination.Dead || dead.Code != "100/33" || dead.Reason != "not found" {
		t.Errorf("%+v", dead)
	}
	r.fake.Refuse = func(*http.Request) *leadfake.Refusal { return &leadfake.Refusal{Status: 400, Code: 100} }
	if dead := r.send(t, v.Note); dead.Action != destination.Dead || dead.Code != "100" || !strings.Contains(dead.Explanation, "refuses") {
		t.Errorf("%+v", dead)
	}
}

// TestTokenIsReadAgain: a new token in its file is enough.
func TestTokenIsReadAgain(t *testing.T) {
	token := "old"
	r := newRig(t, func(c *Config) {
		c.Credentials.Token = token
		c.Renew = func() (graph.Credentials, error) { return graph.Credentials{Token: token}, nil }
	})
	r.fake.Add(leadfake.Sample(leadID, now))
	r.fake.SetToken("new")
	if v := r.send(t, ""); v.Action != destination.Park {
		t.Fatalf("%+v", v)
	}
	token = "new"
	if v := r.send(t, ""); v.Action != destination.Done {
		t.Errorf("%+v", v)
	}
}

// TestQueueTakesNothing: a lead that cannot be handed on stays, and is no failure of Meta's.
func TestQueueTakesNothing(t *testing.T) {
	r := newRig(t, nil)
	r.fake.Add(leadfake.Sample(leadID, now))
	r.failed = errors.New("no room")
	if v := r.send(t, ""); v.Action != destination.Throttle || v.After == 0 {
		t.Errorf("%+v", v)
	}
}

// TestOddIDs: no id is a path, and none is asked for that can be no lead's.
func TestOddIDs(t *testing.T) {
	r := newRig(t, nil)
	for _, id := range []string{"../me", "1?fields=x", "{{leadgen_id}}", "12e3", strings.Repeat("1", 40)} {
		if v := r.sendOf(t, id, ""); v.Action != destination.Dead || v.Reason != "invalid" {
			t.Errorf("%s: %+v", id, v)
		}
	}
	if r.fake.Calls() != 0 {
		t.Errorf("%d calls", r.fake.Calls())
	}
}

// TestPerson: the number is E.164 or none, names and addresses by Meta's own names of them,
// and what its testing tool writes is nobody.
func TestPerson(t *testing.T) {
	field := func(name string, values ...string) leadfake.Field { return leadfake.Field{Name: name, Values: values} }
	for name, c := range map[string]struct {
		fields             []leadfake.Field
		ad                 string
		phone, who, answer string
		test               bool
	}{
		"Brazil without its ninth digit": {fields: []leadfake.Field{field("phone_number", "+55 11 8765-4321")}, phone: "+5511987654321"},
		"Mexico's former one":            {fields: []leadfake.Field{field("phone_number", "+5215512345678")}, phone: "+525512345678"},
		"national":                       {fields: []leadfake.Field{field("phone_number", "(11) 98765-4321")}},
		"digits without a country":       {fields: []leadfake.Field{field("phone_number", "11987654321")}},
		"two names": {fields: []leadfake.Field{field("first_name", "Ana"), field("last_name", "Souza \"Silva\"")},
			who: `"Ana Souza \"Silva\""`},
		"last name": {fields: []leadfake.Field{field("last_name", "Souza")}, who: `"Souza"`},
		"empty":     {fields: []leadfake.Field{field("full_name", ""), field("first_name", "Ana")}, who: `"Ana"`, answer: `"values":[""]`},
		"several":   {fields: []leadfake.Field{field("colours", "red", "blue")}, answer: `"values":["red","blue"]`},
		"dummy": {fields: []leadfake.Field{field("full_name", "<test lead: dummy data for full_name>")}, ad: "1",
			who: `"\u003ctest`, test: true},
		"Meta's":  {fields: []leadfake.Field{field("email", "test@fb.com")}, test: true},
		"of Meta": {fields: []leadfake.Field{field("email", "jo@meta.com")}, ad: "1"},
		"nothing": {answer: `"answers":[]`},
	} {
		r := newRig(t, nil)
		r.fake.Add(&leadfake.Lead{ID: leadID, Form: "771234567890123", Ad: c.ad, Created: now, Fields: c.fields})
		if v := r.send(t, ""); v.Action != destination.Done {
			t.Fatalf("%s: %+v", name, v)
		}
		got := r.events[0]
		phone := `"waPhone":null`
		if c.phone != "" {
			phone = `"waPhone":"` + c.phone + `"`
		}
		test := `"test":false`
		if c.test {
			test = `"test":true`
		}
		for _, want := range []string{phone, `"profileName":` + c.who, test, c.answer} {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %s is not in\n%s", name, want, got)
			}
		}
	}
}

// TestErasedBeforeItIsRead: a lead that was erased is not asked for; of one that is erased meanwhile
// nothing is handed on; and where that is not known it waits.
func TestErasedBeforeItIsRead(t *testing.T) {
	for _, c := range []struct {
		at    int // the look from which on it is erased
		asked int
	}{{1, 0}, {2, 1}} {
		looks := 0
		r := newRig(t, func(cfg *Config) {
			cfg.Erased = func(_ context.Context, id string) (bool, error) {
				looks++
				return id == leadID && looks >= c.at, nil
			}
		})
		r.fake.Add(leadfake.Sample(leadID, now))
		if v := r.send(t, ""); v.Action != destination.Done || len(r.events) != 0 || r.fake.Asked(leadID) != c.asked {
			t.Errorf("erased at look %d: %+v, %d events, asked %d times", c.at, v, len(r.events), r.fake.Asked(leadID))
		}
	}
	r := newRig(t, func(cfg *Config) {
		cfg.Erased = func(context.Context, string) (bool, error) { return false, errors.New("no queue") }
	})
	if v := r.send(t, ""); v.Action != destination.Throttle || r.fake.Calls() != 0 {
		t.Errorf("%+v after %d calls", v, r.fake.Calls())
	}
}
