package caddymodule

import (
	"strings"
	"testing"
)

// TestMistakesInStages names each mistake of who reports leads, and what to write.
func TestMistakesInStages(t *testing.T) {
	const (
		stages = "capi lead_ads {\ndataset 345\naccess_token x\n%MORE%\n}\n"
		leads  = "leads {\naccess_token x\n%MORE%\n}\n"
	)
	with := func(block, more string) string { return strings.Replace(block, "%MORE%", more, 1) }
	t.Setenv("LEADGATE_TEST_DATASET", "345")
	conversions := "leadgate_conversions /conversions {\ntenant default\ntoken x\nmap mql \"Marketing Qualified Lead\"\n}"
	for _, c := range []struct{ block, more, says string }{
		{"capi lead_ads whatsapp {\ndataset 345\naccess_token x\n}", "", "capi lead_ads stands alone"},
		{"capi leads {\ndataset 345\naccess_token x\n}", "",
			"capi channel 'leads' is unknown: write whatsapp, messenger or instagram, none for all chats, or lead_ads"},
		{with(stages, "event_name Lead"), "", "capi lead_ads has no event_name, which is of chats: leave it out"},
		{with(stages, "lead_on never"), "", "capi lead_ads has no lead_on"},
		{with(stages, "automatic_events off"), "", "capi lead_ads has no automatic_events"},
		{with(stages, "automatic_value_divisor 1"), "", "capi lead_ads has no automatic_value_divisor"},
		{with(stages, "waba_id 1"), "", "capi lead_ads has no waba_id"},
		{with(stages, "instagram_id_field ig_account_id"), "", "capi lead_ads has no instagram_id_field"},
		{"capi {\ndataset 1\naccess_token x\nlead_event_source HubSpot\n}", "", "lead_event_source is of `capi lead_ads` alone"},
		{with(stages, "lead_event_source \" \""), "", "lead_event_source"},
		{with(stages, "name a") + with(stages, "name b"), "", "two `capi lead_ads` blocks: a stage of a lead goes to one of them"},
		{with(leads, "report "+strings.Repeat("x", 101)) + with(stages, ""), "", "report: event name"},
		{with(stages, "") + "capi {\ndataset 345\naccess_token x\n}\n", "", "chats and stages of leads are never mixed"},
		{with(stages, "name a") + "capi whatsapp {\nname b\ndataset {env.LEADGATE_TEST_DATASET}\naccess_token x\n}\n", "",
			"dataset 345 stands in a `capi` for chats and in a `capi lead_ads` (tenants default and default)"},
		{"tenant b {\nmatch waba_id 1\ncapi {\ndataset 345\naccess_token x\n}\n}\ntenant a {\nmatch page_id 2\n" + with(stages, "") + "}", "",
			"(tenants b and a)"},
		{with(leads, "report Lead"), "", "destination default-leads: report Lead: there is no `capi lead_ads` to report leads to"},
		{with(leads, "report Lead") + "capi {\ndataset 1\naccess_token x\n}", "", "there is no `capi lead_ads` to report leads to"},
		{with(leads, "reconcile 15m"), "", "destination default-leads: reconcile reads the forms of the tenant's Pages, and it has none: " +
			"write `match page_id <id>`"},
		{"tenant acme {\nmatch waba_id 102290129340398\n" + with(leads, "reconcile 15m") + "}", "",
			"tenant acme: destination acme-leads: reconcile"},
		{with(stages, "") + "convert MQL {\non echo\ntext won\n}", "",
			"convert MQL: the tenant reports leads of lead ads alone"},
		{"capi whatsapp {\ndataset 1\naccess_token x\n}\n" + with(stages, "") + "convert MQL {\non echo\ntext won\n}", "", "MQL"},
		{"capi {\ndataset 1\naccess_token x\n}", conversions, "map mql: the event name \"Marketing Qualified Lead\" is none that Meta takes"},
	} {
		text := siteOf(c.block, c.more)
		if err := validate(t, text); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s\n\tgot  %v\n\twant %s", c.block, err, c.says)
		}
	}
	for _, good := range []string{
		with(stages, ""), with(stages, "lead_event_source \"Meu CRM\"\nmatch_keys none\ntest_event_code TEST1\non_timeout drop\nname crm"),
		with(stages, "") + with(leads, "report \"Initial Lead\""),
		with(stages, "") + "capi {\ndataset 1\naccess_token x\n}\n", // the chats
	} {
		if err := validate(t, siteOf(good, conversions)); err != nil {
			t.Errorf("%s\n%v", good, err)
		}
	}
}

// TestReportToNobody: leads that are to be reported to nobody fail the load, and the running
// configuration stays.
func TestReportToNobody(t *testing.T) {
	leads := "leads {\nname forms\naccess_token x\nreport Lead\n}\n"
	e := startEdge(t, site(leads+"capi lead_ads {\ndataset 345\naccess_token x\n}"))
	err := e.load(site(leads))
	const says = "tenant default: destination forms: report Lead: there is no `capi lead_ads` to report leads to: add one to the tenant"
	if err == nil || !strings.Contains(err.Error(), says) {
		t.Errorf("%v", err)
	}
}

// TestLeadsOfChatsAlone: where no form can come, leads is refused; that a tenant is in a block of
// Meta's besides is enough.
func TestLeadsOfChatsAlone(t *testing.T) {
	const head = "{\nleadgate {\nqueue embedded %DIR%/queue\n}\n}\nhttp://127.0.0.1:%PORT% {\n"
	leads := "tenant acme\nleads {\naccess_token x\n}\n"
	of := func(path, provider, more string) string {
		return "leadgate " + path + " {\nprovider " + provider + "\n" + more + "}\n"
	}
	meta := func(more string) string { return of("/m", "meta {\napp_secret s\nverify_token v\n}", more) }
	for _, p := range []string{
		"gupshup {\ntoken header X-Token t\n}", "whapi {\ntoken header X-Token t\n}", "360dialog {\nsignature_secret s\n}",
		"twilio {\nauth_token t\n}",
	} {
		chats := of("/c*", p, leads)
		err := validate(t, head+chats+"respond 404\n}")
		if err == nil || !strings.Contains(err.Error(), "forms of lead ads come by `provider meta` alone") {
			t.Errorf("%s: %v", p, err)
		}
		if err := validate(t, head+chats+meta(leads)+"respond 404\n}"); err != nil {
			t.Errorf("beside Meta's: %s: %v", p, err)
		}
	}
}

// siteOf is a site with a leadgate block, and more beside it.
func siteOf(block, more string) string {
	text := site(block)
	return strings.TrimSuffix(strings.TrimRight(text, "\n"), "}") + more + "\n}\n"
}
