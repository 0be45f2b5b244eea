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
		if alias == "" || m == contact || rec != nil && t.linked(contact, rec, m) {
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
		if m == contact || rec != nil && t.linked(contact, rec, m) {
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
		if err := t.link(contact, rec, m); err != nil {
			return false, err
		}
	}
	if rec.changed {
		t.clicked.add(contact)
		t.scratch = appendClicks(t.scratch[:0], rec)
		if err := t.putStamped(t.table(clicksBucket), contact[:], t.scratch); err != nil {
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
		rec, first = &clickRecord{}, true
	}
	for _, click := range clicks {
		click.At = min(click.At, t.now)
		rec.add(click)
	}
	return rec, first, t.see(contact, rec, last)
}

// contact resolves a key: to itself, or to the contact whose alias it is. The
// record is nil if there is none; one that has expired is removed.
func (t *txn) contact(key codec.KeyHash) (codec.KeyHash, *clickRecord, error) {
	if !t.clicked.has(key) {
		return key, nil, nil
	}
	rec, err := t.load(key)
	if rec != nil || err != nil {
		return key, rec, err
	}
	to := t.table(aliasBucket).get(key[:])
	if len(to) != len(key) {
		return key, nil, nil
	}
	if rec, err = t.load(codec.KeyHash(to)); rec != nil || err != nil {
		return codec.KeyHash(to), rec, err
	}
	return key, nil, nil
}

func (t *txn) load(key codec.KeyHash) (*clickRecord, error) {
	value := unstamped(t.table(clicksBucket).get(key[:]))
	if value == nil {
		return nil, nil
	}
	rec, err := decodeClicks(value)
	if err != nil {
		return nil, err
	}
	if rec.expired(t.now, t.opts) {
		return nil, t.forget(key, rec)
	}
	return rec, nil
}

// see moves the record's place in the expiry index.
func (t *txn) see(contact codec.KeyHash, rec *clickRecord, at int64) error {
	x := t.table(clicksIndex)
	if err := t.delete(x, timeKey(rec.seen, contact)); err != nil {
		return err
	}
	rec.seen = max(rec.seen, at)
	return t.put(x, timeKey(rec.seen, contact), nil)
}

// merge takes over the clicks that are stored under an alias as a key of its
// own. rec may be nil.
func (t *txn) merge(contact codec.KeyHash, rec *clickRecord, alias codec.KeyHash) (*clickRecord, error) {
	if !t.clicked.has(alias) {
		return rec, nil
	}
	old, err := t.load(alias)
	if old == nil || err != nil {
		return rec, err
	}
	if err := t.forget(alias, old); err != nil {
		return nil, err
	}
	if rec == nil {
		rec = &clickRecord{}
	}
	for _, click := range old.touches {
		rec.add(click)
	}
	if err := t.see(contact, rec, old.seen); err != nil {
		return nil, err
	}
	for _, m := range append(old.aliases, alias) {
		if m == contact {
			continue
		}
		if err := t.link(contact, rec, m); err != nil {
			return nil, err
		}
	}
	return rec, nil
}

// linked reports whether alias leads to contact. Then nothing is stored under it
// as a key of its own.
func (t *txn) linked(contact codec.KeyHash, rec *clickRecord, alias codec.KeyHash) bool {
	return slices.Contains(rec.aliases, alias) && string(t.table(aliasBucket).get(alias[:])) == string(contact[:])
}

// link makes alias lead to contact from now on. The caller stores rec.
func (t *txn) link(contact codec.KeyHash, rec *clickRecord, alias codec.KeyHash) error {
	b := t.table(aliasBucket)
	if to := b.get(alias[:]); string(to) != string(contact[:]) {
		t.clicked.add(alias)
		if err := t.put(b, alias[:], contact[:]); err != nil {
			return err
		}
		if err := t.moveNotes(contact, alias); err != nil {
			return err
		}
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
	return t.unlink(contact, oldest)
}

// unlink removes an alias, unless it leads to another contact by now.
func (t *txn) unlink(contact, alias codec.KeyHash) error {
	b := t.table(aliasBucket)
	if string(b.get(alias[:])) != string(contact[:]) {
		return nil
	}
	return t.delete(b, alias[:])
}

// forget removes a contact's record and aliases.
func (t *txn) forget(contact codec.KeyHash, rec *clickRecord) error {
	for _, alias := range rec.aliases {
		if err := t.unlink(contact, alias); err != nil {
			return err
		}
	}
	if err := t.delete(t.table(clicksIndex), timeKey(rec.seen, contact)); err != nil {
		return err
	}
	return t.delete(t.table(clicksBucket), contact[:])
}
