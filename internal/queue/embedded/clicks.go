package embedded

import (
	"math"
	"slices"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
)

// touch stores an event's click, and links its aliases and its message id with
// its contact if that has a click. first says that the event's click is the
// first of its contact that is stored.
func (t *txn) touch(tenant string, ev *queue.Event) (first bool, err error) {
	if ev.Contact == "" {
		return false, nil
	}
	contact, rec, err := t.contact(codec.HashKey(tenant, ev.Contact))
	if err != nil {
		return false, err
	}
	t.newAliases = t.newAliases[:0]
	for _, alias := range ev.Aliases {
		m := codec.HashKey(tenant, alias)
		if alias == "" || m == contact || rec != nil && t.linked(rec, m) {
			continue
		}
		t.newAliases = append(t.newAliases, m)
		// An earlier event knew only this key: its clicks are the contact's.
		if rec, err = t.merge(contact, rec, m); err != nil {
			return false, err
		}
	}
	for _, former := range ev.FormerKeys() {
		m := codec.HashKey(tenant, former)
		if m == contact || rec != nil && t.linked(rec, m) {
			continue
		}
		t.newAliases = append(t.newAliases, m)
		// It may be an alias itself: then all that is known of that person moves.
		old, known, err := t.contact(m)
		if err != nil {
			return false, err
		}
		if known != nil && old != contact {
			if rec, err = t.merge(contact, rec, old); err != nil {
				return false, err
			}
		}
	}
	if clicks := ev.KeptClicks(); len(clicks) > 0 {
		if rec, first, err = t.click(contact, rec, clicks); err != nil {
			return false, err
		}
	}
	if rec == nil {
		return false, nil
	}
	for _, m := range t.newAliases {
		if err := t.link(rec, m); err != nil {
			return false, err
		}
	}
	if rec.changed {
		if err := t.storeClicks(rec); err != nil {
			return false, err
		}
	}
	if ev.MessageID == "" {
		return first, nil
	}
	return first, t.setMessage(codec.HashKey(tenant, ev.MessageID), contact)
}

// click counts an event's clicks in. rec may be nil; first says that it was, and is not any more.
func (t *txn) click(contact codec.KeyHash, rec *clickRecord, clicks []queue.Click) (_ *clickRecord, first bool, err error) {
	last := int64(math.MinInt64)
	for i := range clicks {
		last = max(last, min(clicks[i].At, t.now))
	}
	if rec == nil {
		if last+t.opts.RememberClicks.Milliseconds() <= t.now {
			return nil, false, nil // of long ago alone is not kept
		}
		rec, first = t.newClicks(contact), true
	}
	for _, click := range clicks {
		click.At = min(click.At, t.now)
		rec.add(click)
	}
	return rec, first, t.see(rec, last)
}

// contact resolves a key: to itself, or to the contact whose alias it is. The
// record is nil if there is none; one that has expired is removed.
func (t *txn) contact(key codec.KeyHash) (codec.KeyHash, *clickRecord, error) {
	rec, err := t.loaded(t.whose(key))
	if rec == nil {
		return key, nil, err
	}
	return rec.at.hash, rec, err
}

// loaded decodes a record, unless it is nil. One that has expired is removed.
func (t *txn) loaded(at place, record []byte) (*clickRecord, error) {
	if record == nil {
		return nil, nil
	}
	rec, err := decodeClicks(record)
	if err != nil {
		return nil, err
	}
	if rec.at, rec.indexed = at, true; rec.expired(t.now, t.opts) {
		return nil, t.forget(rec)
	}
	return rec, nil
}

// newClicks is the record of a contact that has none.
func (t *txn) newClicks(contact codec.KeyHash) *clickRecord {
	return &clickRecord{at: place{t.names.next(), contact}}
}

func (t *txn) storeClicks(rec *clickRecord) error {
	var key [placeSize]byte
	t.names.put(rec.at)
	t.scratch = appendClicks(t.scratch[:0], rec)
	return t.putStamped(t.table(clicksBucket), rec.at.key(key[:0]), t.scratch)
}

// see moves the record's place in the expiry index, and what is in an old slice out of it.
func (t *txn) see(rec *clickRecord, at int64) error {
	x := t.table(clicksIndex)
	if rec.indexed {
		if err := t.delete(x, clickTimeKey(rec)); err != nil {
			return err
		}
	}
	if t.names.old(rec.at.slice) && at > rec.seen {
		if err := t.moveClicks(rec); err != nil {
			return err
		}
	}
	rec.seen, rec.indexed = max(rec.seen, at), true
	return t.put(x, clickTimeKey(rec), nil)
}

// clickTimeKey is a record's key in the index.
func clickTimeKey(rec *clickRecord) []byte {
	var key [placeSize]byte
	return timeKey(rec.seen, rec.at.key(key[:0]))
}

// merge takes over the clicks that are stored under an alias as a key of its
// own. rec may be nil.
func (t *txn) merge(contact codec.KeyHash, rec *clickRecord, alias codec.KeyHash) (*clickRecord, error) {
	old, err := t.loaded(t.own(alias))
	if old == nil || err != nil {
		return rec, err
	}
	led := slices.DeleteFunc(slices.Clone(old.aliases), func(m codec.KeyHash) bool {
		return !t.leadsTo(old.at.beside(m), old.at.hash) // by now it is another's
	})
	if err := t.forget(old); err != nil {
		return nil, err
	}
	if rec == nil {
		rec = t.newClicks(contact)
	}
	for _, click := range old.touches {
		rec.add(click)
	}
	if err := t.see(rec, old.seen); err != nil {
		return nil, err
	}
	for _, m := range append(led, alias) {
		if m == contact {
			continue
		}
		if err := t.link(rec, m); err != nil {
			return nil, err
		}
	}
	return rec, nil
}

// linked reports whether alias leads to rec's contact. Then nothing is stored under it
// as a key of its own.
func (t *txn) linked(rec *clickRecord, alias codec.KeyHash) bool {
	return slices.Contains(rec.aliases, alias) && t.leadsTo(rec.at.beside(alias), rec.at.hash)
}

// link makes alias lead to rec's contact from now on, with the journal that stood under it.
// The caller stores rec.
func (t *txn) link(rec *clickRecord, alias codec.KeyHash) error {
	fresh, err := t.lead(rec.at.beside(alias), rec.at.hash)
	if err == nil && fresh {
		err = t.moveNotes(rec.at.hash, alias)
	}
	if err != nil {
		return err
	}
	if slices.Contains(rec.aliases, alias) {
		return nil
	}
	rec.changed = true
	rec.aliases = append(rec.aliases, alias)
	if len(rec.aliases) <= maxAliases {
		return nil
	}
	oldest := rec.aliases[0]
	rec.aliases = rec.aliases[1:]
	return t.unlink(rec, oldest)
}

// unlink removes an alias, unless it leads to another contact by now.
func (t *txn) unlink(rec *clickRecord, alias codec.KeyHash) error {
	at := rec.at.beside(alias)
	if !t.leadsTo(at, rec.at.hash) {
		return nil
	}
	var key [placeSize]byte
	return t.delete(t.table(aliasBucket), at.key(key[:0]))
}

// forget removes a contact's record and aliases.
func (t *txn) forget(rec *clickRecord) error {
	for _, alias := range rec.aliases {
		if err := t.unlink(rec, alias); err != nil {
			return err
		}
	}
	if err := t.delete(t.table(clicksIndex), clickTimeKey(rec)); err != nil {
		return err
	}
	var key [placeSize]byte
	return t.delete(t.table(clicksBucket), rec.at.key(key[:0]))
}
