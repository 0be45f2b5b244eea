package redis_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/queuetest"
	"github.com/leadgate/leadgate/internal/queue/redis"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// slotKey is of the tenant whose keys are moved.
const slotKey = "leadgate:{acme}:dests"

var mail = queue.Dest{Tenant: "acme", Name: "mail"}

// cluster is a Cluster of three masters, and a store in it.
func cluster(t *testing.T) ([]*redistest.Server, *redis.Store) {
	t.Helper()
	nodes := redistest.Cluster(t, 3)
	var urls []string
	for _, n := range nodes {
		urls = append(urls, n.URL())
	}
	r, err := redis.Open(redis.Config{URLs: urls}, queuetest.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return nodes, r
}

// other is a node that does not keep the tenant's keys.
func other(nodes []*redistest.Server) *redistest.Server {
	i := slices.IndexFunc(nodes, func(n *redistest.Server) bool { return n.Addr != nodes[0].MasterOf(slotKey) })
	return nodes[i]
}

// click is an event with all that an event may write: contact, alias, message, click and
// a counter.
func click(n int, contact string, dests ...queue.Dest) queue.Group {
	g := one(n, fmt.Appendf(nil, "%s %d", contact, n), dests...)
	ev := &g.Events[0]
	ev.Contact, ev.Aliases = contact, []string{"alias of " + contact}
	ev.MessageID = fmt.Sprintf("message:%d", n)
	ev.Clicks = []queue.Click{{At: ev.Time, Data: []byte("click")}}
	g.Counters = []queue.Counter{{Day: ev.Time / (24 * time.Hour).Milliseconds(), Key: "ad", Field: "clicks", Add: 1}}
	return g
}

// large is a webhook that goes in parts.
func large(first, n int) queue.Group {
	g := click(first, "somebody", crm)
	for i := range n {
		more := click(first+1+i, "somebody", crm)
		job := more.Jobs[0]
		job.Events = []int{len(g.Events)}
		g.Events, g.Jobs = append(g.Events, more.Events...), append(g.Jobs, job)
	}
	return g
}

// TestRedisSlotMoved has the keys of a tenant moved from node to node, there and back,
// under load: nothing is lost, nothing comes twice, and each contact's events stay in
// order, of which one is appended when the last one was acknowledged.
func TestRedisSlotMoved(t *testing.T) {
	nodes, r := cluster(t)
	if err := appendOne(t, r, click(0, "first", crm)).Err; err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	number, queued := 0, 1
	stop := make(chan struct{})
	var senders sync.WaitGroup
	for c := range 8 {
		senders.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				mu.Lock()
				number++
				n := number
				mu.Unlock()
				g := click(n, fmt.Sprint("contact ", c), crm, mail)
				for result := appendOne(t, r, g); ; result = appendOne(t, r, g) {
					if result.Err == nil {
						break
					}
					if !errors.Is(result.Err, queue.ErrUnavailable) {
						t.Error(result.Err)
						return
					}
				}
				mu.Lock()
				queued++
				mu.Unlock()
			}
		})
	}
	enough := func(more int) {
		mu.Lock()
		until := queued + more
		mu.Unlock()
		eventually(t, "events are queued", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return queued >= until
		})
	}
	for range 4 {
		enough(50)
		move := redistest.OpenSlot(t, nodes, slotKey, other(nodes))
		for _, key := range move.Keys(move.From) {
			move.Move(key)
		}
		move.Close()
	}
	enough(50)
	close(stop)
	senders.Wait()

	for _, d := range []queue.Dest{crm, mail} {
		e := drain(t, r, d)
		e.ready()
		last := map[string]int{}
		seen := map[int]bool{}
		for _, entry := range e.all() {
			var contact string
			var n int
			if _, err := fmt.Sscanf(string(entry.Payload), "contact %s %d", &contact, &n); err != nil {
				continue
			}
			if seen[n] {
				t.Errorf("%d came twice", n)
			}
			if n < last[contact] {
				t.Errorf("%d of contact %s came after %d", n, contact, last[contact])
			}
			seen[n], last[contact] = true, n
		}
		if len(seen) != queued-1 {
			t.Errorf("%s has %d events, and %d were acknowledged", d.Name, len(seen), queued-1)
		}
	}
}

// TestRedisSlotSplit does all that a store can do while a tenant's keys are on two nodes:
// it is refused, with an error that passes, and changes nothing on either. When all keys
// are on one node again, it is done.
func TestRedisSlotSplit(t *testing.T) {
	for name, first := range map[string]string{
		"nothing moved": "", "the queue moved": "leadgate:{acme}:q:crm", "the set of destinations moved": slotKey,
		"the clicks moved": "leadgate:{acme}:c:somebody",
	} {
		t.Run(name, func(t *testing.T) {
			nodes, r := cluster(t)
			e := drain(t, r, crm)
			e.ready()
			for n := range 4 {
				if err := appendOne(t, r, click(n, "somebody", crm, mail)).Err; err != nil {
					t.Fatal(err)
				}
			}
			at := e.all()
			if err := e.Dead(t.Context(), []queue.Death{{Pos: at[3].Pos}}); err != nil {
				t.Fatal(err)
			}
			move := redistest.OpenSlot(t, nodes, slotKey, other(nodes))
			if first != "" {
				move.Move(first)
			}
			before := contents(move)
			ctx := t.Context()
			var all sync.WaitGroup
			for what, do := range map[string]func() error{
				"append":       func() error { return appendOne(t, r, click(5, "somebody", crm)).Err },
				"append anew":  func() error { return appendOne(t, r, click(6, "another", crm)).Err },
				"append much":  func() error { return appendOne(t, r, large(1000, 600)).Err },
				"done":         func() error { return e.Done(ctx, []queue.Pos{at[0].Pos}) },
				"retry":        func() error { return e.Retry(ctx, []queue.Retry{{Pos: at[1].Pos, Attempts: 1}}) },
				"dead":         func() error { return e.Drain.Dead(ctx, []queue.Death{{Pos: at[2].Pos}}) },
				"depart":       func() error { _, err := e.Depart(ctx, []queue.Pos{at[1].Pos}); return err },
				"destinations": func() error { _, err := r.Destinations(ctx); return err },
				"state":        func() error { return r.SetState(ctx, crm, queue.State{Paused: true}) },
				"move":         func() error { _, err := r.Move(ctx, mail, crm); return err },
				"drop":         func() error { _, err := r.Drop(ctx, mail); return err },
				"replay":       func() error { _, err := r.ReplayDead(ctx, queue.DeadFilter{}); return err },
				"erase":        func() error { _, err := r.Erase(ctx, "acme", "somebody"); return err },
			} {
				all.Go(func() {
					if err := do(); !errors.Is(err, queue.ErrUnavailable) {
						t.Errorf("%s: %v", what, err)
					}
				})
			}
			all.Wait()
			if after := contents(move); !maps.Equal(before, after) {
				t.Errorf("there was\n%q\nand is\n%q", slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(after)))
			}
			move.Close()
			eventually(t, "it takes events again", func() bool { return appendOne(t, r, click(7, "somebody", crm)).Err == nil })
			e.until("the right to drain", func() bool { _, ok := e.Epoch(); return ok })
			if n := len(e.all()); n != 4 {
				t.Errorf("%d entries, want 4", n)
			}
		})
	}
}

// TestRedisSlotSplitBeside appends for two tenants of one node at once, of which the one's
// keys are being moved: the other's event is queued, once.
func TestRedisSlotSplitBeside(t *testing.T) {
	nodes, r := cluster(t)
	master := nodes[0].MasterOf(slotKey)
	beside := queue.Dest{Tenant: "acme", Name: "beside"}
	for n := 0; beside.Tenant == "acme" || nodes[0].MasterOf("leadgate:{"+beside.Tenant+"}:dests") != master; n++ {
		beside.Tenant = fmt.Sprint("beside", n)
	}
	e := drain(t, r, crm)
	e.ready()
	if err := appendOne(t, r, one(0, []byte("x"), crm)).Err; err != nil {
		t.Fatal(err)
	}
	move := redistest.OpenSlot(t, nodes, slotKey, other(nodes))
	for n := range 3 {
		results := r.Append(t.Context(), []queue.Group{one(10+n, []byte("x"), crm), one(20+n, []byte("x"), beside)})
		if !errors.Is(results[0].Err, queue.ErrUnavailable) {
			t.Errorf("what is moved: %v", results[0].Err)
		}
		if got := results[1]; got.Err != nil || got.Jobs[0] != queue.Queued || !got.New[0] {
			t.Errorf("what is not moved: %+v", got)
		}
	}
	move.Close()
	eventually(t, "it takes events again", func() bool { return appendOne(t, r, one(30, []byte("x"), crm)).Err == nil })
	e.until("the right to drain", func() bool { _, ok := e.Epoch(); return ok })
	if n := len(e.all()); n != 2 {
		t.Errorf("%d entries, want 2", n)
	}
}

// contents is what both nodes have of a slot, by node and key, but for pieces of a large
// webhook: what is written of them before the note is nobody's, and expires.
func contents(move *redistest.Slot) map[string]string {
	all := map[string]string{}
	for _, n := range []*redistest.Server{move.From, move.To} {
		for key, dump := range move.Dumps(n) {
			if !strings.Contains(key, ":w:") {
				all[n.Addr+" "+key] = dump
			}
		}
	}
	return all
}
