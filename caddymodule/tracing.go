package caddymodule

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	caddytracing "github.com/caddyserver/caddy/v2/modules/caddyhttp/tracing"
	oteltrace "go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/trace"
)

// tracing is a configuration's part of Caddy's tracing: spans of deliveries belong to no
// request, and begin before the first one after a start.
type tracing struct {
	caddys caddytracing.Tracing // keeps Caddy's provider of tracers for as long as this
	tracer *trace.Tracer
}

// beginTracing takes a share in the one provider of tracers that all of Caddy's `tracing`
// directives have. It shows itself in a span alone: one that is not sampled, so that
// nothing is exported.
func beginTracing(ctx caddy.Context) (*tracing, error) {
	t := new(tracing)
	if err := t.caddys.Provision(ctx); err != nil {
		return nil, fmt.Errorf("sharing Caddy's tracing: %w", err)
	}
	c := oteltrace.ContextWithRemoteSpanContext(ctx, oteltrace.NewSpanContext(oteltrace.SpanContextConfig{
		TraceID: oteltrace.TraceID{1}, SpanID: oteltrace.SpanID{1}, Remote: true,
	}))
	r, err := http.NewRequestWithContext(c, http.MethodGet, "http://localhost/", http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("sharing Caddy's tracing: %w", err)
	}
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), unread{}, nil)
	err = t.caddys.ServeHTTP(unread{}, r, caddyhttp.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) error {
		t.tracer = trace.New(oteltrace.SpanFromContext(r.Context()).TracerProvider())
		return nil
	}))
	if err == nil && t.tracer == nil {
		err = errors.New("sharing Caddy's tracing: it asked nobody")
	}
	if err != nil {
		return nil, errors.Join(err, t.caddys.Cleanup())
	}
	return t, nil
}

// get is the tracer, nil where nothing is traced.
func (t *tracing) get() *trace.Tracer {
	if t == nil {
		return nil
	}
	return t.tracer
}

// end gives the share back; the last one sends what is left.
func (t *tracing) end(logger *zap.Logger) {
	if t == nil {
		return
	}
	if err := t.caddys.Cleanup(); err != nil {
		logger.Warn("ending tracing", zap.Error(err))
	}
}

// unread is an answer that nobody reads.
type unread struct{}

func (unread) Header() http.Header         { return http.Header{} }
func (unread) Write(b []byte) (int, error) { return len(b), nil }
func (unread) WriteHeader(int)             {}
