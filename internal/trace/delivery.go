package trace

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// mostLinks is how many webhooks a span of several events is linked to.
const mostLinks = 32

// Delivery is what a span says of a delivery: nothing of a contact, and no secret.
type Delivery struct {
	Destination, Tenant, Kind string
	Attempt, Events           int
	EventID                   string // of a single event
}

// Deliver begins the span of a delivery of entries with these records. That of a single
// entry is below its webhook's span, and linked to it; that of several is one of its own,
// linked to the first of theirs. Without a record there is none. own is the record of the
// span, "" without.
func (t *Tracer) Deliver(records []string, d *Delivery) (s Span, own string) {
	if t == nil {
		return Span{}, ""
	}
	var links []trace.Link
	var last string
	for _, r := range records {
		if r == last || len(links) == mostLinks {
			continue
		}
		if c := spanOf(r); c.IsValid() {
			links, last = append(links, trace.Link{SpanContext: c}), r
		}
	}
	if len(links) == 0 {
		return Span{}, ""
	}
	ctx := context.Background()
	if len(records) == 1 {
		ctx = trace.ContextWithRemoteSpanContext(ctx, links[0].SpanContext)
	}
	attributes := []attribute.KeyValue{
		attribute.String("leadgate.destination", d.Destination), attribute.String("leadgate.tenant", d.Tenant),
		attribute.String("leadgate.kind", d.Kind), attribute.Int("leadgate.events", d.Events),
	}
	if d.EventID != "" {
		attributes = append(attributes, attribute.Int("leadgate.attempt", d.Attempt), attribute.String("leadgate.event_id", d.EventID))
	}
	_, span := t.tracer.Start(ctx, "leadgate.deliver", trace.WithSpanKind(trace.SpanKindClient), trace.WithLinks(links...),
		trace.WithAttributes(attributes...))
	return Span{span}, record(span.SpanContext())
}

// Code notes the status or code of an answer.
func (s Span) Code(code string) {
	if s.span != nil && code != "" {
		s.span.SetAttributes(attribute.String("leadgate.code", code))
	}
}
