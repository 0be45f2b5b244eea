package caddymodule

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// planUnmatched adds a job that keeps an event that is nobody's as a dead letter.
func (s *scratch) planUnmatched(h *Handler, g, n int, header queue.Header) {
	group, p := &s.groups[g], &s.parts[g]
	ev := &s.batch.Events[p.events[n]]
	needs := "it would need " + hint(ev)
	if ev.IsEnvelope() {
		needs += "; where it names ids of several tenants, no match can help: it is nobody's, since none of them may see the others'"
	}
	reason := "no tenant's match names one of the event's ids; " + needs
	if s.mixed {
		reason = mixedReason
	} else {
		h.unmatched(ev)
	}
	meta, err := newLetterRecord(ev, h.app.place(h), s.mixed)
	if err != nil {
		meta = ev.Key() // a letter of which its block is not known
	}
	header.Format, header.Meta = queue.FormatEvent, meta
	job := queue.Job{Dest: queue.Unmatched, Events: s.one(n), Header: header, Dead: &queue.Reason{
		Reason: "unmatched", Explanation: reason,
	}}
	job.Payload, job.Header.Attribution = s.payload(g, n)
	p.add(group, job, "")
}

// mixedReason is why nobody gets a webhook that is kept whole.
const mixedReason = "the webhook brings more than max_events or 16 times max_body, and has events of several tenants, so that none may get it whole: raise max_events in its leadgate block and have the provider send it again"

// unmatched logs an event that no tenant wants.
func (h *Handler) unmatched(ev *normalize.Event) {
	if c := h.logger.Check(zapcore.WarnLevel, "no tenant matches an event; it is kept as a dead letter of unmatched"); c != nil {
		c.Write(zap.String("provider", ev.Provider), zap.Stringer("kind", ev.Kind), zap.String("needs", hint(ev)))
	}
}

// routedAgain is what a replay of unmatched events came to.
type routedAgain struct {
	Count     int `json:"count"`     // queued for a tenant that matches them now
	Unmatched int `json:"unmatched"` // that still match nobody
	NoBlock   int `json:"noBlock"`   // whose leadgate block is not in the configuration
}

// routeAgain replays events that no tenant matched: those that a tenant of the
// block by which they came matches now are queued for its destinations, and are
// dead letters no more; the others stay. Destinations that want raw bytes get
// none, since the webhook itself is gone.
func (a *App) routeAgain(ctx context.Context, q queue.Queue, filter queue.DeadFilter) (result routedAgain, err error) {
	filter.Bare = true // ten thousand may be large
	letters, err := q.Dead(ctx, filter)
	if err != nil {
		return result, err
	}
	blocks := make(map[string][]*Handler)
	for _, h := range a.blocks {
		id := a.place(h).id
		blocks[id] = append(blocks[id], h)
		if a.onlyOf(h) {
			blocks[h.providerName()+" "] = []*Handler{h} // for letters that don't know their block
		}
	}
	gone := make(map[string]int)
	// Oldest first, so that a contact's events keep their order.
	for _, listed := range slices.Backward(letters) {
		read, err := q.Dead(ctx, queue.DeadFilter{Destination: filter.Destination, IDs: []string{listed.ID}})
		if err != nil {
			return result, err
		}
		if len(read) == 0 {
			continue // it is gone meanwhile
		}
		letter := &read[0]
		var doc jsondoc.Doc
		ev, rec, err := revive(&doc, letter)
		if err != nil {
			result.Unmatched++
			a.logger.Error("reading a dead letter of unmatched; it stays", zap.String("id", letter.ID), zap.Error(err))
			continue
		}
		id := rec.Block
		if id == "" {
			id = ev.Provider + " "
		}
		if len(blocks[id]) != 1 { // none, or several that cannot be told apart
			result.NoBlock++
			gone[cmp.Or(rec.Shown, ev.Provider)]++
			continue
		}
		h := blocks[id][0]
		t := h.routes.route(ev)
		if t == nil || rec.Several {
			result.Unmatched++
			continue
		}
		if err := h.queueAgain(ctx, q, t, ev, letter); err != nil {
			return result, err
		}
		result.Count++
	}
	for shown, n := range gone {
		a.logger.Warn("unmatched events stay: the leadgate block that they came by is not in the configuration, or one of several that cannot be told apart",
			zap.String("block", shown), zap.Int("events", n))
	}
	return result, nil
}

// onlyOf says whether h is the only block of its provider.
func (a *App) onlyOf(h *Handler) bool {
	for _, other := range a.blocks {
		if other != h && other.providerName() == h.providerName() {
			return false
		}
	}
	return true
}

// queueAgain queues a dead letter's event for a tenant, and drops the letter.
func (h *Handler) queueAgain(ctx context.Context, q queue.Queue, t *tenant, ev *normalize.Event, letter *queue.DeadLetter) error {
	ev.SetTenant(t.name)
	var s scratch // not from the pool: this is rare
	s.batch.Events = append(s.batch.Events, *ev)
	s.tenants = append(s.tenants, t)
	g := s.group(t)
	payload, attribution := moved(ev, letter)
	s.preset(g, payload, attribution)
	s.lookUpAds(ctx, h, q)
	s.planEvent(h, g, 0)
	if _, err := h.report(&s, q.Append(ctx, s.groups)); err != nil {
		return err
	}
	if _, err := q.DropDead(ctx, queue.DeadFilter{Destination: queue.Unmatched.Name, IDs: []string{letter.ID}}); err != nil {
		return fmt.Errorf("dropping dead letter %s, which is queued again: %w", letter.ID, err)
	}
	return nil
}

// preset gives the first event of a group a payload that is made already.
func (s *scratch) preset(g int, payload []byte, attribution uint32) {
	group, p := &s.groups[g], &s.parts[g]
	group.Payloads = append(group.Payloads, payload)
	p.attribution = append(p.attribution, attribution)
	p.ready = true
}
