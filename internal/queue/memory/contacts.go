package memory

import (
	"context"
	"maps"
	"slices"

	"github.com/leadgate/leadgate/internal/queue"
)

// contacts are a tenant's: people by one of their keys, other keys that lead to
// them, and messages.
type contacts struct {
	people   map[string]*person
	aliases  map[string]string
	messages map[string]message
}

type person struct {
	first, last    touch
	oldest, newest [queue.ClickKinds]touch
	aliases        []string // oldest first
}

type touch struct {
	at   int64
	data []byte // nil for none
}

type message struct {
	contact string
	till    int64
}

const (
	keepMessages = 8 * queue.DayMS
	maxAliases   = 64 // of a person; beyond them the oldest goes
)

func newContacts() contacts {
	return contacts{people: map[string]*person{}, aliases: map[string]string{}, messages: map[string]message{}}
}

// newer says which of two touches counts as the last.
func newer(old, t touch) touch {
	if old.data == nil || t.data != nil && t.at >= old.at {
		return t
	}
	return old
}

func older(old, t touch) touch {
	if old.data == nil || t.data != nil && t.at < old.at {
		return t
	}
	return old
}

func (p *person) merge(o *person) {
	p.first, p.last = older(p.first, o.first), newer(p.last, o.last)
	for kind := range queue.ClickKinds {
		p.oldest[kind], p.newest[kind] = older(p.oldest[kind], o.oldest[kind]), newer(p.newest[kind], o.newest[kind])
	}
}

// of returns the person that a key leads to, nil if there is none, and the key.
func (c *contacts) of(key string, now, remember int64) (string, *person) {
	for _, k := range []string{key, c.aliases[key]} {
		if p := c.people[k]; p != nil && p.last.at+remember > now {
			return k, p
		}
	}
	return key, nil
}

func (c *contacts) forget(key string) {
	p := c.people[key]
	for _, alias := range p.aliases {
		if c.aliases[alias] == key {
			delete(c.aliases, alias)
		}
	}
	delete(c.people, key)
}

// touch stores an event's click and keys; first says that the click is the person's
// first.
func (c *contacts) touch(ev *queue.Event, now, remember int64) (first bool) {
	if ev.Contact == "" {
		return false
	}
	key, p := c.of(ev.Contact, now, remember)
	if p == nil && c.people[key] != nil {
		c.forget(key)
	}
	var linked []string
	link := func(alias string) {
		if alias != key {
			linked = append(linked, alias)
		}
	}
	absorb := func(other string) {
		o := c.people[other]
		for _, alias := range o.aliases {
			if c.aliases[alias] == other {
				link(alias)
			}
		}
		link(other)
		c.forget(other)
		if p == nil {
			p = &person{}
		}
		p.merge(o)
	}
	for _, alias := range ev.Aliases {
		if o := c.people[alias]; o != nil && alias != key && o.last.at+remember > now {
			absorb(alias)
		}
		link(alias)
	}
	for _, former := range ev.Former {
		if former == "" {
			continue
		}
		if other, o := c.of(former, now, remember); o != nil && other != key {
			absorb(other)
		}
		link(former)
	}
	if clicked := clickedBy(ev, now); clicked != nil && (p != nil || clicked.last.at+remember > now) { // of long ago alone is not kept
		if p == nil {
			p, first = &person{}, true
		}
		p.merge(clicked)
	}
	if p == nil {
		return false
	}
	c.people[key] = p
	for _, alias := range linked {
		c.aliases[alias] = key
		if !slices.Contains(p.aliases, alias) {
			p.aliases = append(p.aliases, alias)
		}
	}
	for len(p.aliases) > maxAliases {
		if c.aliases[p.aliases[0]] == key {
			delete(c.aliases, p.aliases[0])
		}
		p.aliases = p.aliases[1:]
	}
	if ev.MessageID != "" {
		c.messages[ev.MessageID] = message{key, now + keepMessages}
	}
	return first
}

// clickedBy is who knows nothing but an event's clicks, nil if it has none.
func clickedBy(ev *queue.Event, now int64) (p *person) {
	for _, click := range ev.Clicks {
		if len(click.Data) == 0 {
			continue
		}
		t := touch{min(click.At, now), copyOf(click.Data)}
		one := person{first: t, last: t}
		one.oldest[click.Kind], one.newest[click.Kind] = t, t
		if p == nil {
			p = &person{}
		}
		p.merge(&one)
	}
	return p
}

// find is of, by a message's key too.
func (c *contacts) find(key string, now, remember int64) (string, *person) {
	k, p := c.of(key, now, remember)
	if p == nil {
		if m, ok := c.messages[key]; ok && m.till > now {
			return c.of(m.contact, now, remember)
		}
	}
	return k, p
}

func (c *contacts) sweep(now, remember int64) {
	for key, p := range c.people {
		if p.last.at+remember <= now {
			c.forget(key)
		}
	}
	for key, m := range c.messages {
		if m.till <= now {
			delete(c.messages, key)
		}
	}
}

// Clicks implements [queue.Queue].
func (q *Queue) Clicks(ctx context.Context, tenant string, keys []string) (found []queue.Clicks, err error) {
	err = q.with(ctx, func() error {
		for _, key := range keys {
			var c queue.Clicks
			if _, p := q.d.tenant(tenant).contacts.find(key, q.d.ms(), q.d.opts.RememberClicks.Milliseconds()); p != nil {
				c = queue.Clicks{First: copyOf(p.first.data), Last: copyOf(p.last.data)}
				for kind := range queue.ClickKinds {
					c.Oldest[kind], c.Newest[kind] = copyOf(p.oldest[kind].data), copyOf(p.newest[kind].data)
				}
			}
			found = append(found, c)
		}
		return nil
	})
	return found, err
}

// Remembers implements [queue.Queue].
func (q *Queue) Remembers(ctx context.Context, tenant string, once []string) (known []bool, err error) {
	err = q.with(ctx, func() error {
		for _, key := range once {
			known = append(known, q.d.tenant(tenant).once[key] > q.d.ms())
		}
		return nil
	})
	return known, err
}

// Erase implements [queue.Queue].
func (q *Queue) Erase(ctx context.Context, tenant, key string) (n int, err error) {
	err = q.with(ctx, func() error {
		keys := map[string]bool{key: true}
		t := q.d.tenant(tenant)
		c := &t.contacts
		if k, p := c.find(key, q.d.ms(), q.d.opts.RememberClicks.Milliseconds()); p != nil {
			keys[k] = true
			n++
			for _, alias := range p.aliases {
				keys[alias] = true
				if c.aliases[alias] == k {
					n++
				}
			}
			c.forget(k)
		}
		if t.eraseJournals(keys, q.d.ms()) && n == 0 {
			n = 1
		}
		n += t.eraseCodes(keys, q.d.ms())
		maps.DeleteFunc(c.messages, func(_ string, m message) bool { return keys[m.contact] })
		n += q.d.remove(func(name queue.Dest, l *letter) bool {
			h := &l.Header
			return (name.Tenant == tenant || name == queue.Unmatched) &&
				(keys[h.Contact] && h.Contact != "" || keys[h.ClickKey] && h.ClickKey != "")
		})
		return nil
	})
	return n, err
}
