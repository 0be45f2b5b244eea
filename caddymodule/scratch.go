package caddymodule

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/leadgate/leadgate/internal/body"
	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/deadline"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// scratch is the memory of one verified webhook, from a pool.
type scratch struct {
	body    *body.Body
	turn    *turn // nil for all but large ones
	mixed   bool  // the one event is the whole webhook, and several tenants'
	batch   normalize.Batch
	tenants []*tenant  // whose each event is, nil for nobody's
	out     []byte     // the unified JSON of the events
	large   *body.Body // the memory of out, where that is much
	small   []byte     // and what it has otherwise
	groups  []queue.Group
	parts   []part // what each group is made of, beside groups
	keys    clicks.Keys
	known   []knownAd
	named   map[string][]*tenant // whose events name an id, see foreign
	index   []int                // 0, 1, 2…: the event lists of jobs are slices of it
}

// maxKept is the most that a scratch in the pool holds on to, in bytes: some
// hundred of them must not keep what a few large webhooks took.
const maxKept = 128 << 10

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// release puts the memory back. Nothing may point into it any more.
func (s *scratch) release() {
	s.turn.end()
	s.turn = nil
	s.batch.Reset()
	s.mixed = false
	if s.large != nil {
		s.large.Release()
		s.large, s.out, s.small = nil, s.small, nil
	}
	s.out = s.out[:0]
	if s.body != nil {
		s.body.Release()
		s.body = nil
	}
	if cap(s.out) > maxKept {
		s.out = nil
	}
	clear(s.tenants)
	s.tenants = s.tenants[:0]
	for g := range s.groups {
		s.dropGroup(g)
	}
	s.groups, s.parts = s.groups[:0], s.parts[:0]
	s.keys.Reset()
	clear(s.known)
	s.known, s.named = s.known[:0], nil
	scratches.Put(s)
}

// Large bodies take turns from the parser to the store: on that way one is
// several times as large, and the store takes one after the other anyway.
const largeBody = 256 << 10

var turns = make(chan struct{}, 4)

// turn is one, which ends once.
type turn struct{ ended bool }

// takeTurn waits for a turn where the body is large, as long as for the store.
func (s *scratch) takeTurn(started time.Time) (*turn, error) {
	if len(s.body.Data) <= largeBody {
		return nil, nil
	}
	ctx := deadline.Of(started)
	select {
	case turns <- struct{}{}:
		s.turn = new(turn)
		return s.turn, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for other large webhooks: %w", context.Cause(ctx))
	}
}

func (t *turn) end() {
	if t != nil && !t.ended {
		t.ended = true
		<-turns
	}
}

// room gives the events' JSON memory that a large webhook needs: appending to
// what there is would leave as much again behind.
func (s *scratch) room() {
	if n := s.encoded(); n > maxKept && s.large == nil {
		s.large, s.small = body.New(n), s.out
		s.out = s.large.Data
	}
}

// encoded is about how long the events are when encoded: texts stand in an event
// and in its raw.
func (s *scratch) encoded() int { return 2*len(s.body.Data) + eventOverhead*len(s.batch.Events) }

// route finds the tenant of each event, once for all that ask. An event that holds
// another's, of another tenant, is nobody's: neither may see the other.
func (s *scratch) route(r *router) {
	for i := range s.batch.Events {
		ev := &s.batch.Events[i]
		t := r.route(ev)
		for j := i - 1; ev.Kind == normalize.KindAccount && j >= 0 && s.batch.Events[j].In(ev); j-- {
			if s.tenants[j] != t {
				t = nil
				break
			}
		}
		s.tenants = append(s.tenants, t)
	}
}

// one is the list of the event i alone.
func (s *scratch) one(i int) []int {
	for len(s.index) <= i {
		s.index = append(s.index, len(s.index))
	}
	return s.index[i : i+1 : i+1]
}
