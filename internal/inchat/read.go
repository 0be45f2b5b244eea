package inchat

import (
	"bytes"
	"slices"
	"strings"

	"github.com/leadgate/leadgate/normalize"
)

// Rules are a tenant's, in the order of the configuration.
type Rules []*Rule

// maxText is how much of a text is read, in bytes: four times what WhatsApp lets people
// write, in the widest characters.
const maxText = 16 << 10

// Fired is a conversion that was said.
type Fired struct {
	Rule *Rule
	// Item is it as a CRM would post it, nil where what it earned cannot be read exactly,
	// which Problem says.
	Item    []byte
	Problem string
}

// Read finds the conversions in an event: one for each name, by the first rule of that name
// that fires, or by a later one where the first cannot be read. now is when it came, ms.
// Reader is memory.
func (rs Rules) Read(ev *normalize.Event, now int64, m *Reader) []Fired {
	on := listened(ev)
	if on == 0 {
		return nil
	}
	var list []Fired
	m.text = m.text[:0]
	m.ends = m.ends[:0]
	for _, r := range rs {
		if r.on&on == 0 || !r.about(ev, on) {
			continue
		}
		at := -1
		for i := range list {
			if list[i].Rule.Name == r.Name {
				at = i
			}
		}
		if at >= 0 && list[at].Item != nil {
			continue
		}
		found, ok := r.said(ev, m)
		if !ok {
			continue
		}
		f := Fired{Rule: r}
		f.Item, f.Problem = r.item(ev, on, &found, now)
		switch {
		case at < 0:
			list = append(list, f)
		case f.Item != nil:
			list[at] = f
		}
	}
	return list
}

// listened is what an event is to rules, 0 where it is nothing: edits, what was forwarded,
// and what is said in groups never fire.
func listened(ev *normalize.Event) (on On) {
	msg := ev.Message
	if msg == nil || msg.Type == "edit" || msg.Type == "revoke" || msg.Forwarded || msg.FrequentlyForwarded ||
		len(ev.GroupID) > 0 {
		return 0
	}
	switch ev.Kind {
	case normalize.KindEcho:
		return Echo
	case normalize.KindMessage:
		on = Message
		if msg.Order != nil {
			on |= Order
		}
		if i := msg.Interactive; i != nil {
			if i.NfmReply != nil {
				on |= Flow
			} else {
				on |= Reply
			}
		}
	}
	return on
}

// about reports whether the event is one of those that the rule listens to.
func (r *Rule) about(ev *normalize.Event, on On) bool {
	on &= r.on
	if on != Reply || len(r.replies) == 0 {
		return on != 0
	}
	i := ev.Message.Interactive
	own, payload := i.ID.String(), i.Payload.String()
	sent := strings.TrimPrefix(strings.TrimPrefix(own, "ButtonsV3:"), "ListV3:") // as Whapi got it, before it wrote that in front
	return slices.ContainsFunc(r.replies, func(id string) bool { return id == own || id == sent || id == payload })
}

// Reader is memory for what events say.
type Reader struct {
	text   []byte
	ends   []end // of each text in it
	folded []byte
}

// end is where a text ends, and where it does when folded.
type end struct {
	text, folded int
	flow         bool // it is the answers of a Flow, which rules on flow alone read
}

// Trim lets go of memory beyond so many bytes, which one long text took.
func (m *Reader) Trim(most int) {
	if cap(m.text) > most || cap(m.folded) > most {
		*m = Reader{}
	}
}

// load decodes and folds what the event says, once for all rules.
func (m *Reader) load(ev *normalize.Event) {
	if len(m.ends) > 0 {
		return
	}
	m.folded = m.folded[:0]
	msg := ev.Message
	add := func(t normalize.Text, flow bool) {
		if t == nil {
			return
		}
		start := len(m.text)
		m.text = t.Append(m.text)
		if len(m.text)-start > maxText {
			m.text = m.text[:start+maxText]
		}
		m.folded = appendFolded(m.folded, m.text[start:])
		m.ends = append(m.ends, end{len(m.text), len(m.folded), flow})
	}
	add(msg.Text, false)
	add(msg.Caption, false)
	if i := msg.Interactive; i != nil && i.NfmReply != nil {
		add(i.NfmReply.ResponseJSON, true)
	}
	if len(m.ends) == 0 {
		m.ends = append(m.ends, end{}) // nothing is said
	}
}

// said reports whether the rule's text and pattern stand in what the event says; found is
// where the pattern does.
func (r *Rule) said(ev *normalize.Event, m *Reader) (found match, ok bool) {
	if len(r.texts) == 0 && r.pattern == nil {
		return match{}, true
	}
	m.load(ev)
	if !r.hasText(m) {
		return match{}, false
	}
	if r.pattern == nil {
		return match{}, true
	}
	start := 0
	for _, e := range m.ends {
		if r.reads(e) {
			if found, ok := find(r.pattern, m.text[start:e.text]); ok {
				return found, true
			}
		}
		start = e.text
	}
	return match{}, false
}

func (r *Rule) hasText(m *Reader) bool {
	if len(r.texts) == 0 {
		return true
	}
	start := 0
	for _, e := range m.ends {
		said := m.folded[start:e.folded]
		if r.reads(e) && slices.ContainsFunc(r.texts, func(text []byte) bool { return bytes.Contains(said, text) }) {
			return true
		}
		start = e.folded
	}
	return false
}

// reads reports whether the rule reads a text.
func (r *Rule) reads(e end) bool { return !e.flow || r.on&Flow != 0 }
