package google

import (
	"fmt"
	"strings"
	"time"

	"github.com/leadgate/leadgate/internal/money"
)

// The reasons of dead letters that this package gives.
const (
	ReasonRefused     = "refused"     // Google refused the event, or is known to refuse it
	ReasonExpired     = "expired"     // its click is too old
	ReasonConsent     = "consent"     // the person's consent is missing or denied
	ReasonUnconfirmed = "unconfirmed" // Google may have the event, or not, and does not say which
)

// Refusal says that Google refuses an event, or would, before a request is spent on it.
type Refusal struct {
	Reason string // why the dead letter is one: one of the Reason constants
	Code   string // Google's reason: NO_IDENTIFIERS_PROVIDED
	Field  string // where the mistake is, in Google's spelling: ad_identifiers.gclid
	Rule   string // what Google wants
	Fix    string // what to do
}

// Error is the refusal in one sentence.
func (r *Refusal) Error() string {
	s := r.Field + ": " + r.Rule
	if r.Fix != "" {
		s += "; " + r.Fix
	}
	return s
}

// maxClickID is how long a click id may be. Google's have some hundred characters.
const maxClickID = 512

// check is the guard: what Google is known to refuse is refused here, with the reason
// that Google would give, before a request is spent on it and on the events beside it.
func (f *facts) check(s *Settings, now time.Time) error {
	if f.consent.AdUserData == Denied {
		return &Refusal{ReasonConsent, "DENIED_CONSENT", "consent.ad_user_data", "the person denied that the data goes to Google",
			"nothing to do: it must not be sent"}
	}
	if err := f.checkIdentifiers(s); err != nil {
		return err
	}
	if !transactionID(f.id) {
		return &Refusal{ReasonRefused, "FIELD_VALUE_TOO_LONG", "transaction_id", "it must have 1 to 64 visible characters", ""}
	}
	since, what := f.at, "the event"
	if f.touch.HasClick() && f.touch.ClickedAt > 0 {
		since, what = f.touch.ClickedAt, "the click"
	}
	if now.Sub(time.UnixMilli(since)) >= MaxClickAge {
		return &Refusal{ReasonExpired, "EXPIRED_CLICK", "event_timestamp", what + " is 90 days old, and Google credits no older one", ""}
	}
	return f.checkMoney()
}

func (f *facts) checkIdentifiers(s *Settings) error {
	if name, id := f.touch.click(); id != "" {
		if !clickID(id) {
			return &Refusal{ReasonRefused, "INVALID_" + strings.ToUpper(name), "ad_identifiers." + name, "this is no click id of Google's",
				"send the click's id as it came, byte for byte"}
		}
		return nil
	}
	switch {
	case !s.WithoutClick:
		return &Refusal{ReasonRefused, "NO_IDENTIFIERS_PROVIDED", "ad_identifiers", "the event has no gclid, gbraid or wbraid",
			"`without_click on` reports by phone or e-mail alone"}
	case s.NoMatchKeys:
		return &Refusal{ReasonRefused, "NO_IDENTIFIERS_PROVIDED", "ad_identifiers",
			"the event has no gclid, gbraid or wbraid, and `match_keys none` leaves out phone and e-mail", ""}
	case !f.hasMatchKey():
		return &Refusal{ReasonRefused, "NO_IDENTIFIERS_PROVIDED", "user_data", "the event has neither a click id nor a phone or e-mail", ""}
	}
	return nil
}

// clickID reports whether s may be a click's id: visible ASCII, no hash of one, and no
// word that stands for a missing one.
func clickID(s string) bool {
	if s == "" || len(s) > maxClickID || isHexHash(s) {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || strings.IndexByte(`"'<>{}\`, c) >= 0 {
			return false
		}
	}
	return !strings.EqualFold(s, "null") && !strings.EqualFold(s, "undefined")
}

func (f *facts) checkMoney() error {
	if !f.hasValue {
		return nil
	}
	switch _, ok := money.Currency(f.currency); {
	case f.value.Negative():
		return &Refusal{ReasonRefused, "INVALID_NUMBER_FORMAT", "conversion_value", "the value is negative", "report what was paid"}
	case f.currency == "":
		return &Refusal{ReasonRefused, "REQUIRED_FIELD_MISSING", "currency", "a value needs a currency",
			"write an ISO 4217 code, USD for example"}
	case !ok:
		return &Refusal{ReasonRefused, "INVALID_CURRENCY_CODE", "currency", fmt.Sprintf("%.20q is no currency", f.currency),
			"write an ISO 4217 code, USD for example"}
	}
	return nil
}
