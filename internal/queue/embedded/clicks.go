package embedded

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
)

const (
	clickVersion = 1
	// maxAliases bounds a contact's record; beyond it the oldest alias goes.
	maxAliases = 64
)

// touchpoint is one stored click; data is empty for none.
type touchpoint struct {
	at   int64
	data []byte
}

// clickRecord is what is stored of a contact.
type clickRecord struct {
	first, last, clid touchpoint
	seen              int64 // the last click's time, but not in the future; expiry counts from here
	aliases           []codec.KeyHash
	changed           bool // since it was read
}

// appendClicks appends a record: version, seen, the three clicks (time, data;
// the last and the one with a click id have a byte in front that says which
// earlier one they equal), aliases.
func appendClicks(dst []byte, c *clickRecord) []byte {
	dst = append(dst, clickVersion)
	dst = binary.AppendVarint(dst, c.seen)
	points := [3]*touchpoint{&c.first, &c.last, &c.clid}
	for i, p := range points {
		same := slices.IndexFunc(points[:i], func(q *touchpoint) bool {
			return q.at == p.at && string(q.data) == string(p.data)
		})
		dst = append(dst, byte(same+1))
		if same < 0 {
			dst = binary.AppendVarint(dst, p.at)
			dst = codec.AppendText(dst, p.data)
		}
	}
	dst = binary.AppendUvarint(dst, uint64(len(c.aliases)))
	for i := range c.aliases {
		dst = append(dst, c.aliases[i][:]...)
	}
	return dst
}

// decodeClicks reads what appendClicks wrote. The clicks are slices of b, which
// stays as it is until the transaction ends.
func decodeClicks(b []byte) (*clickRecord, error) {
	r := codec.Reader{Rest: b}
	r.Version(clickVersion)
	c := &clickRecord{seen: r.Varint()}
	points := [3]*touchpoint{&c.first, &c.last, &c.clid}
	for i, p := range points {
		if same := int(r.Byte()); same > i {
			r.Fail(codec.ErrShort)
		} else if same > 0 {
			*p = *points[same-1]
		} else {
			p.at = r.Varint()
			p.data = r.Bytes()
		}
	}
	n := r.Count()
	if marks := r.Take(uint64(n) * uint64(len(codec.KeyHash{}))); marks != nil {
		c.aliases = make([]codec.KeyHash, n, n+1) // one is often added
		for i := range c.aliases {
			copy(c.aliases[i][:], marks[i*len(codec.KeyHash{}):])
		}
	}
	if r.Err != nil {
		return nil, fmt.Errorf("decoding clicks: %w", r.Err)
	}
	return c, nil
}

// add counts a click in.
func (c *clickRecord) add(click touchpoint, hasClid bool) {
	o := clickRecord{first: click, last: click}
	if hasClid {
		o.clid = click
	}
	c.join(&o)
}

// join counts another record's clicks in: the oldest, the newest, the newest with a
// click id.
func (c *clickRecord) join(o *clickRecord) {
	c.changed = true
	if len(c.first.data) == 0 || len(o.first.data) > 0 && o.first.at < c.first.at {
		c.first = o.first
	}
	if len(c.last.data) == 0 || len(o.last.data) > 0 && o.last.at >= c.last.at {
		c.last = o.last
	}
	if len(c.clid.data) == 0 || len(o.clid.data) > 0 && o.clid.at >= c.clid.at {
		c.clid = o.clid
	}
}

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
	t.marks = t.marks[:0] // the aliases that don't lead to the contact yet
	for _, alias := range ev.Aliases {
		m := codec.HashKey(tenant, alias)
		if alias == "" || m == contact || rec != nil && t.linked(contact, rec, m) {
			continue
		}
		t.marks = append(t.marks, m)
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
		t.marks = append(t.marks, m)
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
	// A click of long ago alone is not kept.
	if click := ev.KeptClick(); click != nil && (rec != nil || min(click.At, t.now)+t.opts.RememberClicks.Milliseconds() > t.now) {
		if rec == nil {
			rec, first = &clickRecord{}, true
		}
		at := min(click.At, t.now)
		rec.add(touchpoint{at: at, data: click.Data}, click.HasClid)
		if err := t.see(contact, rec, at); err != nil {
			return false, err
		}
	}
	if rec == nil {
		return false, nil
	}
	for _, m := range t.marks {
		if err := t.link(contact, rec, m); err != nil {
			return false, err
		}
	}
	if rec.changed {
		t.clicked.add(contact)
		t.scratch = appendClicks(t.scratch[:0], rec)
		if err := t.put(t.table(clicksBucket), contact[:], t.scratch); err != nil {
			return false, err
		}
	}
	if ev.MessageID == "" {
		return first, nil
	}
	return first, t.setMessage(codec.HashKey(tenant, ev.MessageID), contact)
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
	value := t.table(clicksBucket).get(key[:])
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

func (c *clickRecord) expired(now int64, o queue.Options) bool {
	return c.seen+o.RememberClicks.Milliseconds() <= now
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
	rec.join(old)
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

// linked says whether alias leads to contact. Then nothing is stored under it
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
