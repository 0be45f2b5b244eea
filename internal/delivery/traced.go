package delivery

import (
	"github.com/google/uuid"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/trace"
)

// trace begins the span of a job, and has a single item's sender pass that on instead of
// the webhook's.
func (s *senders) trace(j *job) trace.Span {
	tracer := s.e.tracer.Load()
	if tracer == nil {
		return trace.Span{}
	}
	records := make([]string, len(j.items))
	for i := range j.items {
		records[i] = j.items[i].Header.Trace
	}
	d := trace.Delivery{
		Destination: j.settings.Dest.Name, Tenant: j.settings.Dest.Tenant, Kind: j.settings.Kind, Events: len(j.items),
	}
	if len(j.items) == 1 {
		it := &j.items[0]
		d.Attempt, d.EventID = it.Attempt, uuid.UUID(it.Header.EventID).String()
	}
	span, own := tracer.Deliver(records, &d)
	if len(j.items) == 1 && own != "" {
		j.items[0].Header.Trace = own
	}
	return span
}

// endTrace ends the span of a job, by the first of its verdicts that is a failure.
func endTrace(span trace.Span, verdicts []destination.Verdict) {
	for i := range verdicts {
		if v := &verdicts[i]; v.Action != destination.Done && v.Action != destination.Later {
			span.Code(v.Code)
			span.End(v.Action.String(), true)
			return
		}
	}
	span.End(destination.Done.String(), false)
}
