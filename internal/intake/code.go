package intake

import (
	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/linkcode"
	"github.com/leadgate/leadgate/normalize"
)

// mayNameLink reports whether a code in an event is its customer's own: in what the
// business wrote, somebody else said before, or several people read, it is not.
func mayNameLink(ev *normalize.Event) bool {
	m := ev.Message
	return ev.Kind == normalize.KindMessage && m != nil && ev.GroupID == nil && !m.Forwarded && !m.FrequentlyForwarded &&
		m.Type != "edit" && m.Type != "revoke"
}

// codeIn is the first code in what a message says.
func (w *Webhook) codeIn(ev *normalize.Event) (code string, ok bool) {
	m := ev.Message
	var title normalize.Text
	if m.Interactive != nil {
		title = m.Interactive.Title
	}
	for i, text := range [...]normalize.Text{m.Text, m.Caption, title} {
		if text == nil || i == 2 && string(text) == string(m.Text) { // a label is both
			continue
		}
		if code, ok = linkcode.Find(w.decoded(text)); ok {
			return code, true
		}
	}
	if ev.Referral == nil || ev.Referral.Ref == nil {
		return "", false
	}
	return linkcode.Find(w.decoded(ev.Referral.Ref))
}

// maxEscaped is how long that of a text may be, escaped, which is searched: what
// follows that shows where its last word ends, too.
const maxEscaped = 6*linkcode.MaxText + 64

// decoded is a text's content, of a long one with escapes the beginning, until the
// next call.
func (w *Webhook) decoded(t normalize.Text) []byte {
	if plain, ok := jsondoc.Plain(t); ok {
		return plain
	}
	if len(t) <= maxEscaped {
		w.scratch = t.Append(w.scratch[:0])
		return w.scratch
	}
	end := 1
	for end < maxEscaped {
		switch {
		case t[end] != '\\':
			end++
		case t[end+1] == 'u':
			end += 6
		default:
			end += 2
		}
	}
	w.scratch = append(append(w.scratch[:0], t[:end]...), '"')
	w.scratch = normalize.Text(w.scratch).Append(w.scratch)
	return w.scratch[end+1:]
}
