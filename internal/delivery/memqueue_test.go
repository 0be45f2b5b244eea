package delivery

import (
	"context"
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/memory"
)

var errAway = errors.New("the store is away")

// memQueue is a store in memory that can be told to fail, to take its time, and to
// take the right to drain away.
type memQueue struct {
	*memory.Queue

	mu      sync.Mutex
	dests   map[queue.Dest]*memDest
	clicks  map[string]queue.Clicks // instead of the store's
	added   uint64
	away    bool          // all calls fail
	noDone  bool          // writes fail
	noRetry error         // retries are refused with it
	hold    chan struct{} // deletions wait for it to be closed
	departs chan struct{} // notes are written, and are answered when it is closed
	unheard bool          // notes are written, and the answers do not arrive
	slow    time.Duration // how long reads take
	reads   int

	slowDone time.Duration // how long deletions take
}

// memDest is what goes wrong with a destination.
type memDest struct {
	q     *memQueue
	epoch uint64 // more than the store's
	lost  bool   // the right to drain
	wakes map[*memDrain]func()
}

type memDrain struct {
	queue.Drain
	m *memDest
}

func newMemQueue() *memQueue {
	opts := queue.Options{Dedupe: 7 * 24 * time.Hour, RememberClicks: 28 * 24 * time.Hour, KeepDead: 30 * 24 * time.Hour}
	return &memQueue{Queue: memory.New(opts, time.Now), dests: map[queue.Dest]*memDest{}, clicks: map[string]queue.Clicks{}}
}

func (q *memQueue) dest(d queue.Dest) *memDest {
	m := q.dests[d]
	if m == nil {
		m = &memDest{q: q, wakes: map[*memDrain]func(){}}
		q.dests[d] = m
	}
	return m
}

// add queues events with these headers.
func (q *memQueue) add(d queue.Dest, headers ...queue.Header) {
	for _, h := range headers {
		q.put(d, h, []byte(`{"id":"x","attribution":null,"raw":{}}`))
	}
}

func (q *memQueue) put(d queue.Dest, h queue.Header, payload []byte) {
	q.mu.Lock()
	q.added++
	var id queue.ID
	binary.BigEndian.PutUint64(id[8:], q.added)
	q.mu.Unlock()
	if h.EventID == (queue.ID{}) {
		h.EventID = id
	}
	if h.Format == 0 {
		h.Format = queue.FormatEvent
	}
	q.Append(context.Background(), []queue.Group{{
		Tenant: d.Tenant, Events: []queue.Event{{ID: id}}, Payloads: [][]byte{payload},
		Jobs: []queue.Job{{Dest: d, Events: []int{0}, Header: h}},
	}})
}

// change has something go wrong, or right again, and wakes the drains.
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

// drains is how many drains of a destination are open.
func (q *memQueue) drains(d queue.Dest) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.dest(d).wakes)
}

// letters are a destination's dead letters, oldest first.
func (q *memQueue) letters(t *testing.T, d queue.Dest) []queue.DeadLetter {
	t.Helper()
	list, err := q.Dead(context.Background(), queue.DeadFilter{Destination: d.Name})
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(list)
	return list
}

// elsewhere does what another edge does that has the right to drain.
func (q *memQueue) elsewhere(t *testing.T, d queue.Dest, f func(queue.Drain) error) {
	t.Helper()
	q.mu.Lock()
	ours := slices.Collect(maps.Keys(q.dest(d).wakes))
	q.mu.Unlock()
	for _, r := range ours {
		if err := f(r.Drain); err != nil {
			t.Fatal(err)
		}
	}
}

// alone does something with the right to drain, while nobody has it.
func (q *memQueue) alone(t *testing.T, d queue.Dest, f func(queue.Drain) error) {
	t.Helper()
	r := q.Queue.Drain(d, func() {})
	defer r.Close()
	if err := f(r); err != nil {
		t.Fatal(err)
	}
}

// retried stores that an entry failed elsewhere.
func (q *memQueue) retried(t *testing.T, d queue.Dest, r queue.Retry) {
	t.Helper()
	q.elsewhere(t, d, func(other queue.Drain) error { return other.Retry(context.Background(), []queue.Retry{r}) })
}

// info is what the store says of a destination.
func (q *memQueue) info(d queue.Dest) queue.Info {
	infos, _ := q.Queue.Destinations(context.Background())
	for _, i := range infos {
		if i.Dest == d {
			return i
		}
	}
	return queue.Info{}
}

func (q *memQueue) fails(write bool) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.away || write && q.noDone {
		return errAway
	}
	return nil
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

func (q *memQueue) Drain(d queue.Dest, wake func()) queue.Drain {
	q.mu.Lock()
	m := q.dest(d)
	drain := &memDrain{m: m}
	m.wakes[drain] = wake
	q.mu.Unlock()
	drain.Drain = q.Queue.Drain(d, wake)
	return drain
}

func (q *memQueue) Clicks(_ context.Context, _ string, keys []string) ([]queue.Clicks, error) {
	if err := q.fails(false); err != nil {
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	out := make([]queue.Clicks, len(keys))
	for i, k := range keys {
		out[i] = q.clicks[k]
	}
	return out, nil
}

func (q *memQueue) Destinations(ctx context.Context) ([]queue.Info, error) {
	if err := q.fails(false); err != nil {
		return nil, err
	}
	return q.Queue.Destinations(ctx)
}

func (q *memQueue) SetState(ctx context.Context, d queue.Dest, s queue.State) error {
	if err := q.fails(true); err != nil {
		return err
	}
	return q.Queue.SetState(ctx, d, s)
}

func (r *memDrain) Epoch() (uint64, bool) {
	epoch, ok := r.Drain.Epoch()
	r.m.q.mu.Lock()
	defer r.m.q.mu.Unlock()
	return epoch + r.m.epoch, ok && !r.m.lost
}

func (r *memDrain) State(ctx context.Context) (queue.State, error) {
	if err := r.m.q.fails(false); err != nil {
		return queue.State{}, err
	}
	return r.Drain.State(ctx)
}

func (r *memDrain) Retries(ctx context.Context) ([]queue.Retry, error) {
	if err := r.m.q.fails(false); err != nil {
		return nil, err
	}
	return r.Drain.Retries(ctx)
}

func (r *memDrain) Read(ctx context.Context, after queue.Pos, n, maxBytes int) ([]queue.Entry, error) {
	r.m.q.think()
	if err := r.m.q.fails(false); err != nil {
		return nil, err
	}
	r.m.q.mu.Lock()
	r.m.q.reads++
	r.m.q.mu.Unlock()
	return r.Drain.Read(ctx, after, n, maxBytes)
}

func (r *memDrain) Get(ctx context.Context, at []queue.Pos) ([]queue.Entry, error) {
	r.m.q.think()
	if err := r.m.q.fails(false); err != nil {
		return nil, err
	}
	return r.Drain.Get(ctx, at)
}

func (r *memDrain) Depart(ctx context.Context, at []queue.Pos) (string, error) {
	if err := r.m.q.fails(true); err != nil {
		return "", err
	}
	if r.isLost() {
		return "", queue.ErrLost
	}
	r.m.q.mu.Lock()
	departs, unheard := r.m.q.departs, r.m.q.unheard
	r.m.q.mu.Unlock()
	id, err := r.Drain.Depart(ctx, at)
	if unheard {
		return id, errAway
	}
	if departs != nil {
		<-departs
	}
	return id, err
}

func (r *memDrain) Departures(ctx context.Context) ([]queue.Departure, error) {
	if err := r.m.q.fails(false); err != nil {
		return nil, err
	}
	return r.Drain.Departures(ctx)
}

func (r *memDrain) Forget(ctx context.Context, ids []string) error {
	if err := r.m.q.fails(true); err != nil {
		return err
	}
	return r.Drain.Forget(ctx, ids)
}

func (r *memDrain) Done(ctx context.Context, at []queue.Pos) error {
	r.m.q.mu.Lock()
	hold, slow := r.m.q.hold, r.m.q.slowDone
	r.m.q.mu.Unlock()
	if slow > 0 {
		<-time.After(slow)
	}
	if hold != nil {
		<-hold
	}
	if err := r.m.q.fails(true); err != nil {
		return err
	}
	return r.Drain.Done(ctx, at)
}

func (r *memDrain) Retry(ctx context.Context, list []queue.Retry) error {
	if err := r.m.q.fails(true); err != nil {
		return err
	}
	r.m.q.mu.Lock()
	err := r.m.q.noRetry
	r.m.q.mu.Unlock()
	if r.isLost() {
		err = queue.ErrLost
	}
	if err != nil {
		return err
	}
	return r.Drain.Retry(ctx, list)
}

func (r *memDrain) Dead(ctx context.Context, list []queue.Death) error {
	if err := r.m.q.fails(true); err != nil {
		return err
	}
	if r.isLost() {
		return queue.ErrLost
	}
	return r.Drain.Dead(ctx, list)
}

func (r *memDrain) isLost() bool {
	r.m.q.mu.Lock()
	defer r.m.q.mu.Unlock()
	return r.m.lost
}

func (r *memDrain) Close() {
	r.m.q.mu.Lock()
	delete(r.m.wakes, r)
	r.m.q.mu.Unlock()
	r.Drain.Close()
}
