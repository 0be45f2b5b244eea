package embedded

import (
	"bytes"
	"encoding/binary"
	"iter"
	"maps"
	"slices"

	"github.com/leadgate/leadgate/internal/queue/codec"
)

// names knows in which slice of the clicks and of the aliases a key may be. What is known
// of a contact stands in one slice: its clicks, and the aliases that lead to it. A new one
// begins in the newest, so that clicks of new contacts change the same pages.
//
// A contact that clicks again is moved out of a slice that is far behind, so that a slice
// is empty once all who clicked in its time are forgotten: nothing in a slice outlives the
// time of the next sliceGroup slices, and RememberClicks from then.
type names struct {
	sliced
	before filter // of slice 0
}

func (n *names) put(at place) {
	if at.slice == 0 {
		n.before.add(at.hash)
		return
	}
	n.sliced.put(at)
}

func (n *names) find(hash codec.KeyHash, f func(place) bool) {
	found := false
	n.sliced.find(hash, func(at place) bool { found = f(at); return found })
	if !found && n.before.has(hash) {
		f(place{0, hash})
	}
}

// fillNames reads what there is. The index stands in for the clicks, whose records are large.
func (t *txn) fillNames() {
	t.names = names{}
	t.names.fill(t.placesOf(clicksIndex, 8), t.placesOf(aliasBucket, 0))
}

// placesOf are the places in a bucket's keys, behind skip bytes.
func (t *txn) placesOf(bucket []byte, skip int) iter.Seq[place] {
	return func(yield func(place) bool) {
		c := t.table(bucket).b.Cursor()
		for key, _ := c.First(); key != nil && yield(placeOf(key[skip:])); key, _ = c.Next() {
		}
	}
}

// fill begins the slices in which the places are, and adds those.
func (n *names) fill(lists ...iter.Seq[place]) {
	begun := map[uint32]bool{}
	for _, list := range lists {
		for at := range list {
			begun[at.slice] = true
		}
	}
	delete(begun, 0)
	for _, number := range slices.Sorted(maps.Keys(begun)) {
		n.begin(number)
	}
	for _, list := range lists {
		for at := range list {
			n.put(at)
		}
	}
}

// own finds the record that stands under a key itself, nil if none does.
func (t *txn) own(key codec.KeyHash) (at place, record []byte) {
	clicks := t.table(clicksBucket)
	var buf [placeSize]byte
	t.names.find(key, func(p place) bool {
		at, record = p, unstamped(clicks.get(p.key(buf[:0])))
		return record != nil
	})
	return at, record
}

// whose finds the record of the contact that a key or an alias leads to, nil if there is
// none.
func (t *txn) whose(key codec.KeyHash) (at place, record []byte) {
	clicks := t.table(clicksBucket)
	var buf [placeSize]byte
	t.names.find(key, func(p place) bool {
		at, record = p, unstamped(clicks.get(p.key(buf[:0])))
		if record != nil {
			return true
		}
		if to, ok := t.leads(p); ok {
			at = p.beside(to)
			record = unstamped(clicks.get(at.key(buf[:0])))
		}
		return record != nil
	})
	return at, record
}

// leads says to whom an alias leads.
func (t *txn) leads(alias place) (contact codec.KeyHash, ok bool) {
	var buf [placeSize]byte
	return aliasLeads(t.table(aliasBucket).get(alias.key(buf[:0])))
}

// leadsTo reports whether an alias leads to a contact of its slice.
func (t *txn) leadsTo(alias place, contact codec.KeyHash) bool {
	to, ok := t.leads(alias)
	return ok && to == contact
}

// aliasLeads reads an alias' value. In slice 0 it has no stamp.
func aliasLeads(value []byte) (contact codec.KeyHash, ok bool) {
	if len(value) == stampSize+len(contact) {
		value = value[stampSize:]
	}
	if ok = len(value) == len(contact); ok {
		copy(contact[:], value)
	}
	return contact, ok
}

// lead makes an alias lead to a contact of its slice, and to no other; fresh says that it
// did not yet.
func (t *txn) lead(alias place, contact codec.KeyHash) (fresh bool, err error) {
	b := t.table(aliasBucket)
	var buf [placeSize]byte
	led := false
	t.names.find(alias.hash, func(p place) bool {
		switch to, ok := t.leads(p); {
		case p == alias:
			led = to == contact
		case ok:
			err = t.delete(b, p.key(buf[:0]))
		}
		return err != nil
	})
	if err != nil || led {
		return false, err
	}
	t.names.put(alias)
	if alias.slice == 0 {
		return true, t.put(b, alias.key(buf[:0]), contact[:])
	}
	return true, t.putStamped(b, alias.key(buf[:0]), contact[:])
}

// moveClicks moves what is known of a contact into the newest slice, but for its record, which
// the caller stores, and its place in the index.
func (t *txn) moveClicks(rec *clickRecord) error {
	from := rec.at
	rec.at.slice, rec.changed = t.names.next(), true
	var buf [placeSize]byte
	for _, alias := range rec.aliases {
		if !t.leadsTo(from.beside(alias), from.hash) {
			continue
		}
		var err error
		if _, own := t.own(alias); own != nil { // as a file of format 6 may have it: the record goes first
			err = t.delete(t.table(aliasBucket), from.beside(alias).key(buf[:0]))
		} else {
			_, err = t.lead(rec.at.beside(alias), rec.at.hash)
		}
		if err != nil {
			return err
		}
	}
	return t.delete(t.table(clicksBucket), from.key(buf[:0]))
}

// dropSlices forgets the oldest slices of a bucket, as far as nothing is in them.
func (t *txn) dropSlices(n *names, bucket []byte) {
	c := t.table(bucket).b.Cursor()
	var from [4]byte
	for len(n.groups) > 0 {
		oldest := n.groups[0].slices[0].number
		if oldest == n.last {
			return
		}
		binary.BigEndian.PutUint32(from[:], oldest)
		key, _ := c.Seek(from[:])
		for len(key) < placeSize && bytes.HasPrefix(key, from[:]) {
			key, _ = c.Next() // of slice 0
		}
		if bytes.HasPrefix(key, from[:]) {
			return
		}
		n.drop(oldest + 1)
		t.dropped = true
	}
}
