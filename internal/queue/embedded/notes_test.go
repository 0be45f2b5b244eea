package embedded

import (
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
)

// told is how a contact's journal reads.
func told(t *testing.T, e *Store, contact string) (text string) {
	t.Helper()
	notes, err := e.Notes(t.Context(), "acme", []string{contact})
	if err != nil {
		t.Fatal(err)
	}
	for i := range notes {
		text += string(notes[i].Data) + string(notes[i].Outcome) + ";"
	}
	return text
}

// A journal stands in one slice, whatever file it is of, and is moved when it is written again
// long after; a crash finds it there, and a slice that is empty is forgotten.
func TestEmbeddedJournalsMove(t *testing.T) {
	clock := testNow
	now := func(c *Config) { c.Now = func() time.Time { return clock } }
	e := openTest(t, t.TempDir(), now)
	note := func(n uint64, contact, data, outcome string) {
		t.Helper()
		g := testGroup(n, 10)
		g.Notes = []queue.Note{{Contact: contact, ID: queue.ID{1}, At: clock.UnixMilli(), Data: []byte(data), Outcome: []byte(outcome)}}
		mustAppend(t, e, g)
	}
	place := func(contact string) (at place) {
		t.Helper()
		if err := e.view(t.Context(), func(*bolt.Tx) error {
			at, _ = e.txn.findJournal(codec.HashKey("acme", contact))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return at
	}
	note(1, "a", "sale", "sent")
	// As a file of before has it: under the hash alone.
	if err := e.do(t.Context(), 0, func(tx *txn) error {
		at := placeOf(flat([]codec.KeyHash{codec.HashKey("acme", "old")}))
		till := clock.Add(time.Hour).UnixMilli()
		record := codec.AppendJournal(nil, queue.Journal{{ID: queue.ID{1}, At: 1, Data: []byte("lead"), Outcome: []byte("sent")}}, till)
		tx.journals.put(at)
		if err := tx.put(tx.table(notesIndex), timeKey(tillDay(till), at.hash[:]), nil); err != nil {
			return err
		}
		return tx.putStamped(tx.table(notesBucket), at.hash[:], record)
	}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := told(t, e, "a") + told(t, e, "old"); got != "salesent;leadsent;" {
			t.Errorf("journals are %q", got)
		}
		if a, old := place("a"), place("old"); a.slice != 1 || old.slice != 0 {
			t.Errorf("journals stand in slices %d and %d, want 1 and 0", a.slice, old.slice)
		}
		e = openCopy(t, e, now)
	}
	if err := e.do(t.Context(), 0, func(t *txn) error {
		for range sliceGroup + 1 {
			t.journals.begin(t.journals.last + 1)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	note(2, "a", "", "delivered")
	note(3, "old", "", "dead")
	note(4, "nobody", "", "dead") // nothing is noted of it
	for range 2 {
		if got := told(t, e, "a") + told(t, e, "old") + told(t, e, "nobody"); got != "saledelivered;leaddead;" {
			t.Errorf("journals are %q", got)
		}
		if a, old := place("a"), place("old"); a.slice != sliceGroup+2 || old != a.beside(old.hash) {
			t.Errorf("journals stand in slices %d and %d, want %d", a.slice, old.slice, sliceGroup+2)
		}
		audit(t, e)
		e = openCopy(t, e, now)
	}
	if n := len(e.txn.journals.groups[0].slices); n != 1 {
		t.Errorf("it knows %d slices after a start, want the one in which something is", n)
	}
	clock = clock.Add(testOptions().RememberClicks + 48*time.Hour)
	if err := e.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	audit(t, e)
	if err := e.view(t.Context(), func(tx *bolt.Tx) error {
		for _, b := range [][]byte{notesBucket, notesIndex} {
			if n := tx.Bucket(b).Inspect().KeyN; n > 0 {
				t.Errorf("%d of %s are left", n, bucketText(b))
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
