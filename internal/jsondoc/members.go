package jsondoc

import "fmt"

// Members finds the members of objects by their names, all in one pass. It is made
// once for a shape; [Node.Get] is for a member or two.
//
//	var clickMembers = jsondoc.NewMembers("source", "ref", "ad_id")
//
//	clickMembers.Find(n, &k.source, &k.ref, &k.adID)
type Members struct {
	seed  uint32
	slots [64]slot // no two names share one
}

// slot is a name, and its place among the names, from 0.
type slot struct {
	name  string
	place int
}

// NewMembers makes the finder of up to 32 names. It panics where one stands twice.
func NewMembers(names ...string) *Members {
	m := new(Members)
	for m.seed = 1; m.seed < 1<<16; m.seed += 2 {
		if m.fill(names) {
			return m
		}
	}
	panic(fmt.Sprintf("jsondoc: these names cannot be told apart: %q", names))
}

// fill gives each name a slot, and reports whether no two had to share one.
func (m *Members) fill(names []string) bool {
	m.slots = [64]slot{}
	for i, name := range names {
		s := m.slot([]byte(name))
		if s.name != "" {
			return false
		}
		*s = slot{name, i}
	}
	return true
}

// slot is where a name would stand, if it is one of them. It is not empty. Length
// and ends tell the names of a shape apart, and cost less than all of it.
func (m *Members) slot(name []byte) *slot {
	n := len(name)
	return &m.slots[(uint32(n)<<24+uint32(name[0])<<16+uint32(name[n-1])<<8)*m.seed>>26]
}

// Find sets what it is given, in the order of the names, to the members of n: the
// first of a name counts. What n does not have is left as it is, which is missing
// to begin with.
func (m *Members) Find(n Node, to ...*Node) {
	if n.Kind() != '{' {
		return
	}
	d, es := n.d, n.d.entries
	end := es[n.i].next
	for i := n.i + 1; i < end; i = es[i].next {
		name := d.name(&es[i])
		if len(name) == 0 {
			continue
		}
		s := m.slot(name)
		if s.name != string(name) {
			continue
		}
		if member := to[s.place]; member.d == nil {
			*member = Node{d: d, i: i, end: end}
		}
	}
}

// FindObjects is Find for members that are objects: what else a name may hold is
// passed over. other is the first object of another name. A nil in to is for a
// name that is known, and not wanted.
func (m *Members) FindObjects(n Node, to ...*Node) (other Node) {
	if n.Kind() != '{' {
		return other
	}
	d, es := n.d, n.d.entries
	end := es[n.i].next
	for i := n.i + 1; i < end; i = es[i].next {
		if es[i].kind != '{' {
			continue
		}
		member := &other
		if name := d.name(&es[i]); len(name) > 0 {
			if s := m.slot(name); s.name == string(name) {
				member = to[s.place]
			}
		}
		if member != nil && member.d == nil {
			*member = Node{d: d, i: i, end: end}
		}
	}
	return other
}

// name is a member's decoded name.
func (d *Doc) name(e *entry) []byte {
	if !e.escaped {
		return d.body[e.key:e.keyEnd]
	}
	return AppendDecoded(nil, d.body[e.key-1:e.keyEnd+1])
}
