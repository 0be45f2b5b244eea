package caddymodule

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/leadgate/leadgate/internal/httperr"
)

// TestAwaitStart: before a configuration runs nobody is told that there is nothing, and one
// that runs is not waited for.
func TestAwaitStart(t *testing.T) {
	if caddy.ActiveContext().Context != nil || len(liveEngines()) > 0 {
		t.Fatal("a configuration of another test still runs")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // as who asks has given up, or the wait is over
	e, ok := errors.AsType[*httperr.Error](awaitStart(ctx))
	if !ok || e.Status != http.StatusServiceUnavailable {
		t.Errorf("%v, want 503", e)
	}
	startEdge(t, siteWith("queue embedded %DIR%/queue", "tenant acme\n forward http://127.0.0.1:1/ {\n name crm\n}"))
	if err := awaitStart(ctx); err != nil {
		t.Errorf("while one runs: %v", err)
	}
}
