package delivery

import (
	"fmt"
	"maps"
	"time"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/queue"
)

// The bounds of what a worker keeps in memory. The engine divides its window of
// payloads among the destinations.
const (
	engineWindow    = 32 << 20 // bytes of payloads
	smallestWindow  = 128 << 10
	largestWindow   = 2 << 20
	windowEntries   = 512     // read ahead at a time
	probeEntries    = 16      // read at a time while only probes are sent
	fetchEntries    = 64      // read again at a time
	maxFailed       = 100_000 // events of a destination that wait for a retry
	maxTracked      = 1 << 20 // events of a destination that wait for a retry or behind one
	engineTracked   = 2 << 20 // the same of all destinations together
	alwaysTracked   = 4096    // what a destination may track whatever the others do
	readsPerStep    = 8
	maxUnconfirmed  = 4096 // outcomes that the store has not taken yet
	stateReadEvery  = time.Second
	noticesPerState = time.Minute
)

// known is the retry state of an event that was not read yet in this view.
type known struct {
	attempts int
	firstAt  int64 // ms
	due      int64 // ms
	reason   string
	unsaved  bool // failed in this process after the view was left: the store does not know
}

// wanted is a waiting event whose turn has come and whose payload must be read.
type wanted struct {
	pos  queue.Pos
	lane *lane
}

// enter says whether this edge may read and send now. When the right to the
// queue was lost in between, it starts a new view.
func (w *worker) enter() bool {
	epoch, ok := w.drain.Epoch()
	if epoch != w.epoch {
		w.epoch = epoch
		w.reset()
	}
	if !ok || w.reads.resting(w) {
		return false
	}
	if !w.loaded || w.now >= w.stateAt {
		if err := w.readState(); err != nil {
			w.reads.failed(w, fmt.Errorf("reading state: %w", err))
			return false
		}
		w.stateAt = w.now + stateReadEvery
	}
	if w.loaded || w.state.Paused {
		return w.loaded
	}
	retries, err := w.drain.Retries(w.e.storeCtx)
	if err != nil {
		w.reads.failed(w, fmt.Errorf("reading retries: %w", err))
		return false
	}
	for i := range retries {
		r := &retries[i]
		if k := w.known[r.Pos]; k.unsaved && k.attempts > r.Attempts { // else another edge has tried since
			continue
		}
		if w.lastFailure == "" {
			w.lastFailure = r.Reason // for who asks before the next attempt
		}
		w.known[r.Pos] = known{attempts: r.Attempts, firstAt: r.FirstAt, due: r.Due}
	}
	for _, a := range []*acks{&w.acks, &w.writing} {
		for i := range a.retry {
			r := &a.retry[i]
			w.known[r.Pos] = known{attempts: r.Attempts, firstAt: r.FirstAt, due: r.Due}
		}
	}
	w.loaded = true
	w.reads.worked(w)
	return true
}

// reset forgets what was read of the queue, to read it again from the head.
// What is in flight goes on, and its contacts stay blocked; what was delivered
// and is not yet deleted is remembered, so that it is not sent again.
func (w *worker) reset() {
	w.recall()
	w.view++ // reads on their way are for the one before
	w.track(-w.tracked)
	w.lanes, w.freeLanes = map[uint64]*lane{}, nil
	w.ready, w.due = deque[*entry]{}, deque[*entry]{}
	w.wanted, w.wantedDue, w.thin = deque[wanted]{}, deque[*failed]{}, deque[*lane]{}
	w.dueHeap, w.holdHeap, w.unmarked = newDueHeap(), newHoldHeap(), nil
	w.failedCount, w.bytes = 0, 0
	w.cursor, w.exhausted, w.loaded = queue.Pos{}, false, false
	w.batchSince = 0
	maps.DeleteFunc(w.known, func(_ queue.Pos, k known) bool { return !k.unsaved })

	w.settled = map[queue.Pos]struct{}{}
	for _, a := range []*acks{&w.acks, &w.writing} {
		for _, pos := range a.done {
			w.settled[pos] = struct{}{}
		}
		for i := range a.dead {
			w.settled[a.dead[i].Pos] = struct{}{}
		}
	}
	w.aloft = map[queue.Pos]*entry{}
	for _, j := range w.jobs {
		for _, e := range j.entries {
			e.seen, e.failed = false, nil
			if e.lane != nil {
				e.lane = w.laneOf(e.contact)
				e.lane.busy = true
			}
			w.aloft[e.Pos] = e
		}
	}
}

// fill begins to read when what is ready will soon not keep the senders busy, and
// then as far ahead as the window allows. While events can be sent or are in
// flight, it reads for half of the time at most, so as not to ask the store for
// each event.
func (w *worker) fill() {
	w.collectDue()
	w.fetch()
	low := max(4*w.settings.Concurrency, w.windowEntries/4)
	if w.settings.Batch > 1 {
		low = w.settings.Batch
	}
	if w.reading || w.ready.len() >= low || !w.mayRead() {
		return
	}
	busy := w.flying > 0 || w.ready.len()+w.due.len() > 0
	if busy && w.readAfter > w.now && w.settings.Batch == 1 {
		w.at(w.readAfter)
		return
	}
	w.reading = true
	w.begin(w.readAhead(max(w.windowEntries, w.settings.Batch)))
}

// mayRead says whether the window takes more.
func (w *worker) mayRead() bool {
	if w.exhausted || w.bytes >= w.windowBytes || w.failedCount >= maxFailed {
		return false
	}
	return w.tracked < alwaysTracked ||
		w.tracked < maxTracked && w.e.tracked.Load() < engineTracked
}

// track counts events that wait for a retry or behind one.
func (w *worker) track(n int) {
	w.tracked += n
	w.e.tracked.Add(int64(n))
}

// readAhead is the read of the next n entries.
func (w *worker) readAhead(n int) *read {
	return &read{
		view: w.view, news: w.news,
		after: w.cursor, n: n, maxBytes: max(w.windowBytes-w.bytes, smallestWindow/2),
	}
}

// readNow takes the next entries into the view, for a probe, which waits for
// them. No read may be on its way.
func (w *worker) readNow(n int) bool {
	r := w.readAhead(n)
	w.carryOutRead(r)
	return w.took(r)
}

// place puts an entry that was read where it belongs.
func (w *worker) place(q *queue.Entry, clicks queue.Clicks) {
	if _, ok := w.settled[q.Pos]; ok {
		return
	}
	if e := w.aloft[q.Pos]; e != nil {
		e.seen = true
		return
	}
	k, isKnown := w.known[q.Pos]
	if !isKnown {
		e := w.newEntry(q)
		e.clicks = clicks
		w.admit(e)
		return
	}
	delete(w.known, q.Pos)
	wait := time.Duration(k.due-w.wall()) * time.Millisecond
	f := &failed{
		pos: q.Pos, attempts: k.attempts, firstAt: k.firstAt, triedAt: w.now,
		// A clock that jumped must not hold an event for years.
		due: w.now + min(max(wait, 0), destination.LongestWish),
	}
	f.contact = w.contactOf(&q.Header)
	if w.ordered(&q.Header) {
		f.lane = w.laneOf(f.contact)
	}
	w.addFailed(f)
	w.dueHeap.push(f)
	w.mark(f)
	if k.unsaved {
		w.acks.retry = append(w.acks.retry, queue.Retry{
			Pos: q.Pos, Attempts: k.attempts, FirstAt: k.firstAt, Due: k.due, Reason: k.reason,
		})
	}
}

func (w *worker) newEntry(q *queue.Entry) *entry {
	e := &entry{Entry: *q, contact: w.contactOf(&q.Header), seen: true}
	if w.ordered(&q.Header) {
		e.lane = w.laneOf(e.contact)
	}
	w.meanPayload += (len(q.Payload) - w.meanPayload) / 8
	return e
}

// ordered says whether an entry waits for others of its contact.
func (w *worker) ordered(h *queue.Header) bool { return w.settings.Ordered && h.Contact != "" }
