package caddymodule

import (
	"net/http"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/normalize"
)

// maxMultiple is by how much a webhook's events, encoded, may be larger than the
// largest body.
const maxMultiple = 16

// An event has some 2 KB of keys and of what we add, and no byte of a body stands
// in it more often than this.
const (
	eventOverhead = 2 << 10
	eventMultiple = 32
)

// bound keeps what a webhook brings within max_events and 16 times max_body:
// one with more is kept whole, as a single event. It says for which bound, "" for
// none.
func (s *scratch) bound(h *Handler) string {
	switch {
	case s.batch.Over(), len(s.batch.Events) > h.MaxEvents:
		return "events"
	case s.tooLong(maxMultiple * h.MaxBody):
		return "bytes"
	}
	return ""
}

// tooLong says whether the events are longer than most bytes when encoded. Few
// webhooks can be; those are encoded to see.
func (s *scratch) tooLong(most int64) bool {
	if int64(len(s.batch.Events))*(eventOverhead+eventMultiple*int64(len(s.body.Data))) <= most {
		return false
	}
	s.room()
	var total int64
	for i := range s.batch.Events {
		s.out, _ = s.batch.Events[i].AppendJSON(s.out[:0])
		if total += int64(len(s.out)); total > most {
			break
		}
	}
	s.out = s.out[:0]
	return total > most
}

// keepWhole makes one event of the whole body. It is a tenant's where every event
// in it is that tenant's; else nobody's, since nobody may see what is another's.
func (s *scratch) keepWhole(h *Handler, r *http.Request, bound string) {
	var holders []*tenant // of events that may hold others'
	for i := range s.batch.Events {
		if ev := &s.batch.Events[i]; ev.IsEnvelope() {
			holders = append(holders, h.routes.route(ev))
		}
	}
	accounts, all := s.batch.Whole(s.body.Data, h.app.now().UnixMilli())
	whole := &s.batch.Events[0]
	owner := h.routes.route(&normalize.Event{Channel: whole.Channel, Account: whole.Account})
	s.mixed = !all && len(h.routes.tenants) > 0
	for i := range accounts {
		switch t := h.routes.route(&normalize.Event{Channel: whole.Channel, Account: accounts[i]}); {
		case i == 0:
			owner = t
		case t != owner:
			s.mixed = true
		}
	}
	for _, t := range holders {
		s.mixed = s.mixed || t != owner
	}
	if s.mixed {
		owner = nil
	}
	if h.inline {
		owner = h.routes.direct // the next handler gets all there is
	}
	s.tenants = append(s.tenants, owner)
	tenantName := ""
	if owner != nil {
		tenantName = owner.name
	}
	metrics.Whole(h.providerName(), bound)
	h.logger.Warn("a webhook brings more than max_events or 16 times max_body; it is kept as one event of kind account, whole",
		zap.String("provider", h.providerName()), zap.String("block", shortPath(r.URL.Path)), zap.String("tenant", tenantName),
		zap.String("limit", bound), zap.Int("max_events", h.MaxEvents), zap.Int("body_bytes", len(s.body.Data)), zap.Bool("several_tenants", s.mixed))
}

// shortPath is a path for a log line: the block's own, unless a webhook was
// posted far below it.
func shortPath(path string) string { return path[:min(len(path), 100)] }
