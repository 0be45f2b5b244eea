// Package adsync asks Meta what ads are called and what they cost, and keeps it in the
// store: names by batch, spend by insights. It asks by itself, every now and then, and never
// in the way of a webhook or of who looks at the figures. Begin at [Syncer.Step].
//
// A step looks at what is due (state.go), asks for it (names.go, insights.go, answer.go) and
// keeps the answers as facts of package queue (facts.go), which [Read] reads. Of several
// edges on one store one asks, by the store's claim: the others read. What fails is said once
// in the log, and by [Syncer.Status]; nothing else stops.
package adsync

import (
	"context"
	"crypto/rand"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/ads"
	"github.com/leadgate/leadgate/internal/apicall"
	"github.com/leadgate/leadgate/internal/graph"
	"github.com/leadgate/leadgate/internal/queue"
)

// Store is what is needed of a [queue.Queue].
type Store interface {
	PutFacts(ctx context.Context, tenant string, facts []queue.Fact) error
	Facts(ctx context.Context, tenant string, groups ...string) ([]queue.Fact, error)
	Claim(ctx context.Context, tenant, task, by string, d time.Duration) (bool, error)
	Counters(ctx context.Context, tenant string, from, to int64) ([]queue.Count, error)
}

// Config is a tenant's settings, resolved.
type Config struct {
	Tenant       string
	Endpoint     string // https://graph.facebook.com
	GraphVersion string // v27.0
	UserAgent    string
	Credentials  graph.Credentials
	// Renew reads the secrets again; it is asked while they are refused. nil: they never change.
	Renew    func() (graph.Credentials, error)
	Accounts []string // digits, without act_
	Refresh  time.Duration
	Logger   *zap.Logger
	Now      func() time.Time
}

// Syncer keeps what is known of a tenant's ads.
type Syncer struct {
	c           Config
	client      graph.Client
	credentials graph.Credentials
	state       *state
	claimed     time.Time
	logged      map[string]string // by whom it is of, the problem that was said last
	anew        bool              // other settings: what is wrong is said again
	stamp       int64             // of the names that are known here
	names       atomic.Pointer[map[string]ads.Name]
	shown       atomic.Pointer[Status]
	kept        int  // names, when they were read last
	crowded     bool // more names came, in this step, than are kept
	sleep       func(context.Context, time.Duration) error
}

// process is who claims the task of asking: after a reload the one that asked goes on.
var process = rand.Text()

const (
	task    = "ads"
	longest = 30 * time.Second // a request
	most    = 8 << 20          // bytes of an answer
)

// New makes a syncer that knows nothing yet.
func New(c Config) *Syncer {
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Syncer{
		c: c, credentials: c.Credentials, logged: make(map[string]string), sleep: wait,
		client: graph.Client{
			Transport: apicall.New(), Endpoint: c.Endpoint, Version: c.GraphVersion, UserAgent: c.UserAgent, Most: most,
		},
	}
}

// tick is how often it is looked whether something is due.
func (s *Syncer) tick() time.Duration {
	return max(min(s.c.Refresh, time.Minute), 100*time.Millisecond)
}

// hold is for how long the task is claimed: so long nobody asks after this edge has died.
func (s *Syncer) hold() time.Duration { return max(min(4*s.tick(), 2*time.Minute), 5*time.Second) }

// Run makes a step every now and then until ctx ends. open returns the store, and what gives
// it back.
func (s *Syncer) Run(ctx context.Context, open func(context.Context) (queue.Queue, func(), error)) {
	defer apicall.Close(s.client.Transport)
	ticker := time.NewTicker(s.tick())
	defer ticker.Stop()
	failing := false
	for ctx.Err() == nil {
		if q, leave, err := open(ctx); err == nil {
			err := s.Step(ctx, q)
			was := failing
			if failing = err != nil; failing && !was && ctx.Err() == nil {
				s.c.Logger.Warn("what ads are called and cost cannot be kept: it is tried again",
					zap.String("tenant", s.c.Tenant), zap.Error(err))
			}
			leave()
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}

// Step reads what is kept, and asks Meta for what is due, if no other edge does. Errors are
// the store's.
func (s *Syncer) Step(ctx context.Context, q Store) error {
	ours, err := q.Claim(ctx, s.c.Tenant, task, process, s.hold())
	if err != nil {
		return err
	}
	s.claimed = s.c.Now()
	if err := s.load(ctx, q); err != nil || !ours {
		return err
	}
	s.renew()
	s.crowded = false
	if s.state.adopt(s.settings(), s.c.Accounts, s.now()) {
		s.anew = true
	}
	s.show()
	if s.now() < s.state.Until {
		return nil
	}
	if err := s.askNames(ctx, q); err != nil {
		return err
	}
	for _, account := range s.c.Accounts {
		if s.now() < s.state.Until {
			break // the token is refused
		}
		if err := s.askInsights(ctx, q, account); err != nil {
			return err
		}
	}
	return s.save(ctx, q)
}

// renew reads the secrets again while they are refused.
func (s *Syncer) renew() {
	if s.c.Renew == nil || !s.state.refused() {
		return
	}
	if c, err := s.c.Renew(); err == nil { // else the old ones are tried, and refused
		s.credentials = c
	}
}

// keep claims the task on, in a long step.
func (s *Syncer) keep(ctx context.Context, q Store) {
	if now := s.c.Now(); now.Sub(s.claimed) > s.hold()/4 {
		s.claimed = now
		_, _ = q.Claim(ctx, s.c.Tenant, task, process, s.hold()) // at worst two ask
	}
}

func (s *Syncer) now() int64 { return s.c.Now().UnixMilli() }

// Name is what an ad is called, as far as it is known here. It asks nobody.
func (s *Syncer) Name(ad string) (name ads.Name, ok bool) {
	if names := s.names.Load(); names != nil {
		name, ok = (*names)[ad]
	}
	return name, ok
}
