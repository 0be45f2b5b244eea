package redis_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/queuetest"
	"github.com/leadgate/leadgate/internal/queue/redis"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

var start = time.Date(2026, 11, 20, 10, 30, 0, 0, time.UTC)

// open opens a store that is closed when the test ends.
func open(t testing.TB, cfg redis.Config) *redis.Store {
	t.Helper()
	r, err := redis.Open(cfg, queuetest.DefaultOptions())
	return closed(t, r, err)
}

// openUnhurried is open for tests of what is stored, however long Redis takes.
func openUnhurried(t testing.TB, cfg redis.Config) *redis.Store {
	t.Helper()
	r, err := redis.OpenWith(cfg, queuetest.DefaultOptions(), redis.Unhurried())
	return closed(t, r, err)
}

// closed has a store that was opened closed when the test ends.
func closed(t testing.TB, r *redis.Store, err error) *redis.Store {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

var prefixes atomic.Int64

// harness opens stores on a Redis that many tests share, each with a prefix of
// its own. crash may be nil.
func harness(cfg redis.Config, crash func(t *testing.T)) func(t *testing.T) queuetest.Harness {
	return func(t *testing.T) queuetest.Harness {
		cfg, clock := cfg, queuetest.NewClock(start)
		cfg.Now = clock.Now
		cfg.Prefix += fmt.Sprintf("t%d", prefixes.Add(1))
		r := openUnhurried(t, cfg)
		h := queuetest.Harness{
			Queue: r,
			Clock: clock,
			Reopen: func(t *testing.T) queue.Queue {
				if err := r.Close(); err != nil {
					t.Fatal(err)
				}
				r = openUnhurried(t, cfg)
				return r
			},
			Second: func(t *testing.T) queue.Queue {
				return openUnhurried(t, cfg)
			},
			Sweep: func(t *testing.T) {
				if err := r.Sweep(t.Context()); err != nil {
					t.Fatal(err)
				}
			},
			NoMaxSize: true, PayloadsTogether: true,
			Payloads: func(t *testing.T) int { return redis.Blocks(t, r) },
		}
		if crash != nil {
			h.Crash = func(t *testing.T) queue.Queue {
				crash(t)
				r = openUnhurried(t, cfg)
				return r
			}
		}
		return h
	}
}

func TestRedis(t *testing.T) {
	s := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	queuetest.Run(t, harness(redis.Config{URLs: []string{s.URL() + "/2"}}, func(*testing.T) {
		s.Kill()
		s.Restart()
	}))
}

func TestRedisCluster(t *testing.T) {
	var urls []string
	for _, node := range redistest.Cluster(t, 3) {
		urls = append(urls, node.URL())
	}
	queuetest.Run(t, harness(redis.Config{URLs: urls}, nil))
}

// aclRules are what a user needs, and no more: not INFO, not CONFIG.
const aclRules = "on >secret resetkeys ~leadgate* resetchannels &leadgate* -@all " +
	"+eval +evalsha +hscan +hget +hset +hdel +hlen +hexists +hmget +hincrby +get +mget +set +del +unlink +exists +pexpire +pttl " +
	"+rename +sadd +srem +scard +smembers +sismember +sscan +xadd +xdel +xlen +xrange +xrevrange +xtrim +zadd +zcard +zrange +zrem " +
	"+publish +subscribe +ping +select +client|setname"

func TestRedisWithACL(t *testing.T) {
	s := redistest.Start(t)
	rules := []any{"ACL", "SETUSER", "edge"}
	for rule := range strings.FieldsSeq(aclRules) {
		rules = append(rules, rule)
	}
	s.Do(rules...)
	queuetest.Run(t, harness(redis.Config{
		URLs:   []string{"redis://edge:secret@" + s.Addr},
		Prefix: "leadgate-",
	}, nil))
}
