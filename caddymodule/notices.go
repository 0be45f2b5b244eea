package caddymodule

import (
	"context"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/internal/notice"
)

// noticeGrace is how long the last notices of a configuration may take: its events app,
// and so who is told, ends with it.
const noticeGrace = 2 * time.Second

// provisionNotices makes Caddy events of notices. They are emitted off the way of who
// tells: handlers run one after another, and may take their time.
func (a *App) provisionNotices(ctx caddy.Context) error {
	app, err := ctx.App("events")
	if err != nil {
		return fmt.Errorf("loading the events app: %w", err)
	}
	events := app.(*caddyevents.App)
	logger := a.logger
	for _, name := range notice.Names {
		metrics.NoticesDropped(caddyEvent(name), 0)
	}
	a.notices = notice.NewBoard(
		func(c context.Context, n notice.Notice) {
			emitting := ctx
			emitting.Context = c
			events.Emit(emitting, caddyEvent(n.Name), noticeData(&n))
		},
		func(n notice.Notice) {
			metrics.NoticesDropped(caddyEvent(n.Name), 1)
			logger.Error("a Caddy event was dropped: its handlers are too slow",
				zap.String("event", caddyEvent(n.Name)), zap.String("destination", n.Destination), zap.String("tenant", n.Tenant))
		})
	// Until the apps have started, the events app may not be asked.
	return events.On("started", startNotices{a.notices})
}

// stopNotices emits what waits.
func (a *App) stopNotices() {
	if left := a.notices.Stop(noticeGrace); left > 0 {
		metrics.NoticesDropped("other", left)
		a.logger.Error("Caddy events were not emitted any more: their handlers are too slow", zap.Int("events", left))
	}
}

// startNotices is a handler of Caddy's event "started".
type startNotices struct{ board *notice.Board }

// Handle implements [caddyevents.Handler].
func (s startNotices) Handle(context.Context, caddy.Event) error {
	s.board.Start()
	return nil
}

func caddyEvent(name notice.Name) string { return "leadgate." + string(name) }

// noticeData are an event's placeholders {event.data.*}.
func noticeData(n *notice.Notice) map[string]any {
	data := map[string]any{"destination": n.Destination, "tenant": n.Tenant, "reason": n.Reason}
	if n.Name == notice.Dead {
		data["count"] = n.Count
	}
	return data
}
