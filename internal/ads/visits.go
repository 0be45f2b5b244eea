package ads

import (
	"context"
	"crypto/rand"
	"maps"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/queue"
)

// Appender is what counting visits needs of a [queue.Queue].
type Appender interface {
	Append(ctx context.Context, groups []queue.Group) []queue.Result
}

// Visits counts the visits of links that got a code. No visitor waits for it, and many
// visits are one write: they are stored some seconds later, and at the end. What an edge
// that is killed had not stored by then is not counted.
type Visits struct {
	open   func(ctx context.Context) (q Appender, done func(), err error)
	now    func() time.Time
	logger *zap.Logger

	mu     sync.Mutex
	counts map[visited]int64
	timer  *time.Timer // nil where nothing is to be stored
	closed bool

	storing sync.Mutex
	waiting []queue.Group // not known to be stored; by their ids they count once, however often they are tried
	failing bool
}

// visited is a link on a day.
type visited struct {
	tenant, link string
	day          int64
}

// How long visits are gathered, and how long a write of them may take.
const (
	visitsEvery = 5 * time.Second
	visitsWait  = 2 * time.Second
)

// NewVisits makes a counter. open is the store, until done.
func NewVisits(open func(ctx context.Context) (Appender, func(), error), now func() time.Time, logger *zap.Logger) *Visits {
	return &Visits{open: open, now: now, logger: logger, counts: make(map[visited]int64)}
}

// Add counts a visit.
func (v *Visits) Add(tenant, link string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.counts[visited{tenant, link, v.now().UnixMilli() / queue.DayMS}]++
	v.arm()
}

func (v *Visits) arm() {
	if v.timer == nil && !v.closed {
		v.timer = time.AfterFunc(visitsEvery, func() { v.store(false) })
	}
}

// Close stores what there is, and ends. Nil has nothing.
func (v *Visits) Close() {
	if v == nil {
		return
	}
	v.mu.Lock()
	v.closed = true
	if v.timer != nil {
		v.timer.Stop()
		v.timer = nil
	}
	v.mu.Unlock()
	v.store(true)
}

// store stores what has been counted. What is not taken waits for the next time; the
// last time there is none.
func (v *Visits) store(last bool) {
	v.storing.Lock()
	defer v.storing.Unlock()
	v.mu.Lock()
	v.timer = nil
	ended := v.closed && !last
	v.mu.Unlock()
	if ended {
		return // Close stores it
	}
	err := v.append() // what waits
	if err == nil {
		v.take()
		err = v.append()
	}
	if err != nil && !v.failing {
		v.logger.Warn("the visits of links are not stored, and counted later", zap.Error(err))
	}
	v.failing = err != nil
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.waiting)+len(v.counts) > 0 {
		v.arm()
	}
}

// take makes groups of what has been counted.
func (v *Visits) take() {
	v.mu.Lock()
	counts := maps.Clone(v.counts)
	clear(v.counts)
	v.mu.Unlock()
	of := make(map[string]int) // the group of a tenant
	for at, n := range counts {
		g, known := of[at.tenant]
		if !known {
			g = len(v.waiting)
			of[at.tenant] = g
			var ev queue.Event
			_, _ = rand.Read(ev.ID[:]) // never fails: crypto/rand
			v.waiting = append(v.waiting, queue.Group{Tenant: at.tenant, Events: []queue.Event{ev}})
		}
		ad := Ad{Link: at.link}
		v.waiting[g].Counters = append(v.waiting[g].Counters, queue.Counter{
			Day: at.day, Key: ad.key(), Field: fieldVisits, Add: min(n, queue.MaxAdd), When: queue.WhenNew,
		})
	}
}

// append stores the groups that wait, and keeps those that the store does not take.
func (v *Visits) append() (failed error) {
	if len(v.waiting) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), visitsWait)
	defer cancel()
	q, done, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer done()
	var left []queue.Group
	for g, result := range q.Append(ctx, v.waiting) {
		if result.Err != nil {
			failed = result.Err
			left = append(left, v.waiting[g])
		}
	}
	v.waiting = left
	return failed
}
