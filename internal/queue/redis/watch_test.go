package redis_test

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/queuetest"
	"github.com/leadgate/leadgate/internal/queue/redis"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// alerted reports whether there is an alert.
func alerted(r *redis.Store, reason string) bool {
	for _, a := range r.Alerts() {
		if a.Reason == reason {
			return true
		}
	}
	return false
}

// watching opens a store whose errors are seen.
func watching(t *testing.T, cfg redis.Config) (*redis.Store, *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zap.ErrorLevel)
	cfg.Logger = zap.New(core)
	r := fast(t, cfg)
	drain(t, r, crm).ready()
	return r, logs
}

// once says that an error was logged, and once.
func once(t *testing.T, logs *observer.ObservedLogs, text string) {
	t.Helper()
	n := 0
	for _, e := range logs.All() {
		if strings.Contains(e.Message, text) {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%q was logged %d times: %+v", text, n, logs.All())
	}
}

func TestRedisEvictionIsSaid(t *testing.T) {
	s := redistest.Start(t, "--maxmemory", "20mb")
	r, logs := watching(t, redis.Config{URLs: []string{s.URL()}})
	if len(r.Alerts()) != 0 {
		t.Fatalf("alerts of a good Redis: %+v", r.Alerts())
	}
	s.Do("CONFIG", "SET", "maxmemory-policy", "volatile-lru")
	eventually(t, "the policy is seen", func() bool { return alerted(r, queue.AlertEvicting) })
	once(t, logs, "remembered ids and clicks")
	s.Do("CONFIG", "SET", "maxmemory-policy", "noeviction")
	eventually(t, "the policy is right again", func() bool { return !alerted(r, queue.AlertEvicting) })

	s.Do("SET", "x", strings.Repeat("x", 1<<20), "EX", 3600)
	s.Do("CONFIG", "SET", "maxmemory-policy", "volatile-lru")
	s.Do("CONFIG", "SET", "maxmemory", "1mb")
	eventually(t, "what was thrown away is counted", func() bool {
		_ = s.Client().Set(t.Context(), "y", "y", 0).Err()
		return logs.FilterMessageSnippet("has thrown away 1 keys").Len() == 1
	})
}

func TestRedisEmptiedIsSaid(t *testing.T) {
	s := redistest.Start(t)
	cfg := redis.Config{URLs: []string{s.URL()}}
	for name, empty := range map[string]func(){
		"flushed":   func() { s.Do("FLUSHALL") },
		"restarted": func() { s.Kill(); s.Restart() },
	} {
		t.Run(name, func(t *testing.T) {
			r, logs := watching(t, cfg)
			other := fast(t, cfg)
			for n := range 3 {
				if err := appendOne(t, r, one(n, []byte("x"), crm)).Err; err != nil {
					t.Fatal(err)
				}
			}
			for _, r := range []*redis.Store{r, other} {
				before := r.Looks()
				eventually(t, "the marker is seen", func() bool { return r.Looks() > before+1 })
				if alerted(r, queue.AlertEmptied) {
					t.Fatal("it is emptied already")
				}
			}
			empty()
			eventually(t, "both say it", func() bool { return alerted(r, queue.AlertEmptied) && alerted(other, queue.AlertEmptied) })
			once(t, logs, "redis was emptied")
			r.Renew(cfg)
			if alerted(r, queue.AlertEmptied) {
				t.Error("a load does not end the alert")
			}
			once(t, logs, "redis was emptied")
		})
	}
}

// TestRedisTenantsAreListedAgain: what waits is seen where the set of tenants alone is gone,
// and where another edge was faster with those that it knows.
func TestRedisTenantsAreListedAgain(t *testing.T) {
	for name, others := range map[string]string{"gone": "", "another edge's": "globex"} {
		t.Run(name, func(t *testing.T) {
			s := redistest.Start(t)
			r, err := redis.OpenWith(redis.Config{URLs: []string{s.URL()}}, queuetest.DefaultOptions(),
				redis.Timing(20*time.Millisecond, 600*time.Millisecond, 10*time.Second).Tidying())
			closed(t, r, err)
			appendOne(t, r, one(1, nil, crm))
			if others != "" {
				s.Do("SADD", "leadgate:tenants", others)
			}
			for range 10 { // however long ago it was that something came
				if s.Do("SREM", "leadgate:tenants", crm.Tenant) != int64(1) {
					t.Fatal("there is no set of tenants")
				}
				eventually(t, "what waits is listed", func() bool {
					infos, err := r.Destinations(t.Context())
					return err == nil && len(infos) == 1 && infos[0].Backlog == 1
				})
			}
			if alerted(r, queue.AlertEmptied) {
				t.Error("it is said that redis was emptied")
			}
		})
	}
}

// TestRedisClusterEmptiedIsSaid flushes one of the nodes.
func TestRedisClusterEmptiedIsSaid(t *testing.T) {
	nodes := redistest.Cluster(t, 3)
	var urls []string
	for _, n := range nodes {
		urls = append(urls, n.URL())
	}
	r, _ := watching(t, redis.Config{URLs: urls})
	eventually(t, "each node has markers", func() bool {
		for _, n := range nodes {
			if len(keysOf(t, n, "leadgate:marker:*")) == 0 {
				return false
			}
		}
		return true
	})
	nodes[1].Do("FLUSHALL")
	eventually(t, "it is said", func() bool { return alerted(r, queue.AlertEmptied) })
}

func TestRedisUnreplicatedIsSaid(t *testing.T) {
	s := redistest.Start(t, "--appendonly", "yes")
	r, logs := watching(t, redis.Config{URLs: []string{s.URL()}})
	if alerted(r, queue.AlertUnreplicated) {
		t.Fatal("a lone Redis has no failover")
	}
	redistest.Replica(t, s)
	eventually(t, "a replica without min-replicas-to-write is seen", func() bool { return alerted(r, queue.AlertUnreplicated) })
	once(t, logs, "set min-replicas-to-write 1")
	s.Do("CONFIG", "SET", "min-replicas-to-write", 1)
	eventually(t, "it is right", func() bool { return !alerted(r, queue.AlertUnreplicated) })
	s.Do("CONFIG", "SET", "min-replicas-to-write", 0)
	eventually(t, "it is wrong again", func() bool { return alerted(r, queue.AlertUnreplicated) })
	r.Renew(redis.Config{URLs: []string{s.URL()}, Wait: 1})
	eventually(t, "wait is as good", func() bool { return !alerted(r, queue.AlertUnreplicated) })

	s.Do("CONFIG", "SET", "appendonly", "no")
	eventually(t, "the append-only file is missed", func() bool { return alerted(r, queue.AlertUnreplicated) })
	once(t, logs, "no longer keeps its append-only file")
	r.Renew(redis.Config{URLs: []string{s.URL()}})
	eventually(t, "both reasons are named", func() bool {
		for _, a := range r.Alerts() {
			if strings.Contains(a.Text, "append-only file") && strings.Contains(a.Text, "min-replicas-to-write") {
				return true
			}
		}
		return false
	})
	r.Renew(redis.Config{URLs: []string{s.URL()}, Wait: 1})
	s.Do("CONFIG", "SET", "appendonly", "yes")
	eventually(t, "it is there again", func() bool { return !alerted(r, queue.AlertUnreplicated) })
}

// TestRedisRefusedInfoIsAskedOnce has a user who may not run INFO: Redis logs each try.
func TestRedisRefusedInfoIsAskedOnce(t *testing.T) {
	s := redistest.Start(t)
	s.Do("ACL", "SETUSER", "edge", "reset", "on", ">secret", "~*", "&*", "+@all", "-info", "-config")
	core, logs := observer.New(zap.WarnLevel)
	r := fast(t, redis.Config{URLs: []string{"redis://edge:secret@" + s.Addr}, Logger: zap.New(core)})
	e := drain(t, r, crm)
	e.ready()
	s.Do("ACL", "LOG", "RESET")
	for n := range 20 {
		before := r.Looks()
		if err := appendOne(t, r, one(n, []byte("x"), crm)).Err; err != nil {
			t.Fatal(err)
		}
		eventually(t, "another look", func() bool { return r.Looks() > before })
	}
	if refused, _ := s.Do("ACL", "LOG").([]any); len(refused) != 0 {
		t.Errorf("redis refused more: %v", refused)
	}
	if logs.FilterMessageSnippet("doesn't tell this user").Len() != 1 {
		t.Errorf("logs: %+v", logs.All())
	}
}
