package redis

import (
	"hash/maphash"

	"github.com/leadgate/leadgate/internal/queue"
)

// aliasesTold remembers which keys the script was told lately to be the same
// person's: the statuses of a message come within seconds of each other, and each
// look-up of their contact's keys costs Redis a third of what storing them does.
// What is forgotten, since another took its place, is told again.
type aliasesTold struct {
	seed  maphash.Seed
	slots []toldSlot
}

type toldSlot struct {
	hash uint64
	at   int64 // ms
}

const (
	toldSlots = 1 << 16
	toldMS    = 60_000 // and then again: another edge may have stored a click
)

// before says whether the script was told of the event's keys, and notes that it
// will be.
func (t *aliasesTold) before(tenant string, ev *queue.Event, now int64) bool {
	if len(ev.Aliases) == 0 {
		return true // there is nothing to tell
	}
	slot, h := t.slot(tenant, ev.Contact)
	for _, alias := range ev.Aliases {
		h = h*31 + maphash.String(t.seed, alias)
	}
	// It stands under each key, since a click by any of them is news.
	known := t.note(slot, h, now)
	for _, alias := range ev.Aliases {
		slot, _ := t.slot(tenant, alias)
		known = t.note(slot, h, now) && known
	}
	return known
}

// note says whether a slot holds what was told lately, and has it hold that.
func (t *aliasesTold) note(slot *toldSlot, h uint64, now int64) bool {
	if age := now - slot.at; slot.hash == h && age >= 0 && age < toldMS {
		return true
	}
	*slot = toldSlot{h, now}
	return false
}

// news notes that a person's keys must be told again: one who was none before may be
// one with a click now.
func (t *aliasesTold) news(tenant string, ev *queue.Event) {
	forget := func(key string) {
		slot, _ := t.slot(tenant, key)
		*slot = toldSlot{}
	}
	forget(ev.Contact)
	for _, alias := range ev.Aliases {
		forget(alias)
	}
}

// slot is the place of a contact, and its hash.
func (t *aliasesTold) slot(tenant, contact string) (*toldSlot, uint64) {
	if t.slots == nil {
		t.seed, t.slots = maphash.MakeSeed(), make([]toldSlot, toldSlots)
	}
	h := maphash.String(t.seed, tenant)*31 + maphash.String(t.seed, contact)
	return &t.slots[h%toldSlots], h
}

// forget is for when the script may not have run.
func (t *aliasesTold) forget() { clear(t.slots) }
