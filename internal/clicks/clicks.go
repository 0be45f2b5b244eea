// Package clicks knows who clicked which ad, or which link: the keys under which a
// contact's clicks are stored ([Touch]), what is kept of a click ([Parse]), and which of
// them a conversion is credited to ([OfAd]). The store itself, with first and last touch,
// is part of package queue, since a click is written in the same atomic step as the jobs.
package clicks

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// Contact is the key of a person on a channel. id is a WhatsApp BSUID, the
// digits of a phone number, a PSID or an IGSID.
func Contact(channel normalize.Channel, id string) string {
	return channel.String() + ":" + short(id)
}

// Message is the key of a message of a contact with a click.
func Message(id string) string { return messagePrefix + short(id) }

// Clid is the key of a WhatsApp click by its click id.
func Clid(clid string) string { return clidPrefix + short(clid) }

// maxName is the longest name that stands in a key as it is, in bytes. A
// provider's have some 200 at most; one that has been made longer, up to a whole
// body, would stand in many places of a store and be looked up by all of them.
const maxName = 1 << 10

// short is a name, or the hash of one that is too long.
func short(name string) string {
	if len(name) <= maxName {
		return name
	}
	return string(shorten([]byte(name), 0))
}

// shorten is short for the end of a buffer, from where a name begins.
func shorten(buf []byte, name int) []byte {
	if len(buf)-name <= maxName {
		return buf
	}
	sum := sha256.Sum256(buf[name:])
	return hex.AppendEncode(buf[:name], sum[:])
}

const (
	messagePrefix = "message:"
	clidPrefix    = "clid:"
)

// Touch fills in what the store must know of an event's contact and click. A
// person on WhatsApp is known by the BSUID where there is one; the parent BSUID,
// the phone number, and the wa_id where its digits differ, are other names of the
// same.
func Touch(ev *normalize.Event, into *queue.Event) { new(Keys).Touch(ev, into) }

// Keys is memory for the keys of a webhook's events, which are one string for
// each event.
type Keys struct {
	buf     []byte
	aliases []string
}

// Reset forgets the keys. What Touch filled in before keeps its strings, but not
// its list of aliases.
func (k *Keys) Reset() {
	clear(k.aliases)
	k.buf, k.aliases = k.buf[:0], k.aliases[:0]
}

// Touch is like [Touch]; the aliases are good until Reset.
func (k *Keys) Touch(ev *normalize.Event, into *queue.Event) {
	if ev.Channel == normalize.ChannelUnknown {
		return
	}
	k.buf = k.buf[:0]
	var ends [6]int // of each key in buf
	n, last := 0, 0 // how many keys there are, and where the last one's name begins
	for _, t := range [...]normalize.Text{ev.UserID, ev.OtherNames().ParentUserID, ev.WaPhone, ev.WaID} {
		start := len(k.buf)
		k.buf = append(append(k.buf, ev.Channel.String()...), ':')
		name := len(k.buf)
		k.buf = t.Append(k.buf)
		if name < len(k.buf) && k.buf[name] == '+' {
			k.buf = append(k.buf[:name], k.buf[name+1:]...)
		}
		k.buf = shorten(k.buf, name)
		if name == len(k.buf) || n > 0 && bytes.Equal(k.buf[name:], k.buf[last:start]) {
			k.buf = k.buf[:start]
			continue
		}
		last, ends[n] = name, len(k.buf)
		n++
	}
	if n == 0 {
		return
	}
	messaged := ev.Kind == normalize.KindMessage
	if messaged {
		// A Messenger ad may come without its id: source ADS alone makes it one.
		if r := ev.Referral; r.IsAd() || r != nil && string(r.SourceType) == `"ad"` {
			kind := queue.ClickAd
			if r.CtwaClid != nil {
				kind = queue.ClickClid
				k.buf = append(k.buf, clidPrefix...)
				k.buf = shorten(r.CtwaClid.Append(k.buf), len(k.buf))
				ends[n] = len(k.buf)
				n++
			}
			into.Clicks = []queue.Click{{At: ev.ReceivedAt, Kind: kind, Data: adClick(ev)}}
		}
	}
	keys := n
	if messaged && ev.Message != nil && ev.Message.ID != nil {
		k.buf = append(k.buf, messagePrefix...)
		k.buf = shorten(ev.Message.ID.Append(k.buf), len(k.buf))
		ends[n] = len(k.buf)
		n++
	}

	text := string(k.buf)
	into.Contact = text[:ends[0]]
	first := len(k.aliases)
	for i := 1; i < keys; i++ {
		k.aliases = append(k.aliases, text[ends[i-1]:ends[i]])
	}
	if keys > 1 {
		into.Aliases = k.aliases[first:len(k.aliases):len(k.aliases)]
	}
	if n > keys {
		into.MessageID = text[ends[keys-1]:ends[keys]]
	}
}

// Changed fills in, after Touch, what the contact was before, of a customer with
// another BSUID or number. Where the event has no BSUID the new number is who the
// contact is now; else it is another name.
func Changed(ev *normalize.Event, into *queue.Event) {
	if len(ev.OtherNames().Former) == 0 {
		return
	}
	names := make([]string, 0, 8)
	add := func(list []string, id string) []string {
		if key := Contact(ev.Channel, id); id != "" && !slices.Contains(names, key) {
			names = append(names, key)
			list = append(list, key)
		}
		return list
	}
	now := add(nil, ev.UserID.String())
	if ev.Message != nil && ev.Message.System != nil {
		number := ev.Message.System.NewWaID.String()
		now = add(now, strings.TrimPrefix(normalize.PhoneFromWaID(number), "+"))
		now = add(now, strings.TrimPrefix(number, "+"))
	}
	now = add(now, ev.OtherNames().ParentUserID.String())
	if len(now) == 0 {
		return
	}
	var former []string
	for _, id := range ev.OtherNames().Former {
		former = add(former, strings.TrimPrefix(normalize.PhoneFromWaID(id.String()), "+"))
		former = add(former, strings.TrimPrefix(id.String(), "+"))
	}
	// The number that the event came from stays a name, if it is not a former one.
	now = add(now, strings.TrimPrefix(ev.WaPhone.String(), "+"))
	now = add(now, strings.TrimPrefix(ev.WaID.String(), "+"))
	into.Contact, into.Aliases, into.Former = now[0], now[1:], former
}
