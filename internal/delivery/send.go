package delivery

import (
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"go.uber.org/zap"
)

// job is one call of a Sender.
type job struct {
	entries  []*entry
	items    []Item
	outcomes []Outcome
	mode     mode
	retries  int
	settings *Destination
	took     time.Duration
}

func (w *worker) newJob() *job {
	if n := len(w.freeJobs); n > 0 {
		j := w.freeJobs[n-1]
		w.freeJobs = w.freeJobs[:n-1]
		return j
	}
	return new(job)
}

// recycle keeps a finished job's memory for the next, if it is small.
func (w *worker) recycle(j *job) {
	if cap(j.items) > 1 || len(w.freeJobs) >= 64 {
		return
	}
	clear(j.entries)
	clear(j.items)
	w.freeOnes = append(w.freeOnes, j.entries[:0])
	*j = job{items: j.items[:0]}
	w.freeJobs = append(w.freeJobs, j)
}

// pool is the goroutines that send for a worker. They start on demand, and end
// when nothing is in flight any more.
type pool struct {
	jobs chan *job
	size int
	wg   sync.WaitGroup
}

// send hands a job to a goroutine of the pool. There is always a free one, or
// room for it: the jobs in flight are at most as many as the concurrency.
func (w *worker) send(j *job) {
	p := &w.senders
	if p.jobs == nil {
		p.jobs = make(chan *job, max(w.settings.Concurrency, w.flying))
		p.size = 0
	}
	p.jobs <- j
	if p.size < w.flying {
		p.size++
		jobs := p.jobs
		p.wg.Go(func() {
			for j := range jobs {
				began := w.e.tick()
				j.outcomes = w.call(j)
				j.took = w.e.tick() - began
				w.results <- j
			}
		})
	}
}

// retire lets the goroutines end after what they were given.
func (p *pool) retire() {
	if p.jobs != nil {
		close(p.jobs)
		p.jobs = nil
	}
}

func (p *pool) wait() { p.wg.Wait() }

// call calls the Sender. A panic is a failed attempt of all items.
func (w *worker) call(j *job) (outcomes []Outcome) {
	defer func() {
		if r := recover(); r != nil {
			w.logger().Error("sender panicked", zap.Any("panic", r), zap.ByteString("stack", debug.Stack()))
			outcomes = sameOutcomes(len(j.items), Outcome{
				Class: Retry, Reason: "internal error", Explanation: "a bug in Leadgate: its log has the stack",
			})
		}
	}()
	outcomes = j.settings.Sender.Send(w.e.sendCtx, j.items)
	if len(outcomes) != len(j.items) {
		return sameOutcomes(len(j.items), Outcome{
			Class: Retry, Reason: fmt.Sprintf("internal error: %d outcomes for %d events", len(outcomes), len(j.items)),
		})
	}
	return outcomes
}

func sameOutcomes(n int, o Outcome) []Outcome {
	outcomes := make([]Outcome, n)
	for i := range outcomes {
		outcomes[i] = o
	}
	return outcomes
}
