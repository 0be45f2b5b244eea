package normalize

import (
	"bytes"
	"cmp"
	"errors"
	"slices"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

// ErrIndivisible says that a webhook cannot be cut into the elements that its
// events are made of.
var ErrIndivisible = errors.New("the webhook cannot be cut: where its events stand in it is not known, or one holds another")

// IsEnvelope reports whether Raw is no element but an envelope with all that is in it:
// an entry, or the body. What it holds may concern others than whom Account names.
func (e *Event) IsEnvelope() bool { return e.envelope }

// SetEnvelope says so, see [Event.IsEnvelope].
func (e *Event) SetEnvelope() { e.envelope = true }

// In reports whether e was made of a part of what outer was made of, or of the same.
func (e *Event) In(outer *Event) bool {
	return e.to != 0 && outer.from <= e.from && e.to <= outer.to
}

// Part is the webhook without what is not of the events that mine chooses by
// their index. It is body itself where nothing has to go. What is kept stands
// byte for byte as it came: whole elements with nothing of other events in them,
// and of the objects around them, which lose their other events, the plain
// values beside, but for those that are foreign; arrays and objects beside
// elements that had to go are left out, since nobody knows whose they are.
// foreign says of a decoded string, number or name whether it names somebody
// else: an element that gave no event stays unless one is in it.
//
// body is what the events were made of, unchanged. Events of a provider module
// of your own are looked for by their Raw, which must stand in the body, in the
// events' order. The error is ErrIndivisible.
//
// It takes time in proportion to the body and the events.
func (b *Batch) Part(body []byte, mine func(i int) bool, foreign func(id []byte) bool) ([]byte, error) {
	all := len(b.Events) > 0
	for i := 0; all && i < len(b.Events); i++ {
		all = mine(i)
	}
	if !b.doc.Holds(body) {
		if all {
			return body, nil // a form, or a provider that reads by itself
		}
		if err := b.parse(body); err != nil {
			return nil, ErrIndivisible
		}
	}
	if err := b.mark(body, mine); err != nil {
		if all {
			return body, nil
		}
		return nil, err
	}
	c := cutter{marks: b.marks, foreign: foreign}
	root := b.doc.Root()
	hi, kept, ok := c.within(root, 0)
	switch {
	case !ok || hi < len(c.marks) || kept == 0:
		return nil, ErrIndivisible
	case kept == hi && c.intact(root, 0):
		return body, nil
	}
	if err := c.cut(root, 0, hi, kept); err != nil {
		return nil, err
	}
	return c.out, nil
}

// mark is where an event stands in the body.
type mark struct {
	from, to uint32
	mine     bool
}

func (m mark) is(n jsondoc.Node) bool {
	return int(m.from) == n.Offset() && int(m.to-m.from) == len(n.Raw())
}

// mark fills b.marks, in the order of the body, containers first.
func (b *Batch) mark(body []byte, mine func(i int) bool) error {
	b.marks = b.marks[:0]
	pos := 0
	for i := range b.Events {
		e := &b.Events[i]
		m := mark{from: e.from, to: e.to, mine: mine(i)}
		if m.to == 0 {
			// From where the last one was found: several events may share one Raw.
			at := -1
			if len(e.Raw) > 0 {
				at = bytes.Index(body[pos:], e.Raw)
			}
			if at < 0 {
				return ErrIndivisible
			}
			pos += at
			m.from, m.to = uint32(pos), uint32(pos+len(e.Raw))
		}
		b.marks = append(b.marks, m)
	}
	order := func(x, y mark) int { return cmp.Or(cmp.Compare(x.from, y.from), cmp.Compare(y.to, x.to)) }
	if !slices.IsSortedFunc(b.marks, order) {
		slices.SortStableFunc(b.marks, order)
	}
	return nil
}

// cutter walks through a body in its order, and through the marks beside it.
type cutter struct {
	marks   []mark
	foreign func([]byte) bool
	out     []byte
	steps   int // how many nodes and marks were looked at, for the test
}

// within returns the end of the marks in n, of which the first is lo, and how
// many of them are mine. It is not ok where one reaches out of n.
func (c *cutter) within(n jsondoc.Node, lo int) (hi, mine int, ok bool) {
	end := uint32(n.Offset() + len(n.Raw()))
	for hi = lo; hi < len(c.marks) && c.marks[hi].from < end; hi++ {
		c.steps++
		if c.marks[hi].to > end || int(c.marks[hi].from) < n.Offset() {
			return hi, mine, false
		}
		if c.marks[hi].mine {
			mine++
		}
	}
	c.steps++
	return hi, mine, true
}

// intact reports whether nothing of n, all of whose marks from lo on are mine, has to
// go: no element without an event names somebody else.
func (c *cutter) intact(n jsondoc.Node, lo int) bool {
	if c.marks[lo].is(n) {
		return true
	}
	for m := n.First(); m.Exists(); m = m.Next() {
		hi, _, ok := c.within(m, lo)
		switch {
		case !ok:
			return false
		case hi > lo:
			if !c.intact(m, lo) {
				return false
			}
		case n.Kind() == '[' && c.names(m):
			return false
		}
		lo = hi
	}
	return true
}

// names reports whether n holds a value or a name that is somebody else's.
func (c *cutter) names(n jsondoc.Node) bool {
	c.steps++
	switch n.Kind() {
	case '"', '0':
		return c.foreign(n.Bytes())
	}
	for m := n.First(); m.Exists(); m = m.Next() {
		if key := m.Key(); key != nil && c.foreign(key) || c.names(m) {
			return true
		}
	}
	return false
}

// cut writes n, with the marks from lo to hi in it, of which some are mine.
func (c *cutter) cut(n jsondoc.Node, lo, hi, mine int) error {
	switch {
	case mine == hi-lo && c.intact(n, lo):
		c.out = append(c.out, n.Raw()...)
		return nil
	case c.marks[lo].is(n), n.Kind() != '{' && n.Kind() != '[':
		return ErrIndivisible
	}
	open := n.Raw()[0]
	c.out = append(c.out, open)
	first := true
	for m := n.First(); m.Exists(); m = m.Next() {
		end, kept, ok := c.within(m, lo)
		if !ok {
			return ErrIndivisible
		}
		if kept > 0 || end == lo && open == '{' && c.plain(m) {
			if !first {
				c.out = append(c.out, ',')
			}
			first = false
			if open == '{' {
				c.out = append(append(c.out, m.RawKey()...), ':')
			}
			if kept == 0 {
				c.out = append(c.out, m.Raw()...)
			} else if err := c.cut(m, lo, end, kept); err != nil {
				return err
			}
		}
		lo = end
	}
	c.out = append(c.out, open+2) // ASCII has the closing ones there
	if lo != hi {
		return ErrIndivisible // one stands beside the members, as in a name
	}
	return nil
}

// plain reports whether a member without an event may stay in an object that is
// cut: a plain value, or nothing in brackets, that names nobody else.
func (c *cutter) plain(m jsondoc.Node) bool {
	return !m.First().Exists() && !c.foreign(m.Key()) && !c.names(m)
}
