package redis_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/queuetest"
	"github.com/leadgate/leadgate/internal/queue/redis"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// TestRedisWait acknowledges what a replica has, and nothing else: neither an event that
// is new, nor one that came before and was stored, nor one that is stored in parts.
func TestRedisWait(t *testing.T) {
	large := queue.Group{Tenant: crm.Tenant, Payloads: [][]byte{[]byte("x")}}
	for n := range 1000 {
		large.Events = append(large.Events, queue.Event{ID: eventID(1000 + n), Time: time.Now().UnixMilli()})
		large.Jobs = append(large.Jobs, queue.Job{Dest: crm, Events: []int{n}, Header: queue.Header{EventID: eventID(1000 + n)}})
	}
	for name, g := range map[string]queue.Group{"one event": one(1, []byte("x"), crm), "in parts": large} {
		t.Run(name, func(t *testing.T) {
			s := redistest.Start(t)
			replica := redistest.Replica(t, s)
			r := waits(t, redis.Config{URLs: []string{s.URL()}, Wait: 1, WaitTimeout: 100 * time.Millisecond})
			eventually(t, "the replica takes part", func() bool { return appendOne(t, r, one(0, []byte("x"), crm)).Err == nil })
			replica.Stop()
			for range 2 {
				err := appendOne(t, r, g).Err
				if !errors.Is(err, queue.ErrUnavailable) || !strings.Contains(err.Error(), "0 of 1 replicas") {
					t.Fatalf("without a replica: %v", err)
				}
			}
			replica.Continue()
			eventually(t, "the replica is back", func() bool { return appendOne(t, r, g).Err == nil })
			e := drain(t, r, crm)
			e.ready()
			eventually(t, "all is there", func() bool { return len(e.all()) == 1+len(g.Jobs) })
			// Two must have it: a duplicate waits for as many.
			r.Renew(redis.Config{URLs: []string{s.URL()}, Wait: 2, WaitTimeout: 50 * time.Millisecond})
			if err := appendOne(t, r, g).Err; err == nil {
				t.Fatal("a duplicate that one of two replicas has is acknowledged")
			}
			r.Renew(redis.Config{URLs: []string{s.URL()}})
			replica.Stop()
			if result := appendOne(t, r, g); result.Err != nil || result.New[0] {
				t.Fatalf("without wait: %+v", result)
			}
			replica.Continue()
		})
	}
}

func waits(t *testing.T, cfg redis.Config) *redis.Store {
	t.Helper()
	r, err := redis.Open(cfg, queuetest.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// TestRedisWaitReplays does what an operator may do, which is acknowledged, too.
func TestRedisWaitReplays(t *testing.T) {
	s := redistest.Start(t)
	r := waits(t, redis.Config{URLs: []string{s.URL()}, Wait: 1, WaitTimeout: 20 * time.Millisecond})
	n := 0
	for name, do := range map[string]func() error{
		"state":     func() error { return r.SetState(t.Context(), crm, queue.State{Parked: true}) },
		"drop":      func() error { _, err := r.Drop(t.Context(), crm); return err },
		"drop dead": func() error { _, err := r.DropDead(t.Context(), queue.DeadFilter{}); return err },
		"replay":    func() error { _, err := r.ReplayDead(t.Context(), queue.DeadFilter{}); return err },
		"erase":     func() error { _, err := r.Erase(t.Context(), crm.Tenant, "15551234567"); return err },
	} {
		r.Renew(redis.Config{URLs: []string{s.URL()}})
		n++
		g := one(n, []byte("x"), crm)
		g.Events[0].Contact, g.Events[0].Clicks = "15551234567", []queue.Click{{At: 1, Data: []byte("{}")}}
		letter := g.Jobs[0]
		letter.Dead = &queue.Reason{Reason: "unmatched"}
		g.Jobs = append(g.Jobs, letter)
		if err := appendOne(t, r, g).Err; err != nil {
			t.Fatal(err)
		}
		r.Renew(redis.Config{URLs: []string{s.URL()}, Wait: 1, WaitTimeout: 20 * time.Millisecond})
		if err := do(); !errors.Is(err, queue.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRedisWaitFull does what an operator may do while Redis is full, which makes room.
func TestRedisWaitFull(t *testing.T) {
	s := redistest.Start(t)
	redistest.Replica(t, s)
	r := waits(t, redis.Config{URLs: []string{s.URL()}, Wait: 1, WaitTimeout: 2 * time.Second})
	g := one(1, []byte("x"), crm)
	g.Events[0].Contact, g.Events[0].Clicks = "15551234567", []queue.Click{{At: time.Now().UnixMilli(), Data: []byte("{}")}}
	eventually(t, "the replica takes part", func() bool { return appendOne(t, r, g).Err == nil })
	s.Do("CONFIG", "SET", "maxmemory", "1")
	if err := appendOne(t, r, one(2, []byte("x"), crm)).Err; !errors.Is(err, queue.ErrFull) {
		t.Errorf("an append: %v", err)
	}
	if err := r.SetState(t.Context(), crm, queue.State{Parked: true}); err != nil {
		t.Errorf("state: %v", err)
	}
	if n, err := r.Erase(t.Context(), crm.Tenant, "15551234567"); err != nil || n == 0 {
		t.Errorf("erase: %d, %v", n, err)
	}
	if n, err := r.Drop(t.Context(), crm); err != nil || n != 1 {
		t.Errorf("drop: %d, %v", n, err)
	}
}

// TestRedisWaitCluster has a batch of tenants of all nodes, of which one has lost its
// replica.
func TestRedisWaitCluster(t *testing.T) {
	nodes := redistest.ReplicatedCluster(t, 3, "--cluster-node-timeout", "60000")
	var urls []string
	for _, n := range nodes {
		urls = append(urls, n.URL())
	}
	r := waits(t, redis.Config{URLs: urls, Wait: 1, WaitTimeout: 300 * time.Millisecond})
	var groups []queue.Group
	for n := range 12 {
		groups = append(groups, one(n, []byte("x"), queue.Dest{Tenant: fmt.Sprintf("tenant%d", n), Name: "crm"}))
	}
	appendAll := func() map[string]error {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		failed := map[string]error{}
		for i, result := range r.Append(ctx, groups) {
			if result.Err != nil {
				failed[groups[i].Tenant] = result.Err
			}
		}
		return failed
	}
	eventually(t, "all are stored", func() bool { return len(appendAll()) == 0 })
	var lost *redistest.Server
	for _, n := range nodes {
		if !n.IsMaster() {
			lost = n
			break
		}
	}
	master := ""
	for line := range strings.Lines(lost.Do("INFO", "replication").(string)) {
		if port, ok := strings.CutPrefix(strings.TrimSpace(line), "master_port:"); ok {
			master = "127.0.0.1:" + port
		}
	}
	lost.Stop()
	failed := appendAll()
	for _, g := range groups {
		owner := nodes[0].MasterOf("leadgate:{" + g.Tenant + "}:wait")
		if _, is := failed[g.Tenant]; is != (owner == master) {
			t.Errorf("%s of %s, where %s has no replica: %v", g.Tenant, owner, master, failed[g.Tenant])
		}
	}
	lost.Continue()
	eventually(t, "all are acknowledged", func() bool { return len(appendAll()) == 0 })
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if failed := appendAll(); len(failed) > 0 {
				t.Error(failed)
			}
		})
	}
	wg.Wait()
}
