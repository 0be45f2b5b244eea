package caddymodule

import (
	"fmt"
	"strings"

	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/normalize"
)

// matchKeys are what a tenant's `match` may name.
var matchKeys = []string{"phone_number_id", "phone", "waba_id", "page_id", "instagram_id", "app", "channel_id", "account_sid"}

// router finds the tenant of an event by the business's own ids.
type router struct {
	tenants []*tenant                 // in the order of the file
	ids     map[string]map[string]int // match key → value → index into tenants
	direct  *tenant                   // of what nothing matches; nil if there is none
}

// add adds a tenant with its placeholders replaced.
func (r *router) add(t *tenant, match map[string][]string) error {
	if r.ids == nil {
		r.ids = make(map[string]map[string]int)
	}
	index := len(r.tenants)
	r.tenants = append(r.tenants, t)
	for key, values := range match {
		if r.ids[key] == nil {
			r.ids[key] = make(map[string]int)
		}
		for _, v := range values {
			if key == "phone" {
				if v = onlyDigits(v); v == "" {
					return errorf("tenant %s: match phone has a value without digits", t.name)
				}
			}
			if other, taken := r.ids[key][v]; taken && other != index {
				return errorf("tenant %s: match %s %s is already tenant %s's: an event has exactly one tenant", t.name, key, v, r.tenants[other].name)
			}
			r.ids[key][v] = index
		}
	}
	return nil
}

// route returns an event's tenant, nil if nothing matches. The number that was
// written to wins over the rest; among equals the first in the file.
func (r *router) route(ev *normalize.Event) *tenant {
	if len(r.tenants) == 0 {
		return r.direct
	}
	a := &ev.Account
	best := r.lookup(len(r.tenants), "phone_number_id", a.PhoneNumberID)
	best = r.lookupPhone(best, a.DisplayPhoneNumber)
	if best == len(r.tenants) {
		best = r.lookup(best, "waba_id", a.WabaID)
		best = r.lookup(best, "page_id", a.PageID)
		best = r.lookup(best, "instagram_id", a.InstagramID)
		best = r.lookup(best, "instagram_id", a.RecipientID)
		best = r.lookup(best, "app", a.App)
		best = r.lookup(best, "app", a.AppID)
		best = r.lookup(best, "channel_id", a.ChannelID)
		best = r.lookup(best, "account_sid", a.AccountSID)
	}
	if best == len(r.tenants) {
		return r.direct
	}
	return r.tenants[best]
}

func (r *router) lookup(best int, key string, id normalize.Text) int {
	if id == nil || r.ids[key] == nil {
		return best
	}
	plain, ok := jsondoc.Plain(id)
	if !ok {
		plain = id.Append(nil)
	}
	if i, ok := r.ids[key][string(plain)]; ok && i < best {
		return i
	}
	return best
}

func (r *router) lookupPhone(best int, number normalize.Text) int {
	if number == nil || r.ids["phone"] == nil {
		return best
	}
	if i, ok := r.ids["phone"][onlyDigits(number.String())]; ok && i < best {
		return i
	}
	return best
}

// hint names the ids of an event that a match would need.
func hint(ev *normalize.Event) string {
	var hints []string
	a := &ev.Account
	for _, h := range []struct {
		key string
		id  normalize.Text
	}{
		{"phone_number_id", a.PhoneNumberID}, {"phone", a.DisplayPhoneNumber}, {"waba_id", a.WabaID},
		{"page_id", a.PageID}, {"instagram_id", a.InstagramID}, {"app", a.App}, {"app", a.AppID}, {"channel_id", a.ChannelID}, {"account_sid", a.AccountSID},
	} {
		if h.id != nil {
			hints = append(hints, fmt.Sprintf("match %s %s", h.key, h.id.String()))
		}
	}
	if len(hints) == 0 {
		return "the event names no id: put a forward directly in the leadgate block"
	}
	return strings.Join(hints, ", or ")
}
