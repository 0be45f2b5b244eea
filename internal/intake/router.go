package intake

import (
	"fmt"
	"slices"

	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/phone"
	"github.com/leadgate/leadgate/normalize"
)

// Router finds the tenant of an event by the business's own ids.
type Router struct {
	// Direct is the tenant of what nothing matches; nil if there is none.
	Direct *Tenant

	tenants []*Tenant // in the order of the file
	used    []*matchID
	ids     map[string]map[string]int // match key → value → index into tenants
	owners  map[string][]int          // value, whatever its key → indexes into tenants
}

// Tenants are all tenants that events may be routed to, Direct the last.
func (r *Router) Tenants() []*Tenant {
	if r.Direct == nil {
		return r.tenants
	}
	return append(slices.Clone(r.tenants), r.Direct)
}

// Add adds a tenant: match is its values by key, see [MatchKeys], with placeholders
// replaced. The error says which value cannot be right, or is another tenant's.
func (r *Router) Add(t *Tenant, match map[string][]string) error {
	if r.ids == nil {
		r.ids, r.owners = make(map[string]map[string]int), make(map[string][]int)
	}
	index := len(r.tenants)
	r.tenants = append(r.tenants, t)
	for i := range matchIDs {
		m := &matchIDs[i]
		values := match[m.key]
		if len(values) == 0 {
			continue
		}
		if !slices.Contains(r.used, m) {
			r.used = append(r.used, m)
		}
		if r.ids[m.key] == nil {
			r.ids[m.key] = make(map[string]int)
		}
		for _, v := range values {
			if problem := UnlikelyID(m.key, v); problem != "" {
				return fmt.Errorf("tenant %s: %s", t.Name, problem)
			}
			if m.digits {
				if v = phone.Digits(v); v == "" {
					return fmt.Errorf("tenant %s: match %s has a value without digits", t.Name, m.key)
				}
			}
			if other, taken := r.ids[m.key][v]; taken && other != index {
				return fmt.Errorf("tenant %s: match %s %s is already tenant %s's: an event has exactly one tenant",
					t.Name, m.key, v, r.tenants[other].Name)
			}
			r.ids[m.key][v] = index
			if !slices.Contains(r.owners[v], index) {
				r.owners[v] = append(r.owners[v], index)
			}
		}
	}
	return nil
}

// Values are a tenant's ids of a key, in order.
func (r *Router) Values(t *Tenant, key string) (values []string) {
	for v, at := range r.ids[key] {
		if r.tenants[at] == t {
			values = append(values, v)
		}
	}
	slices.Sort(values)
	return values
}

// Route returns an event's tenant, nil if nothing matches. The number that was
// written to wins over the rest, and the item's own end over its entry's id;
// among equals the first in the file.
func (r *Router) Route(ev *normalize.Event) *Tenant {
	n := len(r.tenants)
	if n == 0 {
		return r.Direct
	}
	best := [ranks]int{n, n, n}
	for _, m := range r.used {
		if id := m.of(ev); id != nil {
			if i, ok := r.lookup(m, id); ok && i < best[m.rank] {
				best[m.rank] = i
			}
		}
	}
	at := byNumber
	for at < byRest && best[at] == n {
		at++
	}
	switch {
	case ev.IsEnvelope():
		return r.routeEnvelope(ev, best[at])
	case best[at] == n:
		return r.Direct
	case at == byOwnEnd:
		r.settle(ev, best[at])
	}
	return r.tenants[best[at]]
}

func (r *Router) lookup(m *matchID, id normalize.Text) (index int, ok bool) {
	if m.digits {
		index, ok = r.ids[m.key][phone.Digits(id.String())]
		return index, ok
	}
	plain, ok := jsondoc.Plain(id)
	if !ok {
		plain = id.Append(nil)
	}
	index, ok = r.ids[m.key][string(plain)]
	return index, ok
}

// settle makes the item's own end the account's id where the entry's is another
// tenant's: the event is not to name that one.
func (r *Router) settle(ev *normalize.Event, index int) {
	for _, m := range r.used {
		id := m.of(ev)
		if m.rank != byRest || m.account == "" || id == nil {
			continue
		}
		if other, ok := r.lookup(m, id); ok && other != index {
			*m.at(&ev.Account) = ev.Account.RoutingIDs().RecipientID
		}
	}
}

// routeEnvelope routes an event whose raw is not an element but all of an entry
// or a body. It is the tenant's whose ids stand in it. What names several is
// nobody's: none of them may see it. index is the tenant by the event's own ids.
func (r *Router) routeEnvelope(ev *normalize.Event, index int) *Tenant {
	var named []int
	if index < len(r.tenants) {
		named = append(named, index)
	}
	var doc jsondoc.Doc
	if doc.Parse(ev.Raw) == nil {
		named = r.namedIn(doc.Root(), named)
	}
	switch len(named) {
	case 0:
		return r.Direct
	case 1:
		return r.tenants[named[0]]
	}
	return nil
}

// namedIn adds the tenants whose ids are a value or a name in n.
func (r *Router) namedIn(n jsondoc.Node, to []int) []int {
	if kind := n.Kind(); kind == '"' || kind == '0' {
		return r.named(n.Bytes(), to)
	}
	for m := n.First(); m.Exists(); m = m.Next() {
		to = r.namedIn(m, r.named(m.Key(), to))
	}
	return to
}

// named adds the tenants of whom one matches this id, by whatever key.
func (r *Router) named(id []byte, to []int) []int {
	for _, owners := range [...][]int{r.owners[string(id)], r.owners[numberIn(id)]} {
		for _, i := range owners {
			if !slices.Contains(to, i) {
				to = append(to, i)
			}
		}
	}
	return to
}

// numberIn is the digits of what looks like a phone number as people write it,
// "" for anything else.
func numberIn(id []byte) string {
	if len(id) > 32 {
		return ""
	}
	digits := 0
	for _, c := range id {
		switch {
		case '0' <= c && c <= '9':
			digits++
		case c == '+', c == ' ', c == '-', c == '(', c == ')', c == '.':
		default:
			return ""
		}
	}
	if digits < 6 || digits == len(id) {
		return ""
	}
	return phone.Digits(string(id))
}
