package intake

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leadgate/leadgate/normalize"
)

// matchID is an id of an event that a tenant's `match` may name. One table of
// them is read by all: what a configuration may say, how events find their
// tenant, what a log line asks for, and what is kept of an unmatched event so
// that it can be routed again.
type matchID struct {
	key     string // what `match` calls it
	rank    rank
	channel normalize.Channel // of this channel's events alone; ChannelUnknown: of all
	digits  bool              // compared by its digits
	at      func(*normalize.Account) *normalize.Text

	// Where a dead letter of `unmatched` has it: by this name in the account of
	// its unified JSON, or, where that has no such key, in its record beside.
	account, beside string
}

// rank says which id wins where several name different tenants; among equals
// the tenant that stands first in the file does.
type rank uint8

const (
	byNumber rank = iota // the number that was written to
	byOwnEnd             // the item's own end, which says more than its entry's id
	byRest
	ranks
)

var matchIDs = []matchID{
	{key: "phone_number_id", rank: byNumber, account: "phoneNumberId", at: phoneNumberID},
	{key: "phone", rank: byNumber, digits: true, account: "displayPhoneNumber", at: displayPhoneNumber},
	{key: "waba_id", rank: byRest, account: "wabaId", at: wabaID},
	{key: "waba_id", rank: byRest, beside: "entryId", at: entryID},
	{key: "page_id", rank: byRest, account: "pageId", at: pageID},
	{key: "page_id", rank: byRest, beside: "entryId", at: entryID},
	{key: "page_id", rank: byOwnEnd, channel: normalize.ChannelMessenger, beside: "recipientId", at: recipientID},
	{key: "instagram_id", rank: byRest, account: "instagramId", at: instagramID},
	{key: "instagram_id", rank: byRest, beside: "entryId", at: entryID},
	{key: "instagram_id", rank: byOwnEnd, channel: normalize.ChannelInstagram, beside: "recipientId", at: recipientID},
	{key: "app", rank: byRest, account: "app", at: app},
	{key: "app", rank: byRest, beside: "appId", at: appID},
	{key: "channel_id", rank: byRest, account: "channelId", at: channelID},
	{key: "account_sid", rank: byRest, beside: "accountSid", at: accountSID},
}

// Where an account has each id.
func phoneNumberID(a *normalize.Account) *normalize.Text      { return &a.PhoneNumberID }
func displayPhoneNumber(a *normalize.Account) *normalize.Text { return &a.DisplayPhoneNumber }
func wabaID(a *normalize.Account) *normalize.Text             { return &a.WabaID }
func entryID(a *normalize.Account) *normalize.Text            { return &a.RoutingIDs().EntryID }
func pageID(a *normalize.Account) *normalize.Text             { return &a.PageID }
func recipientID(a *normalize.Account) *normalize.Text        { return &a.RoutingIDs().RecipientID }
func instagramID(a *normalize.Account) *normalize.Text        { return &a.InstagramID }
func app(a *normalize.Account) *normalize.Text                { return &a.App }
func appID(a *normalize.Account) *normalize.Text              { return &a.RoutingIDs().AppID }
func channelID(a *normalize.Account) *normalize.Text          { return &a.ChannelID }
func accountSID(a *normalize.Account) *normalize.Text         { return &a.RoutingIDs().AccountSID }

// MatchKeys are what a tenant's `match` may name.
var MatchKeys = func() (keys []string) {
	for i := range matchIDs {
		if !slices.Contains(keys, matchIDs[i].key) {
			keys = append(keys, matchIDs[i].key)
		}
	}
	return keys
}()

// of is the event's id, nil if it has none.
func (m *matchID) of(ev *normalize.Event) normalize.Text {
	if m.channel != normalize.ChannelUnknown && m.channel != ev.Channel {
		return nil
	}
	return *m.at(&ev.Account)
}

// hint names the ids of an event that a match would need.
func hint(ev *normalize.Event) string {
	var hints []string
	for i := range matchIDs {
		if id := matchIDs[i].of(ev); id != nil {
			if text := fmt.Sprintf("match %s %s", matchIDs[i].key, id.String()); !slices.Contains(hints, text) {
				hints = append(hints, text)
			}
		}
	}
	if len(hints) == 0 {
		return "the event names no id: put a forward directly in the leadgate block"
	}
	return strings.Join(hints, ", or ")
}
