package conversions

import (
	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// Said is a conversion that was said in a chat.
type Said struct {
	Name  string       // the event's
	JSON  []byte       // as a CRM would post it
	By    normalize.ID // the event that says it
	Event int          // that event in the plan's group
	Keys  []string     // of whom it says it
}

// AddSaid plans a conversion that was said in a chat as if a CRM had posted it. It is a part
// of what its event brings: stored with it, and a duplicate where the event is. found are
// the clicks of its keys, those that come with the group, too.
func (p *Plan) AddSaid(s *Said, found []queue.Clicks) Planned {
	rules := rules{mapping: func(string) string { return "" }, names: p.names, email: withoutClick(p.Destinations), now: p.Now}
	var doc jsondoc.Doc
	var d Planned
	if err := doc.Parse(s.JSON); err != nil {
		d.refuseFor(err)
		return d
	}
	it, err := rules.readItem(doc.Root())
	if err != nil {
		d.refuseFor(err)
		return d
	}
	it.keys, it.chat, it.event, it.said = s.Keys, len(s.Keys), s.Event, []string{s.Name, "said", s.By.String()}
	return p.Add(&it, found)
}
