package redis_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/queuetest"
	"github.com/leadgate/leadgate/internal/queue/redis"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

var rawDest = queue.Dest{Tenant: "acme", Name: "raw"}

// heavy is a webhook of n events for two destinations, and as it came for a third.
func heavy(n int) queue.Group {
	g := tiny(0, n, 1)
	for i := range n {
		j := g.Jobs[i]
		j.Dest = n8n
		g.Jobs = append(g.Jobs, j)
	}
	raw := queue.Job{Dest: rawDest, Payload: len(g.Payloads)}
	g.Payloads = append(g.Payloads, bytes.Repeat([]byte("body"), 100_000))
	for i := range n {
		raw.Events = append(raw.Events, i)
	}
	g.Jobs = append(g.Jobs, raw)
	return g
}

// refuser makes a Redis refuse the edges a command, or allow it again.
type refuser struct{ s *redistest.Server }

func (f refuser) set(rule string) { f.s.Do("ACL", "SETUSER", "edge", rule) }

func noteRedis(t *testing.T) (*redistest.Server, refuser, func(clock *queuetest.Clock) *redis.Store) {
	s := redistest.Start(t)
	rules := []any{"ACL", "SETUSER", "edge", "on", ">secret", "~*", "&*", "+@all"}
	s.Do(rules...)
	return s, refuser{s}, func(clock *queuetest.Clock) *redis.Store {
		return open(t, redis.Config{URLs: []string{"redis://edge:secret@" + s.Addr}, Now: clock.Now})
	}
}

// has checks how many entries there are, each event's once.
func has(t *testing.T, r *redis.Store, crmEntries, rawEntries int) {
	t.Helper()
	for d, want := range map[queue.Dest]int{crm: crmEntries, n8n: crmEntries, rawDest: rawEntries} {
		e := drain(t, r, d)
		e.ready()
		seen := map[queue.ID]bool{}
		all := e.all()
		for _, entry := range all {
			if seen[entry.Header.EventID] {
				t.Fatalf("%s has event %x twice", d.Name, entry.Header.EventID)
			}
			seen[entry.Header.EventID] = true
		}
		if len(all) != want {
			t.Fatalf("%s has %d entries, want %d", d.Name, len(all), want)
		}
		e.Close()
	}
}

func leftovers(s *redistest.Server) (left []string) {
	keys, _ := s.Do("KEYS", "leadgate:*").([]any)
	for _, key := range keys {
		k := fmt.Sprint(key)
		if strings.Contains(k, "}:w:") && !strings.HasSuffix(k, ":done") || strings.HasSuffix(k, ":notes") {
			left = append(left, k)
		}
	}
	return left
}

// TestRedisNoteHalf: of a large webhook that was not written down whole, nothing is
// delivered or remembered, and what was written expires.
func TestRedisNoteHalf(t *testing.T) {
	s, refuse, open := noteRedis(t)
	clock := queuetest.NewClock(time.Now())
	r := open(clock)
	g := heavy(2000)
	if err := appendOne(t, r, one(900_000, []byte("x"), crm)).Err; err != nil { // the scripts are known
		t.Fatal(err)
	}
	refuse.set("-exists") // which the script of the note needs, after the pieces
	if result := appendOne(t, r, g); result.Err == nil {
		t.Fatalf("queued: %+v", result.Jobs[:3])
	}
	refuse.set("+exists")
	// Pieces expire. What happens when Redis has refused the note is not known for
	// certain by an edge that has lost its answer, so they may be there.
	for _, key := range leftovers(s) {
		if ttl, _ := s.Do("PTTL", key).(int64); strings.Contains(key, "}:w:") && ttl <= 0 {
			t.Fatalf("%s stays", key)
		}
	}
	clock.Advance(time.Hour)
	if err := r.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if v := s.Do("EXISTS", "leadgate:{acme}:q:raw", "leadgate:{acme}:q:n8n", "leadgate:notes"); v != int64(0) {
		t.Fatalf("%v keys of a webhook that was refused", v)
	}
	result := appendOne(t, r, g)
	for i, isNew := range result.New {
		if result.Err != nil || !isNew {
			t.Fatalf("event %d of the redelivery is new: %v, %v", i, isNew, result.Err)
		}
	}
}

// TestRedisNoteDied: an edge dies when the webhook is noted, or in the midst of its
// parts. Another finishes it: a keeper of notes, or the one that gets the
// redelivery. Nothing comes twice.
func TestRedisNoteDied(t *testing.T) {
	for _, redelivered := range []bool{false, true} {
		for _, after := range []string{"the note", "events", "some jobs"} {
			t.Run(fmt.Sprintf("after %s, redelivered %v", after, redelivered), func(t *testing.T) {
				s, refuse, open := noteRedis(t)
				clock := queuetest.NewClock(time.Now())
				first := open(clock)
				g := heavy(2000)
				switch after {
				case "the note":
					refuse.set("-sadd")
				case "events":
					refuse.set("-xadd")
				case "some jobs":
					s.Do("ACL", "SETUSER", "edge", "resetkeys", "~leadgate:{acme}:[^q]*", "~leadgate:{acme}:q:crm", "%R~leadgate:{acme}:q:*",
						"~leadgate:notes", "~leadgate:tenants")
				}
				if after == "the note" {
					s.Do("SADD", "leadgate:tenants", "acme")
				}
				if result := appendOne(t, first, g); result.Err == nil {
					t.Fatal("queued")
				}
				s.Do("ACL", "SETUSER", "edge", "resetkeys", "~*", "+@all")
				if n := s.Do("XLEN", "leadgate:{acme}:q:crm"); (n != int64(0)) != (after == "some jobs") {
					t.Fatalf("%v entries of crm", n)
				}
				if len(leftovers(s)) < 3 {
					t.Fatalf("there is no note: %v", leftovers(s))
				}
				if err := first.Close(); err != nil {
					t.Fatal(err)
				}
				second := open(clock)
				if redelivered {
					if err := appendOne(t, second, g).Err; err != nil {
						t.Fatal(err)
					}
				} else {
					// Whoever wrote it may still be at it.
					if err := second.Sweep(t.Context()); err != nil || len(leftovers(s)) < 3 {
						t.Fatalf("finished too early: %v", err)
					}
					clock.Advance(time.Minute)
					eventually(t, "it is finished", func() bool {
						return second.Sweep(t.Context()) == nil && len(leftovers(s)) == 0
					})
				}
				has(t, second, 2000, 1)
				if left := leftovers(s); len(left) > 0 {
					t.Fatalf("left: %v", left)
				}
				again := appendOne(t, second, g)
				for i, o := range again.Jobs {
					if again.Err != nil || o != queue.Duplicate {
						t.Fatalf("job %d of a later redelivery: %v, %v", i, o, again.Err)
					}
				}
				has(t, second, 2000, 1)
			})
		}
	}
}

// TestRedisNoteFull: Redis is full in the midst of a large webhook. It is answered
// by ErrFull, and what there was no room for comes when there is.
func TestRedisNoteFull(t *testing.T) {
	s, _, open := noteRedis(t)
	clock := queuetest.NewClock(time.Now())
	r := open(clock)
	s.Do("CONFIG", "SET", "maxmemory-policy", "noeviction")
	g := withRaw(incompressible(600, 3000, 1), 4)
	full := false
	for limit := usedMemory(s) + 10<<20; ; limit += 1 << 20 {
		s.Do("CONFIG", "SET", "maxmemory", limit)
		err := appendOne(t, r, g).Err
		if err == nil {
			break
		}
		if !errors.Is(err, queue.ErrFull) {
			t.Fatalf("%v, want %v", err, queue.ErrFull)
		}
		full = true
	}
	if !full {
		t.Fatal("Redis was never full")
	}
	for i, d := range []queue.Dest{crm, {Tenant: "acme", Name: "raw0"}, {Tenant: "acme", Name: "raw3"}} {
		e := drain(t, r, d)
		e.ready()
		if n := len(e.all()); n != []int{600, 1, 1}[i] {
			t.Fatalf("%s has %d entries", d.Name, n)
		}
		e.Close()
	}
}

// TestRedisNoteCalls: what one call stores of a large webhook is bounded.
func TestRedisNoteCalls(t *testing.T) {
	s := redistest.Start(t)
	r := open(t, redis.Config{URLs: []string{s.URL()}})
	const n = 5000
	g := clicksOf(n, 2, false)
	// On a busy machine a round trip may take too long: what is delivered again goes on.
	eventually(t, "it is stored", func() bool {
		err := appendOne(t, r, g).Err
		if err != nil && !errors.Is(err, queue.ErrUnavailable) {
			t.Fatal(err)
		}
		return err == nil
	})
	info, _ := s.Do("INFO", "commandstats").(string)
	scripts, commands := 0, 0
	for line := range strings.Lines(info) {
		name, rest, _ := strings.Cut(strings.TrimPrefix(line, "cmdstat_"), ":calls=")
		count, _, _ := strings.Cut(rest, ",")
		calls, _ := strconv.Atoi(count)
		if name == "evalsha" || name == "eval" {
			scripts += calls
		} else {
			commands += calls
		}
	}
	if scripts < n/256 || commands < 5*n || commands > 4000*scripts {
		t.Fatalf("%d scripts run %d commands for %d clicks", scripts, commands, n)
	}
}

// TestRedisNoteCancelled: a caller that gives up gets its own error, and what was
// noted is finished.
func TestRedisNoteCancelled(t *testing.T) {
	_, _, open := noteRedis(t)
	clock := queuetest.NewClock(time.Now())
	r := open(clock)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Append(ctx, []queue.Group{heavy(500)})[0].Err; !errors.Is(err, context.Canceled) {
		t.Fatalf("%v, want %v", err, context.Canceled)
	}
	if err := appendOne(t, r, heavy(500)).Err; err != nil {
		t.Fatal(err)
	}
	has(t, r, 500, 1)
}

// TestRedisNotePieceGone: Redis has lost a piece of a webhook that was noted, before or
// behind its events. That is an error, once, of who looks after notes; a redelivery brings
// what is missing, before or after that.
func TestRedisNotePieceGone(t *testing.T) {
	for _, refused := range []string{"sadd", "xadd"} {
		for _, kept := range []bool{false, true} {
			t.Run(fmt.Sprintf("without %s, looked after %v", refused, kept), func(t *testing.T) {
				s, refuse, open := noteRedis(t)
				clock := queuetest.NewClock(time.Now())
				r := open(clock)
				s.Do("SADD", "leadgate:tenants", "acme")
				refuse.set("-" + refused)
				g := heavy(1000)
				if err := appendOne(t, r, g).Err; err == nil {
					t.Fatal("queued")
				}
				refuse.set("+" + refused)
				for _, key := range leftovers(s) {
					if strings.HasSuffix(key, ":1") {
						s.Do("DEL", key)
					}
				}
				if kept {
					clock.Advance(time.Minute)
					if err := r.Sweep(t.Context()); err == nil || !strings.Contains(err.Error(), "are gone") || errors.Is(err, queue.ErrUnavailable) {
						t.Fatalf("finishing what is gone: %v", err)
					}
					if err := r.Sweep(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				if err := appendOne(t, r, g).Err; err != nil {
					t.Fatal(err)
				}
				has(t, r, 1000, 1)
				if left := leftovers(s); len(left) > 0 {
					t.Fatalf("left: %v", left)
				}
			})
		}
	}
}

// TestRedisNoteOtherPlan: a redelivery after another configuration has other jobs than
// those that were noted and lost: it does not pass for them.
func TestRedisNoteOtherPlan(t *testing.T) {
	s, refuse, open := noteRedis(t)
	r := open(queuetest.NewClock(time.Now()))
	s.Do("SADD", "leadgate:tenants", "acme")
	refuse.set("-sadd")
	g := heavy(1000)
	if err := appendOne(t, r, g).Err; err == nil {
		t.Fatal("queued")
	}
	refuse.set("+sadd")
	for _, key := range leftovers(s) {
		if strings.HasSuffix(key, ":1") {
			s.Do("DEL", key)
		}
	}
	for i := range g.Jobs {
		if g.Jobs[i].Dest == n8n {
			g.Jobs[i].Dest = crm
		}
	}
	if err := appendOne(t, r, g).Err; err != nil {
		t.Fatal(err)
	}
	if n := s.Do("XLEN", "leadgate:{acme}:q:raw"); n != int64(1) {
		t.Fatalf("%v entries", n)
	}
	if n := s.Do("EXISTS", "leadgate:{acme}:q:n8n"); n != int64(0) {
		t.Fatal("queued for a destination that is not configured")
	}
}

// TestRedisNoteGone: while an edge takes over a webhook that another has noted, the note
// goes. That is no reason to answer 200: it may have been thrown away.
func TestRedisNoteGone(t *testing.T) {
	_, _, open := noteRedis(t)
	r := open(queuetest.NewClock(time.Now()))
	g := heavy(1000)
	if err := redis.TakeOverNote(t.Context(), r, &g); err == nil {
		t.Fatal("it passes for stored")
	}
	if err := appendOne(t, r, g).Err; err != nil {
		t.Fatal(err)
	}
	has(t, r, 1000, 1)
}
