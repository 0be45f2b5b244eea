package delivery

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

var errAway = errors.New("the store is away")

// memQueue is a queue.Queue in memory, as far as the engine uses it. It can be
// told to fail and to change its epoch.
type memQueue struct {
	queue.Queue // the rest

	mu      sync.Mutex
	dests   map[queue.Dest]*memDest
	clicks  map[string]queue.Clicks
	away    bool          // all calls fail
	noDone  bool          // deletions fail
	noRetry error         // retries are refused with it
	hold    chan struct{} // deletions wait for it to be closed
	slow    time.Duration // how long reads take
	reads   int
}

type memDest struct {
	q       *memQueue
	next    uint64
	entries []queue.Entry // by Pos
	retries map[queue.Pos]queue.Retry
	dead    []queue.Death
	state   queue.State
	epoch   uint64
	lost    bool // the right to drain
	wakes   map[*memDrain]func()
}

type memDrain struct{ *memDest }

func newMemQueue() *memQueue {
	return &memQueue{dests: map[queue.Dest]*memDest{}, clicks: map[string]queue.Clicks{}}
}

func (q *memQueue) dest(d queue.Dest) *memDest {
	m := q.dests[d]
	if m == nil {
		m = &memDest{q: q, retries: map[queue.Pos]queue.Retry{}, epoch: 1, wakes: map[*memDrain]func(){}}
		q.dests[d] = m
	}
	return m
}

// add appends entries and wakes the drains.
func (q *memQueue) add(d queue.Dest, headers ...queue.Header) {
	q.mu.Lock()
	m := q.dest(d)
	for _, h := range headers {
		m.next++
		q.fillHeader(&h, m.next)
		payload := []byte(`{"id":"x","attribution":null,"raw":{}}`)
		m.entries = append(m.entries, queue.Entry{Pos: queue.Pos{Seq: m.next}, Header: h, Payload: payload})
	}
	wakes := slices.Collect(maps.Values(m.wakes))
	q.mu.Unlock()
	for _, wake := range wakes {
		wake()
	}
}

func (q *memQueue) fillHeader(h *queue.Header, seq uint64) {
	if h.EventID == (queue.ID{}) {
		h.EventID = queue.ID{15: byte(seq), 14: byte(seq >> 8), 13: byte(seq >> 16)}
	}
	if h.Format == 0 {
		h.Format = queue.FormatEvent
	}
}

// change runs f on a destination and wakes its drains.
func (q *memQueue) change(d queue.Dest, f func(*memDest)) {
	q.mu.Lock()
	m := q.dest(d)
	f(m)
	wakes := slices.Collect(maps.Values(m.wakes))
	q.mu.Unlock()
	for _, wake := range wakes {
		wake()
	}
}

func (q *memQueue) fails(write bool) error {
	if q.away || write && q.noDone {
		return errAway
	}
	return nil
}

func (q *memQueue) Drain(d queue.Dest, wake func()) queue.Drain {
	q.mu.Lock()
	defer q.mu.Unlock()
	drain := &memDrain{q.dest(d)}
	drain.wakes[drain] = wake
	return drain
}

func (q *memQueue) Clicks(_ context.Context, _ string, keys []string) ([]queue.Clicks, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	out := make([]queue.Clicks, len(keys))
	for i, k := range keys {
		out[i] = q.clicks[k]
	}
	return out, q.fails(false)
}

func (q *memQueue) Destinations(context.Context) ([]queue.Info, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var infos []queue.Info
	for d, m := range q.dests {
		i := queue.Info{Dest: d, Backlog: len(m.entries), Dead: len(m.dead), State: m.state}
		if len(m.entries) > 0 {
			i.OldestAt = m.entries[0].Header.QueuedAt
		}
		infos = append(infos, i)
	}
	return infos, q.fails(false)
}

func (q *memQueue) SetState(_ context.Context, d queue.Dest, s queue.State) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.fails(true); err != nil {
		return err
	}
	q.dest(d).state = s
	return nil
}

func (m *memDrain) Epoch() (uint64, bool) {
	m.q.mu.Lock()
	defer m.q.mu.Unlock()
	return m.epoch, !m.lost
}

func (m *memDrain) State(context.Context) (queue.State, error) {
	m.q.mu.Lock()
	defer m.q.mu.Unlock()
	return m.state, m.q.fails(false)
}

func (m *memDrain) Retries(context.Context) ([]queue.Retry, error) {
	m.q.mu.Lock()
	defer m.q.mu.Unlock()
	return slices.Collect(maps.Values(m.retries)), m.q.fails(false)
}

// think lets the time pass that a read takes.
func (q *memQueue) think() {
	q.mu.Lock()
	slow := q.slow
	q.mu.Unlock()
	if slow > 0 {
		<-time.After(slow)
	}
}

func (q *memQueue) readsSoFar() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.reads
}

func (m *memDrain) Read(_ context.Context, after queue.Pos, n, maxBytes int) ([]queue.Entry, error) {
	m.q.think()
	m.q.mu.Lock()
	defer m.q.mu.Unlock()
	if err := m.q.fails(false); err != nil {
		return nil, err
	}
	m.q.reads++
	from, _ := m.find(queue.Pos{Seq: after.Seq + 1})
	var out []queue.Entry
	for _, e := range m.entries[from:] {
		if len(out) == n || len(out) > 0 && maxBytes < len(e.Payload) {
			break
		}
		maxBytes -= len(e.Payload)
		out = append(out, e)
	}
	return out, nil
}

func (m *memDrain) Get(_ context.Context, at []queue.Pos) ([]queue.Entry, error) {
	m.q.think()
	m.q.mu.Lock()
	defer m.q.mu.Unlock()
	var out []queue.Entry
	for _, p := range at {
		if i, ok := m.find(p); ok {
			out = append(out, m.entries[i])
		}
	}
	return out, m.q.fails(false)
}

func (m *memDrain) remove(at []queue.Pos) {
	for _, p := range at {
		delete(m.retries, p)
		if i, ok := m.find(p); ok {
			m.entries = slices.Delete(m.entries, i, i+1)
		}
	}
}

func (m *memDrain) find(p queue.Pos) (int, bool) {
	return slices.BinarySearchFunc(m.entries, p, func(e queue.Entry, p queue.Pos) int {
		return cmp.Compare(e.Pos.Seq, p.Seq)
	})
}

func (m *memDrain) Done(_ context.Context, at []queue.Pos) error {
	m.q.mu.Lock()
	hold := m.q.hold
	m.q.mu.Unlock()
	if hold != nil {
		<-hold
	}
	m.q.mu.Lock()
	defer m.q.mu.Unlock()
	if err := m.q.fails(true); err != nil {
		return err
	}
	m.remove(at)
	return nil
}

func (m *memDrain) Retry(_ context.Context, r []queue.Retry) error {
	m.q.mu.Lock()
	defer m.q.mu.Unlock()
	if err := m.q.fails(true); err != nil {
		return err
	}
	if m.lost {
		return queue.ErrLost
	}
	if m.q.noRetry != nil {
		return m.q.noRetry
	}
	for _, r := range r {
		if _, ok := m.find(r.Pos); ok {
			m.retries[r.Pos] = r
		}
	}
	return nil
}

func (m *memDrain) Dead(_ context.Context, d []queue.Death) error {
	m.q.mu.Lock()
	defer m.q.mu.Unlock()
	if err := m.q.fails(true); err != nil {
		return err
	}
	if m.lost {
		return queue.ErrLost
	}
	for _, d := range d {
		if _, ok := m.find(d.Pos); ok {
			m.dead = append(m.dead, d)
			m.remove([]queue.Pos{d.Pos})
		}
	}
	return nil
}

func (m *memDrain) Close() {
	m.q.mu.Lock()
	defer m.q.mu.Unlock()
	delete(m.wakes, m)
}
