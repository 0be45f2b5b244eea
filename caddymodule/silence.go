package caddymodule

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
)

// heard is when a tenant's last webhook came, whatever became of it. It lives
// as long as a configuration has the tenant, so that a reload forgets nothing.
type heard struct {
	last   atomic.Int64 // ms; before the first webhook, when the tenant was configured
	warned atomic.Int64 // the value of last that the silence was logged for; 0 if it was not
}

// listeners holds one heard for each tenant of the running configurations.
var listeners = caddy.NewUsagePool()

// listen returns what is heard of a tenant. The caller deletes the tenant from
// listeners when it is done.
func listen(tenant string, now time.Time) *heard {
	value, _, _ := listeners.LoadOrNew(tenant, func() (caddy.Destructor, error) {
		h := new(heard)
		h.last.Store(now.UnixMilli())
		return h, nil
	})
	return value.(*heard)
}

// Destruct implements caddy.Destructor.
func (*heard) Destruct() error { return nil }

// hear notes for which tenants a webhook came: one that was verified and has at
// least one event of theirs. Handshakes and probes say nothing about events.
func (s *scratch) hear(now time.Time) {
	ms := now.UnixMilli()
	for _, t := range s.tenants {
		// A load first: under load most webhooks share a millisecond with
		// another one, and cores need not fight for the line.
		if t != nil && t.heard.last.Load() < ms {
			t.heard.last.Store(ms)
		}
	}
}

// silenceAlarm logs tenants that no webhook comes for.
type silenceAlarm struct {
	after  time.Duration
	heard  map[string]*heard // by tenant
	logger *zap.Logger

	quit  chan struct{}
	owner sync.WaitGroup
}

func newSilenceAlarm(after time.Duration, tenants map[string]*tenant, logger *zap.Logger) *silenceAlarm {
	a := &silenceAlarm{after: after, heard: make(map[string]*heard, len(tenants)), logger: logger, quit: make(chan struct{})}
	for name, t := range tenants {
		a.heard[name] = t.heard
	}
	return a
}

// start looks at the tenants now and then, until stop, which waits for it.
func (a *silenceAlarm) start(now func() time.Time) {
	a.owner.Go(func() {
		ticker := time.NewTicker(silenceTick(a.after))
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				a.look(now())
			case <-a.quit:
				return
			}
		}
	})
}

func (a *silenceAlarm) stop() {
	close(a.quit)
	a.owner.Wait()
}

// silenceTick is how often the alarm looks: a line is late by a quarter of the
// silence at most, and by no more than a minute.
func silenceTick(after time.Duration) time.Duration {
	return min(max(after/4, 10*time.Millisecond), time.Minute)
}

// look logs a silence once, and its end. At a reload two configurations look at
// the same tenants: the one that changes warned has the line.
func (a *silenceAlarm) look(now time.Time) {
	for name, h := range a.heard {
		last, warned := h.last.Load(), h.warned.Load()
		if warned != 0 && last != warned && h.warned.CompareAndSwap(warned, 0) {
			warned = 0
			a.logger.Info("webhooks of a tenant come again", zap.String("tenant", name), zap.Time("last", time.UnixMilli(last)))
		}
		silent := now.Sub(time.UnixMilli(last))
		if warned == 0 && silent >= a.after && h.warned.CompareAndSwap(0, last) {
			a.logger.Warn("no webhook came for a tenant: look at the provider's webhook settings, and at the log for refused ones",
				zap.String("tenant", name), zap.Duration("for", silent.Round(time.Second)), zap.Time("since", time.UnixMilli(last)))
		}
	}
}

// lastWebhooks is when each configured tenant was last heard of, in ms.
func lastWebhooks(yield func(tenant string, ms int64) bool) {
	listeners.Range(func(tenant, value any) bool { return yield(tenant.(string), value.(*heard).last.Load()) })
}

var _ caddy.Destructor = (*heard)(nil)
