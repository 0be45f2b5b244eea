package intake

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/leadgate/leadgate/internal/body"
	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/deadline"
	"github.com/leadgate/leadgate/internal/inchat"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// Webhook is one verified webhook, and all the memory that it takes on its way to
// the store. It comes from a pool.
type Webhook struct {
	body    *body.Body
	turn    *Turn  // nil for all but large ones
	trace   string // the span of the request, for its entries; "" = none
	mixed   bool   // the one event is the whole webhook, and several tenants'
	batch   normalize.Batch
	tenants []*Tenant // whose each event is, nil for nobody's

	encoded []byte     // the unified JSON of the events
	large   *body.Body // its memory, where that is much
	small   []byte     // and what it has otherwise

	groups  []queue.Group
	drafts  []draft // what each group is made of
	keys    clicks.Keys
	ads     []storedAd
	linked  []linked
	said    []spoken
	reader  inchat.Reader
	stored  []*Tenant            // whose group is stored, where another's has to be planned again
	named   map[string][]*Tenant // whose events name an id, see foreign
	scratch []byte
	index   []int // 0, 1, 2…: the event lists of jobs are slices of it
}

// maxKept is the most that a webhook in the pool holds on to, in bytes: some
// hundred of them must not keep what a few large ones took.
const maxKept = 128 << 10

var webhooks = sync.Pool{New: func() any { return new(Webhook) }}

// NewWebhook returns a webhook of this body, which is the webhook's from now on.
func NewWebhook(b *body.Body) *Webhook {
	w := webhooks.Get().(*Webhook)
	w.body = b
	return w
}

// Empty reports whether nothing came of the body.
func (w *Webhook) Empty() bool { return len(w.batch.Events) == 0 }

// Release gives the memory back, the body's too, and ends the turn. Nothing may
// point into it any more.
func (w *Webhook) Release() {
	w.turn.End()
	w.turn = nil
	w.batch.Reset()
	w.mixed, w.trace = false, ""
	if w.large != nil {
		w.large.Release()
		w.large, w.encoded, w.small = nil, w.small, nil
	}
	w.encoded = w.encoded[:0]
	if w.body != nil {
		w.body.Release()
		w.body = nil
	}
	if cap(w.encoded) > maxKept {
		w.encoded = nil
	}
	if cap(w.scratch) > maxKept {
		w.scratch = nil
	}
	clear(w.tenants)
	w.tenants = w.tenants[:0]
	for g := range w.groups {
		w.emptyGroup(g)
	}
	w.groups, w.drafts = w.groups[:0], w.drafts[:0]
	w.keys.Reset()
	clear(w.linked)
	clear(w.stored)
	w.linked, w.stored = w.linked[:0], w.stored[:0]
	clear(w.said)
	w.said = w.said[:0]
	w.reader.Trim(maxKept)
	clear(w.ads)
	w.ads, w.named = w.ads[:0], nil
	webhooks.Put(w)
}

// Large bodies take turns from the parser to the store: on that way one is
// several times as large, and the store takes one after the other anyway.
const largeBody = 256 << 10

var turns = make(chan struct{}, 4)

// Turn is a large body's turn, which ends once. nil is that of a small body, which
// needs none.
type Turn struct{ ended bool }

// TakeTurn waits for a turn where the body is large, as long as for the store. It
// ends with the webhook's Release, and by [Turn.End].
func (w *Webhook) TakeTurn(came time.Time) (*Turn, error) {
	if len(w.body.Data) <= largeBody {
		return nil, nil
	}
	ctx := deadline.Of(came)
	select {
	case turns <- struct{}{}:
		w.turn = new(Turn)
		return w.turn, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for other large webhooks: %w", context.Cause(ctx))
	}
}

// End ends the turn, if it has not ended yet.
func (t *Turn) End() {
	if t != nil && !t.ended {
		t.ended = true
		<-turns
	}
}

// An event has some 2 KB of keys and of what we add, and no byte of a body stands
// in it more often than this.
const (
	eventOverhead = 2 << 10
	eventMultiple = 32
)

// makeRoom gives the events' JSON memory that a large webhook needs: appending to
// what there is would leave as much again behind.
func (w *Webhook) makeRoom() {
	if n := w.encodedSize(); n > maxKept && w.large == nil {
		w.large, w.small = body.New(n), w.encoded
		w.encoded = w.large.Data
	}
}

// encodedSize is about how long the events are when encoded: texts stand in an
// event and in its raw.
func (w *Webhook) encodedSize() int { return 2*len(w.body.Data) + eventOverhead*len(w.batch.Events) }

// route finds the tenant of each event, once for all that ask. An event that holds
// another's, of another tenant, is nobody's: neither may see the other.
func (w *Webhook) route(r *Router) {
	for i := range w.batch.Events {
		ev := &w.batch.Events[i]
		t := r.Route(ev)
		for j := i - 1; ev.Kind == normalize.KindAccount && j >= 0 && w.batch.Events[j].In(ev); j-- {
			if w.tenants[j] != t {
				t = nil
				break
			}
		}
		w.tenants = append(w.tenants, t)
	}
}

// only is the list of the event i alone.
func (w *Webhook) only(i int) []int {
	for len(w.index) <= i {
		w.index = append(w.index, len(w.index))
	}
	return w.index[i : i+1 : i+1]
}
