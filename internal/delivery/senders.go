package delivery

import (
	"slices"
	"sync"
)

// crew is the goroutines that send for a worker. They start on demand, and end
// when nothing is left to send. Jobs lie ready for them, so that one that is done
// goes on with the next while the loop takes in what became of the last: to wait
// for the loop each time cost two switches of goroutines an event.
type crew struct {
	wg sync.WaitGroup

	mu     sync.Mutex
	wanted sync.Cond
	next   deque[*job]
	ended  []*job
	limit  int // jobs sent at once
	busy   int // jobs that are being sent
	size   int // goroutines
	idle   int // of them, those that wait and were not called
	halted bool
	off    bool // whoever has nothing to do ends
}

// hand gives a job to the crew.
func (w *worker) hand(j *job) {
	c := &w.crew
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next.push(j)
	c.off = false
	if !c.call() && c.size < c.limit {
		c.size++
		c.wg.Go(w.work)
	}
}

// call wakes one that waits, if there is one. c.mu is held.
func (c *crew) call() bool {
	if c.idle == 0 {
		return false
	}
	c.idle--
	c.wanted.Signal()
	return true
}

// callAll makes all that wait look again. c.mu is held.
func (c *crew) callAll() {
	c.idle = 0
	c.wanted.Broadcast()
}

// work sends one job after another. After one that was not simply delivered the
// whole crew halts until the loop has judged it: it may be what opens the breaker.
func (w *worker) work() {
	c := &w.crew
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		for c.halted || c.busy >= c.limit || c.next.len() == 0 {
			if c.size > c.limit || c.off && c.next.len() == 0 {
				c.size--
				c.call()
				return
			}
			c.idle++
			c.wanted.Wait()
		}
		j := c.next.pop()
		c.busy++
		c.mu.Unlock()
		w.carryOut(j)
		c.mu.Lock()
		c.busy--
		c.halted = c.halted || !j.plain()
		c.ended = append(c.ended, j)
		w.ended()
	}
}

// carryOut sends a job, if that may still be done.
func (w *worker) carryOut(j *job) {
	if epoch, ok := w.drain.Epoch(); !ok || epoch != j.epoch {
		j.unsent = true
		return
	}
	w.inFlight.Add(int64(len(j.entries)))
	began := w.e.tick()
	j.outcomes = w.call(j)
	j.took = w.e.tick() - began
}

// collect takes in what became of jobs. Where one was not simply delivered, what
// lies ready is taken back: it may be sent no more.
func (w *worker) collect() {
	c := &w.crew
	c.mu.Lock()
	ended, halted := c.ended, c.halted
	c.ended = w.collected
	c.mu.Unlock()
	if halted {
		w.recall()
	}
	for i, j := range ended {
		ended[i] = nil
		w.finish(j)
	}
	w.collected = ended[:0]
	if len(w.retired) > 0 {
		w.closeRetired()
	}
	if halted {
		c.mu.Lock()
		if len(c.ended) == 0 { // else it is called again at once
			c.halted = false
			c.callAll()
		}
		c.mu.Unlock()
	}
}

// halt keeps the crew from beginning another job until the loop has taken back
// what lies ready. Anybody may call it.
func (w *worker) halt() {
	w.crew.mu.Lock()
	w.crew.halted = true
	w.crew.mu.Unlock()
	w.ended()
}

// ended tells the loop to collect. It never blocks.
func (w *worker) ended() {
	select {
	case w.results <- struct{}{}:
	default:
	}
}

// recall takes back the jobs that nobody has begun.
func (w *worker) recall() {
	c := &w.crew
	c.mu.Lock()
	var jobs []*job
	for c.next.len() > 0 {
		jobs = append(jobs, c.next.pop())
	}
	c.mu.Unlock()
	for _, j := range slices.Backward(jobs) {
		w.takeBack(j)
	}
}

// takeBack undoes the launch of a job that was not sent.
func (w *worker) takeBack(j *job) {
	w.landed(j)
	for _, e := range slices.Backward(j.entries) {
		w.putBack(e)
	}
	w.recycle(j)
}

// limitTo sets how many jobs are sent at once.
func (c *crew) limitTo(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limit = n
	c.callAll()
}

// dismiss lets the goroutines end when nothing is left to send.
func (c *crew) dismiss() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.off {
		c.off = true
		c.callAll()
	}
}
