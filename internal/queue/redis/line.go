package redis

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leadgate/leadgate/internal/queue/batch"
	"github.com/leadgate/leadgate/internal/queue/redis/cluster"
)

// line is where appends wait whose tenants' slots a Cluster moves, in the order in which
// they came, so that those of other tenants need not. It tries them again and again, for
// as long as a provider may wait. Who comes for a tenant that stands in line, stands
// behind it.
type line struct {
	r        *Store
	appender appender
	appends  *batch.Batcher[*gathered]
	quit     chan struct{}

	any     atomic.Bool // somebody waits
	mu      sync.Mutex
	tenants map[string]int // how many appends of each wait
}

func (l *line) start(r *Store) {
	l.r, l.appender.r, l.quit, l.tenants = r, r, make(chan struct{}), map[string]int{}
	l.appends = batch.New(batch.Config[*gathered]{Write: l.write})
}

// stop lets nobody wait any longer.
func (l *line) stop() {
	close(l.quit)
	l.appends.Close()
}

// takeThose has those appends wait that must, and returns the others.
func (l *line) takeThose(batch []*gathered, must func(*gathered) bool) []*gathered {
	if !slices.ContainsFunc(batch, must) {
		return batch
	}
	var others []*gathered
	for _, p := range batch {
		if must(p) {
			l.enter(p)
		} else {
			others = append(others, p)
		}
	}
	return others
}

func (l *line) enter(p *gathered) {
	p.inLine = make(chan struct{})
	l.mu.Lock()
	for i := range p.groups {
		l.tenants[p.groups[i].Tenant]++
	}
	l.any.Store(true)
	l.mu.Unlock()
	l.appends.Start(p)
}

func (l *line) leave(p *gathered) {
	l.mu.Lock()
	for i := range p.groups {
		tenant := p.groups[i].Tenant
		if l.tenants[tenant]--; l.tenants[tenant] == 0 {
			delete(l.tenants, tenant)
		}
	}
	l.any.Store(len(l.tenants) > 0)
	l.mu.Unlock()
	close(p.inLine)
}

// isBehind reports whether an append is for a tenant that stands in line.
func (l *line) isBehind(p *gathered) bool {
	if !l.any.Load() {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range p.groups {
		if l.tenants[p.groups[i].Tenant] > 0 {
			return true
		}
	}
	return false
}

// write stores what waits, as soon as it can be.
func (l *line) write(batch []*gathered) {
	waiting := slices.Clone(batch)
	end := time.Now().Add(cluster.Patience)
	for {
		l.appender.packer.linked.forget() // others store clicks meanwhile
		l.appender.store(waiting)
		l.r.clicked.Store(true)
		waiting = slices.DeleteFunc(waiting, func(p *gathered) bool {
			if p.isMoving() {
				return false
			}
			l.leave(p)
			return true
		})
		if len(waiting) == 0 {
			return
		}
		if !l.pause(end) {
			break
		}
	}
	for _, p := range waiting {
		l.leave(p)
	}
}

// pause waits a moment, and reports whether there is time for that.
func (l *line) pause(end time.Time) bool {
	select {
	case <-l.quit:
		return false
	default:
		return cluster.Pause(l.r.life, end)
	}
}
