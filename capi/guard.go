package capi

import (
	"fmt"
	"time"

	"github.com/leadgate/leadgate/internal/money"
	"github.com/leadgate/leadgate/normalize"
)

// check is the guard: what Meta is known to refuse is refused here, with the
// code that Meta would give, before a request is spent on it and on the events
// beside it. received is in UNIX milliseconds. A currency is upper-cased.
func (f *facts) check(s *Settings, received int64, now time.Time) error {
	refuse := refuseByRule
	if len(f.id) == 0 {
		return fmt.Errorf("reading unified event: id is missing")
	}
	if age := now.Sub(time.UnixMilli(received)); age >= MaxAge {
		return &Refusal{ReasonExpired, "event_time", "the event is seven days old and Meta takes no older ones", "", 100, 2804003}
	}
	if received < 1000 {
		return refuse(0, "event_time", "the time is not after 1970", "")
	}
	if f.lead != nil {
		return f.checkStage(s, received)
	}
	if err := CheckName(string(f.name)); err != nil {
		return refuse(2804066, "event_name", err.Error(), "")
	}
	switch f.channel {
	case normalize.ChannelWhatsApp:
		switch {
		case len(f.clid) == 0:
			return refuse(2804050, "user_data.ctwa_clid", "a WhatsApp event needs the ctwa_clid of an ad click", "")
		case isHexHash(f.clid):
			return refuse(2804087, "user_data.ctwa_clid", "the ctwa_clid is hashed", "send the click's id as it came, byte for byte")
		case !identifier(f.clid, 2048):
			return refuse(2804087, "user_data.ctwa_clid", "this is no ctwa_clid", "send the click's id as it came, byte for byte")
		case len(f.waba) > 0 && !identifier(f.waba, 128), s.WabaID != "" && !identifier([]byte(s.WabaID), 128):
			return refuse(2804116, "user_data.whatsapp_business_account_id", "this is no WhatsApp business account id", noWaba)
		}
	case normalize.ChannelMessenger:
		if !identifier(f.page, 128) {
			return refuse(2804050, "user_data.page_id", "a Messenger event needs the page's id", "")
		}
		if !identifier(f.userID, 128) {
			return refuse(2804050, "user_data.page_scoped_user_id", "a Messenger event needs the person's page-scoped id", "")
		}
	case normalize.ChannelInstagram:
		if !identifier(f.instagram, 128) {
			return refuse(2804050, "user_data."+s.instagramIDField(), "an Instagram event needs the account's id", "")
		}
		if !identifier(f.userID, 128) {
			return refuse(2804050, "user_data.ig_sid", "an Instagram event needs the person's Instagram-scoped id", "")
		}
	default:
		return refuse(2804063, "messaging_channel", "Meta takes chat events of whatsapp, messenger and instagram only", "")
	}
	return f.checkMoney()
}

func refuseByRule(subcode int, field, rule, fix string) error {
	return &Refusal{ReasonRefused, field, rule, fix, 100, subcode}
}

func (f *facts) checkMoney() error {
	refuse := refuseByRule
	name := f.wireName()
	if _, ok := money.Currency(f.currency); !ok {
		switch {
		case f.currency != "":
			return refuse(2804081, "custom_data.currency", fmt.Sprintf("%.20q is no currency", f.currency),
				"write an ISO 4217 code, USD for example")
		case name == Purchase || name == orderCreated:
			return refuse(2804081, "custom_data.currency", name+" needs a currency", "write an ISO 4217 code, USD for example")
		}
	}
	switch {
	case f.value == nil && name == Purchase:
		return refuse(0, "custom_data.value", "Purchase needs a value", "write the amount in major units, 12.50 for example")
	case f.value != nil && f.value.Negative():
		return refuse(0, "custom_data.value", "the value is negative", "report what was paid, or OrderReturned without a value")
	}
	return nil
}

// identifier reports whether s looks like an id of Meta's: visible ASCII, no white
// space, at most limit characters.
func identifier(s []byte, limit int) bool {
	for _, c := range s {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return len(s) > 0 && len(s) <= limit
}
