package jsondoc

import (
	"math"
	"strconv"
)

// Node is a value of a Doc. The zero Node is a missing value; every method
// works on it.
type Node struct {
	d      *Doc
	i, end uint32 // its entry, and where its siblings end
}

// Exists reports whether the value is there; null is there.
func (n Node) Exists() bool { return n.d != nil }

// Kind is 0 for a missing value, else '{', '[', '"', '0' (a number), 't', 'f'
// or 'n'.
func (n Node) Kind() byte {
	if n.d == nil {
		return 0
	}
	return n.d.entries[n.i].kind
}

// Get is the member of an object by its decoded name, the first of several. It
// is missing where there is none or n is no object.
func (n Node) Get(name string) Node {
	if n.d == nil {
		return Node{}
	}
	d := n.d
	es := d.entries
	e := &es[n.i]
	if e.kind != '{' {
		return Node{}
	}
	end := e.next
	if d.found != nil {
		if at, ok := d.found[member{n.i, name}]; ok {
			return n.member(at)
		}
	}
	i, steps := n.i+1, 1
	for ; i < end; i = es[i].next {
		m := &es[i]
		if !m.escaped {
			if string(d.body[m.key:m.keyEnd]) == name {
				break
			}
		} else if decodedEqual(d.body[m.key-1:m.keyEnd+1], name) {
			break
		}
		steps++
	}
	d.steps += steps
	if steps > manyMembers {
		d.remember(n.i, name, i)
	}
	if i >= end {
		return Node{}
	}
	return Node{d: d, i: i, end: end}
}

// manyMembers is from how many members on that were looked at a result is
// remembered. No provider's object has as many; without it, one that has and is
// asked by each message of a body would cost their number times the messages'.
const manyMembers = 256

// member is the question that Get answers.
type member struct {
	object uint32
	name   string
}

func (d *Doc) remember(object uint32, name string, at uint32) {
	if d.found == nil {
		d.found = make(map[member]uint32)
	}
	d.found[member{object, name}] = at
}

// member is the member at an entry, missing at the object's end.
func (n Node) member(at uint32) Node {
	if end := n.d.entries[n.i].next; at < end {
		return Node{d: n.d, i: at, end: end}
	}
	return Node{}
}

// First is the first element or member; missing in an empty or plain value.
//
//	for c := n.First(); c.Exists(); c = c.Next() {
func (n Node) First() Node {
	if n.d == nil {
		return Node{}
	}
	e := &n.d.entries[n.i]
	if e.next == n.i+1 {
		return Node{}
	}
	return Node{d: n.d, i: n.i + 1, end: e.next}
}

// Next is the value after n in the same array or object, missing after the
// last.
func (n Node) Next() Node {
	if n.d == nil {
		return Node{}
	}
	i := n.d.entries[n.i].next
	if i >= n.end {
		return Node{}
	}
	return Node{d: n.d, i: i, end: n.end}
}

// Len is the number of elements or members, 0 for a plain value.
func (n Node) Len() int {
	k := 0
	for c := n.First(); c.Exists(); c = c.Next() {
		k++
	}
	return k
}

// Key is the member's decoded name; nil in an array or at the root. It is a
// slice of the body unless the name has escapes.
func (n Node) Key() []byte {
	if n.d == nil {
		return nil
	}
	e := &n.d.entries[n.i]
	if e.keyEnd == 0 {
		return nil
	}
	if e.escaped {
		return AppendDecoded(nil, n.d.body[e.key-1:e.keyEnd+1])
	}
	return n.d.body[e.key:e.keyEnd:e.keyEnd]
}

// RawKey is the member's name as it stands in the body, with its quotes; nil in
// an array or at the root.
func (n Node) RawKey() []byte {
	if n.d == nil || n.d.entries[n.i].keyEnd == 0 {
		return nil
	}
	e := &n.d.entries[n.i]
	return n.d.body[e.key-1 : e.keyEnd+1 : e.keyEnd+1]
}

// Surrogates reports whether n is a string with escapes of surrogates, of which
// one may stand alone: see HasLoneSurrogate.
func (n Node) Surrogates() bool { return n.d != nil && n.d.entries[n.i].surrogates }

// Raw is the value's bytes as they stand in the body, without the white space
// around them: a slice of the body whose capacity ends with it.
func (n Node) Raw() []byte {
	if n.d == nil {
		return nil
	}
	e := &n.d.entries[n.i]
	return n.d.body[e.start:e.end:e.end]
}

// Offset is where the value starts in the body, in bytes; 0 when missing.
func (n Node) Offset() int {
	if n.d == nil {
		return 0
	}
	return int(n.d.entries[n.i].start)
}

// String is the decoded string, or the digits of a number as they stand, else
// "". Lone surrogates become U+FFFD.
func (n Node) String() string { return string(n.Bytes()) }

// Bytes is what String is, without a copy where the string has no escapes: a
// slice of the body then.
func (n Node) Bytes() []byte {
	switch n.Kind() {
	case '"':
		if plain, ok := Plain(n.Raw()); ok {
			return plain
		}
		return AppendDecoded(nil, n.Raw())
	case '0':
		return n.Raw()
	}
	return nil
}

// Int is a whole number, written as a number or as a string of decimal digits.
// 1e3 and 5.0 count as whole numbers; what does not fit an int64 does not.
func (n Node) Int() (int64, bool) {
	switch n.Kind() {
	case '"':
		if plain, ok := Plain(n.Raw()); ok {
			return parseInt(plain)
		}
	case '0':
		raw := n.Raw()
		if v, ok := parseInt(raw); ok {
			return v, true
		}
		f, err := strconv.ParseFloat(string(raw), 64)
		if err == nil && f == math.Trunc(f) && math.Abs(f) <= 1<<53 {
			return int64(f), true
		}
	}
	return 0, false
}

func parseInt(b []byte) (int64, bool) {
	neg := len(b) > 0 && b[0] == '-'
	if neg {
		b = b[1:]
	}
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	var v int64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int64(c-'0')
	}
	if neg {
		v = -v
	}
	return v, true
}
