package delivery

import (
	"context"
	"iter"
	"slices"
	"sync"
	"sync/atomic"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/delivery/deque"
	"github.com/leadgate/leadgate/internal/delivery/view"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/queue"
)

// senders are the goroutines that send for a worker. They start on demand, and end
// when nothing is left to send. Jobs lie ready for them, so that one that is done
// goes on with the next while the loop takes in what became of the last: to wait
// for the loop each time cost two switches of goroutines an event. What was sent and
// whose outcome is not stored is sent again after a crash, and counts as being sent: of
// both there are no more than the limit.
type senders struct {
	e        *Engine
	right    sendRight
	logger   func() *zap.Logger
	results  chan struct{} // jobs have ended
	inFlight atomic.Int64  // events
	wg       sync.WaitGroup

	// Shared, under mu.
	mu     sync.Mutex
	work   sync.Cond // something may have changed for one that waits
	next   deque.Deque[*job]
	ended  []*job
	limit  int // jobs sent at once, and those that were and are not settled
	busy   int // jobs that are being sent
	owed   int // jobs that were sent, and whose outcome is not stored
	size   int // goroutines
	idle   int // of them, those that wait and were not called
	halted bool
	halts  atomic.Uint64 // that were asked for
	off    bool          // whoever has nothing to do ends

	// The loop's own.
	jobs    []*job // handed over and not yet finished
	retries int    // of them, those with events that failed before
	spare   []*job // memory for ended
}

// sendRight is what sending needs of a [queue.Drain].
type sendRight interface {
	Epoch() (uint64, bool)
	Depart(ctx context.Context, at []queue.Pos) (id string, err error)
}

func (s *senders) init(e *Engine, right sendRight, logger func() *zap.Logger) {
	s.e, s.right, s.logger = e, right, logger
	s.results = make(chan struct{}, 1)
	s.work.L = &s.mu
}

// flying is how many jobs were handed over and are not finished.
func (s *senders) flying() int { return len(s.jobs) }

// entries are those of the jobs that were handed over and are not finished.
func (s *senders) entries() iter.Seq[*view.Entry] {
	return func(yield func(*view.Entry) bool) {
		for _, j := range s.jobs {
			for _, e := range j.entries {
				if !yield(e) {
					return
				}
			}
		}
	}
}

// uses reports whether a job that is not finished is sent by a Sender.
func (s *senders) uses(sender destination.Sender) bool {
	return slices.ContainsFunc(s.jobs, func(j *job) bool { return j.settings.Sender == sender })
}

// hand gives a job to the senders.
func (s *senders) hand(j *job) {
	s.track(j)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next.Push(j)
	s.off = false
	s.rouse()
}

// rouse has one more look for a job, if there is a place for it beside those that are at
// work or about to be. s.mu is held.
func (s *senders) rouse() {
	if s.size-s.idle+s.owed >= s.limit {
		return
	}
	if !s.wake() && s.size < s.limit {
		s.size++
		s.wg.Go(s.send)
	}
}

// track puts a job on the list of those that are not finished.
func (s *senders) track(j *job) {
	j.place = len(s.jobs)
	s.jobs = append(s.jobs, j)
	if j.retries > 0 {
		s.retries++
	}
}

// untrack takes a job off the list.
func (s *senders) untrack(j *job) {
	last := len(s.jobs) - 1
	s.jobs[j.place] = s.jobs[last]
	s.jobs[j.place].place = j.place
	s.jobs[last] = nil
	s.jobs = s.jobs[:last]
	if j.retries > 0 {
		s.retries--
	}
}

// wake has one that waits look again, if there is one. s.mu is held.
func (s *senders) wake() bool {
	if s.idle == 0 {
		return false
	}
	s.idle--
	s.work.Signal()
	return true
}

// wakeAll has all that wait look again. s.mu is held.
func (s *senders) wakeAll() {
	s.idle = 0
	s.work.Broadcast()
}

// send sends one job after another. After one that was not simply delivered all
// senders halt until the loop has judged it: it may be what opens the breaker.
func (s *senders) send() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		for s.halted || s.busy+s.owed >= s.limit || s.next.Len() == 0 {
			if s.size > s.limit || s.off && s.next.Len() == 0 {
				s.size--
				s.wake()
				return
			}
			s.idle++
			s.work.Wait()
		}
		j := s.next.Pop()
		j.halts = s.halts.Load()
		s.busy++
		s.mu.Unlock()
		s.attempt(j)
		s.mu.Lock()
		s.busy--
		if j.counts() {
			s.owed++
		}
		s.halted = s.halted || !j.plain()
		s.ended = append(s.ended, j)
		s.tell()
	}
}

// tell has the loop collect. It never blocks.
func (s *senders) tell() {
	select {
	case s.results <- struct{}{}:
	default:
	}
}

// collect takes the jobs that have ended. halted
// says that none is begun until goOn: what lies ready may be sent no more.
func (s *senders) collect() (ended []*job, halted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ended, s.ended = s.ended, s.spare
	return ended, s.halted
}

// goOn ends a halt, unless further jobs have ended: then the loop collects again.
func (s *senders) goOn() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ended) == 0 {
		s.halted = false
		s.wakeAll()
	}
}

// settled notes that the outcomes of so many calls are stored. Anybody may call it.
func (s *senders) settled(calls int) {
	if calls == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owed -= calls
	for range min(calls, s.next.Len()) {
		s.rouse()
	}
}

// halt keeps the senders from beginning another job until the loop has taken back
// what lies ready, and from sending what they are about to. Anybody may call it.
func (s *senders) halt() {
	s.mu.Lock()
	s.halted = true
	s.halts.Add(1)
	s.mu.Unlock()
	s.tell()
}

// recall takes back the jobs that nobody has begun, in their order.
func (s *senders) recall() (jobs []*job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.next.Len() > 0 {
		jobs = append(jobs, s.next.Pop())
	}
	return jobs
}

// limitTo sets how many jobs are sent at once.
func (s *senders) limitTo(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit = n
	s.wakeAll()
}

// dismiss lets the goroutines end when nothing is left to send.
func (s *senders) dismiss() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.off {
		s.off = true
		s.wakeAll()
	}
}
