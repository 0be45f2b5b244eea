package journey

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/embedded"
	"github.com/leadgate/leadgate/internal/queue/redis"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// journals are contacts' journals of a shape, and how many bytes each may take at the most.
var journals = []struct {
	name     string
	contacts int
	most     int64
	notes    []queue.Note
}{
	{"a lead", 10_000, 350, told("acme-capi-1234567890", "LeadSubmitted")},
	{"lead, qualified lead and purchase", 10_000, 600, told("acme-capi-1234567890", "LeadSubmitted", "QualifiedLead", "Purchase")},
	{"the same, at two ledgers", 10_000, 800, append(told("acme-capi-1234567890", "LeadSubmitted", "QualifiedLead", "Purchase"),
		told("acme-google-1234567890", "LeadSubmitted", "QualifiedLead", "Purchase")...)},
	{"as much as is kept", 200, 48 << 10, tooMuch()},
}

// told are the notes of what a destination has taken.
func told(destination string, names ...string) (notes []queue.Note) {
	for i, name := range names {
		g := queue.Group{Events: make([]queue.Event, 1), Jobs: []queue.Job{{
			Dest: queue.Dest{Name: destination}, Header: queue.Header{Contact: "x", Time: int64(i), EventID: queue.ID{byte(i)}},
		}}}
		r := &Report{Kind: KindLead, Name: name}
		if name == "Purchase" {
			r = &Report{Kind: KindConversion, Name: name, Value: "149.90", Currency: "BRL"}
		}
		AddJob(&g, 0, r, false)
		n := g.Notes[len(g.Notes)-1]
		n.Outcome = Delivered.because("")
		notes = append(notes, n)
	}
	return notes
}

// tooMuch are more notes than are kept, each with as long a reason as there is.
func tooMuch() []queue.Note {
	notes := told(strings.Repeat("d", 64), make([]string, 2*queue.MaxNotes)...)
	for i := range notes {
		notes[i].Outcome = Dead.because(strings.Repeat("because ", 100))
	}
	return notes
}

// write appends contacts' notes, ten contacts a group.
func write(t *testing.T, q queue.Queue, contacts int, notes []queue.Note) {
	t.Helper()
	now := time.Now().UnixMilli()
	for from := 0; from < contacts; from += 10 {
		g := queue.Group{Tenant: "acme", Events: []queue.Event{{Time: now}}}
		binary.BigEndian.PutUint64(g.Events[0].ID[:], uint64(from+1))
		for c := from; c < from+10; c++ {
			for _, n := range notes {
				n.Contact, n.When, n.Of, n.At = "whatsapp:1555"+strconv.Itoa(1_000_000+c), queue.WhenNew, 0, now+n.At
				n.ID = sumOf(n.Contact, string(n.ID[:]))
				g.Notes = append(g.Notes, n)
			}
		}
		if r := q.Append(t.Context(), []queue.Group{g})[0]; r.Err != nil {
			t.Fatal(r.Err)
		}
	}
}

// sizes is what a store takes with these notes, and what without.
func sizes(t *testing.T, size func(*testing.T, func(queue.Queue)) int64, contacts int, notes []queue.Note) (with, without int64) {
	t.Helper()
	without = size(t, func(q queue.Queue) { write(t, q, contacts, nil) })
	return size(t, func(q queue.Queue) { write(t, q, contacts, notes) }), without
}

// TestSize: what a contact's journal takes, with all that leads to it: at most 1 KB of an ordinary
// one, and of any no more than there is a limit for.
func TestSize(t *testing.T) {
	stores := map[string]func(*testing.T, func(queue.Queue)) int64{"embedded": sizeOfFile, "redis": sizeOfRedis}
	for store, size := range stores {
		for _, j := range journals {
			t.Run(store+"/"+j.name, func(t *testing.T) {
				with, without := sizes(t, size, j.contacts, j.notes)
				each := (with - without) / int64(j.contacts)
				t.Logf("%d bytes a contact", each)
				if each > j.most || each < 50 {
					t.Errorf("%d bytes a contact, want at most %d", each, j.most)
				}
			})
		}
	}
}

var options = queue.Options{Dedupe: time.Hour, RememberClicks: 28 * 24 * time.Hour, KeepDead: time.Hour, MaxBacklog: 1000, MaxSize: 1 << 30}

// sizeOfFile is how many bytes the pages of the embedded file take.
func sizeOfFile(t *testing.T, fill func(queue.Queue)) (size int64) {
	t.Helper()
	dir := t.TempDir()
	q, err := embedded.Open(embedded.Config{Dir: dir}, options)
	if err != nil {
		t.Fatal(err)
	}
	fill(q)
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := bolt.Open(filepath.Join(dir, "leadgate.db"), 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(_ []byte, b *bolt.Bucket) error {
			s := b.Stats()
			size += int64(s.LeafAlloc + s.BranchAlloc)
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return size
}

// sizeOfRedis is how much memory the keys of a Redis take.
func sizeOfRedis(t *testing.T, fill func(queue.Queue)) (size int64) {
	t.Helper()
	s := redistest.Start(t)
	q, err := redis.Open(redis.Config{URLs: []string{s.URL()}}, options)
	if err != nil {
		t.Fatal(err)
	}
	fill(q)
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	s.Do("SCRIPT", "FLUSH")
	s.Do("MEMORY", "PURGE")
	info, _ := s.Do("INFO", "memory").(string)
	for line := range strings.Lines(info) {
		if _, err := fmt.Sscanf(line, "used_memory_dataset:%d", &size); err == nil {
			return size
		}
	}
	t.Fatal("Redis does not say how much it takes")
	return 0
}
