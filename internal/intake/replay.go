package intake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// Replayed is what a replay of unmatched events came to.
type Replayed struct {
	Count     int `json:"count"`     // queued for a tenant that matches them now
	Unmatched int `json:"unmatched"` // that still match nobody
	NoBlock   int `json:"noBlock"`   // whose leadgate block is not in the configuration
}

// LetterStore is what a replay needs of a queue.
type LetterStore interface {
	Store
	Dead(ctx context.Context, filter queue.DeadFilter) ([]queue.DeadLetter, error)
	DropDead(ctx context.Context, filter queue.DeadFilter) (int, error)
}

// ReplayUnmatched replays events that no tenant matched: those that a tenant of
// the block by which they came matches now are queued for its destinations, and
// are dead letters no more; the others stay. Destinations that want raw bytes get
// none, since the webhook itself is gone. blocks are those of the configuration.
func ReplayUnmatched(ctx context.Context, q LetterStore, blocks []*Block, filter queue.DeadFilter, logger *zap.Logger) (Replayed, error) {
	filter.Bare = true // ten thousand may be large
	p := replay{q: q, blocks: blocksByPlace(blocks), gone: make(map[string]int), logger: logger}
	letters, err := q.Dead(ctx, filter)
	if err != nil {
		return p.result, err
	}
	// Oldest first, so that a contact's events keep their order.
	for _, listed := range slices.Backward(letters) {
		read, err := q.Dead(ctx, queue.DeadFilter{Destination: filter.Destination, IDs: []string{listed.ID}})
		if err != nil {
			return p.result, err
		}
		if len(read) == 0 {
			continue // it is gone meanwhile
		}
		if err := p.one(ctx, &read[0]); err != nil {
			return p.result, err
		}
	}
	for shown, n := range p.gone {
		logger.Warn("unmatched events stay: the leadgate block that they came by is not in the configuration, "+
			"or one of several that cannot be told apart",
			zap.String("block", shown), zap.Int("events", n))
	}
	return p.result, nil
}

// replay is one of unmatched events.
type replay struct {
	q      LetterStore
	blocks map[string][]*Block // by the id of their place
	gone   map[string]int      // events that stay, by the block that is not there
	result Replayed
	logger *zap.Logger
}

// blocksByPlace are the blocks by the id of their place, and the only one of a
// provider also by that, for letters that don't know their block.
func blocksByPlace(blocks []*Block) map[string][]*Block {
	by := make(map[string][]*Block)
	for _, b := range blocks {
		id := b.Place().ID
		by[id] = append(by[id], b)
		other := func(o *Block) bool { return o != b && o.Provider == b.Provider }
		if !slices.ContainsFunc(blocks, other) {
			by[noPlace(b.Provider)] = []*Block{b}
		}
	}
	return by
}

// noPlace stands for the id of a place where only the provider is known.
func noPlace(provider string) string { return provider + " " }

// one replays a dead letter.
func (p *replay) one(ctx context.Context, letter *queue.DeadLetter) error {
	var doc jsondoc.Doc
	ev, rec, err := revive(&doc, letter)
	if err != nil {
		p.result.Unmatched++
		p.logger.Error("reading a dead letter of unmatched; it stays", zap.String("id", letter.ID), zap.Error(err))
		return nil
	}
	blocks := p.blocks[cmp.Or(rec.Block, noPlace(ev.Provider))]
	if len(blocks) != 1 { // none, or several that cannot be told apart
		p.result.NoBlock++
		p.gone[cmp.Or(rec.Shown, ev.Provider)]++
		return nil
	}
	b := blocks[0]
	t := b.Router.Route(ev)
	if t == nil || rec.Several {
		p.result.Unmatched++
		return nil
	}
	if err := b.queueAgain(ctx, p.q, t, ev, letter); err != nil {
		return err
	}
	p.result.Count++
	return nil
}

// queueAgain queues a dead letter's event for a tenant, and drops the letter.
func (b *Block) queueAgain(ctx context.Context, q LetterStore, t *Tenant, ev *normalize.Event, letter *queue.DeadLetter) error {
	ev.SetTenant(t.Name)
	w := new(Webhook) // not from the pool: this is rare
	w.batch.Events = append(w.batch.Events, *ev)
	w.tenants = append(w.tenants, t)
	b.lookUpAds(ctx, q, w)
	b.findLinks(w)
	b.findSaid(w)
	if err := b.lookUpSaid(ctx, q, w); err != nil {
		return err
	}
	for plan := 1; ; plan++ {
		if err := b.lookUpLinks(ctx, q, w, plan); err != nil {
			return err
		}
		g := w.group(t)
		payload, attribution := moved(&w.batch.Events[0], letter)
		w.preset(g, payload, attribution)
		b.planEvent(w, g, 0)
		results := q.Append(ctx, w.groups)
		_, err := b.report(w, results)
		if err == nil {
			break
		}
		if !errors.Is(err, queue.ErrClaimed) || plan == lastPlan {
			return err
		}
		w.planAgain(results)
	}
	if _, err := q.DropDead(ctx, queue.DeadFilter{Destination: queue.Unmatched.Name, IDs: []string{letter.ID}}); err != nil {
		return fmt.Errorf("dropping dead letter %s, which is queued again: %w", letter.ID, err)
	}
	return nil
}
