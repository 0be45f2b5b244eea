// Package trace makes OpenTelemetry's spans of what Leadgate does with a webhook, where
// Caddy's directive `tracing` is on: verifying, storing, and each delivery, which may
// come hours later and in another process. For that an entry keeps the span of its
// webhook as a [Record].
//
// A nil [Tracer] makes none: then nothing is allocated and nothing kept. It is a leaf.
package trace

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// scope names Leadgate in a span.
const scope = "github.com/leadgate/leadgate"

// Tracer begins spans.
type Tracer struct{ tracer trace.Tracer }

// New makes a tracer of Caddy's provider of them.
func New(p trace.TracerProvider) *Tracer { return &Tracer{p.Tracer(scope)} }

// recordSize is that of a trace's id, a span's id and the flags.
const recordSize = 16 + 8 + 1

// Record is the span that ctx has, to be kept with entries; "" where there is none.
func (t *Tracer) Record(ctx context.Context) string {
	if t == nil {
		return ""
	}
	return record(trace.SpanContextFromContext(ctx))
}

func record(c trace.SpanContext) string {
	if !c.IsValid() {
		return ""
	}
	b := make([]byte, 0, recordSize)
	id, span := c.TraceID(), c.SpanID()
	b = append(append(b, id[:]...), span[:]...)
	return string(append(b, byte(c.TraceFlags())))
}

// spanOf reads a record; what is none is not valid.
func spanOf(record string) trace.SpanContext {
	if len(record) != recordSize {
		return trace.SpanContext{}
	}
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID([]byte(record[:16])), SpanID: trace.SpanID([]byte(record[16:24])), TraceFlags: trace.TraceFlags(record[24]),
		Remote: true,
	})
}

// Traceparent is a record as W3C's Trace Context has it in a header; "" for none.
func Traceparent(record string) string {
	c := spanOf(record)
	if !c.IsValid() {
		return ""
	}
	return "00-" + c.TraceID().String() + "-" + c.SpanID().String() + "-" + c.TraceFlags().String()
}

// Span is a span that was begun; the zero Span is none.
type Span struct{ span trace.Span }

// Begin begins a span below that which ctx has; none where ctx has none.
func (t *Tracer) Begin(ctx context.Context, name, key, value string) Span {
	if t == nil || !trace.SpanContextFromContext(ctx).IsValid() {
		return Span{}
	}
	_, span := t.tracer.Start(ctx, name, trace.WithAttributes(attribute.String(key, value)))
	return Span{span}
}

// End ends a span, with what became of it; failed says that it is an error.
func (s Span) End(outcome string, failed bool) {
	if s.span == nil {
		return
	}
	s.span.SetAttributes(attribute.String("leadgate.outcome", outcome))
	if failed {
		s.span.SetStatus(codes.Error, outcome)
	}
	s.span.End()
}
