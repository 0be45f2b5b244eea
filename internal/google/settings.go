package google

import (
	"cmp"
	"strings"
	"time"
)

// Defaults of [Settings].
const (
	DefaultEndpoint    = "https://datamanager.googleapis.com"
	DefaultEventSource = "MESSAGE"
	DefaultTimeout     = 30 * time.Second
	DefaultUserAgent   = "Leadgate"

	// MaxBatch is how many events Google takes in a request.
	MaxBatch = 2000
	// MaxClickAge is how old a click may be: Google credits no older one.
	MaxClickAge = 90 * 24 * time.Hour
	// MinClickAge is how old a click must be before Google finds it.
	MinClickAge = 6 * time.Hour
	// MaxTransactionID is how many characters a transactionId may have.
	MaxTransactionID = 64
)

// EventSources are the values of [Settings.EventSource].
var EventSources = []string{"MESSAGE", "WEB", "PHONE", "APP", "IN_STORE", "OTHER"}

// Settings are what one account is reported to with. A zero value means the default
// that the field names.
type Settings struct {
	Account      string // who owns the conversion actions: 10 digits, see [AccountID]; required
	LoginAccount string // the manager through which the credential reaches it, 10 digits; "" is Account itself

	Endpoint    string // default DefaultEndpoint
	EventSource string // default DefaultEventSource, one of EventSources

	NoMatchKeys  bool    // send no hashed phone and e-mail
	WithoutClick bool    // report by phone or e-mail alone, too
	Consent      Consent // of events whose click brought none

	Timeout   time.Duration // of one request; default DefaultTimeout
	UserAgent string        // default DefaultUserAgent
}

// Each default stands here, once.
func (s *Settings) endpoint() string {
	return cmp.Or(strings.TrimRight(s.Endpoint, "/"), DefaultEndpoint)
}
func (s *Settings) eventSource() string    { return cmp.Or(s.EventSource, DefaultEventSource) }
func (s *Settings) timeout() time.Duration { return cmp.Or(s.Timeout, DefaultTimeout) }
func (s *Settings) userAgent() string      { return cmp.Or(s.UserAgent, DefaultUserAgent) }

// Grant is what somebody said of a use of their data; the zero value is Unset, and
// nothing is sent then.
type Grant uint8

// The values of Grant.
const (
	Unset Grant = iota
	Granted
	Denied
)

// GrantNamed reads unset, granted or denied.
func GrantNamed(name string) (g Grant, ok bool) {
	switch name {
	case "unset":
		return Unset, true
	case "granted":
		return Granted, true
	case "denied":
		return Denied, true
	}
	return Unset, false
}

// String is unset, granted or denied.
func (g Grant) String() string {
	switch g {
	case Granted:
		return "granted"
	case Denied:
		return "denied"
	}
	return "unset"
}

// wire is Google's word, "" for Unset.
func (g Grant) wire() string {
	switch g {
	case Granted:
		return "CONSENT_GRANTED"
	case Denied:
		return "CONSENT_DENIED"
	}
	return ""
}

// Consent is what the person consents to, for Google's EU user consent policy: that data
// is sent to Google for ads, and that ads are personalized by it.
type Consent struct{ AdUserData, AdPersonalization Grant }

// Or is the consent, and for what it does not say the other's.
func (c Consent) Or(other Consent) Consent {
	return Consent{cmp.Or(c.AdUserData, other.AdUserData), cmp.Or(c.AdPersonalization, other.AdPersonalization)}
}
