package intake

import (
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/normalize"
)

// exceeded is the limit that a webhook exceeds: events, where it brings more than
// the block's limit, bytes, where the events, encoded, would be more than
// maxMultiple times the largest body; "" where it exceeds none.
func (b *Block) exceeded(w *Webhook) string {
	switch {
	case w.batch.Over(), len(w.batch.Events) > b.Limit:
		return "events"
	case w.longerThan(maxMultiple * b.MaxBody):
		return "bytes"
	}
	return ""
}

// longerThan reports whether the events are longer than most bytes when encoded.
// Few webhooks can be; those are encoded to see.
func (w *Webhook) longerThan(most int64) bool {
	if int64(len(w.batch.Events))*(eventOverhead+eventMultiple*int64(len(w.body.Data))) <= most {
		return false
	}
	w.makeRoom()
	var total int64
	for i := range w.batch.Events {
		w.encoded, _ = w.batch.Events[i].AppendJSON(w.encoded[:0])
		if total += int64(len(w.encoded)); total > most {
			break
		}
	}
	w.encoded = w.encoded[:0]
	return total > most
}

// keepWhole makes one event of the whole body, which exceeds a limit.
func (b *Block) keepWhole(w *Webhook, r *http.Request, limit string, now time.Time) {
	owner := b.wholeOwner(w, now)
	if b.Inline {
		owner = b.Router.Direct // the next handler gets all there is
	}
	w.tenants = append(w.tenants, owner)
	metrics.Whole(b.Provider, limit)
	b.Logger.Warn("a webhook brings more than max_events or 16 times max_body; it is kept as one event of kind account, whole",
		zap.String("provider", b.Provider), zap.String("block", shortPath(r.URL.Path)), zap.String("tenant", owner.name()),
		zap.String("limit", limit), zap.Int("max_events", b.Limit), zap.Int("body_bytes", len(w.body.Data)), zap.Bool("several_tenants", w.mixed))
}

// wholeOwner makes one event of the whole body, and says whose it is: a tenant's
// where every event in it is that tenant's; else nobody's, since nobody may see
// what is another's.
func (b *Block) wholeOwner(w *Webhook, now time.Time) *Tenant {
	var holders []*Tenant // of events that may hold others'
	for i := range w.batch.Events {
		if ev := &w.batch.Events[i]; ev.IsEnvelope() {
			holders = append(holders, b.Router.Route(ev))
		}
	}
	accounts, all := w.batch.Whole(w.body.Data, now.UnixMilli())
	whole := &w.batch.Events[0]
	owner := b.Router.Route(&normalize.Event{Channel: whole.Channel, Account: whole.Account})
	w.mixed = !all && len(b.Router.tenants) > 0
	for i := range accounts {
		switch t := b.Router.Route(&normalize.Event{Channel: whole.Channel, Account: accounts[i]}); {
		case i == 0:
			owner = t
		case t != owner:
			w.mixed = true
		}
	}
	for _, t := range holders {
		w.mixed = w.mixed || t != owner
	}
	if w.mixed {
		return nil
	}
	return owner
}

// shortPath is a path for a log line: the block's own, unless a webhook was
// posted far below it.
func shortPath(path string) string { return path[:min(len(path), 100)] }
