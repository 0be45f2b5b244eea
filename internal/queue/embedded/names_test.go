package embedded

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
)

// placeAt is where the contact of a key stands.
func placeAt(t *testing.T, e *Store, key string) (at place) {
	t.Helper()
	err := e.view(t.Context(), func(*bolt.Tx) error {
		_, rec, err := e.txn.lookUp(codec.HashKey("acme", key), e.cfg.Now().UnixMilli())
		if err == nil && rec == nil {
			t.Errorf("%s has no clicks", key)
		} else if err == nil {
			at = rec.at
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// auditNames checks that of each contact there is one record, with its place in the index
// and the aliases that lead to it beside it, and nothing else.
func auditNames(t testing.TB, tx *bolt.Tx) {
	t.Helper()
	clicks, aliases, x := tx.Bucket(clicksBucket), tx.Bucket(aliasBucket), tx.Bucket(clicksIndex)
	records, contacts := 0, map[codec.KeyHash]*clickRecord{}
	_ = clicks.ForEach(func(key, value []byte) error {
		rec, err := decodeClicks(unstamped(value))
		if err != nil {
			t.Error(err)
			return nil
		}
		records++
		rec.at = placeOf(key)
		contacts[rec.at.hash] = rec
		if !bytes.Equal(clickTimeKey(rec)[8:], key) || x.Get(clickTimeKey(rec)) == nil && !indexed(x, clickTimeKey(rec)) {
			t.Errorf("contact %x is not in the index", key)
		}
		return nil
	})
	if n := x.Inspect().KeyN; records != len(contacts) || records != n {
		t.Errorf("there are %d records of %d contacts, and %d in the index", records, len(contacts), n)
	}
	led := map[codec.KeyHash]bool{}
	_ = aliases.ForEach(func(key, value []byte) error {
		at := placeOf(key)
		to, _ := aliasLeads(value)
		rec := contacts[to]
		if led[at.hash] || rec == nil || rec.at.slice != at.slice || !bytes.Contains(flat(rec.aliases), at.hash[:]) {
			t.Errorf("alias %x stands twice, or beside no record that names it", key)
		}
		led[at.hash] = true
		return nil
	})
}

func indexed(x *bolt.Bucket, key []byte) bool {
	found, _ := x.Cursor().Seek(key)
	return bytes.Equal(found, key)
}

func flat(hashes []codec.KeyHash) (b []byte) {
	for _, h := range hashes {
		b = append(b, h[:]...)
	}
	return b
}

// beginSlices makes the slice that grows an old one.
func beginSlices(t testing.TB, e *Store, n int) {
	t.Helper()
	if err := e.do(t.Context(), 0, func(t *txn) error {
		for range n {
			t.names.begin(t.names.last + 1)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func clickGroup(n uint64, at time.Time, contact string, aliases ...string) queue.Group {
	g := testGroup(n, 10)
	g.Events[0].Contact, g.Events[0].Aliases, g.Events[0].MessageID = contact, aliases, fmt.Sprintf("message/%d", n)
	g.Events[0].Clicks = []queue.Click{{At: at.UnixMilli(), Data: fmt.Appendf(nil, "click %d", n)}}
	return g
}

// What is known of a contact stands in one slice, which it leaves when it clicks long
// after. A slice that is empty is forgotten.
func TestEmbeddedNamesMove(t *testing.T) {
	dir, clock := t.TempDir(), testNow
	now := func(c *Config) { c.Now = func() time.Time { return clock } }
	e := openTest(t, dir, now)
	mustAppend(t, e, clickGroup(1, clock, "a", "a1", "a2"), clickGroup(2, clock, "b", "b1", "b2"))
	if a, b := placeAt(t, e, "a2"), placeAt(t, e, "b1"); a.slice != 1 || b.slice != 1 {
		t.Fatalf("new contacts stand in slices %d and %d, want 1", a.slice, b.slice)
	}
	beginSlices(t, e, sliceGroup)
	mustAppend(t, e, clickGroup(3, clock, "a", "a3"))
	if a := placeAt(t, e, "a3"); a.slice != 1 {
		t.Errorf("it was moved to slice %d, and is not old", a.slice)
	}
	beginSlices(t, e, 1)
	clock = clock.Add(20 * 24 * time.Hour)
	mustAppend(t, e, clickGroup(4, clock, "a1", "b1")) // b1 was b's
	check := func() {
		t.Helper()
		audit(t, e)
		for key, want := range map[string]place{
			"a": {sliceGroup + 2, codec.HashKey("acme", "a")}, "b": {1, codec.HashKey("acme", "b")}, "b2": {1, codec.HashKey("acme", "b")},
		} {
			if got := placeAt(t, e, key); got != want {
				t.Errorf("%s stands at %v, want %v", key, got, want)
			}
		}
		for _, key := range []string{"a1", "a2", "a3", "b1", "message/3", "message/4"} {
			if got := placeAt(t, e, key); got != placeAt(t, e, "a") {
				t.Errorf("%s leads to %v, and not to a", key, got)
			}
		}
	}
	clock = clock.Add(-13 * 24 * time.Hour) // so that no message has expired
	check()
	e = openCopy(t, e, now)
	check()
	settled(t, e)
	e = openCopy(t, e, now)
	check()
	if n := len(e.txn.names.groups[0].slices); n != 2 {
		t.Errorf("it knows %d slices after a start, want the 2 in which something is", n)
	}

	clock = testNow.Add(testOptions().RememberClicks + time.Hour)
	if err := e.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	audit(t, e)
	if s := e.txn.names.groups[0].slices[0].number; s != sliceGroup+2 {
		t.Errorf("the oldest slice is %d, and b, who was in the first, is forgotten", s)
	}
	if n, err := e.Erase(t.Context(), "acme", "b1"); err != nil || n != 5 {
		t.Errorf("%d were erased, %v, want a's clicks and 4 aliases", n, err)
	}
	if err := e.view(t.Context(), func(tx *bolt.Tx) error {
		for _, b := range [][]byte{clicksBucket, clicksIndex, aliasBucket} {
			if n := tx.Bucket(b).Inspect().KeyN; n > 0 {
				t.Errorf("%d of %s are left", n, bucketText(b))
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// openCopy opens what a crash would leave of a store.
func openCopy(t *testing.T, e *Store, change func(*Config)) *Store {
	t.Helper()
	db, journal := grab(t, e)
	return openTest(t, folder(t, db, journal), change)
}

// A slice that was forgotten by a change that was not made is known again.
func TestEmbeddedNamesRollback(t *testing.T) {
	e := openTest(t, t.TempDir())
	mustAppend(t, e, clickGroup(1, testNow, "a", "a1"))
	beginSlices(t, e, sliceGroup+1)
	refused := fmt.Errorf("refused")
	err := e.do(t.Context(), 0, func(tx *txn) error {
		_, rec, err := tx.contact(codec.HashKey("acme", "a"))
		if err != nil {
			return err
		}
		if err := tx.forget(rec); err != nil {
			return err
		}
		tx.dropSlices(&tx.names, clicksBucket)
		return refused
	})
	if err != refused { //nolint:errorlint // it is that one
		t.Fatal(err)
	}
	if at := placeAt(t, e, "a1"); at.slice != 1 {
		t.Errorf("it stands in slice %d", at.slice)
	}
	audit(t, e)
}

// What a repair finds of a contact in two slices, as it was before and after it was moved,
// is the contact as it is: it is found by the newest, and erased as a whole.
func TestEmbeddedRepairsMoved(t *testing.T) {
	e := openTest(t, t.TempDir())
	mustAppend(t, e, clickGroup(1, testNow.Add(-time.Hour), "a", "a1", "a2"), clickGroup(2, testNow, "b", "b1"))
	beginSlices(t, e, sliceGroup+1)
	old := map[string]map[string][]byte{}
	if err := e.view(t.Context(), func(tx *bolt.Tx) error {
		for _, b := range [][]byte{clicksBucket, aliasBucket} {
			old[string(b)] = map[string][]byte{}
			_ = tx.Bucket(b).ForEach(func(k, v []byte) error { old[string(b)][string(k)] = bytes.Clone(v); return nil })
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, e, clickGroup(3, testNow, "a", "a3", "b1"))
	dir := edit(t, e, func(tx *bolt.Tx) error {
		for b, pairs := range old {
			for k, v := range pairs {
				if err := tx.Bucket([]byte(b)).Put([]byte(k), v); err != nil {
					return err
				}
			}
		}
		at := place{sliceGroup + 2, codec.HashKey("acme", "a2")}
		return tx.Bucket(aliasBucket).Put(at.key(nil), append([]byte{stampByte}, make([]byte, 20)...))
	})
	if report, err := Repair(dir, testNow); err != nil || report.Clicks != 2 || len(report.Damage) != 1 {
		t.Fatalf("%+v, %v: want 2 contacts", report, err)
	}
	e = openTest(t, dir)
	audit(t, e)
	for key, slice := range map[string]uint32{"a": sliceGroup + 2, "a1": sliceGroup + 2, "a2": sliceGroup + 2, "b1": sliceGroup + 2, "b": 1} {
		if at := placeAt(t, e, key); at.slice != slice {
			t.Errorf("%s leads to slice %d, want %d", key, at.slice, slice)
		}
	}
}

// A bit of what had no checksum before format 7 is found out.
func TestEmbeddedEveryRecordIsChecked(t *testing.T) {
	e := richStore(t, t.TempDir())
	settled(t, e)
	db, journal := grabUsed(t, e)
	for _, bucket := range [][]byte{aliasBucket, msgsBucket, onceBucket, countsBucket} {
		damaged, at := bytes.Clone(db), 0
		if err := e.view(t.Context(), func(tx *bolt.Tx) error {
			_, value := tx.Bucket(bucket).Cursor().First()
			for n := bytes.Index(damaged[at:], value); n >= 0; n = bytes.Index(damaged[at:], value) {
				at += n + len(value)
				damaged[at-1] ^= 1
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		_, err := openAt(folder(t, damaged, journal))
		if err == nil || !bytes.Contains([]byte(err.Error()), []byte(bucketText(bucket)+": its checksum is wrong")) {
			t.Errorf("of %s: %v", bucketText(bucket), err)
		}
	}
}
