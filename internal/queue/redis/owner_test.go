package redis_test

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/queuetest"
	"github.com/leadgate/leadgate/internal/queue/redis"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// An edge, two processes of it, and what a store of the first one adds to them.
const (
	thisEdge = "00112233445566aa"
	before   = "0000000000000001"
	now      = "0000000000000002"
	someWord = "ffffffffffffffff"
)

const (
	leaseKey = "leadgate:{acme}:l:crm"
	longLife = 3_600_000 // ms
)

// TestRedisOwnLease: an edge takes a lease of an earlier process of its own at once, and
// nobody else's: whoever that is may live.
func TestRedisOwnLease(t *testing.T) {
	for name, c := range map[string]struct {
		holder string
		edge   string
		taken  bool
	}{
		"of a process before":              {thisEdge + before + someWord, thisEdge, true},
		"of a takeover by one before":      {thisEdge + before + someWord + ":heir", thisEdge, true},
		"of this process":                  {thisEdge + now + someWord, thisEdge, false},
		"of this process's takeover":       {thisEdge + now + someWord + ":heir", thisEdge, false},
		"of another edge":                  {someWord + before + someWord, thisEdge, false},
		"of an edge of the version before": {someWord, thisEdge, false},
		"to an edge without an identity":   {thisEdge + before + someWord, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := redistest.Start(t)
			s.Do("SET", leaseKey, c.holder, "PX", longLife)
			r := open(t, redis.Config{URLs: []string{s.URL()}, Edge: c.edge, Process: now})
			e := drain(t, r, crm)
			<-e.woken // by the first look
			if c.taken {
				e.ready()
			}
			if _, ok := e.Epoch(); ok != c.taken {
				t.Errorf("it has the right to drain: %v", ok)
			}
			if holder := s.Do("GET", leaseKey); (holder != c.holder) != c.taken {
				t.Errorf("the lease is %v's", holder)
			}
		})
	}
}

// TestRedisOwnLeaseOfAnotherTenant: what a dead process drained under another tenant is
// taken over at once, too.
func TestRedisOwnLeaseOfAnotherTenant(t *testing.T) {
	s := redistest.Start(t)
	old := open(t, redis.Config{URLs: []string{s.URL()}})
	if err := appendOne(t, old, one(1, []byte("x"), queue.Dest{Tenant: "globex", Name: "crm"})).Err; err != nil {
		t.Fatal(err)
	}
	s.Do("SET", "leadgate:{globex}:l:crm", thisEdge+before+someWord, "PX", longLife)
	r := open(t, redis.Config{URLs: []string{s.URL()}, Edge: thisEdge, Process: now})
	e := drain(t, r, crm)
	e.ready()
	if n := len(e.all()); n != 1 {
		t.Errorf("%d entries were taken over", n)
	}
}

// TestRedisOwnNote: a large webhook that a process before had noted and not stored to its
// end is finished at once, and one that another edge has noted is not: it may be at it.
func TestRedisOwnNote(t *testing.T) {
	for name, c := range map[string]struct {
		edge string
		busy string
	}{
		"of a process before":                 {edge: thisEdge},
		"that a process before was finishing": {edge: thisEdge, busy: thisEdge + before + someWord},
		"of another edge":                     {edge: someWord},
	} {
		t.Run(name, func(t *testing.T) {
			s, refuse, _ := noteRedis(t)
			clock := queuetest.NewClock(time.Now())
			cfg := redis.Config{URLs: []string{"redis://edge:secret@" + s.Addr}, Now: clock.Now, Edge: thisEdge, Process: before}
			first := open(t, cfg)
			refuse.set("-xadd")
			if result := appendOne(t, first, heavy(2000)); result.Err == nil {
				t.Fatal("queued")
			}
			refuse.set("+xadd")
			for _, key := range leftovers(s) {
				if c.busy != "" && strings.Count(key, ":") == 3 {
					s.Do("SET", key+":busy", c.busy, "PX", longLife)
				}
			}
			if err := first.Close(); err != nil {
				t.Fatal(err)
			}
			cfg.Edge, cfg.Process = c.edge, now
			second := open(t, cfg)
			if err := second.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			if c.edge != thisEdge {
				if len(leftovers(s)) == 0 {
					t.Error("it was finished")
				}
				return
			}
			eventually(t, "it is finished", func() bool { return len(leftovers(s)) == 0 })
			has(t, second, 2000, 1)
		})
	}
}

// TestRedisSilence: while a look at the leases has no answer, no send may start; when it
// has, sends go on where they were. A lease that another edge has taken is logged as that.
func TestRedisSilence(t *testing.T) {
	s := redistest.Start(t)
	core, logs := observer.New(zapcore.WarnLevel)
	r := openPatient(t, redis.Config{URLs: []string{s.URL()}, Logger: zap.New(core)})
	e := drain(t, r, crm)
	epoch := e.ready()
	s.Stop()
	eventually(t, "sends stop", func() bool {
		_, ok := e.Epoch()
		return !ok
	})
	s.Continue()
	if after := e.ready(); after != epoch {
		t.Errorf("epoch %d after %d: what was known of the queue is forgotten", after, epoch)
	}
	s.Do("SET", leaseKey, someWord, "PX", longLife)
	e.until("the lease is lost", func() bool {
		_, ok := e.Epoch()
		return !ok && logs.FilterMessageSnippet("lost the lease").Len() > 0
	})
	if n := logs.Len(); n != 1 {
		t.Errorf("said: %v", logs.All())
	}
}

// openPatient opens a store whose leases live for long, so that only silence stops sends.
func openPatient(t *testing.T, cfg redis.Config) *redis.Store {
	t.Helper()
	r, err := redis.OpenWith(cfg, queuetest.DefaultOptions(), redis.Timing(20*time.Millisecond, 10*time.Minute, time.Minute).
		Silence(50*time.Millisecond))
	return closed(t, r, err)
}
