package notice

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/leadgate/leadgate/internal/outbox"
	"github.com/leadgate/leadgate/internal/printable"
)

const (
	// waiting is how many notices may wait for a slow taker.
	waiting = 256
	// deadEvery is how often the dead letters of a destination are told of: the first
	// at once, what comes within the time together. A hundred thousand of them must
	// not run a hundred thousand programs.
	deadEvery = time.Minute
	// longestReason is in bytes.
	longestReason = 512
)

// Board takes notices and hands them on, one after another: whoever tells does not wait
// for who is told. A nil Board takes them, and nobody is told.
type Board struct {
	out     *outbox.Outbox[Notice]
	dropped func(Notice) // there was no room for it

	mu      sync.Mutex
	dead    map[string]*deaths // by destination
	stopped bool
}

// deaths are the dead letters of a destination that are to be told of.
type deaths struct {
	next  Notice // what came since the last; a Count of 0 = nothing
	timer *time.Timer
}

// NewBoard makes a board that hands on to take, from Start on. dropped is called for
// what there is no room for.
func NewBoard(take func(context.Context, Notice), dropped func(Notice)) *Board {
	return &Board{out: outbox.New(waiting, take), dropped: dropped, dead: map[string]*deaths{}}
}

// Start begins to hand on.
func (b *Board) Start() { b.out.Start() }

// Stop hands on what waits, dead letters at once, for as long as grace; it returns how
// many notices were left.
func (b *Board) Stop(grace time.Duration) (left int) {
	if b == nil {
		return 0
	}
	b.mu.Lock()
	b.stopped = true
	for _, d := range b.dead {
		d.timer.Stop()
		if d.next.Count > 0 {
			b.put(d.next)
		}
	}
	clear(b.dead)
	b.mu.Unlock()
	return b.out.Stop(grace)
}

// Tell takes a notice. It never blocks.
func (b *Board) Tell(n Notice) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped {
		return
	}
	if n.Name != Dead {
		b.put(n)
		return
	}
	if d := b.dead[n.Destination]; d != nil {
		n.Count += d.next.Count
		d.next = n
		return
	}
	b.put(n)
	d := new(deaths)
	d.timer = time.AfterFunc(deadEvery, func() { b.due(n.Destination, d) })
	b.dead[n.Destination] = d
}

// due tells of the dead letters that came since the last time.
func (b *Board) due(destination string, d *deaths) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped {
		return
	}
	if d.next.Count == 0 {
		delete(b.dead, destination)
		return
	}
	b.put(d.next)
	d.next = Notice{}
	d.timer.Reset(deadEvery)
}

// put hands a notice to the outbox. A reason may be a stranger's words. b.mu is held.
func (b *Board) put(n Notice) {
	n.Reason = printable.HidePhones(printable.Line(n.Reason))
	if len(n.Reason) > longestReason {
		n.Reason = strings.ToValidUTF8(n.Reason[:longestReason], "")
	}
	if !b.out.Put(n) {
		b.dropped(n)
	}
}
