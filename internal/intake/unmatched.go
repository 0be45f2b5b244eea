package intake

import (
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// planUnmatched adds a job that keeps an event that is nobody's as a dead letter.
func (b *Block) planUnmatched(w *Webhook, g, n int, header queue.Header) {
	group, draft := &w.groups[g], &w.drafts[g]
	ev := &w.batch.Events[draft.events[n]]
	needs := "it would need " + hint(ev)
	if ev.IsEnvelope() {
		needs += "; where it names ids of several tenants, no match can help: it is nobody's, since none of them may see the others'"
	}
	reason := "no tenant's match names one of the event's ids; " + needs
	if w.mixed {
		reason = MixedReason
	} else {
		b.logUnmatched(ev)
	}
	meta, err := newLetterRecord(ev, b.Place(), w.mixed)
	if err != nil {
		meta = ev.Key() // a letter of which its block is not known
	}
	header.Format, header.Meta = queue.FormatEvent, meta
	job := queue.Job{Dest: queue.Unmatched, Events: w.only(n), Header: header, Dead: &queue.Reason{
		Reason: "unmatched", Explanation: reason,
	}}
	job.Payload, job.Header.Attribution = w.payload(g, n)
	draft.add(group, job, "")
}

// MixedReason is why nobody gets a webhook that is kept whole.
const MixedReason = "the webhook brings more than max_events or 16 times max_body, and has events of several tenants, " +
	"so that none may get it whole: raise max_events in its leadgate block and have the provider send it again"

// logUnmatched logs an event that no tenant wants.
func (b *Block) logUnmatched(ev *normalize.Event) {
	if c := b.Logger.Check(zapcore.WarnLevel, "no tenant matches an event; it is kept as a dead letter of unmatched"); c != nil {
		c.Write(zap.String("provider", ev.Provider), zap.Stringer("kind", ev.Kind), zap.String("needs", hint(ev)))
	}
}
