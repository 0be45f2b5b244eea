package redis

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/queue"
)

// redisServer is what is known of the server, or of a Cluster's masters.
type redisServer struct {
	dialed   atomic.Int64 // connections made so far for work: a new one may lead to another server
	redialed atomic.Int64 // those made for leases
	tooOld   atomic.Pointer[error]

	mu         sync.Mutex
	durability string
	met        map[string]bool // run ids of the servers that were inspected
}

// refused returns an error if the server can't keep a queue.
func (s *redisServer) refused() error {
	if err := s.tooOld.Load(); err != nil {
		return *err
	}
	return nil
}

// Durability says in words what a crash of Redis may lose, as it was found to
// be set up when it was last connected to.
func (r *Store) Durability() string {
	r.server.mu.Lock()
	defer r.server.mu.Unlock()
	if r.server.durability == "" {
		return "not known: redis has not answered yet"
	}
	return r.server.durability
}

// inspect asks the servers who they are and logs what an operator must know.
// INFO and CONFIG may be refused by ACL rules: then less is known.
func (r *Store) inspect(ctx context.Context) error {
	cluster, ok := r.leases.(*redis.ClusterClient)
	if !ok {
		return r.inspectServer(ctx, r.leases)
	}
	var mu sync.Mutex
	return cluster.ForEachMaster(ctx, func(ctx context.Context, c *redis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		return r.inspectServer(ctx, c)
	})
}

func (r *Store) inspectServer(ctx context.Context, c redis.UniversalClient) error {
	info, err := c.Info(ctx, "server").Result()
	if err != nil {
		var refused redis.Error
		if !errors.As(err, &refused) || !strings.HasPrefix(refused.Error(), "NOPERM") {
			return err
		}
		r.settle("not known: this user may not run INFO")
		r.log.Warn("redis doesn't tell this user its version and settings: allow INFO and CONFIG GET, or check by hand that it is Redis 7 or Valkey with appendonly yes and maxmemory-policy noeviction",
			zap.Error(err))
		return nil
	}
	fields := infoFields(info)
	version := fields["redis_version"]
	name := "redis"
	if v := fields["valkey_version"]; v != "" {
		name, version = "valkey", v
	}
	major, _, _ := strings.Cut(version, ".")
	if n, err := strconv.Atoi(major); err == nil && n < 7 {
		refused := fmt.Errorf("%w: redis %s is too old: Leadgate needs Redis 7.0 or later, or Valkey", queue.ErrUnavailable, version)
		r.server.tooOld.Store(&refused)
		return refused
	}
	r.server.tooOld.Store(nil)
	if !r.server.meet(fields["run_id"]) {
		return nil
	}
	if _, single := r.leases.(*redis.Client); single && clusterMode(fields) {
		r.log.Warn("this redis is a node of a Cluster and keeps only a part of the keys: name the URLs of several of its nodes in `queue redis`")
	}

	settings := map[string]string{}
	for _, pattern := range []string{"appendonly", "appendfsync", "save", "maxmemory", "maxmemory-policy"} {
		found, err := c.ConfigGet(ctx, pattern).Result()
		if err != nil {
			if _, ok := errors.AsType[redis.Error](err); ok {
				continue
			}
			return err
		}
		maps.Copy(settings, found)
	}
	durability := durabilityOf(settings)
	r.settle(durability)
	r.log.Info("connected to redis", zap.String("server", name), zap.String("version", version),
		zap.String("run_id", fields["run_id"]), zap.String("a crash of redis", durability))
	if policy := settings["maxmemory-policy"]; policy != "" && policy != "noeviction" {
		message := "redis may throw away remembered ids and clicks when its memory is full: set maxmemory-policy noeviction"
		if strings.HasPrefix(policy, "allkeys") {
			message = "redis may throw away queued events when its memory is full: set maxmemory-policy noeviction"
		}
		r.log.Warn(message, zap.String("maxmemory-policy", policy))
	}
	return nil
}

// meet says whether a server is met for the first time in its life.
func (s *redisServer) meet(runID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.met == nil {
		s.met = map[string]bool{}
	}
	first := !s.met[runID]
	s.met[runID] = true
	return first
}

func (r *Store) settle(durability string) {
	r.server.mu.Lock()
	r.server.durability = durability
	r.server.mu.Unlock()
}

// durabilityOf says what a crash may lose with these settings.
func durabilityOf(settings map[string]string) string {
	appendonly, known := settings["appendonly"]
	switch {
	case !known:
		return "not known: this user may not run CONFIG GET"
	case appendonly == "yes" && settings["appendfsync"] == "always":
		return "loses nothing (appendfsync always)"
	case appendonly == "yes" && settings["appendfsync"] == "no":
		return "loses nothing if only redis crashes, and what the system had not written yet, often 30 seconds, if the machine does (appendfsync no)"
	case appendonly == "yes":
		return "may lose the last two seconds (appendfsync everysec)"
	case strings.TrimSpace(settings["save"]) != "":
		return "loses everything since the last snapshot (no append-only file); set appendonly yes"
	}
	return "loses everything (no append-only file, no snapshots); set appendonly yes"
}

// infoFields reads the lines of INFO.
func infoFields(info string) map[string]string {
	fields := map[string]string{}
	for line := range strings.Lines(info) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			fields[k] = v
		}
	}
	return fields
}
