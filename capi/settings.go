package capi

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/leadgate/leadgate/internal/hosts"
)

// Defaults of [Settings].
const (
	DefaultEndpoint     = "https://graph.facebook.com"
	DefaultGraphVersion = "v27.0" // since 2026-11-04
	DefaultEventName    = "Lead"
	DefaultDivisor      = 1000
	DefaultRemember     = 28 * 24 * time.Hour
	DefaultTimeout      = 10 * time.Second

	// MaxAge is how old an event may be: Meta refuses older ones.
	MaxAge = 7 * 24 * time.Hour
	// MaxBatch is how many events Meta takes in a request.
	MaxBatch = 1000
)

// LeadOn says which first contacts are reported.
type LeadOn string

// The values of LeadOn; the zero value is LeadOnClick.
const (
	LeadOnClick   LeadOn = "click"   // one for each distinct click
	LeadOnContact LeadOn = "contact" // one per contact while clicks are remembered
	LeadOnNever   LeadOn = "never"
)

// AutomaticEvents says which of the events that Meta detected are reported.
type AutomaticEvents string

// The values of AutomaticEvents; the zero value is AutomaticEventsOn.
const (
	AutomaticEventsOn    AutomaticEvents = "on"
	AutomaticEventsLeads AutomaticEvents = "leads" // leads, no purchases
	AutomaticEventsOff   AutomaticEvents = "off"
)

// The fields that may carry the Instagram account: Meta's sample has the first,
// its parameter reference the second.
const (
	InstagramBusinessAccountID = "instagram_business_account_id"
	IGAccountID                = "ig_account_id"
)

// LDU is Limited Data Use: country and state as Meta counts them, 1 and 1000
// for California; 0 and 0 let Meta find the place.
type LDU struct{ Country, State int }

// Settings are what one dataset is reported to with. Zero values mean the
// default that the field names.
type Settings struct {
	Dataset     string // the dataset's id, digits; required
	AccessToken string // required by [Client]
	AppSecret   string // not empty: requests carry appsecret_proof

	Endpoint     string // default DefaultEndpoint
	GraphVersion string // default DefaultGraphVersion

	EventName string // of a first contact; default DefaultEventName
	LeadOn    LeadOn
	// RememberClicks is how long a click or contact counts as reported;
	// default DefaultRemember.
	RememberClicks time.Duration

	AutomaticEvents AutomaticEvents
	// AutomaticValueDivisor makes a value of an automatic event's webhook one
	// in major units; default DefaultDivisor.
	AutomaticValueDivisor int64

	NoMatchKeys      bool   // send no hashed ph, em, external_id
	InstagramIDField string // default InstagramBusinessAccountID
	WabaID           string // for events whose webhook carries none

	DataProcessingOptions *LDU   // nil: no Limited Data Use
	TestEventCode         string // shows the events in the Test Events tab; they still count
	PartnerAgent          string // under 23 characters, at least two letters

	OnTimeoutDrop bool          // a request without an answer is not sent again
	Timeout       time.Duration // of one request; default DefaultTimeout
	UserAgent     string        // default "Leadgate"
}

var versioned = regexp.MustCompile(`/v[0-9]+\.[0-9]+(/|$)`)

// Validate says what is wrong with the settings, every mistake in a sentence
// with the option's name in the Caddyfile.
func (s *Settings) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if s.Dataset == "" || len(s.Dataset) > 32 || !allDigits([]byte(s.Dataset)) {
		bad("dataset %q is no dataset id: write its digits, as GET /<waba id>/dataset gives them", s.Dataset)
	}
	if strings.TrimSpace(s.AccessToken) == "" {
		bad("access_token is missing: write access_token {file./run/secrets/meta_capi_token}, for example")
	}
	if word, _, _ := strings.Cut(strings.TrimSpace(s.AccessToken), " "); strings.EqualFold(word, "Bearer") {
		bad("access_token begins with the word Bearer, which is no part of it: write the token alone")
	}
	if u, err := url.Parse(s.endpoint()); err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		bad("endpoint %q is no address: write one like %s", s.Endpoint, DefaultEndpoint)
	} else if hosts.Odd(u.Hostname()) {
		bad("endpoint %q holds an address in an odd spelling, which programs read differently: write four decimal numbers, 127.0.0.1 for example", s.Endpoint)
	} else if versioned.MatchString(u.Path) {
		bad("endpoint %q names a version, which is put behind it: write it without, and `graph_version` if it must be another than %s", s.Endpoint, DefaultGraphVersion)
	} else if u.Scheme == "http" && u.Hostname() == "graph.facebook.com" {
		bad("endpoint %q would send the access token in plain text: write %s", s.Endpoint, DefaultEndpoint)
	} else if hosts.ForbiddenHost(u.Hostname()) {
		bad("endpoint %q is link-local, or where a cloud answers its machines: the access token is never sent there", s.Endpoint)
	}
	if _, ok := versionNumber(s.graphVersion()); !ok {
		bad("graph_version %q is none: write one like %s", s.GraphVersion, DefaultGraphVersion)
	}
	if err := CheckName(s.eventName()); err != nil {
		bad("event_name: %w", err)
	} else if name := WireName(s.eventName()); name == Purchase || name == orderCreated {
		bad("event_name %s needs a value and a currency, which a first contact has not: write Lead or QualifiedLead", s.EventName)
	}
	switch s.LeadOn {
	case "", LeadOnClick, LeadOnContact, LeadOnNever:
	default:
		bad("lead_on %q: write click, contact or never", s.LeadOn)
	}
	switch s.AutomaticEvents {
	case "", AutomaticEventsOn, AutomaticEventsLeads, AutomaticEventsOff:
	default:
		bad("automatic_events %q: write on, leads or off", s.AutomaticEvents)
	}
	if s.AutomaticValueDivisor != 0 && !finiteDivisor(s.AutomaticValueDivisor) {
		bad("automatic_value_divisor %d: write 1, 100, 1000 or another number whose only prime factors are 2 and 5, so that values stay exact", s.AutomaticValueDivisor)
	}
	switch s.InstagramIDField {
	case "", InstagramBusinessAccountID, IGAccountID:
	default:
		bad("instagram_id_field %q: write %s or %s", s.InstagramIDField, InstagramBusinessAccountID, IGAccountID)
	}
	if s.WabaID != "" && !allDigits([]byte(s.WabaID)) {
		bad("waba_id %q is no WhatsApp business account id: write its digits", s.WabaID)
	}
	if d := s.DataProcessingOptions; d != nil && (d.Country < 0 || d.Country > 1 || d.State < 0 || d.State > 9999 || d.State > 0 && d.Country == 0) {
		bad("data_processing_options LDU %d %d: write LDU alone, or LDU 1 and the state's number, 1000 for California", d.Country, d.State)
	}
	if a := s.PartnerAgent; a != "" && (len(a) >= 23 || letters(a) < 2 || !printableASCII([]byte(a))) {
		bad("partner_agent %q: write under 23 characters, at least two of them letters", a)
	}
	if !printableASCII([]byte(s.TestEventCode)) {
		bad("test_event_code %q: write the code of the Test Events tab, TEST12345 for example", s.TestEventCode)
	}
	return errors.Join(errs...)
}

// Warnings says what works today and is still worth a look.
func (s *Settings) Warnings() []string {
	var out []string
	if n, ok := versionNumber(s.graphVersion()); ok && n <= lastExpiredVersion {
		out = append(out, fmt.Sprintf("graph_version %s has expired and Meta answers as it likes: write %s", s.graphVersion(), DefaultGraphVersion))
	}
	if s.TestEventCode != "" {
		out = append(out, "test_event_code is set: the events show in the Test Events tab, and still count for delivery and measurement")
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

func (s *Settings) endpoint() string     { return or(strings.TrimRight(s.Endpoint, "/"), DefaultEndpoint) }
func (s *Settings) graphVersion() string { return or(s.GraphVersion, DefaultGraphVersion) }
func (s *Settings) eventName() string    { return or(s.EventName, DefaultEventName) }
func (s *Settings) divisor() int64       { return or(s.AutomaticValueDivisor, DefaultDivisor) }
func (s *Settings) remember() time.Duration {
	return or(s.RememberClicks, DefaultRemember)
}

// or is v, or the default where v is the zero value.
func or[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}
