package capi

import (
	"strings"
	"time"

	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/money"
	"github.com/leadgate/leadgate/normalize"
)

// Plan is what becomes of an event in a dataset.
type Plan struct {
	Name string // the event name on the wire
	Once []Once // what makes it a duplicate
}

// Once is a key that a queue remembers, so that nothing is reported twice. An
// event of which one key that it looks up is remembered is a duplicate: it is
// not queued and none of its keys is remembered. Looking up and remembering is
// one step with the queueing.
type Once struct {
	Key    string        // starts with the dataset; parts are joined by \n
	Window time.Duration // how long it is remembered
	Use    Use
}

// Use is what an event does with a key.
type Use uint8

// The uses of a key; the zero value is Claim.
const (
	Claim Use = iota // a duplicate if it is remembered, else remember it
	Look             // a duplicate if it is remembered; don't remember it
	Mark             // remember it, whether it was or not
)

// once24 is the window in which purchases, and leads without a click id, count
// as the same.
const once24 = 24 * time.Hour

// Plan decides, when an event comes in, whether it is reported, under which
// name, and what would make it a duplicate. Only messages with the referral of
// an ad click and automatic events with a ctwa_clid are: no organic message, no
// echo, no status. Posted conversions have [Settings.PlanConversion].
func (s *Settings) Plan(ev *normalize.Event) (Plan, bool) {
	switch ev.Kind {
	case normalize.KindMessage:
		return s.planLead(ev)
	case normalize.KindAutomaticEvent:
		return s.planAutomatic(ev)
	}
	return Plan{}, false
}

func (s *Settings) planLead(ev *normalize.Event) (Plan, bool) {
	r := ev.Referral
	if r == nil || s.LeadOn == LeadOnNever {
		return Plan{}, false
	}
	plan := Plan{Name: WireName(s.eventName())}
	switch ev.Channel {
	case normalize.ChannelWhatsApp:
		clid := text(r.CtwaClid)
		if clid == "" {
			return Plan{}, false
		}
		plan.Once = append(plan.Once, s.onceClick(plan.Name, clid))
	case normalize.ChannelMessenger, normalize.ChannelInstagram:
		// sourceType is ad for a referral with source ADS, which may lack an id.
		if r.AdID == nil && text(r.SourceType) != "ad" {
			return Plan{}, false
		}
		plan.Once = append(plan.Once, s.onceAd(plan.Name, contact(ev), text(r.AdID)))
	default:
		return Plan{}, false
	}
	if s.LeadOn == LeadOnContact {
		// A user with a username has a userId, with a phone number a waId, and
		// often both: neither may be counted again.
		for _, id := range []string{text(ev.UserID), text(ev.WaID)} {
			if id != "" {
				plan.Once = append(plan.Once, Once{Key: s.key("contact", plan.Name, ev.Channel.String(), id), Window: s.remember()})
			}
		}
	}
	return plan, true
}

func (s *Settings) planAutomatic(ev *normalize.Event) (Plan, bool) {
	a := ev.AutomaticEvent
	if a == nil || s.AutomaticEvents == AutomaticEventsOff || ev.Channel != normalize.ChannelWhatsApp {
		return Plan{}, false
	}
	clid := text(a.CtwaClid)
	if clid == "" { // ads in WhatsApp Status have none
		return Plan{}, false
	}
	plan := Plan{Name: WireName(text(a.EventName))}
	switch {
	case plan.Name == LeadSubmitted:
		plan.Once = []Once{s.onceClick(plan.Name, clid)}
	case s.AutomaticEvents == AutomaticEventsLeads:
		return Plan{}, false
	case plan.Name == Purchase:
		value, _ := money.Parse(a.Value)
		plan.Once = s.oncePurchase(clid, text(a.Currency), value.Scale(s.divisor()), true)
	}
	return plan, true
}

// PlanConversion is the plan for a posted conversion: name is what was posted,
// after the map of the CRM's words; value is a JSON number or a decimal string,
// read only for purchases.
func (s *Settings) PlanConversion(name string, c *Click, value, currency string) Plan {
	plan := Plan{Name: WireName(name)}
	switch {
	case plan.Name == LeadSubmitted && c.CtwaClid != "":
		plan.Once = []Once{s.onceClick(plan.Name, c.CtwaClid)}
	case plan.Name == LeadSubmitted:
		plan.Once = []Once{s.onceAd(plan.Name, or(c.UserID, c.WaID), c.AdID)}
	case plan.Name == Purchase && c.CtwaClid != "":
		// Only Meta's own purchases can be the same as a posted one, and they
		// always have a ctwa_clid.
		v, _ := money.Parse([]byte(strings.Trim(value, `"`)))
		plan.Once = s.oncePurchase(c.CtwaClid, currency, v, false)
	}
	return plan
}

func (s *Settings) onceClick(name, clid string) Once {
	return Once{Key: s.key("click", name, clid), Window: s.remember()}
}

func (s *Settings) onceAd(name, contact, adID string) Once {
	return Once{Key: s.key("ad", name, contact, adID), Window: once24}
}

// oncePurchase makes an automatic purchase a duplicate of any other, and a
// posted one a duplicate of an automatic one only: a CRM tells its own apart by
// order id.
func (s *Settings) oncePurchase(clid, currency string, value money.Decimal, automatic bool) []Once {
	key := s.key(Purchase, clid, strings.ToUpper(currency), string(value.Append(nil)))
	byMeta := Once{Key: key + "\nautomatic", Window: once24, Use: Look}
	byCRM := Once{Key: key + "\nposted", Window: once24, Use: Mark}
	if automatic {
		byMeta.Use, byCRM.Use = Claim, Look
	}
	return []Once{byMeta, byCRM}
}

func (s *Settings) key(parts ...string) string {
	return s.Dataset + "\n" + strings.Join(parts, "\n")
}

// contact is the contact: userId, else waId.
func contact(ev *normalize.Event) string { return or(text(ev.UserID), text(ev.WaID)) }

func text(t normalize.Text) string {
	if t == nil {
		return ""
	}
	if plain, ok := jsondoc.Plain(t); ok {
		return string(plain)
	}
	return string(jsondoc.AppendDecoded(nil, t))
}
