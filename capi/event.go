package capi

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
	"time"

	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/money"
	"github.com/leadgate/leadgate/normalize"
)

// Identity is who reports an event: a WhatsApp business account, a page or an
// Instagram account. A request never mixes them. It is comparable.
type Identity struct {
	Channel normalize.Channel
	ID      string // "" for a WhatsApp event without a WABA id
}

// Click is what is known of an ad click when a conversion is posted later.
// Empty strings are unknown.
type Click struct {
	Channel             normalize.Channel
	CtwaClid, AdID      string
	WabaID              string
	PageID, InstagramID string
	UserID              string // Messenger PSID, Instagram IGSID, WhatsApp BSUID
	WaID                string
	WaPhone             string // E.164 with +
}

// Conversion is what a posted conversion has besides its unified JSON.
type Conversion struct {
	Click     Click  // the click that it is credited to
	Lead      *Lead  // not nil: a stage of a lead ad's lead; of the click WaPhone and AdID are read then
	EventName string // after the map of the CRM's words; "" = the JSON's conversion.eventName
	EmailHash string // HashEmail of the posted e-mail, which the unified JSON leaves out; may be ""
}

// AppendEvent appends the event for Meta that a message or an automatic event
// leads to. unified is its unified JSON, complete or with attribution null; now
// bounds event_time, which is never in the future.
//
// The error is a *Refusal where Meta is known to refuse the event; dst is then
// returned as it was. Nothing is refused for a missing WABA id: Meta's answer
// (2804116) is explained instead.
func AppendEvent(dst, unified []byte, s *Settings, now time.Time) ([]byte, Identity, error) {
	return build(dst, unified, nil, s, now)
}

// AppendConversion appends the event for Meta of a posted conversion. unified
// is its unified JSON, whose receivedAt is the conversion's own time and whose
// conversion is what was posted: value (number or decimal string), currency,
// orderId, contents, externalId, customData. Errors are as for [AppendEvent].
func AppendConversion(dst, unified []byte, c *Conversion, s *Settings, now time.Time) ([]byte, Identity, error) {
	return build(dst, unified, c, s, now)
}

// CheckPosted says what is wrong with a posted conversion of that name by itself,
// whosever it is. posted is what was posted, as [AppendConversion] finds it in the
// unified JSON: an object. The error is a [*Refusal] where it is JSON.
func CheckPosted(name string, posted []byte) error {
	var b builder
	if err := b.doc.Parse(posted); err != nil {
		return fmt.Errorf("reading posted conversion: %w", err)
	}
	f := facts{name: []byte(name), posted: b.doc.Root()}
	if err := b.money(&f); err != nil {
		return err
	}
	if err := f.checkMoney(); err != nil {
		return err
	}
	_, err := f.appendCustomData(nil, &Settings{})
	return err
}

// builder holds the memory of one event being built.
type builder struct {
	doc     jsondoc.Doc
	scratch []byte // decoded strings
}

var builders = sync.Pool{New: func() any { return new(builder) }}

// facts is what an event for Meta is made of, decoded. nil is unknown.
type facts struct {
	channel               normalize.Channel
	name, id              []byte
	clid, adID            []byte
	waba, page, instagram []byte
	userID, waID, waPhone []byte
	automatic             bool
	lead                  *Lead // not nil: a stage of it
	value                 *money.Decimal
	currency              string
	posted                jsondoc.Node // the conversion
	emailHash             string
}

func build(dst, unified []byte, c *Conversion, s *Settings, now time.Time) (out []byte, identity Identity, err error) {
	b := builders.Get().(*builder)
	defer func() {
		b.doc.Reset()
		if b.doc.Cap()+cap(b.scratch) < 1<<20 {
			builders.Put(b)
		}
	}()
	b.scratch = b.scratch[:0]
	if err := b.doc.Parse(unified); err != nil {
		return dst, Identity{}, fmt.Errorf("reading unified event: %w", err)
	}
	root := b.doc.Root()
	var f facts
	if c != nil {
		err = b.conversion(&f, root, c)
	} else {
		err = b.event(&f, root, s)
	}
	if err != nil {
		return dst, Identity{}, err
	}
	f.id = b.eventID(f.id)
	received, ok := root.Get("receivedAt").Int()
	if !ok {
		return dst, Identity{}, fmt.Errorf("reading unified event: receivedAt is no time")
	}
	if err := f.check(s, received, now); err != nil {
		return dst, Identity{}, err
	}
	out, err = f.append(dst, s, f.timeOf(received, now)/1000)
	if err != nil {
		return dst, Identity{}, err
	}
	return out, f.identity(s), nil
}

// event reads a message or an automatic event.
func (b *builder) event(f *facts, root jsondoc.Node, s *Settings) error {
	f.channel = channelOf(b.text(root.Get("channel")))
	account := root.Get("account")
	f.waba, f.page, f.instagram = b.text(account.Get("wabaId")), b.text(account.Get("pageId")), b.text(account.Get("instagramId"))
	f.userID, f.waID, f.waPhone = b.text(root.Get("userId")), b.text(root.Get("waId")), b.text(root.Get("waPhone"))
	f.id = b.text(root.Get("id"))
	switch kind := b.text(root.Get("kind")); string(kind) {
	case "message":
		r := root.Get("referral")
		f.name = []byte(s.eventName())
		f.clid, f.adID = b.text(r.Get("ctwaClid")), b.text(r.Get("adId"))
		if token := b.text(r.Get("dedupToken")); len(token) > 0 {
			f.id = b.eventID(token)
		}
		if f.channel != normalize.ChannelWhatsApp && len(f.adID) == 0 && string(b.text(r.Get("sourceType"))) != "ad" {
			return &Refusal{ReasonRefused, "user_data", "a message that no ad brought is not reported", "", 100, 2804050}
		}
	case "automatic_event":
		a := root.Get("automaticEvent")
		f.automatic = true
		f.name, f.clid = b.text(a.Get("eventName")), b.text(a.Get("ctwaClid"))
		f.currency = string(b.text(a.Get("currency")))
		if v := a.Get("value"); v.Kind() == '0' {
			d, ok := money.Parse(v.Raw())
			if !ok {
				return badValue(v)
			}
			d = d.Scale(s.divisor())
			f.value = &d
		}
	default:
		return fmt.Errorf("reporting event of kind %q: only message and automatic_event are reported", kind)
	}
	return nil
}

// conversion reads a posted conversion and the click that it is credited to.
func (b *builder) conversion(f *facts, root jsondoc.Node, c *Conversion) error {
	k := &c.Click
	f.channel, f.lead = k.Channel, c.Lead
	f.clid, f.adID = []byte(k.CtwaClid), []byte(k.AdID)
	f.waba, f.page, f.instagram = []byte(k.WabaID), []byte(k.PageID), []byte(k.InstagramID)
	f.userID, f.waID, f.waPhone = []byte(k.UserID), []byte(k.WaID), []byte(k.WaPhone)
	f.id = b.text(root.Get("id"))
	f.emailHash = c.EmailHash
	f.posted = root.Get("conversion")
	f.name = []byte(c.EventName)
	if c.EventName == "" {
		f.name = b.text(f.posted.Get("eventName"))
	}
	return b.money(f)
}

// money reads what a posted conversion is worth.
func (b *builder) money(f *facts) error {
	f.currency = string(b.text(f.posted.Get("currency")))
	switch v := f.posted.Get("value"); v.Kind() {
	case '0', '"':
		d, ok := money.Parse(b.text(v))
		if !ok {
			return badValue(v)
		}
		f.value = &d
	case 0, 'n':
	default:
		return badValue(v)
	}
	return nil
}

func badValue(v jsondoc.Node) error {
	raw := v.Raw()
	return &Refusal{ReasonRefused, "custom_data.value", fmt.Sprintf("%.40s is no amount of money", raw),
		"write a number in major units, 12.50 for example", 100, 0}
}

// text is a decoded string, or a number's digits; nil for anything else and for
// an empty string. It is valid until the builder goes back to its pool.
func (b *builder) text(n jsondoc.Node) []byte {
	raw := n.Raw()
	switch n.Kind() {
	case '0':
		return raw
	case '"':
		if plain, ok := jsondoc.Plain(raw); ok {
			if len(plain) == 0 {
				return nil
			}
			return plain
		}
		from := len(b.scratch)
		b.scratch = jsondoc.AppendDecoded(b.scratch, raw)
		return b.scratch[from:len(b.scratch):len(b.scratch)]
	}
	return nil
}

// eventID is a provider's token as event_id: itself where it is 1 to 128
// printableASCII ASCII characters, else the first 32 hex digits of its SHA-256.
func (b *builder) eventID(token []byte) []byte {
	if len(token) <= 128 && printableASCII(token) {
		return token
	}
	sum := sha256.Sum256(token)
	from := len(b.scratch)
	b.scratch = hex.AppendEncode(b.scratch, sum[:16])
	return b.scratch[from:]
}

func printableASCII(s []byte) bool {
	for _, c := range s {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

func channelOf(name []byte) normalize.Channel {
	for _, c := range [...]normalize.Channel{normalize.ChannelWhatsApp, normalize.ChannelMessenger, normalize.ChannelInstagram,
		normalize.ChannelSMS} {
		if string(name) == c.String() {
			return c
		}
	}
	return normalize.ChannelUnknown
}
