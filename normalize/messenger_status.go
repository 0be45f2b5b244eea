package normalize

import "github.com/leadgate/leadgate/internal/jsondoc"

var (
	stateDelivered = Text(`"delivered"`)
	stateRead      = Text(`"read"`)
)

// maxMids bounds the events of one item, each of which carries the whole item
// as raw: Meta sends at most 1000 updates in a body.
const maxMids = 1000

// pageStatuses is what became of the business's messages: one event for each
// mid; without any, one for all up to the watermark. The sender is the customer
// who got or read them. More than maxMids are left to be passed on as account.
//
//	"delivery":{"mids":["m_AbC","m_Def"],"watermark":1736535600412}
//	"read":{"watermark":1736535600412}
//	"read":{"mid":"aWdfZAG1f"}
func (b *Batch) pageStatuses(src *source, it *item, n jsondoc.Node, eventType, state Text) {
	watermark := n.Get("watermark")
	if n.Get("mids").Len() > maxMids {
		return
	}
	before := len(b.Events)
	for _, mids := range [...]jsondoc.Node{n.Get("mids"), n.Get("mid")} {
		if mids.Kind() != '[' {
			if id := b.id(mids); id != nil {
				b.pageStatus(src, it, eventType, state, id, watermark)
			}
			continue
		}
		for mid := mids.First(); mid.Exists(); mid = mid.Next() {
			if id := b.id(mid); id != nil {
				b.pageStatus(src, it, eventType, state, id, watermark)
			}
		}
	}
	if len(b.Events) == before {
		b.pageStatus(src, it, eventType, state, nil, watermark)
	}
}

func (b *Batch) pageStatus(src *source, it *item, eventType, state, messageID Text, watermark jsondoc.Node) {
	e := b.addItem(src, it, KindStatus, eventType)
	s := b.statuses.add()
	e.Status = s
	s.MessageID, s.State, s.RecipientID = messageID, state, e.UserID
	s.Watermark = millis(watermark)
	e.key = b.statusKey(e, nil)
}
