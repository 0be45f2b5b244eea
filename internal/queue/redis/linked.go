package redis

import (
	"hash/maphash"

	"github.com/leadgate/leadgate/internal/queue"
)

// linkedKeys remembers which keys the script was told lately to be the same
// contact's: the statuses of a message come within seconds of each other, and each
// look-up of their contact's keys costs Redis a third of what storing them does.
// What is forgotten, since another took its place, is told again.
type linkedKeys struct {
	seed  maphash.Seed
	slots []linkedSlot
}

type linkedSlot struct {
	hash uint64
	at   int64 // ms
}

// link reports whether the script was told lately that the event's keys are the same
// contact's, and notes that it is told now.
func (k *linkedKeys) link(tenant string, ev *queue.Event, now int64) (before bool) {
	if len(ev.Aliases) == 0 {
		return true // there is nothing to tell
	}
	slot, h := k.slot(tenant, ev.Contact)
	for _, alias := range ev.Aliases {
		h = h*31 + maphash.String(k.seed, alias)
	}
	// It stands under each key, since a click by any of them is news.
	before = slot.set(h, now)
	for _, alias := range ev.Aliases {
		slot, _ := k.slot(tenant, alias)
		before = slot.set(h, now) && before
	}
	return before
}

// set reports whether a slot holds what was told lately, and has it hold that.
func (s *linkedSlot) set(h uint64, now int64) (before bool) {
	if age := now - s.at; s.hash == h && age >= 0 && age < linkedMS {
		return true
	}
	*s = linkedSlot{h, now}
	return false
}

// unlink has the event's keys be told again: who had no click before may have one now.
func (k *linkedKeys) unlink(tenant string, ev *queue.Event) {
	forget := func(key string) {
		slot, _ := k.slot(tenant, key)
		*slot = linkedSlot{}
	}
	forget(ev.Contact)
	for _, alias := range ev.Aliases {
		forget(alias)
	}
}

// slot is the place of a contact, and its hash.
func (k *linkedKeys) slot(tenant, contact string) (*linkedSlot, uint64) {
	if k.slots == nil {
		k.seed, k.slots = maphash.MakeSeed(), make([]linkedSlot, linkedSlots)
	}
	h := maphash.String(k.seed, tenant)*31 + maphash.String(k.seed, contact)
	return &k.slots[h%linkedSlots], h
}

// forget has everything be told again: the script may not have run.
func (k *linkedKeys) forget() { clear(k.slots) }

// contactKeys packs the keys of an event's contact, and returns how many. An event
// that brings neither a click nor a message only tells that they are the same
// contact's, which need not be told again for a while.
func (p *packer) contactKeys(tenant string, ev *queue.Event) int {
	clicks, former := ev.KeptClicks(), ev.FormerKeys()
	if ev.Contact == "" || len(clicks) == 0 && len(former) == 0 && ev.MessageID == "" && p.linked.link(tenant, ev, p.now) {
		return 0
	}
	if len(clicks) > 0 || len(former) > 0 {
		p.linked.unlink(tenant, ev)
	}
	p.contact(ev.Contact)
	for _, alias := range ev.Aliases {
		p.contact(alias)
	}
	for _, key := range former {
		p.contact(key)
	}
	return 1 + len(ev.Aliases) + len(former)
}

func (p *packer) contact(name string) {
	start := len(p.arena)
	p.arena = append(append(append(p.arena, p.keys.base...), contactPrefix...), name...)
	p.contacts = append(p.contacts, p.since(start))
}
