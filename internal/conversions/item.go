package conversions

import (
	"slices"
	"strings"
	"time"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/phone"
	"github.com/leadgate/leadgate/internal/wording"
	"github.com/leadgate/leadgate/normalize"
)

// Item is a conversion that names somebody, as a CRM posts it, or as it was said in a
// chat.
type Item struct {
	node      jsondoc.Node
	name      string // after the map
	eventTime time.Time
	first     bool // the first touch is wanted
	orderID   string
	email     string
	leadID    string            // as Meta has it
	phone     string            // of waPhone, E.164
	channel   normalize.Channel // as posted, ChannelUnknown where it is not

	who  string   // the field that names the contact
	keys []string // under which its clicks may be stored, one for each possible channel, and then its lead
	chat int      // how many of the keys are of clicks

	erased bool // the lead of its leadId was known, and nothing of it is stored

	said  []string // of what was said in a chat: what makes the conversion itself
	event int      // the group's event that it came with; -1 of one that was posted
}

// Keys are the keys under which the contact's clicks may be stored.
func (it *Item) Keys() []string { return it.keys }

// window is for how long the same item is a duplicate.
func (it *Item) window(dedupe time.Duration) time.Duration {
	if it.orderID != "" || it.said != nil {
		return max(dedupe, destination.MinOnce)
	}
	return 24 * time.Hour
}

// rules are what items are read by.
type rules struct {
	words   map[string]string          // the CRM's own for event names
	mapping func(posted string) string // says, behind the event names, how a word is mapped
	names   func(name string) *destination.Refusal
	email   bool // an e-mail address alone names somebody
	leads   bool // a lead of a lead ad does, too
	now     time.Time
}

// itemChannels are where a contact may have clicked an ad.
var itemChannels = []normalize.Channel{normalize.ChannelWhatsApp, normalize.ChannelMessenger, normalize.ChannelInstagram}

// readItem checks what an item says by itself. Its error is an *invalid or a
// *capi.Refusal.
func (r *rules) readItem(n jsondoc.Node) (it Item, err error) {
	it.event = -1
	if n.Kind() != '{' {
		return it, invalidf(`post objects such as {"eventName":"Purchase","waPhone":"+15551234567","value":12.5,"currency":"USD"}`,
			"the item is no object")
	}
	it.node = n
	if err := checkFields(n); err != nil {
		return it, err
	}
	posted := text(n, "eventName")
	if posted == "" {
		return it, invalidf("write one of "+strings.Join(capi.EventNames(), ", "), "eventName is missing")
	}
	it.name = posted
	if mapped, ok := r.words[posted]; ok {
		it.name = mapped
	}
	if refusal := r.names(it.name); refusal != nil {
		return it, invalidf(refusal.Fix+r.mapping(posted), "%s", refusal.What)
	}
	if it.eventTime, err = readEventTime(n.Get("eventTime"), r.now); err != nil {
		return it, err
	}
	switch touch := text(n, "touch"); touch {
	case "", "last":
	case "first":
		it.first = true
	default:
		return it, invalidf("write last or first", "touch is '%s'", touch)
	}
	it.orderID = text(n, "orderId")
	if email := text(n, "email"); email != "" {
		if _, ok := capi.HashEmail(email); !ok {
			return it, invalidf("write an address such as maria@example.com, or leave it out", "email is no e-mail address")
		}
		it.email = email
	}
	if err := it.readContact(r); err != nil {
		return it, err
	}
	return it, capi.CheckPosted(it.name, n.Raw())
}

// text is a member's text, "" for one that is missing, empty or no text.
func text(n jsondoc.Node, name string) string { return strings.TrimSpace(n.Get(name).String()) }

// readEventTime reads UNIX milliseconds or RFC 3339; without any it is now.
func readEventTime(n jsondoc.Node, now time.Time) (time.Time, error) {
	const fix = "write UNIX milliseconds such as 1736535600000, or RFC 3339 such as 2025-01-10T19:00:00Z"
	var t time.Time
	switch n.Kind() {
	case 0, 'n':
		return now, nil
	case '0', '"':
		if ms, ok := n.Int(); ok {
			t = time.UnixMilli(ms)
			// Meta's own event_time is in seconds: a mistake that is easily made.
			if ms > 0 && ms < 1e11 {
				return t, invalidf(fix, "eventTime %d is in seconds", ms)
			}
			break
		}
		var err error
		if t, err = time.Parse(time.RFC3339, n.String()); err != nil {
			return t, invalidf(fix, "eventTime is no time")
		}
	default:
		return t, invalidf(fix, "eventTime is no time")
	}
	switch {
	case t.After(now.Add(clockSkew)):
		return t, invalidf("write the time at which it happened", "eventTime is in the future")
	case now.Sub(t) >= capi.MaxAge:
		return t, invalidf("report conversions within 7 days of their happening", "eventTime is over 7 days ago, and Meta takes no older events")
	}
	return t, nil
}

// clockSkew is how much a CRM's clock may be ahead of ours; Meta is told our
// own time then.
const clockSkew = time.Minute

// readContact finds out whom the item names, and so which keys to look up.
func (it *Item) readContact(r *rules) error {
	if err := it.readLeadID(); err != nil {
		return err
	}
	if err := it.readChat(); err != nil {
		return err
	}
	it.phone = normalize.PhoneFromWaID(text(it.node, "waPhone"))
	it.chat = len(it.keys)
	if r.leads {
		it.addLeadKeys()
	}
	switch {
	case it.who != "":
		return nil
	case it.leadID != "" && r.leads:
		it.who = "leadId"
		return nil
	case it.leadID != "":
		return invalidf("add `capi lead_ads { … }` to the tenant", "leadId is of a lead ad's lead, and the tenant has no capi for those")
	case it.email != "" && (r.email || r.leads):
		it.who = "email"
		return nil
	}
	return invalidf("write waPhone, waId, userId, messageId or ctwaClid, or of a lead ad's lead leadId", "the item names nobody")
}

func (it *Item) readLeadID() error {
	written := text(it.node, "leadId")
	if written == "" {
		return nil
	}
	id, ok := capi.LeadID(written)
	if !ok {
		return invalidf(`write the digits of Meta's leadgen id, such as "987654321012345"; as a text, since JavaScript changes longer numbers`,
			"leadId is no lead's id")
	}
	it.leadID = id
	return nil
}

// addLeadKeys adds the keys under which the contact's lead may be stored.
func (it *Item) addLeadKeys() {
	if it.leadID != "" {
		it.keys = append(it.keys, clicks.LeadKey(it.leadID))
		return
	}
	if it.channel != normalize.ChannelUnknown {
		return // a chat is meant
	}
	if it.phone != "" {
		it.keys = append(it.keys, clicks.Contact(normalize.ChannelLeadAds, strings.TrimPrefix(it.phone, "+")))
	}
	if hash, ok := capi.HashEmail(it.email); ok {
		it.keys = append(it.keys, clicks.EmailKey(hash))
	}
}

// chatFields are the fields that name somebody in a chat, the one that goes first before the
// others.
var chatFields = []string{"ctwaClid", "messageId", "userId", "waPhone", "waId"}

// readChat finds whom the item names by a chat, and where clicks led to it.
func (it *Item) readChat() error {
	channels := itemChannels
	if name := text(it.node, "channel"); name != "" {
		i := slices.IndexFunc(channels, func(c normalize.Channel) bool { return c.String() == name })
		if i < 0 {
			return invalidf("write "+wording.Or(names(itemChannels))+", or leave it out", "channel is '%s'", name)
		}
		channels = channels[i : i+1]
		it.channel = channels[0]
	}
	for _, field := range chatFields {
		value := text(it.node, field)
		if value == "" {
			continue
		}
		it.who = field
		switch field {
		case "ctwaClid":
			it.keys = []string{clicks.Clid(value)}
		case "messageId":
			it.keys = []string{clicks.Message(value)}
		case "userId":
			for _, c := range channels {
				it.keys = append(it.keys, clicks.Contact(c, value))
			}
		case "waPhone":
			phone := normalize.PhoneFromWaID(value)
			if phone == "" || !strings.HasPrefix(value, "+") && !hasCountryCode(value) {
				return invalidf("write it in full, with + and country code, such as +15551234567", "waPhone is no international phone number")
			}
			it.keys = []string{clicks.Contact(normalize.ChannelWhatsApp, strings.TrimPrefix(phone, "+"))}
		case "waId":
			it.keys = []string{clicks.Contact(normalize.ChannelWhatsApp, value)}
		}
		return nil
	}
	return nil
}

// contact is whom the item names, as far as it says it itself.
func (it *Item) contact() *clicks.Click {
	c := &clicks.Click{Click: capi.Click{Channel: it.channel}}
	value := text(it.node, it.who)
	switch it.who {
	case "waPhone":
		c.WaPhone = normalize.PhoneFromWaID(value)
	case "waId":
		c.WaID, c.WaPhone = value, normalize.PhoneFromWaID(value)
	case "userId":
		c.UserID = value
	}
	if c.WaPhone != "" || it.who == "ctwaClid" {
		c.Channel = normalize.ChannelWhatsApp
	}
	return c
}

// hasCountryCode reports whether a number without a plus can be one in full.
// National numbers start with 0 or have at most ten digits, nearly everywhere;
// Brazil's have eleven, and then look like American ones with an area code that
// there is not. Where this is too strict, a plus helps.
func hasCountryCode(number string) bool {
	digits := phone.Digits(number)
	return len(digits) > 11 || len(digits) == 11 && (digits[0] != '1' || digits[1] >= '2')
}

func names(channels []normalize.Channel) []string {
	list := make([]string, len(channels))
	for i, c := range channels {
		list[i] = c.String()
	}
	return list
}
