package delivery

import (
	"fmt"
	"runtime/debug"
	"time"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/delivery/gate"
)

// job is one call of a Sender.
type job struct {
	entries  []*entry
	items    []Item
	outcomes []Outcome
	mode     gate.Mode
	retries  int
	settings *Destination
	took     time.Duration
	epoch    uint64 // of the right to send it
	place    int    // in worker.jobs
	unsent   bool   // the right was gone when its turn came
}

// plain says whether all was delivered, and no wish came with it: then what may
// be sent is what it was.
func (j *job) plain() bool {
	for i := range j.outcomes {
		if o := &j.outcomes[i]; o.Action != Done || o.After > 0 {
			return false
		}
	}
	return !j.unsent
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

// call calls the Sender. A panic is a failed attempt of all items.
func (w *worker) call(j *job) (outcomes []Outcome) {
	defer func() {
		if r := recover(); r != nil {
			w.logger().Error("sender panicked", zap.Any("panic", r), zap.ByteString("stack", debug.Stack()))
			outcomes = sameOutcomes(len(j.items), Outcome{
				Action: Retry, Reason: "internal error", Explanation: "a bug in Leadgate: its log has the stack",
			})
		}
	}()
	outcomes = j.settings.Sender.Send(w.e.sendCtx, j.items)
	if len(outcomes) != len(j.items) {
		return sameOutcomes(len(j.items), Outcome{
			Action: Retry, Reason: fmt.Sprintf("internal error: %d outcomes for %d events", len(outcomes), len(j.items)),
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
