package embedded

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/embedded/journal"
)

// richStore is an open store with some of everything: entries of three destinations,
// some of which failed, dead letters, clicks with aliases and messages, ids, counters,
// once keys; in the file, and since then in the journal.
func richStore(t *testing.T, dir string) *Store {
	t.Helper()
	e := openTest(t, dir)
	n := uint64(0)
	add := func(count int) {
		t.Helper()
		for range count {
			n++
			putRichCode(t, e, n)
			mustAppend(t, e, richGroup(n))
		}
	}
	add(150)
	d := e.Drain(testDest, func() {})
	defer d.Close()
	if err := errors.Join(
		d.Done(t.Context(), []queue.Pos{{Seq: 1}, {Seq: 2}, {Seq: 3}, {Seq: 5}}),
		d.Dead(t.Context(), []queue.Death{{Pos: queue.Pos{Seq: 6}, Reason: queue.Reason{Reason: "400"}}, {Pos: queue.Pos{Seq: 9}}}),
		d.Retry(t.Context(), []queue.Retry{{Pos: queue.Pos{Seq: 4}, Attempts: 2, FirstAt: 5, Due: 9, Reason: "503"}}),
		e.SetState(t.Context(), queue.Dest{Tenant: "acme", Name: "n8n"}, queue.State{Paused: true, Reason: "by hand"}),
	); err != nil {
		t.Fatal(err)
	}
	beginSlices(t, e, sliceGroup+1)
	settled(t, e)
	add(30)
	if err := d.Done(t.Context(), []queue.Pos{{Seq: 4}}); err != nil {
		t.Fatal(err)
	}
	add(10)
	return e
}

// putRichCode stores a code for each event: a campaign's, or one that some event claims.
func putRichCode(t *testing.T, e *Store, n uint64) {
	t.Helper()
	c := queue.Code{
		Code: fmt.Sprintf("CODE%d", n), Key: fmt.Sprintf("key %d", n), Of: fmt.Sprintf("link%d", n%3), At: testNow.UnixMilli() - int64(n),
		Data: bytes.Repeat([]byte{byte(n)}, 80),
	}
	if n%5 != 0 || n%7 == 0 {
		c.Claim = 7 * 24 * time.Hour
	}
	if _, fresh, err := e.PutCode(t.Context(), testDest.Tenant, c); err != nil || !fresh {
		t.Fatalf("code %d is new: %v, %v", n, fresh, err)
	}
}

func richGroup(n uint64) queue.Group {
	g := testGroup(n, 300+int(n%5)*700)
	if n%40 == 0 {
		g = testGroup(n, 40_000) // more than a page
	}
	ev := &g.Events[0]
	ev.Contact, ev.MessageID = fmt.Sprintf("whatsapp/%d", n%20), fmt.Sprintf("message/%d", n)
	ev.Aliases = []string{fmt.Sprintf("phone/%d", n%20)}
	if n%3 == 0 {
		ev.Clicks = []queue.Click{{At: testNow.UnixMilli() - int64(n), Data: bytes.Repeat([]byte{byte(n)}, 50), Kind: queue.ClickClid}}
	}
	job := g.Jobs[0]
	job.Dest.Name = "n8n"
	job.Once = []queue.Once{{Key: fmt.Sprintf("lead/%d", n), Window: time.Hour}}
	g.Jobs = append(g.Jobs, job)
	if n%7 == 0 {
		ev.Claim = fmt.Sprintf("CODE%d", n)
	}
	g.Counters = []queue.Counter{{Day: 20_000, Key: "ad", Field: "clicks", Add: 1}}
	return g
}

// contents is all that a store would deliver, list and know, as text.
func contents(t *testing.T, e *Store) string {
	t.Helper()
	var b bytes.Buffer
	infos, err := e.Destinations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range infos {
		fmt.Fprintf(&b, "%+v\n", info)
		d := e.Drain(info.Dest, func() {})
		for after := (queue.Pos{}); ; {
			entries, err := d.Read(t.Context(), after, 100, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			if len(entries) == 0 {
				break
			}
			for _, entry := range entries {
				fmt.Fprintf(&b, "%d %+v %x\n", entry.Pos.Seq, entry.Header, entry.Payload)
				after = entry.Pos
			}
		}
		retries, err := d.Retries(t.Context())
		fmt.Fprintf(&b, "%+v %v\n", retries, err)
		d.Close()
	}
	letters, err := e.Dead(t.Context(), queue.DeadFilter{})
	fmt.Fprintf(&b, "%+v %v\n", letters, err)
	for n := range 20 {
		keys := []string{fmt.Sprintf("whatsapp/%d", n), fmt.Sprintf("phone/%d", n), fmt.Sprintf("message/%d", n+150)}
		clicks, err := e.Clicks(t.Context(), "acme", keys)
		fmt.Fprintf(&b, "%+v %v\n", clicks, err)
	}
	for n := range 200 {
		codes, err := e.Codes(t.Context(), "acme", []string{fmt.Sprintf("CODE%d", n)})
		fmt.Fprintf(&b, "%+v %v\n", codes, err)
	}
	counts, err := e.Counters(t.Context(), "acme", 20_000, 20_000)
	fmt.Fprintf(&b, "%+v %v\n", counts, err)
	return b.String()
}

// mustRefuse wants a folder refused with the name of a file, or, where all is as it
// was, opened with everything.
func mustRefuse(t *testing.T, dir, file, all string) (refused bool) {
	t.Helper()
	e, err := openAt(dir)
	if err == nil {
		defer func() { _ = e.Close() }()
		if got := contents(t, e); got != all {
			t.Errorf("it was opened with other contents: %d bytes of them, want %d", len(got), len(all))
		}
		return false
	}
	if damage, ok := errors.AsType[*Damage](err); !ok || filepath.Base(damage.File) != file {
		t.Errorf("error %v, want that %s is damaged", err, file)
	}
	return true
}

// However the file is damaged, the store is not opened, or opened with all that is in it.
func TestEmbeddedDamagedFile(t *testing.T) {
	e := richStore(t, t.TempDir())
	all := contents(t, e)
	db, log := grabUsed(t, e)
	used := len(db)
	zero := func(from, n int) func([]byte) []byte {
		return func(b []byte) []byte { clear(b[from : from+n]); return b }
	}
	cases := map[string]func([]byte) []byte{
		"the first meta page":        zero(0, pageSize),
		"the second meta page":       zero(pageSize, pageSize),
		"both":                       zero(0, 2*pageSize),
		"one bit of the first meta":  func(b []byte) []byte { b[50] ^= 1; return b },
		"one bit of the second meta": func(b []byte) []byte { b[pageSize+70] ^= 1; return b },
		"all zeros":                  zero(0, used),
		"text":                       func([]byte) []byte { return []byte("this is no file of bbolt's") },
	}
	for n := range 20 {
		at := used * n / 20
		cases[fmt.Sprintf("cut after %d of %d bytes", at, used)] = func(b []byte) []byte { return b[:at] }
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, change(bytes.Clone(db)), log)
			if !mustRefuse(t, dir, "leadgate.db", all) {
				t.Error("it was opened")
			}
		})
	}
	refused := 0
	for page := 2; page < used/pageSize; page++ {
		dir := folder(t, zero(page*pageSize, pageSize)(bytes.Clone(db)), log)
		if mustRefuse(t, dir, "leadgate.db", all) {
			refused++
		}
	}
	if refused < 10 {
		t.Errorf("%d of %d pages are looked at, want more", refused, used/pageSize)
	}
}

// Random bytes of either file are changed: nothing of what was acknowledged is ever
// missing, nor another, without a word.
func TestEmbeddedFlips(t *testing.T) {
	e := richStore(t, t.TempDir())
	all := contents(t, e)
	db, log := grabUsed(t, e)
	used := len(db)
	logged := journal.HeadSize + logLen(e) + journal.RecordHead
	seed := binary.BigEndian.Uint64(db[len(db)-8:]) ^ uint64(len(db))
	random := rand.New(rand.NewPCG(seed, 7))
	rounds := 150
	if os.Getenv("LEADGATE_FAULTS") == "long" {
		rounds = 5000
	}
	refused := 0
	for range rounds {
		b, file, size := bytes.Clone(db), "leadgate.db", used
		j := log
		if random.IntN(3) == 0 {
			b, j, file, size = db, bytes.Clone(log), "leadgate.journal", logged
		}
		target := b
		if file == "leadgate.journal" {
			target = j
		}
		at := random.IntN(size)
		for i := at; i < min(size, at+1+random.IntN(3)); i++ {
			target[i] ^= byte(1 + random.IntN(255))
		}
		if mustRefuse(t, folder(t, b, j), file, all) {
			refused++
		} else if t.Failed() {
			t.Fatalf("byte %d of %s", at, file)
		}
	}
	if refused < rounds/10 {
		t.Errorf("%d of %d were refused, want more", refused, rounds)
	}
}
