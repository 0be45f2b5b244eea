package queuetest

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

const (
	day    = 24 * time.Hour
	tenant = "acme"
)

var (
	crm   = queue.Dest{Tenant: tenant, Name: "crm"}
	n8n   = queue.Dest{Tenant: tenant, Name: "n8n"}
	other = queue.Dest{Tenant: "globex", Name: "globex-n8n"}
)

// suite is one test on one store.
type suite struct {
	*testing.T
	Harness
	start int64 // ms
}

func (s *suite) now() int64 { return s.Clock.Now().UnixMilli() }

// id returns the n-th event's id.
func id(n int) (id queue.ID) {
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	// Ids are hashes: spread over the whole range.
	binary.BigEndian.PutUint64(id[:8], uint64(n)*0x9E3779B97F4A7C15)
	return id
}

func payload(n int) []byte { return fmt.Appendf(nil, `{"n":%d,"attribution":null}`, n) }

// event is the n-th event, with a provider's time: the same whenever it comes.
func (s *suite) event(n int) queue.Event {
	return queue.Event{ID: id(n), Time: s.start - 1000 - int64(n)}
}

func (s *suite) header(n int) queue.Header {
	return queue.Header{
		EventID: id(n), Format: queue.FormatEvent, Kind: 1, Contact: fmt.Sprintf("15551234%03d", n%1000),
		Time: s.start - 1000 - int64(n), QueuedAt: s.now(), Attribution: 21,
	}
}

// group is events n of d's tenant, each with a job of its own for d.
func (s *suite) group(d queue.Dest, n ...int) queue.Group {
	g := queue.Group{Tenant: d.Tenant}
	for i, n := range n {
		g.Events = append(g.Events, s.event(n))
		g.Payloads = append(g.Payloads, payload(n))
		g.Jobs = append(g.Jobs, queue.Job{Dest: d, Events: []int{i}, Payload: i, Header: s.header(n)})
	}
	return g
}

// append stores groups that must not fail.
func (s *suite) append(groups ...queue.Group) []queue.Result {
	s.Helper()
	results := s.Queue.Append(s.Context(), groups)
	if len(results) != len(groups) {
		s.Fatalf("%d results for %d groups", len(results), len(groups))
	}
	for i, r := range results {
		if r.Err != nil {
			s.Fatalf("group %d: %v", i, r.Err)
		}
		if len(r.New) != len(groups[i].Events) || len(r.Jobs) != len(groups[i].Jobs) {
			s.Fatalf("group %d: %d events and %d jobs answered by %d and %d", i,
				len(groups[i].Events), len(groups[i].Jobs), len(r.New), len(r.Jobs))
		}
	}
	return results
}

// outcome stores one group of one job and returns its outcome.
func (s *suite) outcome(g queue.Group) queue.Admission {
	s.Helper()
	return s.append(g)[0].Jobs[0]
}

func (s *suite) check(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func expect[T comparable](s *suite, what string, got, want T) {
	s.Helper()
	if got != want {
		s.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

// reader is an open drain whose wake is a channel.
type reader struct {
	queue.Drain
	s     *suite
	woken chan struct{}
}

// drain opens a drain and waits until it has the right to read.
func (s *suite) drain(d queue.Dest) *reader {
	s.Helper()
	r := s.waiting(d)
	r.until("the right to drain", func() bool { _, ok := r.Epoch(); return ok })
	return r
}

// waiting opens a drain.
func (s *suite) waiting(d queue.Dest) *reader {
	r := &reader{s: s, woken: make(chan struct{}, 1)}
	r.Drain = s.Queue.Drain(d, func() {
		select {
		case r.woken <- struct{}{}:
		default:
		}
	})
	return r
}

// until waits for a condition that can only become true by something that wakes.
func (r *reader) until(what string, condition func() bool) {
	r.s.Helper()
	ctx, cancel := context.WithTimeout(r.s.Context(), time.Minute)
	defer cancel()
	for !condition() {
		select {
		case <-r.woken:
		case <-ctx.Done():
			r.s.Fatalf("never woken for %s", what)
		}
	}
}

// all reads everything.
func (r *reader) all() []queue.Entry {
	r.s.Helper()
	var all []queue.Entry
	var after queue.Pos
	for {
		entries, err := r.Read(r.s.Context(), after, 100, 1<<20)
		r.s.check(err)
		if len(entries) == 0 {
			return all
		}
		for i := range entries {
			if !after.Less(entries[i].Pos) {
				r.s.Fatalf("position %v does not come after %v", entries[i].Pos, after)
			}
			after = entries[i].Pos
		}
		all = append(all, entries...)
	}
}

// entries reads all of d with a drain of its own.
func (s *suite) entries(d queue.Dest) []queue.Entry {
	s.Helper()
	r := s.drain(d)
	defer r.Close()
	return r.all()
}

// holds checks that d holds exactly these events, in this order, whole.
func (s *suite) holds(d queue.Dest, n ...int) []queue.Entry {
	s.Helper()
	entries := s.entries(d)
	s.same(entries, n...)
	return entries
}

func (s *suite) same(entries []queue.Entry, n ...int) {
	s.Helper()
	if len(entries) != len(n) {
		s.Fatalf("%d entries, want %d", len(entries), len(n))
	}
	for i, n := range n {
		if entries[i].Header.EventID != id(n) {
			s.Fatalf("entry %d is event %x, want event %d, %x", i, entries[i].Header.EventID, n, id(n))
		}
		if !bytes.Equal(entries[i].Payload, payload(n)) {
			s.Fatalf("entry %d has payload %q, want %q", i, entries[i].Payload, payload(n))
		}
	}
}

// dead lists dead letters.
func (s *suite) dead(f queue.DeadFilter) []queue.DeadLetter {
	s.Helper()
	letters, err := s.Queue.Dead(s.Context(), f)
	s.check(err)
	return letters
}

// deadAre checks that dead letters are exactly these events, newest first.
func (s *suite) deadAre(letters []queue.DeadLetter, n ...int) {
	s.Helper()
	if len(letters) != len(n) {
		s.Fatalf("%d dead letters, want %d", len(letters), len(n))
	}
	for i, n := range n {
		if letters[i].Header.EventID != id(n) {
			s.Fatalf("dead letter %d is event %x, want event %d", i, letters[i].Header.EventID, n)
		}
		if !bytes.Equal(letters[i].Payload, payload(n)) {
			s.Fatalf("dead letter %d has payload %q, want %q", i, letters[i].Payload, payload(n))
		}
	}
}

func positions(entries []queue.Entry) []queue.Pos {
	at := make([]queue.Pos, len(entries))
	for i := range entries {
		at[i] = entries[i].Pos
	}
	return at
}

func (s *suite) reopen() { s.Queue = s.Reopen(s.T) }

func (s *suite) sweep() {
	if s.Sweep != nil {
		s.Sweep(s.T)
	}
}

// info returns what the store says of d.
func (s *suite) info(d queue.Dest) queue.Info {
	s.Helper()
	infos, err := s.Queue.Destinations(s.Context())
	s.check(err)
	for _, i := range infos {
		if i.Dest == d {
			return i
		}
	}
	s.Fatalf("destination %v is not known: %v", d, infos)
	return queue.Info{}
}
