package conversions

import (
	"cmp"
	"strings"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/journey"
	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// noteRefused notes in the contact's journal that an item is reported to nobody, and why.
// What is queued is noted with its jobs.
func (p *Plan) noteRefused(it *Item, found []queue.Clicks, r *Result) {
	if r.Status != NoClick && r.Status != Invalid {
		return
	}
	contact := it.noted(found)
	if contact == "" {
		return
	}
	refused := journey.Refused{
		Contact: contact, Outcome: journey.Outcome(r.Status), At: it.eventTime.UnixMilli(),
		Report: journey.Report{
			Kind: journey.KindConversion, Name: it.name, Value: amount(it.node), Currency: strings.ToUpper(text(it.node, "currency")),
		},
		Same: strings.Join(it.said, "\n") + string(it.node.Raw()),
	}
	if it.eventTime.IsZero() {
		refused.At = p.Now.UnixMilli()
	}
	if r.Error != nil {
		refused.Reason = *r.Error
	}
	event := it.event
	if event < 0 {
		event = p.newEvent("")
	}
	journey.AddRefused(p.Group, event, &refused)
}

// noteUnread does so for an item that says something wrong, if it says of whom.
func (p *Plan) noteUnread(n jsondoc.Node, name string, r *Result) {
	it := Item{node: n, event: -1, name: cmp.Or(name, text(n, "eventName")), email: text(n, "email")}
	if n.Kind() != '{' || it.readContact(&rules{email: true, leads: true}) != nil {
		return
	}
	if at, err := readEventTime(n.Get("eventTime"), p.Now); err == nil {
		it.eventTime = at
	}
	p.noteRefused(&it, nil, r)
}

// NoteUnsaid does so for what event n of the group says in a way that cannot be read.
func (p *Plan) NoteUnsaid(name, contact string, n int, r *Result) {
	if contact == "" {
		return
	}
	ev := &p.Group.Events[n]
	journey.AddRefused(p.Group, n, &journey.Refused{
		Contact: contact, Outcome: journey.Outcome(r.Status), At: cmp.Or(ev.Time, p.Now.UnixMilli()), Reason: *r.Error,
		Report: journey.Report{Kind: journey.KindConversion, Name: name}, Same: string(ev.ID[:]),
	})
}

// noted is the key of the contact in whose journal an item is noted, "" if it names none.
// An item that names a message or a click is its contact's, if they are stored, else that
// of whom it names besides.
func (it *Item) noted(found []queue.Clicks) string {
	for i := range found {
		if click, err := clicks.Parse(found[i].Last); err == nil {
			if click.Lead != nil {
				return clicks.LeadKey(click.Lead.ID)
			}
			if id := contactOf(&click.Click); id != "" {
				return clicks.Contact(click.Channel, id)
			}
		}
	}
	if len(it.said) > 0 || it.who == "waPhone" || it.who == "waId" || it.who == "userId" {
		return it.keys[0]
	}
	if it.who == "leadId" {
		return clicks.LeadKey(it.leadID)
	}
	return it.besides()
}

// besides is the key of whom an item names, but for a message or a click, "" for nobody.
func (it *Item) besides() string {
	for _, who := range []string{"userId", "waPhone", "waId"} {
		if who == "waPhone" && !strings.HasPrefix(text(it.node, who), "+") {
			continue
		}
		named := Item{node: it.node, who: who, channel: it.channel}
		c := named.contact()
		if id := contactOf(&c.Click); id != "" {
			if c.Channel == normalize.ChannelUnknown {
				c.Channel = itemChannels[0]
			}
			return clicks.Contact(c.Channel, id)
		}
	}
	if hash, ok := capi.HashEmail(it.email); ok {
		return clicks.EmailKey(hash)
	}
	return ""
}

// amount is the posted value as a number is written, "" for none.
func amount(n jsondoc.Node) string {
	value := n.Get("value")
	if value.Kind() == '0' {
		return string(value.Raw())
	}
	return strings.TrimSpace(value.String())
}
