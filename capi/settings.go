package capi

import (
	"strings"
	"time"
)

// Defaults of [Settings].
const (
	DefaultEndpoint     = "https://graph.facebook.com"
	DefaultGraphVersion = "v27.0" // since 2026-11-04
	DefaultEventName    = "Lead"
	DefaultDivisor      = 1000
	DefaultRemember     = 28 * 24 * time.Hour
	DefaultTimeout      = 10 * time.Second
	DefaultUserAgent    = "Leadgate"

	DefaultLeadEventSource = "CRM"

	// MaxAge is how old an event may be: Meta refuses older ones.
	MaxAge = 7 * 24 * time.Hour
	// MaxBatch is how many events Meta takes in a request.
	MaxBatch = 1000
)

// LeadOn says which first contacts are reported.
type LeadOn string

// The values of LeadOn.
const (
	LeadOnClick   LeadOn = "click"   // one for each distinct click
	LeadOnContact LeadOn = "contact" // one per contact while clicks are remembered
	LeadOnNever   LeadOn = "never"
)

// AutomaticEvents says which of the events that Meta detected are reported.
type AutomaticEvents string

// The values of AutomaticEvents.
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

// Settings are what one dataset is reported to with. A zero value means the default
// that the field names, see [Settings.SetDefaults].
type Settings struct {
	Dataset     string // the dataset's id, digits; required
	AccessToken string // required by [Client]
	AppSecret   string // not empty: requests carry appsecret_proof

	Endpoint     string // default DefaultEndpoint
	GraphVersion string // default DefaultGraphVersion

	EventName string // of a first contact; default DefaultEventName
	LeadOn    LeadOn // default LeadOnClick
	// RememberClicks is how long a click or contact counts as reported;
	// default DefaultRemember.
	RememberClicks time.Duration

	AutomaticEvents AutomaticEvents // default AutomaticEventsOn
	// AutomaticValueDivisor makes a value of an automatic event's webhook one
	// in major units; default DefaultDivisor.
	AutomaticValueDivisor int64

	NoMatchKeys      bool   // send no hashed ph, em, external_id
	InstagramIDField string // default InstagramBusinessAccountID
	WabaID           string // for events whose webhook carries none

	LeadEventSource string // the CRM whose stages of leads are reported; default DefaultLeadEventSource

	DataProcessingOptions *LDU   // nil: no Limited Data Use
	TestEventCode         string // shows the events in the Test Events tab; they still count
	PartnerAgent          string // under 23 characters, at least two letters

	OnTimeoutDrop bool          // a request without an answer is not sent again
	Timeout       time.Duration // of one request; default DefaultTimeout
	UserAgent     string        // default DefaultUserAgent
}

// SetDefaults fills in what is left to a default. What reads the settings does not
// need it; who compares or shows them does.
func (s *Settings) SetDefaults() {
	s.Endpoint, s.GraphVersion, s.UserAgent = s.endpoint(), s.graphVersion(), s.userAgent()
	s.EventName, s.LeadOn, s.RememberClicks = s.eventName(), or(s.LeadOn, LeadOnClick), s.remember()
	s.AutomaticEvents, s.AutomaticValueDivisor = or(s.AutomaticEvents, AutomaticEventsOn), s.divisor()
	s.InstagramIDField, s.Timeout, s.LeadEventSource = s.instagramIDField(), s.timeout(), s.leadEventSource()
}

// Each default stands here, once.
func (s *Settings) endpoint() string {
	return or(strings.TrimRight(s.Endpoint, "/"), DefaultEndpoint)
}
func (s *Settings) graphVersion() string    { return or(s.GraphVersion, DefaultGraphVersion) }
func (s *Settings) userAgent() string       { return or(s.UserAgent, DefaultUserAgent) }
func (s *Settings) eventName() string       { return or(s.EventName, DefaultEventName) }
func (s *Settings) remember() time.Duration { return or(s.RememberClicks, DefaultRemember) }
func (s *Settings) divisor() int64          { return or(s.AutomaticValueDivisor, DefaultDivisor) }
func (s *Settings) instagramIDField() string {
	return or(s.InstagramIDField, InstagramBusinessAccountID)
}
func (s *Settings) leadEventSource() string { return or(s.LeadEventSource, DefaultLeadEventSource) }
func (s *Settings) timeout() time.Duration  { return or(s.Timeout, DefaultTimeout) }

// or is v, or the default where v is the zero value.
func or[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}
