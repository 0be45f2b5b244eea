package capi

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leadgate/leadgate/internal/money"
)

// eventNames is Meta's closed list for action_source business_messaging, in
// Meta's order (Conversions API for business messaging, 2026).
var eventNames = []string{
	"Purchase", "LeadSubmitted", "InitiateCheckout", "AddToCart", "ViewContent",
	"OrderCreated", "OrderShipped", "OrderDelivered", "OrderCanceled", "OrderReturned",
	"CartAbandoned", "QualifiedLead", "RatingProvided", "ReviewProvided",
}

// The names that Leadgate itself treats in a special way.
const (
	Purchase      = "Purchase"
	LeadSubmitted = "LeadSubmitted"
	orderCreated  = "OrderCreated"
)

// EventNames is the closed list of event names that Meta accepts for chat
// events, without Lead, which is sent as LeadSubmitted.
func EventNames() []string { return slices.Clone(eventNames) }

// WireName is the name under which an event name of the settings, of a webhook
// or of a posted conversion is sent: Lead becomes LeadSubmitted, the rest stays.
func WireName(name string) string {
	if name == "Lead" {
		return LeadSubmitted
	}
	return name
}

// CheckName refuses a name that Meta does not accept for chat events, after
// [WireName]. The error is one sentence that says what to write instead.
func CheckName(name string) error {
	wire := WireName(name)
	if slices.Contains(eventNames, wire) {
		return nil
	}
	for _, known := range eventNames {
		if strings.EqualFold(known, wire) {
			return fmt.Errorf("event name %q is written %s: upper and lower case count", name, known)
		}
	}
	if strings.EqualFold(name, "lead") {
		return fmt.Errorf("event name %q is written Lead: upper and lower case count", name)
	}
	if near, ok := nearNames[strings.ToLower(name)]; ok {
		return fmt.Errorf("the event name %q is none that Meta takes for chat events; write %s, or another of Lead, %s", name, near,
			strings.Join(eventNames, ", "))
	}
	return fmt.Errorf("the event name %q is none that Meta takes for chat events; write one of Lead, %s", name, strings.Join(eventNames, ", "))
}

// nearNames is what to write for the standard events of other action sources
// that Meta refuses in chats, and for words that CRMs use.
var nearNames = map[string]string{
	"completeregistration": "QualifiedLead",
	"contact":              "LeadSubmitted",
	"schedule":             "QualifiedLead",
	"subscribe":            "Purchase",
	"starttrial":           "QualifiedLead",
	"submitapplication":    "QualifiedLead",
	"addpaymentinfo":       "InitiateCheckout",
	"search":               "ViewContent",
	"won":                  "Purchase",
	"qualified":            "QualifiedLead",
	"purchased":            "Purchase",
}

// Currency is an ISO 4217 code in upper case; ok is false where s is none. Meta takes
// either case, so both are accepted.
func Currency(s string) (code string, ok bool) { return money.Currency(s) }
