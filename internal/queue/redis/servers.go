package redis

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/redis/server"
)

// servers is what a store knows of its server, or of a Cluster's masters.
type servers struct {
	dialed   atomic.Int64 // connections made so far for work: a new one may lead to another server
	redialed atomic.Int64 // those made for leases
	tooOld   atomic.Pointer[error]
	mute     atomic.Bool // this user may not ask for INFO, which is asked once

	mu         sync.Mutex
	durability string
	met        map[string]bool // run ids of the servers that were inspected
}

// refused returns an error if the server can't keep a queue.
func (s *servers) refused() error {
	if err := s.tooOld.Load(); err != nil {
		return *err
	}
	return nil
}

// meet reports whether a server is met for the first time since it was started.
func (s *servers) meet(runID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.met == nil {
		s.met = map[string]bool{}
	}
	first := !s.met[runID]
	s.met[runID] = true
	return first
}

func (s *servers) setDurability(words string) {
	s.mu.Lock()
	s.durability = words
	s.mu.Unlock()
}

// Durability says in words what a crash of Redis may lose, as it was found to
// be set up when it was last connected to.
func (r *Store) Durability() string {
	r.servers.mu.Lock()
	defer r.servers.mu.Unlock()
	if r.servers.durability == "" {
		return "not known: redis has not answered yet"
	}
	return r.servers.durability
}

// inspect asks the servers who they are and logs what an operator must know.
// INFO and CONFIG may be refused by ACL rules: then less is known.
func (r *Store) inspect(ctx context.Context) error {
	return eachServer(ctx, r.leases, r.inspectServer)
}

func (r *Store) inspectServer(ctx context.Context, c redis.UniversalClient) error {
	if r.servers.mute.Load() {
		return nil
	}
	report, err := server.Identify(ctx, c)
	if err != nil {
		if !redis.HasErrorPrefix(err, "NOPERM") {
			return err
		}
		r.servers.mute.Store(true)
		r.servers.setDurability("not known: this user may not run INFO")
		r.log.Warn("redis doesn't tell this user its version and settings: allow INFO and CONFIG GET, or check by hand that "+
			"it is Redis 7 or Valkey with appendonly yes and maxmemory-policy noeviction", zap.Error(err))
		return nil
	}
	if report.TooOld {
		refused := fmt.Errorf("%w: redis %s is too old: Leadgate needs Redis 7.0 or later, or Valkey", queue.ErrUnavailable, report.Version)
		r.servers.tooOld.Store(&refused)
		return refused
	}
	r.servers.tooOld.Store(nil)
	if !r.servers.meet(report.RunID) {
		return nil
	}
	if _, single := r.leases.(*redis.Client); single && report.LoneNode {
		r.log.Warn("this redis is a node of a Cluster and keeps only a part of the keys: name the URLs of several of its nodes in `queue redis`")
	}
	if err := report.ReadSettings(ctx, c); err != nil {
		return err
	}
	report.SetFailover(r.sentinels(), r.wait.Load().replicas)
	r.servers.setDurability(report.Durability)
	r.log.Info("connected to redis", zap.String("server", report.Name), zap.String("version", report.Version),
		zap.String("run_id", report.RunID), zap.String("a crash of redis", report.Durability),
		zap.String("a failover", report.Failover))
	return nil
}
