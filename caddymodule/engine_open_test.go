package caddymodule

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/memory"
)

// slowly is an engine whose store opens when it is told what comes of it.
func slowly(t *testing.T) (e *engine, a *App, opens chan error, closed *bool) {
	t.Helper()
	opens, closed = make(chan error), new(bool)
	s := &store{open: func(o queue.Options, _ *zap.Logger) (queue.Queue, error) {
		if err := <-opens; err != nil {
			return nil, err
		}
		return &closing{memory.New(o, time.Now), closed}, nil
	}}
	a = &App{Grace: new(caddy.Duration), logger: zap.NewNop(), store: s}
	return &engine{store: s, succession: succession{closed: make(chan struct{})}}, a, opens, closed
}

type closing struct {
	queue.Queue
	closed *bool
}

func (c *closing) Close() error { *c.closed = true; return c.Queue.Close() }

var errEnough = errors.New("it waited long enough")

// While a store is being opened, which may take long, a request waits as long as it may,
// and what asks for the state waits for nothing. Who comes later gets the same store.
func TestOpeningHoldsUpNobody(t *testing.T) {
	e, a, opens, closed := slowly(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errEnough)
	for range 2 {
		if _, err := e.open(ctx, a); !errors.Is(err, errEnough) || !strings.Contains(err.Error(), "being opened") {
			t.Fatalf("error %v, want that it is being opened, and why no longer waited for", err)
		}
		if _, ok := e.live(); ok {
			t.Fatal("the engine is live before its store is open")
		}
	}
	opens <- nil
	q, err := e.open(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := e.open(ctx, a); err != nil || again != q {
		t.Errorf("the second one gets %v, %v, want the same store", again, err)
	}
	if err := e.Destruct(); err != nil || !*closed {
		t.Errorf("closed %v, %v", *closed, err)
	}
}

// An opening that fails is told to all that wait, and the next one tries again.
func TestOpeningFails(t *testing.T) {
	e, a, opens, _ := slowly(t)
	go func() { opens <- errEnough }()
	if _, err := e.open(t.Context(), a); !errors.Is(err, errEnough) {
		t.Fatalf("error %v, want the store's", err)
	}
	go func() { opens <- nil }()
	if _, err := e.open(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if err := e.Destruct(); err != nil {
		t.Error(err)
	}
}

// A store that was still being opened when the last user gave it up is closed.
func TestOpeningIsGivenUp(t *testing.T) {
	e, a, opens, closed := slowly(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.open(ctx, a); err == nil {
		t.Fatal("it is open")
	}
	destructed := make(chan error)
	go func() { destructed <- e.Destruct() }()
	opens <- nil
	select {
	case err := <-destructed:
		if err != nil || !*closed {
			t.Errorf("closed %v, %v, want it closed", *closed, err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it is not given up")
	}
}
