package caddymodule

import (
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/normalize"
)

// TestReportedOnceForEightDays: Meta takes events of seven days, so that one is
// remembered for longer, however short dedupe is.
func TestReportedOnceForEightDays(t *testing.T) {
	const day = 24 * time.Hour
	var ev normalize.Event
	ev.SetTenant("acme")
	ev.SetKey("wamid.1")
	for dedupe, want := range map[time.Duration]time.Duration{time.Minute: 8 * day, 7 * day: 8 * day, 30 * day: 30 * day} {
		keys := onceKeys(&destination{capi: new(capiDestination)}, &ev, capi.Plan{}, &App{Dedupe: caddy.Duration(dedupe)})
		if len(keys) != 1 || keys[0].Window != want {
			t.Errorf("dedupe %v: %+v, want one of %v", dedupe, keys, want)
		}
	}
}
