package intake

import (
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/notice"
)

// heard is when a tenant's last webhook came, whatever became of it. It lives
// as long as a configuration has the tenant, so that a reload forgets nothing.
type heard struct {
	last   atomic.Int64 // ms; before the first webhook, when the tenant was configured
	warned atomic.Int64 // the value of last that the silence was logged for; 0 if it was not
	users  int          // configurations that have the tenant; guarded by listeners
}

// listeners holds one heard for each tenant of the running configurations.
var listeners = struct {
	sync.Mutex

	byTenant map[string]*heard
}{byTenant: make(map[string]*heard)}

// listen returns what is heard of a tenant, until the caller forgets it.
func listen(tenant string, now time.Time) *heard {
	listeners.Lock()
	defer listeners.Unlock()
	h := listeners.byTenant[tenant]
	if h == nil {
		h = new(heard)
		h.last.Store(now.UnixMilli())
		listeners.byTenant[tenant] = h
	}
	h.users++
	return h
}

func forget(tenant string) {
	listeners.Lock()
	defer listeners.Unlock()
	if h := listeners.byTenant[tenant]; h != nil {
		if h.users--; h.users == 0 {
			delete(listeners.byTenant, tenant)
		}
	}
}

// LastWebhooks yields when each tenant of the running configurations was last
// heard of, in UNIX milliseconds.
func LastWebhooks(yield func(tenant string, ms int64) bool) {
	listeners.Lock()
	last := make(map[string]int64, len(listeners.byTenant))
	for tenant, h := range listeners.byTenant {
		last[tenant] = h.last.Load()
	}
	listeners.Unlock()
	for tenant, ms := range last {
		if !yield(tenant, ms) {
			return
		}
	}
}

// hear notes for which tenants a webhook came: one that was verified and has at
// least one event of theirs. Handshakes and probes say nothing about events.
func (w *Webhook) hear(now time.Time) {
	ms := now.UnixMilli()
	for _, t := range w.tenants {
		// A load first: under load most webhooks share a millisecond with
		// another one, and cores need not fight for the line.
		if t != nil && t.heard.last.Load() < ms {
			t.Heard(now)
		}
	}
}

// SilenceAlarm logs tenants that no webhook comes for.
type SilenceAlarm struct {
	after  time.Duration
	heard  map[string]*heard // by tenant
	tell   *notice.Board
	logger *zap.Logger

	quit  chan struct{}
	owner sync.WaitGroup
}

// NewSilenceAlarm returns an alarm for silences of at least so long, which has not
// begun.
func NewSilenceAlarm(after time.Duration, tenants map[string]*Tenant, tell *notice.Board, logger *zap.Logger) *SilenceAlarm {
	a := &SilenceAlarm{after: after, heard: make(map[string]*heard, len(tenants)), tell: tell, logger: logger, quit: make(chan struct{})}
	for name, t := range tenants {
		a.heard[name] = t.heard
	}
	return a
}

// Start looks at the tenants now and then, until Stop, which waits for it.
func (a *SilenceAlarm) Start(now func() time.Time) {
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

// Stop ends what Start began, and waits for it.
func (a *SilenceAlarm) Stop() {
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
func (a *SilenceAlarm) look(now time.Time) {
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
			a.tell.Tell(notice.Notice{Name: notice.Silent, Tenant: name, Reason: "no webhook for " + silent.Round(time.Second).String()})
		}
	}
}
