package capi

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/leadgate/leadgate/internal/hosts"
	"github.com/leadgate/leadgate/internal/money"
	"github.com/leadgate/leadgate/internal/phone"
)

// SettingError says what is wrong with one of the [Settings].
type SettingError struct {
	Option string // the setting's name in the Caddyfile: event_name
	Text   string // one sentence, which names the option and says what to write instead
}

// Error is the sentence.
func (e *SettingError) Error() string { return e.Text }

// checks are what a setting must be, by its option's name, in the order of reading.
// A check returns the sentence of the mistake, without the name in front, "" for
// none.
var checks = []struct {
	option string
	check  func(s *Settings) string
}{
	{"dataset", checkDataset},
	{"access_token", checkToken},
	{"endpoint", checkEndpoint},
	{"graph_version", checkVersion},
	{"event_name", checkEventName},
	{"lead_on", checkLeadOn},
	{"automatic_events", checkAutomaticEvents},
	{"automatic_value_divisor", checkDivisor},
	{"instagram_id_field", checkInstagramIDField},
	{"waba_id", checkWabaID},
	{"lead_event_source", checkLeadEventSource},
	{"data_processing_options", checkLDU},
	{"partner_agent", checkPartnerAgent},
	{"test_event_code", checkTestEventCode},
}

// Validate says what is wrong with the settings: every mistake is a [*SettingError]
// of what [errors.Join] joins.
func (s *Settings) Validate() error { return s.validate(nil) }

// ValidateAccess is [Settings.Validate] for who asks the Graph API for something else than
// to take events: of the settings it looks at AccessToken, Endpoint and GraphVersion.
func (s *Settings) ValidateAccess() error {
	return s.validate([]string{"access_token", "endpoint", "graph_version"})
}

// validate looks at these options, nil for all.
func (s *Settings) validate(only []string) error {
	var errs []error
	for _, c := range checks {
		if only != nil && !slices.Contains(only, c.option) {
			continue
		}
		if problem := c.check(s); problem != "" {
			errs = append(errs, &SettingError{Option: c.option, Text: c.option + problem})
		}
	}
	return errors.Join(errs...)
}

func checkDataset(s *Settings) string {
	if s.Dataset == "" || len(s.Dataset) > 32 || phone.Digits(s.Dataset) != s.Dataset {
		return fmt.Sprintf(" %q is no dataset id: write its digits, as GET /<waba id>/dataset gives them", s.Dataset)
	}
	return ""
}

func checkToken(s *Settings) string {
	token := strings.TrimSpace(s.AccessToken)
	if token == "" {
		return " is missing: write access_token {file./run/secrets/meta_capi_token}, for example"
	}
	if word, _, _ := strings.Cut(token, " "); strings.EqualFold(word, "Bearer") {
		return " begins with the word Bearer, which is no part of it: write the token alone"
	}
	return ""
}

var versioned = regexp.MustCompile(`/v[0-9]+\.[0-9]+(/|$)`)

func checkEndpoint(s *Settings) string {
	text := s.endpoint()
	if problem := hosts.Endpoint(text, DefaultEndpoint, func(host string) bool { return host == "graph.facebook.com" }); problem != "" {
		return problem
	}
	if u, err := url.Parse(text); err == nil && versioned.MatchString(u.Path) {
		return fmt.Sprintf(" %q names a version, which is put behind it: write it without, and `graph_version` if it must be another than %s",
			text, DefaultGraphVersion)
	}
	return ""
}

func checkVersion(s *Settings) string {
	if _, ok := versionNumber(s.graphVersion()); !ok {
		return fmt.Sprintf(" %q is none: write one like %s", s.GraphVersion, DefaultGraphVersion)
	}
	return ""
}

func checkEventName(s *Settings) string {
	if err := CheckName(s.eventName()); err != nil {
		return ": " + err.Error()
	}
	if name := WireName(s.eventName()); name == Purchase || name == orderCreated {
		return " " + s.EventName + " needs a value and a currency, which a first contact has not: write Lead or QualifiedLead"
	}
	return ""
}

func checkLeadOn(s *Settings) string {
	switch s.LeadOn {
	case "", LeadOnClick, LeadOnContact, LeadOnNever:
		return ""
	}
	return fmt.Sprintf(" %q: write click, contact or never", s.LeadOn)
}

func checkAutomaticEvents(s *Settings) string {
	switch s.AutomaticEvents {
	case "", AutomaticEventsOn, AutomaticEventsLeads, AutomaticEventsOff:
		return ""
	}
	return fmt.Sprintf(" %q: write on, leads or off", s.AutomaticEvents)
}

func checkDivisor(s *Settings) string {
	if !money.FiniteDivisor(s.divisor()) {
		return fmt.Sprintf(" %d: write 1, 100, 1000 or another number whose only prime factors are 2 and 5, so that values stay exact",
			s.AutomaticValueDivisor)
	}
	return ""
}

func checkInstagramIDField(s *Settings) string {
	switch s.instagramIDField() {
	case InstagramBusinessAccountID, IGAccountID:
		return ""
	}
	return fmt.Sprintf(" %q: write %s or %s", s.InstagramIDField, InstagramBusinessAccountID, IGAccountID)
}

func checkWabaID(s *Settings) string {
	if s.WabaID != "" && phone.Digits(s.WabaID) != s.WabaID {
		return fmt.Sprintf(" %q is no WhatsApp business account id: write its digits", s.WabaID)
	}
	return ""
}

func checkLeadEventSource(s *Settings) string {
	if !isText(s.leadEventSource(), maxStage) {
		return fmt.Sprintf(" %q: write the name of the CRM, HubSpot for example", s.LeadEventSource)
	}
	return ""
}

func checkLDU(s *Settings) string {
	d := s.DataProcessingOptions
	if d != nil && (d.Country < 0 || d.Country > 1 || d.State < 0 || d.State > 9999 || d.State > 0 && d.Country == 0) {
		return fmt.Sprintf(" LDU %d %d: write LDU alone, or LDU 1 and the state's number, 1000 for California", d.Country, d.State)
	}
	return ""
}

func checkPartnerAgent(s *Settings) string {
	if a := s.PartnerAgent; a != "" && (len(a) >= 23 || letters(a) < 2 || !printableASCII([]byte(a))) {
		return fmt.Sprintf(" %q: write under 23 characters, at least two of them letters", a)
	}
	return ""
}

func checkTestEventCode(s *Settings) string {
	if !printableASCII([]byte(s.TestEventCode)) {
		return fmt.Sprintf(" %q: write the code of the Test Events tab, TEST12345 for example", s.TestEventCode)
	}
	return ""
}

// Warning is what a setting that works today has against it.
type Warning struct {
	Problem string // which names the option: test_event_code is set
	Advice  string // what to write instead, or what to know of it
}

// String is the warning in one sentence.
func (w Warning) String() string { return w.Problem + ": " + w.Advice }

// Warnings says what works today and is still worth a look.
func (s *Settings) Warnings() []Warning {
	var out []Warning
	if n, ok := versionNumber(s.graphVersion()); ok && n <= lastExpiredVersion {
		out = append(out, Warning{
			fmt.Sprintf("graph_version %s has expired and Meta answers as it likes", s.graphVersion()), "write " + DefaultGraphVersion,
		})
	}
	if s.TestEventCode != "" {
		out = append(out, Warning{
			"test_event_code is set", "the events show in the Test Events tab, and still count for delivery and measurement",
		})
	}
	return out
}

// lastExpiredVersion is v20, which expired on 2026-09-24; v21 lives until
// 2027-01-21.
const lastExpiredVersion = 20

func versionNumber(v string) (int, bool) {
	major, minor, ok := strings.Cut(strings.TrimPrefix(v, "v"), ".")
	n, err := strconv.Atoi(major)
	_, err2 := strconv.Atoi(minor)
	return n, ok && err == nil && err2 == nil && n > 0 && strings.HasPrefix(v, "v")
}

func letters(s string) (n int) {
	for _, r := range s {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			n++
		}
	}
	return n
}
