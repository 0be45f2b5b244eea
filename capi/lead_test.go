package capi_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/capi/capitest"
	"github.com/leadgate/leadgate/normalize"
)

func hashOf(t *testing.T, email string) string {
	t.Helper()
	hash, ok := capi.HashEmail(email)
	if !ok {
		t.Fatal(email)
	}
	return hash
}

func phoneHash(t *testing.T, phone string) string {
	t.Helper()
	hash, ok := capi.HashPhone(phone)
	if !ok {
		t.Fatal(phone)
	}
	return hash
}

// TestStage: what Meta is told of a lead's stage, key by key.
func TestStage(t *testing.T) {
	ana, eve := hashOf(t, "ana@example.com"), hashOf(t, "eve@example.com")
	form, posted := phoneHash(t, "+5511987654321"), phoneHash(t, "+15557654321")
	lead := capi.Lead{ID: "98765432101234567", CreatedAt: receivedAt - 999, EM: ana, PH: form}
	const head = `{"event_name":"Qualificação","event_time":1736535600,"event_id":"e70210fe-620f-555d-bc02-bd88cd34dabc",` +
		`"action_source":"system_generated","user_data":`
	for name, c := range map[string]struct {
		lead       capi.Lead
		conversion string
		email      string
		phone      string
		change     func(*capi.Settings)
		user       string
		custom     string
	}{
		"known": {lead: lead, user: `"lead_id":"98765432101234567","ph":["` + form + `"],"em":["` + ana + `"]`},
		"as it was posted, too": {lead: lead, email: "eve@example.com", phone: "+15557654321",
			user: `"lead_id":"98765432101234567","ph":["` + posted + `","` + form + `"],"em":["` + eve + `","` + ana + `"]`},
		"the same posted": {lead: lead, email: " ANA@example.com", phone: "+5511987654321",
			user: `"lead_id":"98765432101234567","ph":["` + form + `"],"em":["` + ana + `"]`},
		"never seen": {lead: capi.Lead{ID: "1111222233334444"}, user: `"lead_id":"1111222233334444"`},
		"no lead":    {email: "eve@example.com", user: `"em":["` + eve + `"]`},
		"without match keys": {lead: lead, email: "eve@example.com", change: func(s *capi.Settings) { s.NoMatchKeys = true },
			user: `"lead_id":"98765432101234567"`},
		"a sale": {lead: capi.Lead{ID: "1111222233334444"}, user: `"lead_id":"1111222233334444"`,
			conversion: `{"value":"12.50","currency":"usd","orderId":"A-1","customData":{"event_source":"web","lead_event_source":"x","tier":2}}`,
			custom:     `,"currency":"USD","value":12.5,"order_id":"A-1","tier":2`},
	} {
		s := settings()
		s.LeadEventSource = "HubSpot"
		if c.change != nil {
			c.change(s)
		}
		if c.conversion == "" {
			c.conversion = "{}"
		}
		click := capi.Click{Channel: normalize.ChannelLeadAds, WaPhone: c.phone}
		conversion := &capi.Conversion{Click: click, Lead: &c.lead, EventName: "Qualificação"}
		if c.email != "" {
			conversion.EmailHash = hashOf(t, c.email)
		}
		got, identity, err := capi.AppendConversion(nil, unified("conversion", "lead_ads", "conversion="+c.conversion), conversion, s, now)
		want := head + "{" + c.user + `},"custom_data":{"event_source":"crm","lead_event_source":"HubSpot"` + c.custom + "}}"
		if err != nil || string(got) != want {
			t.Errorf("%s: %v\n got %s\nwant %s", name, err, got, want)
		}
		if identity != (capi.Identity{Channel: normalize.ChannelLeadAds}) {
			t.Errorf("%s: %+v", name, identity)
		}
		fake := &capitest.Server{Now: func() time.Time { return now }}
		if fail := fake.Check([]byte(`{"data":[`+string(got)+`]}`), "1"); fail != nil {
			t.Errorf("%s: Meta would refuse it: %v %s", name, fail, got)
		}
	}
}

// TestStageGuard: what Meta refuses of a stage never leaves.
func TestStageGuard(t *testing.T) {
	known := capi.Lead{ID: "987654321012345"}
	for name, c := range map[string]struct {
		lead  capi.Lead
		name  string
		event string
		field string
		code  int
	}{
		"before the lead":    {lead: capi.Lead{ID: "987654321012345", CreatedAt: receivedAt + 61_000}, name: "Won", field: "event_time"},
		"a week old":         {lead: known, name: "Won", event: "receivedAt=1735930900999", field: "event_time", code: 2804003},
		"nobody":             {name: "Won", field: "user_data", code: 2804050},
		"no id":              {lead: capi.Lead{ID: "{{lead_id}}"}, name: "Won", field: "user_data.lead_id"},
		"hashed":             {lead: capi.Lead{ID: strings.Repeat("a1", 32)}, name: "Won", field: "user_data.lead_id"},
		"no name":            {lead: known, name: " ", field: "event_name"},
		"two lines":          {lead: known, name: "a\nb", field: "event_name"},
		"a sale for nothing": {lead: known, name: "Purchase", field: "custom_data.currency", code: 2804081},
		"in no currency": {lead: known, name: "Won", event: `conversion={"value":1,"currency":"R$"}`, field: "custom_data.currency",
			code: 2804081},
		"a sale that was lost": {lead: known, name: "Won", event: `conversion={"value":-1,"currency":"BRL"}`, field: "custom_data.value"},
	} {
		event := c.event
		if event == "" {
			event = "conversion={}"
		}
		conversion := &capi.Conversion{Lead: &c.lead, EventName: c.name}
		_, _, err := capi.AppendConversion(nil, unified("conversion", "lead_ads", event), conversion, settings(), now)
		var r *capi.Refusal
		if !errors.As(err, &r) || r.Field != c.field || r.Subcode != c.code {
			t.Errorf("%s: %v, want %s and %d", name, err, c.field, c.code)
		}
	}
	// In the second in which the lead was created it is not before.
	lead := capi.Lead{ID: "987654321012345", CreatedAt: receivedAt + 500}
	conversion := &capi.Conversion{Lead: &lead, EventName: "Won"}
	if _, _, err := capi.AppendConversion(nil, unified("conversion", "lead_ads", "conversion={}"), conversion, settings(), now); err != nil {
		t.Error(err)
	}
}

// TestClockOfCRM: a stage of a clock that is a little behind Meta's is reached with its lead, and nothing
// is in the future.
func TestClockOfCRM(t *testing.T) {
	for name, c := range map[string]struct {
		created int64 // after the stage, ms
		now     time.Time
		want    int64 // after the stage, s
	}{
		"behind":       {created: 30_000, now: now.Add(time.Hour), want: 30},
		"a minute":     {created: 60_000, now: now.Add(time.Hour), want: 60},
		"right":        {created: -30_000, now: now.Add(time.Hour), want: 0},
		"Meta's ahead": {created: 30_000, now: time.UnixMilli(receivedAt + 10_000), want: 10},
	} {
		conversion := &capi.Conversion{Lead: &capi.Lead{ID: "987654321012345", CreatedAt: receivedAt + c.created}, EventName: "Won"}
		got, _, err := capi.AppendConversion(nil, unified("conversion", "lead_ads", "conversion={}"), conversion, settings(), c.now)
		if want := fmt.Sprintf(`"event_time":%d,`, receivedAt/1000+c.want); err != nil || !strings.Contains(string(got), want) {
			t.Errorf("%s: %s, %v, want %s", name, got, err, want)
		}
	}
}

// TestLeadID: ids as people paste them, digits alone.
func TestLeadID(t *testing.T) {
	for written, want := range map[string]string{
		"987654321012345": "987654321012345", " l:987654321012345 ": "987654321012345", "L:98765432101234567": "98765432101234567",
		"": "", "l:": "", "0": "", "12e3": "", "-1": "", "98765432101234567890123": "", "ag:12": "", "١٢٣": "",
	} {
		id, ok := capi.LeadID(written)
		if ok != (want != "") || ok && id != want {
			t.Errorf("%q: %q %v", written, id, ok)
		}
	}
}

// TestPlanStage: each stage of a lead once, and of whom no id is known each that is posted.
func TestPlanStage(t *testing.T) {
	s := settings()
	plan := s.PlanStage("Won", &capi.Lead{ID: "1"})
	if len(plan.Once) != 1 || plan.Once[0].Key != "1234567890\nlead\n1\nWon" || plan.Once[0].Window < 90*24*time.Hour || plan.Name != "Won" {
		t.Errorf("%+v", plan)
	}
	if plan := s.PlanStage("Lead", &capi.Lead{}); len(plan.Once) != 0 || plan.Name != "Lead" {
		t.Errorf("%+v", plan)
	}
}
