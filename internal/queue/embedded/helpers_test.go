package embedded

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

var (
	testNow  = time.Date(2026, 11, 20, 10, 30, 0, 0, time.UTC)
	testDest = queue.Dest{Tenant: "acme", Name: "crm"}
)

func testOptions() queue.Options {
	return queue.Options{
		Dedupe: 7 * 24 * time.Hour, RememberClicks: 28 * 24 * time.Hour, KeepDead: 30 * 24 * time.Hour,
		MaxBacklog: 1_000_000, MaxSize: 4 << 30,
	}
}

func openTest(t testing.TB, dir string, change ...func(*Config)) *Store {
	t.Helper()
	cfg := Config{Dir: dir, Now: func() time.Time { return testNow }, Tick: make(chan time.Time)}
	for _, f := range change {
		f(&cfg)
	}
	e, err := Open(cfg, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

// openAt opens what may be refused.
func openAt(dir string) (*Store, error) {
	now := func() time.Time { return testNow }
	return Open(Config{Dir: dir, LockTimeout: time.Second, Now: now, Tick: make(chan time.Time)}, testOptions())
}

// testGroup is one event with one job, whose payload has size bytes.
func testGroup(n uint64, size int) queue.Group {
	var id queue.ID
	binary.BigEndian.PutUint64(id[8:], n)
	binary.BigEndian.PutUint64(id[:8], n*0x9E3779B97F4A7C15)
	at := testNow.UnixMilli() - 5000 + int64(n%4000)
	return queue.Group{
		Tenant:   testDest.Tenant,
		Events:   []queue.Event{{ID: id, Time: at}},
		Payloads: [][]byte{bytes.Repeat([]byte{'x'}, size)},
		Jobs: []queue.Job{{Dest: testDest, Events: []int{0}, Header: queue.Header{
			EventID: id, Format: queue.FormatEvent, Kind: 1, Contact: "15551234567", Time: at, QueuedAt: at + 400,
		}}},
	}
}

func mustAppend(t testing.TB, e *Store, groups ...queue.Group) []queue.Result {
	t.Helper()
	results := e.Append(t.Context(), groups)
	for _, r := range results {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	return results
}

func backlog(t testing.TB, e *Store) int {
	t.Helper()
	infos, err := e.Destinations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, i := range infos {
		n += i.Backlog
	}
	return n
}

// logLen is how many bytes of the journal are in use. A drain that was closed may still
// be on its way to the writer.
func logLen(e *Store) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.txn.log)
}

// settled has everything in the bbolt file, as after a checkpoint.
func settled(t testing.TB, e *Store) {
	t.Helper()
	if err := e.do(t.Context(), 0, func(t *txn) error { t.writes, t.whole = t.writes+1, true; return nil }); err != nil {
		t.Fatal(err)
	}
}
