package caddymodule

import (
	"context"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/internal/notice"
)

// noticesLost scrapes how many Caddy events of no name were dropped.
func noticesLost(t *testing.T) (n float64) {
	t.Helper()
	registry := prometheus.NewRegistry()
	metrics.Register(registry)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.Metric {
			if f.GetName() == "leadgate_caddy_events_dropped_total" && m.Label[0].GetValue() == "other" {
				n = m.GetCounter().GetValue()
			}
		}
	}
	return n
}

// TestNoticesLeft: what a configuration does not emit any more counts as dropped, as
// what there is no room for does.
func TestNoticesLeft(t *testing.T) {
	a := &App{logger: zap.NewNop(), notices: notice.NewBoard(func(context.Context, notice.Notice) {}, func(notice.Notice) {})}
	before := noticesLost(t)
	for range 3 { // nobody takes them: it was never started
		a.notices.Tell(notice.Notice{Name: notice.Parked, Destination: "crm"})
	}
	a.stopNotices()
	a.stopNotices() // as Stop and Cleanup do
	if n := noticesLost(t) - before; n != 3 {
		t.Errorf("%v counted", n)
	}
}
