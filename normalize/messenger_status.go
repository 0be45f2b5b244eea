package normalize

import "github.com/leadgate/leadgate/internal/jsondoc"

var (
	stateDelivered = Text(`"delivered"`)
	stateRead      = Text(`"read"`)
)

// pageStatuses is what became of the business's messages: one event for each
// mid; without any, one for all up to the watermark. The sender is the customer
// who got or read them. Of several mids, raw has the event's own only: with all
// of them in each event, n mids would make n × n.
//
//	"delivery":{"mids":["m_AbC","m_Def"],"watermark":1736535600412}
//	"read":{"watermark":1736535600412}
//	"read":{"mid":"aWdfZAG1f"}
func (b *Batch) pageStatuses(src *source, it *item, n jsondoc.Node, eventType, state Text) {
	watermark := n.Get("watermark")
	before := len(b.Events)
	for _, mids := range [...]jsondoc.Node{n.Get("mids"), n.Get("mid")} {
		if mids.Kind() != '[' {
			if id := b.id(mids); id != nil {
				b.pageStatus(src, it, eventType, state, id, watermark)
			}
			continue
		}
		several := mids.First().Next().Exists()
		for mid := mids.First(); mid.Exists() && !b.limit.over; mid = mid.Next() {
			id := b.id(mid)
			if id == nil {
				continue
			}
			e := b.pageStatus(src, it, eventType, state, id, watermark)
			if several {
				e.Raw = b.withElement(it.raw, mids, mid)
			}
		}
	}
	if len(b.Events) == before {
		b.pageStatus(src, it, eventType, state, nil, watermark)
	}
}

func (b *Batch) pageStatus(src *source, it *item, eventType, state, messageID Text, watermark jsondoc.Node) *Event {
	e := b.addItem(src, it, KindStatus, eventType)
	s := b.statuses.add()
	e.Status = s
	s.MessageID, s.State, s.RecipientID = messageID, state, e.UserID
	s.Watermark = millis(watermark)
	e.key = b.statusKey(e, nil)
	return e
}

// withElement is a value as it came, but for an array in it, which has the one
// element.
func (b *Batch) withElement(value, array, element jsondoc.Node) Value {
	raw := value.Raw()
	from := array.Offset() - value.Offset()
	start := len(b.arena)
	b.arena = append(append(b.arena, raw[:from]...), '[')
	b.arena = append(append(b.arena, element.Raw()...), ']')
	b.arena = append(b.arena, raw[from+len(array.Raw()):]...)
	return b.built(start)
}
