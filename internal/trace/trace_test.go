package trace

import (
	"context"
	"testing"

	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	oteltrace "go.opentelemetry.io/otel/trace"
)

// TestOff: nothing is allocated and nothing kept where nothing is traced.
func TestOff(t *testing.T) {
	var off *Tracer
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() {
		span := off.Begin(ctx, "leadgate.verify", "leadgate.provider", "meta")
		span.Code("503")
		span.End("verified", false)
		if off.Record(ctx) != "" || Traceparent("") != "" {
			t.Error("something is kept")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	on := New(trace.NewTracerProvider())
	if on.Record(ctx) != "" || on.Begin(ctx, "x", "y", "z") != (Span{}) {
		t.Error("a request without a span has one")
	}
}

// TestDeliver: below the webhook's span where it is of one, linked to at most so many
// where it is of several, and none without; what is no record harms nobody.
func TestDeliver(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	provider := trace.NewTracerProvider(trace.WithSpanProcessor(recorder))
	tracer := New(provider)
	webhook := func() (string, oteltrace.SpanContext) {
		ctx, span := provider.Tracer("caddy").Start(context.Background(), "handler")
		return tracer.Record(ctx), span.SpanContext()
	}
	one, its := webhook()
	if want := "00-" + its.TraceID().String() + "-" + its.SpanID().String() + "-01"; Traceparent(one) != want {
		t.Errorf("traceparent %s, want %s", Traceparent(one), want)
	}
	span, own := tracer.Deliver([]string{one}, &Delivery{Destination: "crm"})
	span.Code("503")
	span.End("retried", true)
	got := recorder.Ended()[0]
	if got.Parent().SpanID() != its.SpanID() || got.SpanContext().TraceID() != its.TraceID() || record(got.SpanContext()) != own ||
		len(got.Links()) != 1 || got.Links()[0].SpanContext.SpanID() != its.SpanID() {
		t.Errorf("span %+v", got)
	}

	many := []string{"", one, one}
	for range 2 * mostLinks {
		r, _ := webhook()
		many = append(many, r)
	}
	span, own = tracer.Deliver(many, &Delivery{})
	span.End("delivered", false)
	got = recorder.Ended()[1]
	if got.Parent().IsValid() || len(got.Links()) != mostLinks || own == "" {
		t.Errorf("span of several: %+v", got)
	}

	for _, none := range []string{"", "short", string(make([]byte, recordSize)), one + "x"} {
		if span, own := tracer.Deliver([]string{none}, &Delivery{}); span != (Span{}) || own != "" || Traceparent(none) != "" {
			t.Errorf("%q has a span", none)
		}
	}

	// After a reload without tracing the provider is shut down.
	if err := provider.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	span, _ = tracer.Deliver([]string{one}, &Delivery{})
	span.End("delivered", false)
	if len(recorder.Ended()) != 2 {
		t.Error("a span after the end")
	}
}
