package google

import (
	"fmt"
	"sync"
	"time"

	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/money"
)

// Touch is the click that a conversion is credited to, and whose it is. Empty strings
// are unknown.
type Touch struct {
	GCLID, GBRAID, WBRAID string // as they came: opaque, and case matters
	ClickedAt             int64  // UNIX milliseconds; 0 is unknown
	WaPhone               string // E.164 with +
	WaID                  string // where its digits differ from waPhone's, it is reported, too
	Consent               Consent
}

// HasClick reports whether the touch has an id that Google gave the click.
func (t *Touch) HasClick() bool { return t.GCLID != "" || t.GBRAID != "" || t.WBRAID != "" }

// Conversion is what a report has besides its unified JSON.
type Conversion struct {
	Touch     Touch
	EmailHash string // [HashEmail] of the e-mail address; "" if none was posted
	// TransactionID is the dedupe key: "" is conversion.orderId where it may be one, else
	// the unified id. See [TransactionID].
	TransactionID string
	// Shift is added to the time, so that two conversions of one click have different
	// seconds.
	Shift time.Duration
}

// Event is one event to send.
type Event struct {
	Body          []byte // JSON, as [AppendEvent] made it
	TransactionID string // of which a request has no two
	Hashed        bool   // it has hashes, so that the request must say how they are written
	At            int64  // its eventTimestamp, UNIX milliseconds
}

// TransactionID is the id of a conversion: its order where that is at most 64 visible
// characters, else the event's id.
func TransactionID(orderID, eventID string) string {
	if orderID != "" && transactionID(orderID) {
		return orderID
	}
	return eventID
}

func transactionID(s string) bool {
	n := 0
	for _, r := range s {
		if n++; n > MaxTransactionID || r < ' ' || r == 0x7f || r == '\uFFFD' {
			return false
		}
	}
	return n > 0
}

// AppendEvent appends the event for Google that a message with a link's click, or a
// conversion, leads to. unified is its unified JSON: receivedAt is the time, link the
// click where c.Touch has none and the kind is message, conversion what was posted (value,
// a number or a decimal; currency; orderId). now bounds the time, which is at least a
// second after the click, and never in the future. Event.Body is the part of out that was
// appended.
//
// The error is a *Refusal where Google is known to refuse the event; dst is then returned
// as it was.
func AppendEvent(dst, unified []byte, c *Conversion, s *Settings, now time.Time) (out []byte, event Event, err error) {
	b := builders.Get().(*builder)
	defer func() {
		b.doc.Reset()
		if b.doc.Cap() < 1<<20 {
			builders.Put(b)
		}
	}()
	if err := b.doc.Parse(unified); err != nil {
		return dst, Event{}, fmt.Errorf("reading unified event: %w", err)
	}
	f := &b.facts
	*f = facts{touch: c.Touch, email: c.EmailHash}
	if err := f.read(b.doc.Root(), c); err != nil {
		return dst, Event{}, err
	}
	f.settle(c, s, now)
	if err := f.check(s, now); err != nil {
		return dst, Event{}, err
	}
	out, hashed := f.append(dst, s)
	return out, Event{Body: out[len(dst):len(out):len(out)], TransactionID: f.id, Hashed: hashed, At: f.at}, nil
}

// TouchOf is the touch of a message with a link's click; no ids where it has none.
func TouchOf(root jsondoc.Node) Touch {
	link := root.Get("link")
	params := link.Get("params")
	t := Touch{GCLID: params.Get("gclid").String(), GBRAID: params.Get("gbraid").String(), WBRAID: params.Get("wbraid").String(),
		WaPhone: root.Get("waPhone").String(), WaID: root.Get("waId").String()}
	t.ClickedAt, _ = link.Get("clickedAt").Int()
	return t
}

// builder holds the memory of one event being built.
type builder struct {
	doc   jsondoc.Doc
	facts facts
}

var builders = sync.Pool{New: func() any { return new(builder) }}

// facts is what an event for Google is made of.
type facts struct {
	touch    Touch
	email    string
	id       string
	at       int64 // UNIX milliseconds
	hasValue bool
	value    money.Decimal
	currency string
	consent  Consent
}

// read reads the unified event.
func (f *facts) read(root jsondoc.Node, c *Conversion) error {
	at, ok := root.Get("receivedAt").Int()
	if !ok || at < 1000 {
		return fmt.Errorf("reading unified event: receivedAt is no time")
	}
	f.at = at
	posted := root.Get("conversion")
	f.id = c.TransactionID
	if f.id == "" {
		f.id = TransactionID(posted.Get("orderId").String(), root.Get("id").String())
	}
	if root.Get("kind").String() == "message" && !f.touch.HasClick() {
		consent := f.touch.Consent
		f.touch = TouchOf(root)
		f.touch.Consent = consent
	}
	return f.money(posted)
}

// money reads what a conversion is worth.
func (f *facts) money(posted jsondoc.Node) error {
	f.currency = posted.Get("currency").String()
	v := posted.Get("value")
	switch v.Kind() {
	case 0, 'n':
		return nil
	case '0', '"':
		f.value, f.hasValue = money.Parse(v.Bytes())
	}
	if !f.hasValue {
		return &Refusal{ReasonRefused, "INVALID_NUMBER_FORMAT", "conversion_value", fmt.Sprintf("%.40s is no amount of money", v.Raw()),
			"write a number in major units, 12.50 for example"}
	}
	return nil
}

// settle fits the time between the click and now, and the consent to the settings'.
func (f *facts) settle(c *Conversion, s *Settings, now time.Time) {
	f.at += c.Shift.Milliseconds()
	if f.touch.ClickedAt > 0 {
		f.at = max(f.at, f.touch.ClickedAt+time.Second.Milliseconds()+c.Shift.Milliseconds())
	}
	f.at = min(f.at, now.UnixMilli())
	f.consent = f.touch.Consent.Or(s.Consent)
}
