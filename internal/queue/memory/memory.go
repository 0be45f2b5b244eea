// Package memory is a queue in memory: the contract of package queue in its plainest
// form. It is what the stores that keep something are compared with, and what tests
// of others use in their place. It has neither MaxSize nor bounds but MaxBacklog.
//
// Begin with [New]. One mutex guards everything; what wakes a drain is noted under it and
// called when it is free. It imports the contract alone, and shares no code with the
// other stores on purpose: what two of them do wrong alike would be seen by no test.
package memory

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

// Queue is a store, or another edge's view of it.
type Queue struct {
	d      *data
	closed bool // guarded by data.mu
}

// data is what views share.
type data struct {
	mu      sync.Mutex
	now     func() time.Time
	opts    queue.Options
	tenants map[string]*tenant
	dests   map[queue.Dest]*dest
	letters uint64 // counts the dead letters
	departs uint64 // counts the departures
	drains  map[queue.Dest][]*drain
	woken   map[*drain]struct{} // to be called when mu is free
}

// tenant is what a tenant has beside its destinations.
type tenant struct {
	ids  map[queue.ID]int64 // until when they are remembered, ms
	once map[string]int64
	// Of counters, whose keys are their own.
	onceCounted map[string]int64
	contacts    contacts
	journals    map[string]journal // by a contact's key
	codes       map[string]*code
	counters    map[counter]queue.Count
	facts       map[factKey]queue.Fact
	claims      map[string]claim // by task
}

type counter struct {
	day        int64
	key, field string
}

type dest struct {
	next    uint64
	entries []queue.Entry // by position
	retries map[queue.Pos]queue.Retry
	dead    []letter // oldest first
	state   queue.State
	departs map[string]departure // by id
}

// departure is a note, and the drain that wrote it.
type departure struct {
	queue.Departure
	by *drain
}

type letter struct {
	queue.DeadLetter
	number uint64
}

var _ queue.Queue = (*Queue)(nil)

// New makes an empty store with a clock.
func New(opts queue.Options, now func() time.Time) *Queue {
	return &Queue{d: &data{
		now: now, opts: opts, tenants: map[string]*tenant{}, dests: map[queue.Dest]*dest{},
		drains: map[queue.Dest][]*drain{}, woken: map[*drain]struct{}{},
	}}
}

// Open is another view of the same store, as another edge has it, or the same edge
// after it was closed.
func (q *Queue) Open() *Queue { return &Queue{d: q.d} }

// Close implements [queue.Queue]. What is stored stays for other views.
func (q *Queue) Close() error {
	return q.d.do(func() error {
		q.closed = true
		return nil
	})
}

// Configure implements [queue.Queue], for all views.
func (q *Queue) Configure(o queue.Options) {
	_ = q.d.do(func() error {
		q.d.opts = o
		return nil
	})
}

var errClosed = fmt.Errorf("%w: it is closed", queue.ErrUnavailable)

// do runs f with the data to itself, and then wakes whom that concerns.
func (d *data) do(f func() error) error {
	d.mu.Lock()
	err := f()
	woken := d.woken
	d.woken = map[*drain]struct{}{}
	d.mu.Unlock()
	for drain := range woken {
		drain.call()
	}
	return err
}

// with is do for a view that is open and a caller that still waits.
func (q *Queue) with(ctx context.Context, f func() error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return q.d.do(func() error {
		if q.closed {
			return errClosed
		}
		return f()
	})
}

func (d *data) ms() int64 { return d.now().UnixMilli() }

func (d *data) tenant(name string) *tenant {
	t := d.tenants[name]
	if t == nil {
		t = &tenant{
			ids: map[queue.ID]int64{}, once: map[string]int64{}, onceCounted: map[string]int64{},
			contacts: newContacts(), journals: map[string]journal{}, codes: map[string]*code{}, counters: map[counter]queue.Count{},
			facts: map[factKey]queue.Fact{}, claims: map[string]claim{},
		}
		d.tenants[name] = t
	}
	return t
}

// need returns a destination, made if need be.
func (d *data) need(name queue.Dest) *dest {
	m := d.dests[name]
	if m == nil {
		m = &dest{retries: map[queue.Pos]queue.Retry{}, departs: map[string]departure{}}
		d.dests[name] = m
	}
	return m
}

// wake has the drains of a destination called; and those of its name, if nobody
// drains it.
func (d *data) wake(name queue.Dest) {
	for _, drain := range d.drains[name] {
		d.woken[drain] = struct{}{}
	}
	if len(d.drains[name]) == 0 {
		d.settle(name.Name)
	}
}

// Sweep throws away what has expired.
func (q *Queue) Sweep() {
	_ = q.d.do(func() error {
		now, o := q.d.ms(), q.d.opts
		for _, t := range q.d.tenants {
			maps.DeleteFunc(t.ids, func(_ queue.ID, till int64) bool { return till <= now })
			for _, once := range [...]map[string]int64{t.once, t.onceCounted} {
				maps.DeleteFunc(once, func(_ string, till int64) bool { return till <= now })
			}
			maps.DeleteFunc(t.codes, func(_ string, c *code) bool { return c.gone(now) })
			t.contacts.sweep(now, o.RememberClicks.Milliseconds())
			maps.DeleteFunc(t.journals, func(_ string, j journal) bool { return j.till <= now })
			t.dropFacts(now)
			for c := range t.counters {
				if c.day < (now-queue.KeepCounters.Milliseconds())/queue.DayMS {
					delete(t.counters, c)
				}
			}
		}
		for _, m := range q.d.dests {
			m.dead = slices.DeleteFunc(m.dead, func(l letter) bool { return !q.d.kept(&l) })
		}
		return nil
	})
}

// kept reports whether a dead letter is not past KeepDead.
func (d *data) kept(l *letter) bool {
	return d.opts.KeepDead <= 0 || l.DiedAt > d.ms()-d.opts.KeepDead.Milliseconds()
}

// copyOf makes bytes the store's, or the caller's, own; nothing is nil.
func copyOf(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return bytes.Clone(b)
}

func copyHeader(h queue.Header) queue.Header {
	h.Meta, h.HTTP = copyOf(h.Meta), slices.Clone(h.HTTP)
	if len(h.HTTP) == 0 {
		h.HTTP = nil
	}
	return h
}
