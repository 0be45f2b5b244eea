package embedded

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue"
)

// oldGroup is webhook n of what the folders of formats 4 to 6 hold: 60 of them, of ten
// contacts, every second with a click, for two destinations. They were written by the
// Leadgates of these formats, which a crash ended with the last 20 in the journal.
func oldGroup(n uint64) queue.Group {
	g := testGroup(n, 200+int(n%3)*300)
	ev := &g.Events[0]
	ev.Contact, ev.MessageID = fmt.Sprintf("whatsapp/%d", n%10), fmt.Sprintf("message/%d", n)
	ev.Aliases = []string{fmt.Sprintf("phone/%d", n%10)}
	if n%2 == 0 {
		ev.Aliases = append(ev.Aliases, fmt.Sprintf("clid/%d", n))
		ev.Clicks = []queue.Click{{At: testNow.UnixMilli() - int64(n), Data: fmt.Appendf(nil, "click %d", n), Kind: queue.ClickClid}}
	}
	job := g.Jobs[0]
	job.Dest.Name = "n8n"
	job.Once = []queue.Once{{Key: fmt.Sprintf("lead/%d", n), Window: 48 * time.Hour}}
	g.Jobs = append(g.Jobs, job)
	g.Counters = []queue.Counter{{Day: 20_000, Key: "ad", Field: "clicks", Add: 1}}
	return g
}

// A folder of format 4, 5 or 6, left by a crash, goes on with all that was in both files.
// Contacts that click again are moved into slices, and the others are found where they
// were, until they have expired.
func TestEmbeddedOldFormats(t *testing.T) {
	for format, codes := range map[int]int{4: 0, 5: 10, 6: 10} {
		t.Run(fmt.Sprint(format), func(t *testing.T) {
			dir := t.TempDir()
			unpack(t, fmt.Sprintf("testdata/format%d.tgz", format), dir)
			if report, err := Repair(dir, testNow); err != nil || len(report.Damage) > 0 {
				t.Fatalf("%+v, %v: want that nothing is damaged", report, err)
			}
			clock := testNow
			open := func(dir string) *Store {
				return openTest(t, dir, func(c *Config) { c.Now = func() time.Time { return clock } })
			}
			e := open(dir)
			checkOld(t, e, codes)
			db, journal := grab(t, e)
			e = open(folder(t, db, journal))
			checkOld(t, e, codes)

			again := oldGroup(104) // of contact 4
			again.Events[0].Clicks[0].At = testNow.UnixMilli()
			mustAppend(t, e, again)
			if at := placeAt(t, e, "phone/4"); at.slice == 0 {
				t.Error("a contact that clicked again stands where it was")
			}
			if at := placeAt(t, e, "phone/6"); at.slice != 0 {
				t.Error("a contact that did not click again was moved")
			}
			if notes, err := e.Notes(t.Context(), "acme", []string{"phone/4"}); err != nil || (len(notes) == 3) != (format == 6) {
				t.Errorf("%d notes of a contact, %v, want the 3 of format 6", len(notes), err)
			}
			audit(t, e)
			settled(t, e)
			db, journal = grab(t, e)
			e = open(folder(t, db, journal))
			audit(t, e)
			for _, key := range []string{"whatsapp/4", "phone/4", "clid/4", "clid/104", "message/14", "message/104"} {
				c, err := e.Clicks(t.Context(), "acme", []string{key})
				if err != nil || string(c[0].First) != "click 54" || string(c[0].Last) != "click 104" {
					t.Errorf("%s: %q to %q, %v", key, c[0].First, c[0].Last, err)
				}
			}
			if n, err := e.Erase(t.Context(), "acme", "phone/6"); err != nil || n != 8 {
				t.Errorf("%d were erased, %v, want a contact's clicks and 7 aliases", n, err)
			}

			clock = clock.Add(testOptions().RememberClicks + time.Hour)
			if err := e.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			settled(t, e)
			if err := e.view(t.Context(), func(tx *bolt.Tx) error {
				for _, b := range [][]byte{clicksBucket, clicksIndex, aliasBucket, msgsBucket, onceBucket} {
					if key, _ := tx.Bucket(b).Cursor().First(); key != nil {
						t.Errorf("of %s something is left", bucketText(b))
					}
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// checkOld wants all that the folders hold.
func checkOld(t *testing.T, e *Store, codes int) {
	t.Helper()
	for n := uint64(1); n <= 60; n++ {
		if r := mustAppend(t, e, oldGroup(n)); r[0].New[0] {
			t.Errorf("event %d is not remembered", n)
		}
		g := testGroup(1000+n, 10)
		g.Jobs[0].Once = []queue.Once{{Key: fmt.Sprintf("lead/%d", n), Window: time.Hour, Use: queue.Look}}
		if r := mustAppend(t, e, g); r[0].Jobs[0] != queue.Duplicate {
			t.Errorf("the lead of event %d is not remembered", n)
		}
	}
	infos, err := e.Destinations(t.Context())
	if err != nil || len(infos) != 2 || infos[0].Backlog != 57 || infos[0].Dead != 1 || infos[1].Backlog != 60 {
		t.Fatalf("%+v, %v", infos, err)
	}
	for n := range 10 {
		keys := []string{fmt.Sprintf("whatsapp/%d", n), fmt.Sprintf("phone/%d", n), fmt.Sprintf("message/%d", 50+n), fmt.Sprintf("clid/%d", 50+n)}
		found, err := e.Clicks(t.Context(), "acme", keys)
		if err != nil {
			t.Fatal(err)
		}
		first, last := "", ""
		if n%2 == 0 {
			first, last = fmt.Sprintf("click %d", 50+n), fmt.Sprintf("click %d", n)
			if n == 0 {
				first, last = "click 60", "click 10"
			}
		}
		for i, c := range found {
			if string(c.First) != first || string(c.Last) != last {
				t.Errorf("%s: %q to %q, want %q to %q", keys[i], c.First, c.Last, first, last)
			}
		}
	}
	counts, err := e.Counters(t.Context(), "acme", 20_000, 20_000)
	if err != nil || len(counts) != 1 || counts[0].N != 60 {
		t.Errorf("%+v, %v", counts, err)
	}
	found := 0
	for n := range 20 {
		c, err := e.Codes(t.Context(), "acme", []string{fmt.Sprintf("CODE%d", n)})
		if err != nil {
			t.Fatal(err)
		}
		if c[0].Code != "" {
			found++
		}
	}
	if found != codes {
		t.Errorf("%d codes, want %d", found, codes)
	}
}

// What the Leadgates of formats 4 to 6 wrote can be repaired: with a page of clicks, or of
// their other names, gone, what is left is a whole store.
func TestEmbeddedRepairsOldFormats(t *testing.T) {
	for _, format := range []int{4, 5, 6} {
		from := t.TempDir()
		unpack(t, fmt.Sprintf("testdata/format%d.tgz", format), from)
		db, err := os.ReadFile(filepath.Join(from, "leadgate.db"))
		if err != nil {
			t.Fatal(err)
		}
		journal, err := os.ReadFile(filepath.Join(from, "leadgate.journal"))
		if err != nil {
			t.Fatal(err)
		}
		before := waiting(t, openTest(t, from))
		refused := 0
		for page := 2; page < 16; page++ {
			dir := folder(t, zeroed(db, page*pageSize, (page+1)*pageSize), journal)
			report := mustRepair(t, dir, before)
			if len(report.Damage) > 0 {
				refused++
			}
			if t.Failed() {
				t.Fatalf("format %d, page %d", format, page)
			}
		}
		if refused < 4 {
			t.Errorf("%d pages of format %d are looked at", refused, format)
		}
	}
}
