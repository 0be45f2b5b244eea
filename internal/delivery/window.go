package delivery

import (
	"fmt"
	"maps"
	"time"

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
		if w.known[r.Pos].unsaved {
			continue
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
	w.track(-w.tracked)
	w.lanes, w.freeLanes = map[uint64]*lane{}, nil
	w.ready, w.due = deque[*entry]{}, deque[*entry]{}
	w.wanted, w.wantedDue = deque[wanted]{}, deque[*failed]{}
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
	for j := range w.jobs {
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

// fill reads when what is ready would not keep the senders busy, and then as far
// ahead as the window allows. The loop waits for a read, which takes as long as
// the store does: while events can be sent or are in flight, it reads for half of
// the time at most.
func (w *worker) fill() {
	w.collectDue()
	enough := w.settings.Concurrency
	if w.settings.Batch > 1 {
		enough = w.settings.Batch
	}
	if w.wantedDue.len() == 0 && w.ready.len() >= enough {
		return
	}
	w.fetch()
	for reads := 0; w.ready.len() < enough && w.mayRead(); reads++ {
		busy := w.flying > 0 || w.ready.len()+w.due.len() > 0
		if busy && w.readAfter > w.e.tick() && w.settings.Batch == 1 {
			w.at(w.readAfter)
			return
		}
		if reads == readsPerStep {
			w.again = true
			return
		}
		if !w.read(max(w.windowEntries, w.settings.Batch)) {
			return
		}
	}
	if w.ready.len() == 0 {
		w.fetch()
	}
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

// read takes the next entries into the view.
func (w *worker) read(n int) bool {
	began := w.e.tick()
	entries, err := w.drain.Read(w.e.storeCtx, w.cursor, n, max(w.windowBytes-w.bytes, smallestWindow/2))
	if err == nil {
		err = w.readClicks(entries)
	}
	ended := w.e.tick()
	w.readAfter = ended + (ended - began)
	if err != nil {
		w.reads.failed(w, fmt.Errorf("reading entries: %w", err))
		return false
	}
	w.reads.worked(w)
	if len(entries) == 0 {
		w.exhausted = true
		// The cursor has passed all that these could match.
		clear(w.known)
		return false
	}
	for i := range entries {
		w.place(&entries[i], i)
	}
	w.cursor = entries[len(entries)-1].Pos
	return true
}

// place puts an entry that was read, the i-th of its batch, where it belongs.
func (w *worker) place(q *queue.Entry, i int) {
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
		e.clicks = w.clicksOf(i)
		w.admit(e)
		return
	}
	delete(w.known, q.Pos)
	wait := time.Duration(k.due-w.wall()) * time.Millisecond
	f := &failed{
		pos: q.Pos, attempts: k.attempts, firstAt: k.firstAt, triedAt: w.now,
		// A clock that jumped must not hold an event for years.
		due: w.now + min(max(wait, 0), longestWish),
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
