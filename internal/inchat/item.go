package inchat

import (
	"strconv"

	"github.com/leadgate/leadgate/internal/money"
	"github.com/leadgate/leadgate/normalize"
)

// maxOrder is the longest id of an order, in bytes.
const maxOrder = 256

// earned is what a conversion brought, as far as it is known.
type earned struct{ value, currency, order string }

// item writes what was said as a CRM would post it, or says what cannot be read.
func (r *Rule) item(ev *normalize.Event, on On, found *match, now int64) (item []byte, problem string) {
	sum, problem := r.earned(ev, on, found)
	if problem != "" {
		return nil, problem
	}
	b := append([]byte(nil), `{"eventName":`...)
	b = append(b, normalize.NewText(r.Name)...)
	b = appendMember(b, "messageId", ev.Message.ID)
	for _, who := range []struct {
		name string
		text normalize.Text
	}{{"userId", ev.UserID}, {"waPhone", ev.WaPhone}, {"waId", ev.WaID}} {
		if who.text != nil {
			b = appendMember(b, who.name, who.text)
			break
		}
	}
	if ev.Channel != normalize.ChannelSMS { // which no ad leads to
		b = appendMember(b, "channel", normalize.NewText(ev.Channel.String()))
	}
	b = append(b, `,"eventTime":`...)
	b = strconv.AppendInt(b, min(ev.ReceivedAt, now), 10)
	if sum.value != "" {
		b = append(append(b, `,"value":`...), sum.value...)
	}
	if sum.currency != "" {
		b = appendMember(b, "currency", normalize.NewText(sum.currency))
	}
	if sum.order != "" {
		b = appendMember(b, "orderId", normalize.NewText(sum.order))
	}
	if r.on&on&Order != 0 {
		b = appendContents(b, ev.Message.Order)
	}
	return append(b, '}'), ""
}

func appendMember(b []byte, name string, t normalize.Text) []byte {
	if t == nil {
		return b
	}
	b = append(append(b, `,"`...), name...)
	return append(append(b, `":`...), t...)
}

// earned reads the value, the currency and the order's id.
func (r *Rule) earned(ev *normalize.Event, on On, found *match) (sum earned, problem string) {
	if sum.order = found.words(r.groups["order"]); len(sum.order) > maxOrder {
		return sum, "the order's id is over 256 bytes"
	}
	sum.currency = r.Currency
	if text := found.words(r.groups["currency"]); text != "" {
		code, ok := money.Currency(text)
		if !ok {
			return sum, "the currency is none of ISO 4217"
		}
		sum.currency = code
	}
	if r.on&on&Order != 0 {
		var ok bool
		if sum.value, sum.currency, ok = total(ev.Message.Order); !ok {
			return sum, "the order's total cannot be read exactly: a price, a quantity or the currency is missing, or there are several"
		}
		return sum, ""
	}
	if text := found.words(r.groups["value"]); text != "" {
		var ok bool
		if sum.value, ok = Amount(text); !ok || found.cut(r.groups["value"], r.groups["order"]) {
			return sum, "the amount cannot be read exactly"
		}
	}
	return sum, ""
}
