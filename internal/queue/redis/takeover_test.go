package redis

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/queuetest"
	"github.com/leadgate/leadgate/internal/queue/redis/lua"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

var (
	testNow  = time.Date(2026, 11, 20, 10, 30, 0, 0, time.UTC)
	testDest = queue.Dest{Tenant: "acme", Name: "crm"}
)

// testGroup is one event with one job, whose payload has size bytes.
func testGroup(n uint64, size int) queue.Group {
	var id queue.ID
	binary.BigEndian.PutUint64(id[8:], n)
	binary.BigEndian.PutUint64(id[:8], n*0x9E3779B97F4A7C15)
	at := testNow.UnixMilli() - 5000
	return queue.Group{
		Tenant:   testDest.Tenant,
		Events:   []queue.Event{{ID: id, Time: at}},
		Payloads: [][]byte{bytes.Repeat([]byte{'x'}, size)},
		Jobs: []queue.Job{{Dest: testDest, Events: []int{0}, Header: queue.Header{
			EventID: id, Format: queue.FormatEvent, Kind: 1, Contact: "15551234567", Time: at, QueuedAt: at + 400,
		}}},
	}
}

// What was added to the new destination and not yet removed from the old one when
// an edge died is there once, with what is known of its attempts.
func TestRedisTakeOverAfterACrash(t *testing.T) {
	server := redistest.Start(t)
	r, err := Open(Config{URLs: []string{server.URL()}, Now: func() time.Time { return testNow }}, queuetest.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	heir := queue.Dest{Tenant: "initech", Name: testDest.Name}
	move := func(g queue.Group) queue.Group {
		g.Tenant = heir.Tenant
		g.Jobs[0].Dest = heir
		return g
	}
	bundle := testGroup(1, 10)
	second := testGroup(2, 10)
	bundle.Events, bundle.Payloads = append(bundle.Events, second.Events...), append(bundle.Payloads, second.Payloads...)
	second.Jobs[0].Events, second.Jobs[0].Payload = []int{1}, 1
	bundle.Jobs = append(bundle.Jobs, second.Jobs...)
	dead := testGroup(3, 10)
	dead.Jobs[0].Dead = &queue.Reason{Reason: "x"}
	for i, result := range r.Append(t.Context(), []queue.Group{bundle, testGroup(4, 100_000), dead, move(testGroup(5, 10))}) {
		if result.Err != nil {
			t.Fatal(i, result.Err)
		}
	}

	// Both leases, as a drain that takes over has them.
	d := &drain{r: r, dest: heir, keys: r.keys(heir.Tenant)}
	from, name := r.keys(testDest.Tenant), testDest.Name
	server.Do("SET", d.keys.lease(name), r.token)
	server.Do("SET", from.lease(name), r.takeoverToken())
	ctx := t.Context()
	for _, wanted := range []int{2, 1} { // the bundle and the entry, then the dead letter
		shown, err := r.run(ctx, lua.TakeoverShow, []string{
			from.lease(name), from.queue(name), from.retry(name), from.dead(name), from.state(name), from.pending(name),
			from.departures(name), from.blocks(),
		}, r.takeoverToken(), 10_000, moveEntries, moveBytes).Slice()
		if err != nil {
			t.Fatal(err)
		}
		if _, _, _, err := readShown(shown); err != nil {
			t.Fatal(err)
		}
		in := d.keys.incoming()
		for range 2 { // the edge dies here, and the next one does the same
			if n, err := r.run(ctx, lua.TakeoverAdd, []string{
				d.keys.lease(name), in.queue(name), in.retry(name), in.pending(name), in.dead(name),
				d.keys.state(name), d.keys.taken(name), d.keys.dests(), in.departures(name),
			}, append([]any{r.token, name, testDest.Tenant}, shown...)...).Int64(); err != nil || n != 1 {
				t.Fatal(n, err)
			}
		}
		if n, _, err := d.takePart(ctx, testDest, false); err != nil || n != wanted {
			t.Fatalf("moved %d, %v, want %d", n, err, wanted)
		}
	}
	infos, err := r.Destinations(ctx)
	if err != nil || len(infos) != 1 || infos[0].Dest != heir || infos[0].Backlog != 4 || infos[0].Dead != 1 {
		t.Fatalf("half-way: %+v, %v", infos, err)
	}
	server.Do("DEL", d.keys.lease(name), from.lease(name))

	woken := make(chan struct{}, 1)
	drain := r.Drain(heir, func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	})
	defer drain.Close()
	for _, ok := drain.Epoch(); !ok; _, ok = drain.Epoch() {
		<-woken
	}
	entries, err := drain.Read(ctx, queue.Pos{}, 100, 1<<30)
	if err != nil || len(entries) != 4 {
		t.Fatalf("%d entries, %v, want 4", len(entries), err)
	}
	for i, n := range []uint64{1, 2, 4, 5} {
		if entries[i].Header.EventID != testGroup(n, 0).Events[0].ID {
			t.Errorf("entry %d is %x, want event %d", i, entries[i].Header.EventID, n)
		}
	}
	letters, err := r.Dead(ctx, queue.DeadFilter{})
	if err != nil || len(letters) != 1 || letters[0].Dest != heir {
		t.Fatalf("dead letters: %+v, %v", letters, err)
	}
	if left := server.Do("KEYS", "*}:h:*"); len(left.([]any)) > 0 {
		t.Errorf("keys are left: %v", left)
	}
}
