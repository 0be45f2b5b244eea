package capi

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestExplain(t *testing.T) {
	for _, c := range []struct {
		code, subcode int
		class         ErrorClass
		word          string // in the text
	}{
		{1, 0, Transient, "batch"}, {2, 0, Transient, ""},
		{4, 0, Throttled, "app"}, {17, 0, Throttled, ""}, {32, 0, Throttled, ""}, {341, 0, Throttled, ""}, {613, 0, Throttled, ""},
		{80000, 0, Throttled, ""}, {80001, 0, Throttled, ""}, {80002, 0, Throttled, ""}, {80003, 0, Throttled, ""}, {80004, 0, Throttled, ""},
		{80005, 0, Throttled, ""}, {80006, 0, Throttled, ""}, {80007, 0, Throttled, ""}, {80008, 0, Throttled, ""}, {80009, 0, Throttled, ""},
		{80014, 0, Throttled, ""},
		{190, 0, Token, "token"}, {190, 458, Token, "removed"}, {190, 459, Token, "log in"}, {190, 460, Token, "password"},
		{190, 463, Token, "expired"},
		{190, 464, Token, "confirmed"}, {190, 467, Token, "valid"}, {190, 492, Token, "role"}, {190, 9999, Token, "token"}, {102, 0, Token, ""},
		{102, 463, Token, ""},
		{803, 0, Configuration, "dataset"}, {210, 0, Permission, "Page's own"},
		{104, 0, Configuration, "app_secret"}, {2635, 0, Configuration, "graph_version"},
		{3, 0, Permission, ""}, {10, 0, Permission, "whatsapp_business_manage_events"}, {200, 0, Permission, ""}, {255, 7, Permission, ""},
		{299, 0, Permission, ""},
		{300, 0, Transient, "table"}, {199, 0, Transient, "table"}, {99999, 0, Transient, "table"},
		{100, 33, Permission, "dataset"}, {100, 0, BadEvent, ""}, {100, 34, BadEvent, ""},
		{100, 2804118, Configuration, "WhatsApp business account"}, {100, 2804131, Configuration, "page"}, {100, 2804132, Configuration, "pixel"},
		{100, 2804003, BadEvent, "seven days"}, {100, 2804043, BadEvent, "extinfo"}, {100, 2804050, BadEvent, "user_data"},
		{100, 2804063, BadEvent, "messaging_channel"},
		{100, 2804064, BadEvent, "fbc"}, {100, 2804066, BadEvent, "LeadSubmitted"}, {100, 2804081, BadEvent, "currency"},
		{100, 2804087, BadEvent, "ctwa_clid"},
		{100, 2804116, BadEvent, "`waba_id`"}, {100, 2804999, BadEvent, "Conversions API"},
		{100, 2804016, BadEvent, "website"}, {100, 2804030, BadEvent, "LDU"}, {100, 2018382, BadEvent, "lead form"},
		{100, 2804998, BadEvent, "restrictive regions"}, {10, 1893063, Throttled, "barred"}, {138038, 0, Permission, "routing"},
		{100, 2494191, Permission, "routing"},
		{368, 0, Throttled, "policies"}, {506, 0, Throttled, "repetition"},
	} {
		e := Explain(c.code, c.subcode)
		if e.Class != c.class || !strings.Contains(e.Text(), c.word) || e.Code != c.code || e.Subcode != c.subcode {
			t.Errorf("%d/%d: %s, %s", c.code, c.subcode, e.Class, e.Text())
		}
	}
	if Explain(10, 1893063).Wait < time.Hour {
		t.Error("a barred page is tried again quickly")
	}
	for _, code := range []int{368, 506} {
		if Explain(code, 0).Wait < time.Hour {
			t.Errorf("%d is tried again quickly", code)
		}
	}
}

func TestTransientWins(t *testing.T) {
	for _, e := range Codes() {
		g := GraphError{Code: e.Code, Subcode: e.Subcode, Transient: true}
		if c := g.Explain().Class; c != Transient && c != Throttled {
			t.Errorf("%s with is_transient is %s", e.Name(), c)
		}
	}
}

// TestRestrictiveRegion: Meta's words make the sentence better, in English or not
// the class is the same.
func TestRestrictiveRegion(t *testing.T) {
	for _, e := range []GraphError{
		{Code: 100, Subcode: 2804777, Title: "Messaging Event Within Messaging Restrictive Region"},
		{Code: 100, Subcode: 2804777, Message: "Invalid parameter: Messaging Event Within Messaging Restrictive Region"},
	} {
		if x := e.Explain(); x.Class != BadEvent || !strings.Contains(x.Sentence, "registered") || x.Name() != "100/2804777" {
			t.Errorf("%+v is %+v", e, x)
		}
	}
	danish := GraphError{Code: 100, Subcode: 2804777, Title: "Besked uden for regionen"}
	if x := danish.Explain(); x.Class != BadEvent || !strings.Contains(x.Fix, "restrictive regions") {
		t.Errorf("%+v", x)
	}
	if x := (&GraphError{Code: 190, Title: restrictiveRegionTitle}).Explain(); x.Class != Token {
		t.Errorf("%+v", x)
	}
}

// The table's order matters: no entry may hide a later one.
func TestTable(t *testing.T) {
	for _, e := range Codes() {
		if got := Explain(e.Code, e.Subcode); got.Sentence != e.Sentence {
			t.Errorf("%s is explained as %q", e.Name(), got.Sentence)
		}
		if e.Class == 0 || e.Sentence == "" || e.Fix == "" || strings.HasSuffix(e.Sentence, ".") || strings.HasSuffix(e.Fix, ".") {
			t.Errorf("%s is incomplete: %+v", e.Name(), e)
		}
	}
}

func TestParseCode(t *testing.T) {
	for in, want := range map[string][2]int{"190": {190, 0}, "100/2804066": {100, 2804066}, "#100.2804066": {100, 2804066},
		"2804066": {100, 2804066}, " 190 : 463": {190, 463}, "80007": {80007, 0}} {
		code, sub, err := ParseCode(in)
		if err != nil || code != want[0] || sub != want[1] {
			t.Errorf("%q: %d/%d, %v", in, code, sub, err)
		}
	}
	for _, in := range []string{"", "x", "100/", "100/x", "-1", "1/2/3"} {
		if _, _, err := ParseCode(in); err == nil {
			t.Errorf("%q is taken", in)
		}
	}
}

func TestNames(t *testing.T) {
	if len(EventNames()) != 14 || WireName("Lead") != LeadSubmitted || WireName("Purchase") != "Purchase" {
		t.Error("names")
	}
	for _, name := range append(EventNames(), "Lead") {
		if err := CheckName(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, want := range map[string]string{"purchase": "is written Purchase", "LEAD": "is written Lead",
		"leadsubmitted":        "is written LeadSubmitted",
		"CompleteRegistration": "write QualifiedLead", "Contact": "write LeadSubmitted", "": "write one of", "Won": "write Purchase",
		"My Event": "write one of Lead, Purchase"} {
		if err := CheckName(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestCurrency(t *testing.T) {
	for in, want := range map[string]string{"USD": "USD", "brl": "BRL", "AED": "AED", "ZWL": "ZWL"} {
		if got, ok := Currency(in); !ok || got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
	for _, in := range []string{"", "US", "USDT", "XYZ", "D A", "ED ", "€"} {
		if got, ok := Currency(in); ok {
			t.Errorf("%q is taken for %s", in, got)
		}
	}
}

func TestSettingsValidate(t *testing.T) {
	good := func() *Settings { return &Settings{Dataset: "1234567890", AccessToken: "EAAtoken"} }
	if err := good().Validate(); err != nil {
		t.Fatal(err)
	}
	full := &Settings{Dataset: "1", AccessToken: "x", Endpoint: "http://127.0.0.1:9/", GraphVersion: "v25.0", EventName: "QualifiedLead",
		LeadOn:          LeadOnContact,
		AutomaticEvents: AutomaticEventsLeads, AutomaticValueDivisor: 100, InstagramIDField: IGAccountID, WabaID: "102290129340398",
		DataProcessingOptions: &LDU{1, 1000}, PartnerAgent: "leadgate", TestEventCode: "TEST123"}
	if err := full.Validate(); err != nil {
		t.Fatal(err)
	}
	if w := full.Warnings(); len(w) != 1 || w[0].Problem != "test_event_code is set" {
		t.Errorf("warnings %q", w)
	}
	for option, change := range map[string]func(*Settings){
		"dataset":                 func(s *Settings) { s.Dataset = "acme" },
		"access_token":            func(s *Settings) { s.AccessToken = " \n" },
		"endpoint":                func(s *Settings) { s.Endpoint = "graph.facebook.com" },
		"graph_version":           func(s *Settings) { s.GraphVersion = "26" },
		"event_name":              func(s *Settings) { s.EventName = "Contact" },
		"event_name Purchase":     func(s *Settings) { s.EventName = "Purchase" },
		"lead_on":                 func(s *Settings) { s.LeadOn = "always" },
		"automatic_events":        func(s *Settings) { s.AutomaticEvents = "yes" },
		"automatic_value_divisor": func(s *Settings) { s.AutomaticValueDivisor = 3 },
		"instagram_id_field":      func(s *Settings) { s.InstagramIDField = "ig" },
		"waba_id":                 func(s *Settings) { s.WabaID = "acme" },
		"data_processing_options": func(s *Settings) { s.DataProcessingOptions = &LDU{2, 0} },
		"partner_agent":           func(s *Settings) { s.PartnerAgent = "a-name-that-is-far-too-long" },
		"test_event_code":         func(s *Settings) { s.TestEventCode = "té" },
	} {
		s := good()
		change(s)
		err := s.Validate()
		if err == nil || !strings.HasPrefix(err.Error(), option) {
			t.Errorf("%s: %v", option, err)
		}
		name, _, _ := strings.Cut(option, " ")
		if setting, ok := errors.AsType[*SettingError](err); !ok || setting.Option != name {
			t.Errorf("%s: the error is of %+v", option, setting)
		}
	}
	plain := good()
	plain.SetDefaults()
	if err := plain.Validate(); err != nil || plain.EventName != DefaultEventName || plain.Endpoint != DefaultEndpoint ||
		plain.LeadOn != LeadOnClick {
		t.Errorf("%+v: %v", plain, err)
	}
	old := good()
	old.GraphVersion = "v19.0"
	if w := old.Warnings(); len(w) != 1 || w[0].Advice != "write v27.0" {
		t.Errorf("warnings %q", w)
	}
}
