package capi

import (
	"fmt"
	"slices"

	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/money"
)

// maxCustomData bounds what a CRM may add to an event, in bytes of JSON.
const maxCustomData = 16 << 10

// ownCustomData is what Leadgate writes into custom_data itself: in a posted
// customData these are left out.
var (
	ownCustomData = []string{"ctwa_clid", "ad_id", "currency", "value", "order_id", "contents"}
	ownStageData  = append([]string{"event_source", "lead_event_source"}, ownCustomData...)
)

// appendCustomData writes the members of custom_data: the click's mirror, then
// what a purchase has, then the CRM's own.
func (f *facts) appendCustomData(dst []byte, s *Settings) ([]byte, error) {
	start, own := len(dst), ownCustomData
	if f.lead != nil {
		own = ownStageData
		dst = append(dst, `"event_source":"crm"`...)
		dst = appendMember(dst, start, "lead_event_source", []byte(s.leadEventSource()))
	}
	dst = appendMember(dst, start, "ctwa_clid", f.clid)
	dst = appendMember(dst, start, "ad_id", f.adID)
	if f.currency != "" {
		code, _ := money.Currency(f.currency) // checked
		dst = appendMember(dst, start, "currency", []byte(code))
	}
	if f.value != nil {
		dst = f.value.Append(appendName(dst, start, "value"))
	}
	if !f.posted.Exists() {
		return dst, nil
	}
	if id := f.posted.Get("orderId").String(); id != "" {
		dst = appendMember(dst, start, "order_id", []byte(id))
	}
	var err error
	if dst, err = appendContents(dst, start, f.posted.Get("contents")); err != nil {
		return dst, err
	}
	custom := f.posted.Get("customData")
	switch custom.Kind() {
	case 0, 'n':
		return dst, nil
	case '{':
	default:
		return dst, &Refusal{ReasonRefused, "custom_data", "customData is no object", "post an object of names and values", 100, 0}
	}
	if len(custom.Raw()) > maxCustomData {
		return dst, &Refusal{ReasonRefused, "custom_data", fmt.Sprintf("customData is over %d bytes", maxCustomData), "post less", 100, 0}
	}
	return appendMembers(dst, start, custom, own), nil
}

// appendContents writes the list of products: objects with id, quantity and
// item_price. itemPrice is taken for item_price.
func appendContents(dst []byte, start int, contents jsondoc.Node) ([]byte, error) {
	switch contents.Kind() {
	case 0, 'n':
		return dst, nil
	}
	if contents.Kind() != '[' || len(contents.Raw()) > maxCustomData {
		return dst, badContents()
	}
	dst = append(appendName(dst, start, "contents"), '[')
	first := len(dst)
	for c := contents.First(); c.Exists(); c = c.Next() {
		id := c.Get("id")
		if id.Kind() != '"' && id.Kind() != '0' || id.String() == "" {
			return dst, badContents()
		}
		if len(dst) > first {
			dst = append(dst, ',')
		}
		dst = append(dst, '{')
		members := len(dst)
		dst = appendMembers(dst, members, c, []string{"item_price", "itemPrice"})
		price := c.Get("item_price")
		if !price.Exists() || price.Kind() == 'n' {
			price = c.Get("itemPrice")
		}
		if k := price.Kind(); k == '0' || k == '"' {
			d, ok := money.Parse([]byte(price.String()))
			if !ok || d.Negative() {
				return dst, badContents()
			}
			dst = d.Append(appendName(dst, members, "item_price"))
		}
		dst = append(dst, '}')
	}
	return append(dst, ']'), nil
}

func badContents() error {
	return &Refusal{ReasonRefused, "custom_data.contents", "contents is no short list of products",
		`post [{"id":"sku","quantity":1,"item_price":12.5}]`, 100, 0}
}

// appendMembers copies an object's members but those named, nulls and
// repetitions of a name, which Meta does not want.
func appendMembers(dst []byte, start int, object jsondoc.Node, but []string) []byte {
	for m := object.First(); m.Exists(); m = m.Next() {
		name := string(m.Key())
		if m.Kind() == 'n' || slices.Contains(but, name) || &object.Get(name).Raw()[0] != &m.Raw()[0] {
			continue
		}
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, []byte(name)), ':')
		dst = appendValue(dst, m)
	}
	return dst
}

// appendValue copies a value without the nulls in it.
func appendValue(dst []byte, n jsondoc.Node) []byte {
	switch n.Kind() {
	case '{':
		dst = append(dst, '{')
		return append(appendMembers(dst, len(dst), n, nil), '}')
	case '[':
		dst = append(dst, '[')
		start := len(dst)
		for c := n.First(); c.Exists(); c = c.Next() {
			if c.Kind() == 'n' {
				continue
			}
			if len(dst) > start {
				dst = append(dst, ',')
			}
			dst = appendValue(dst, c)
		}
		return append(dst, ']')
	case '"':
		return jsondoc.AppendSanitized(dst, n.Raw())
	}
	return append(dst, n.Raw()...)
}
