package capi

import (
	"slices"
	"testing"
	"time"

	"github.com/leadgate/leadgate/normalize"
)

func txt(s string) normalize.Text { return normalize.Text(`"` + s + `"`) }

func clickEvent(clid string) *normalize.Event {
	return &normalize.Event{
		Kind: normalize.KindMessage, Channel: normalize.ChannelWhatsApp, UserID: txt("US.111"), WaID: txt("15551234567"),
		Message: &normalize.Message{}, Referral: &normalize.Referral{CtwaClid: txt(clid), AdID: txt("23850001")},
	}
}

func adEvent(user, ad string) *normalize.Event {
	ev := &normalize.Event{Kind: normalize.KindMessage, Channel: normalize.ChannelMessenger, UserID: txt(user),
		Message: &normalize.Message{}, Referral: &normalize.Referral{SourceType: txt("ad")}}
	if ad != "" {
		ev.Referral.AdID = txt(ad)
	}
	return ev
}

func automatic(name, clid, value string) *normalize.Event {
	ev := &normalize.Event{Kind: normalize.KindAutomaticEvent, Channel: normalize.ChannelWhatsApp,
		AutomaticEvent: &normalize.AutomaticEvent{EventName: txt(name)}}
	if clid != "" {
		ev.AutomaticEvent.CtwaClid = txt(clid)
	}
	if value != "" {
		ev.AutomaticEvent.Value, ev.AutomaticEvent.Currency = normalize.Value(value), txt("usd")
	}
	return ev
}

// memory does what a queue does with Once.
type memory map[string]bool

func (m memory) first(p Plan) bool {
	for _, o := range p.Once {
		if o.Use != Mark && m[o.Key] {
			return false
		}
	}
	for _, o := range p.Once {
		if o.Use != Look {
			m[o.Key] = true
		}
	}
	return true
}

func TestPlanNever(t *testing.T) {
	on := &Settings{Dataset: "1"}
	organic := clickEvent("x")
	organic.Referral = &normalize.Referral{}
	noClick := clickEvent("x")
	noClick.Referral = &normalize.Referral{AdID: txt("238")}
	echo := clickEvent("x")
	echo.Kind = normalize.KindEcho
	sms := clickEvent("x")
	sms.Channel = normalize.ChannelSMS
	post := adEvent("77", "")
	post.Referral.SourceType = nil
	for name, c := range map[string]struct {
		ev *normalize.Event
		s  *Settings
	}{
		"organic": {organic, on}, "no ctwa_clid": {noClick, on}, "echo": {echo, on}, "sms": {sms, on}, "m.me link": {post, on},
		"status":                          {&normalize.Event{Kind: normalize.KindStatus, Channel: normalize.ChannelWhatsApp}, on},
		"no referral":                     {&normalize.Event{Kind: normalize.KindMessage, Channel: normalize.ChannelWhatsApp}, on},
		"lead_on never":                   {clickEvent("x"), &Settings{Dataset: "1", LeadOn: LeadOnNever}},
		"automatic_events off":            {automatic("LeadSubmitted", "x", ""), &Settings{Dataset: "1", AutomaticEvents: AutomaticEventsOff}},
		"automatic_events leads":          {automatic("Purchase", "x", "5"), &Settings{Dataset: "1", AutomaticEvents: AutomaticEventsLeads}},
		"automatic event of a Status ad":  {automatic("LeadSubmitted", "", ""), on},
		"automatic event without content": {&normalize.Event{Kind: normalize.KindAutomaticEvent, Channel: normalize.ChannelWhatsApp}, on},
	} {
		if p, ok := c.s.Plan(c.ev); ok {
			t.Errorf("%s is reported: %+v", name, p)
		}
	}
	if n := testing.AllocsPerRun(100, func() { on.Plan(organic) }); n != 0 {
		t.Errorf("an organic message costs %v allocations", n)
	}
}

func TestPlanOnce(t *testing.T) {
	type step struct {
		plan  Plan
		first bool
	}
	plan := func(s *Settings, ev *normalize.Event) Plan {
		p, ok := s.Plan(ev)
		if !ok {
			t.Helper()
			t.Fatalf("not reported: %+v", ev)
		}
		return p
	}
	click, contact := &Settings{Dataset: "1"}, &Settings{Dataset: "1", LeadOn: LeadOnContact}
	otherDataset := &Settings{Dataset: "2"}
	qualified := &Settings{Dataset: "1", EventName: "QualifiedLead"}
	posted := func(name, clid, value string) Plan {
		return click.PlanConversion(name, &Click{CtwaClid: clid, UserID: "US.111", AdID: "1"}, value, "USD")
	}
	sameContact := clickEvent("B")
	sameContact.UserID = nil // the username was given up: only the number is left
	for name, steps := range map[string][]step{
		"a click once": {{plan(click, clickEvent("A")), true}, {plan(click, clickEvent("A")), false},
			{plan(click, clickEvent("B")), true}},
		"datasets apart": {{plan(click, clickEvent("A")), true}, {plan(otherDataset, clickEvent("A")), true}},
		"names apart": {{plan(qualified, clickEvent("A")), true}, {plan(click, clickEvent("A")), true},
			{plan(qualified, clickEvent("A")), false}},
		"lead_on contact": {{plan(contact, clickEvent("A")), true}, {plan(contact, clickEvent("B")), false},
			{plan(contact, sameContact), false}},
		"lead_on contact and an automatic lead": {{plan(contact, automatic("LeadSubmitted", "A", "")), true},
			{plan(contact, clickEvent("A")), false}, {plan(contact, clickEvent("B")), true}},
		"automatic lead first": {{plan(click, automatic("LeadSubmitted", "A", "")), true}, {plan(click, clickEvent("A")), false},
			{posted("Lead", "A", ""), false}},
		"posted lead first": {{posted("LeadSubmitted", "A", ""), true}, {plan(click, clickEvent("A")), false},
			{posted("Lead", "A", ""), false}, {posted("Lead", "B", ""), true}},
		"messenger": {{plan(click, adEvent("7", "1")), true}, {plan(click, adEvent("7", "1")), false},
			{plan(click, adEvent("7", "2")), true}, {plan(click, adEvent("8", "1")), true}, {plan(click, adEvent("7", "")), true}},
		"messenger, posted": {{plan(click, adEvent("7", "1")), true},
			{click.PlanConversion("Lead", &Click{UserID: "7", AdID: "1"}, "", ""), false}},
		"purchase, Meta first": {{plan(click, automatic("Purchase", "A", "12.50")), true},
			{posted("Purchase", "A", "12.5"), false}, {posted("Purchase", "A", "13"), true}, {posted("Purchase", "B", "12.5"), true}},
		"purchase, CRM first": {{posted("Purchase", "A", `"12.500"`), true},
			{plan(click, automatic("Purchase", "A", "12.5")), false}},
		"two orders of the CRM": {{posted("Purchase", "A", "5"), true}, {posted("Purchase", "A", "5"), true},
			{plan(click, automatic("Purchase", "A", "5")), false}},
		"two by Meta": {{plan(click, automatic("Purchase", "A", "5")), true},
			{plan(click, automatic("Purchase", "A", "5")), false}},
		"refused leaves nothing": {
			{plan(contact, clickEvent("A")), true}, {plan(contact, clickEvent("B")), false},
			{plan(click, automatic("LeadSubmitted", "B", "")), true}},
	} {
		m := memory{}
		for i, s := range steps {
			if m.first(s.plan) != s.first {
				t.Errorf("%s, step %d: %+v, want first %v", name, i+1, s.plan, s.first)
			}
		}
	}
}

func TestPlanDetails(t *testing.T) {
	s := &Settings{Dataset: "9", RememberClicks: 40 * 24 * time.Hour}
	p, _ := s.Plan(clickEvent("A"))
	if want := []Once{{Key: "9\nclick\nLeadSubmitted\nA", Window: 40 * 24 * time.Hour}}; p.Name != LeadSubmitted ||
		!slices.Equal(p.Once, want) {
		t.Errorf("%+v", p)
	}
	escaped := clickEvent(`A\u0062`)
	if q, _ := s.Plan(escaped); q.Once[0].Key != "9\nclick\nLeadSubmitted\nAb" {
		t.Errorf("an escaped click id is another key: %q", q.Once[0].Key)
	}
	if p, _ := s.Plan(adEvent("7", "1")); p.Once[0].Window != 24*time.Hour {
		t.Errorf("%+v", p)
	}
	// The divisor moves the value, so that Meta's and the CRM's are compared in
	// the same units.
	s.AutomaticValueDivisor = 100
	a, _ := s.Plan(automatic("Purchase", "A", "2.5"))
	if b := s.PlanConversion("Purchase", &Click{CtwaClid: "A"}, "25", "USD"); a.Once[0].Key != b.Once[0].Key {
		t.Errorf("%q, %q", a.Once, b.Once)
	}
	if p := s.PlanConversion("QualifiedLead", &Click{CtwaClid: "A"}, "", ""); p.Once != nil || p.Name != "QualifiedLead" {
		t.Errorf("%+v", p)
	}
}
