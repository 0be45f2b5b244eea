package redis_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/redis"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// allowed is a user who may do all.
func allowed(s *redistest.Server, name string, passwords ...any) {
	s.Do(append([]any{"ACL", "SETUSER", name, "reset", "on", "~*", "&*", "+@all"}, passwords...)...)
}

// disconnect ends all connections of a user.
func disconnect(s *redistest.Server, name string) { s.Do("CLIENT", "KILL", "USER", name) }

// TestRedisPasswordRotated gives Redis and the store another password, in either order
// that keeps one of them right, and then ends all connections.
func TestRedisPasswordRotated(t *testing.T) {
	s := redistest.Start(t)
	url := func(password string) redis.Config {
		return redis.Config{URLs: []string{"redis://edge:" + password + "@" + s.Addr}}
	}
	for name, rotate := range map[string]func(*redis.Store){
		"both are right for a while": func(r *redis.Store) {
			allowed(s, "edge", ">one", ">two")
			r.Renew(url("two"))
			allowed(s, "edge", ">two")
		},
		"Redis first, and its connections stay": func(r *redis.Store) {
			allowed(s, "edge", ">two")
			r.Renew(url("two"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s.Do("FLUSHALL")
			allowed(s, "edge", ">one")
			r := fast(t, url("one"))
			drain(t, r, crm).ready()
			rotate(r)
			disconnect(s, "edge")
			// A connection that has just ended may be found dead by a call.
			if err := appendOne(t, r, one(1, []byte("x"), crm)).Err; err != nil {
				t.Fatal(err)
			}
			if result := appendOne(t, r, one(2, []byte("x"), crm)); result.Err != nil {
				t.Fatal(result.Err)
			}
		})
	}
}

// TestRedisPasswordRead has a password in a file that has changed when Redis refuses the
// one that was read.
func TestRedisPasswordRead(t *testing.T) {
	s := redistest.Start(t)
	allowed(s, "edge", ">one")
	cfg := redis.Config{URLs: []string{"redis://edge:one@" + s.Addr}}
	cfg.Again = func() (redis.Config, error) {
		return redis.Config{URLs: []string{"redis://edge:two@" + s.Addr}}, nil
	}
	r := fast(t, cfg)
	drain(t, r, crm).ready()
	allowed(s, "edge", ">two")
	disconnect(s, "edge")
	for n := range 3 {
		if err := appendOne(t, r, one(n, []byte("x"), crm)).Err; err != nil {
			t.Fatal(err)
		}
	}
}

// TestRedisPasswordReadInCluster has the password change in a Cluster whose appends wait for
// replicas: a node that refuses a connection says so, and the password is read anew.
func TestRedisPasswordReadInCluster(t *testing.T) {
	nodes := redistest.ReplicatedCluster(t, 3)
	urls := func(password string) (all []string) {
		for _, n := range nodes {
			all = append(all, "redis://edge:"+password+"@"+n.Addr)
		}
		return all
	}
	everywhere := func(do func(*redistest.Server)) {
		for _, n := range nodes {
			do(n)
		}
	}
	everywhere(func(n *redistest.Server) { allowed(n, "edge", ">one") })
	for name, wait := range map[string]int{"without wait": 0, "with wait": 1} {
		t.Run(name, func(t *testing.T) {
			everywhere(func(n *redistest.Server) { allowed(n, "edge", ">one") })
			cfg := redis.Config{URLs: urls("one"), Wait: wait, WaitTimeout: 2 * time.Second}
			cfg.Again = func() (redis.Config, error) { return redis.Config{URLs: urls("two")}, nil }
			r := waits(t, cfg)
			eventually(t, "it is stored", func() bool { return appendOne(t, r, one(0, []byte("x"), crm)).Err == nil })
			everywhere(func(n *redistest.Server) { allowed(n, "edge", ">two"); disconnect(n, "edge") })
			for n := range 3 {
				if err := appendOne(t, r, one(1+n, []byte("x"), crm)).Err; err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestRedisPasswordSet sets a password where there was none: connections that were made
// before it was known are of no use, and don't stay.
func TestRedisPasswordSet(t *testing.T) {
	s := redistest.Start(t)
	r := fast(t, redis.Config{URLs: []string{"redis://" + s.Addr}})
	drain(t, r, crm).ready()
	s.Do("ACL", "SETUSER", "other", "on", "nopass", "~*", "&*", "+@all")
	admin := s.Client()
	if err := admin.Do(t.Context(), "ACL", "SETUSER", "default", "resetpass", ">secret").Err(); err != nil {
		t.Fatal(err)
	}
	if err := admin.Do(t.Context(), "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes").Err(); err != nil {
		t.Fatal(err)
	}
	for n := range 5 {
		if err := appendOne(t, r, one(n, []byte("x"), crm)).Err; err == nil || !strings.Contains(err.Error(), "NOAUTH") {
			t.Fatalf("without the password: %v", err)
		}
	}
	r.Renew(redis.Config{URLs: []string{"redis://:secret@" + s.Addr}})
	for n := range 5 {
		if err := appendOne(t, r, one(n, []byte("x"), crm)).Err; err != nil {
			t.Fatal(err)
		}
	}
}

func TestTryRedis(t *testing.T) {
	s := redistest.Start(t)
	allowed(s, "edge", ">right")
	s.Do("ACL", "SETUSER", "reader", "on", ">right", "+ping")
	gone := redistest.Start(t)
	gone.Kill()
	for name, c := range map[string]struct{ url, want string }{
		"right":          {"redis://edge:right@" + s.Addr, ""},
		"wrong password": {"redis://edge:hunter2@" + s.Addr, "WRONGPASS"},
		"unknown user":   {"redis://hunter2:right@" + s.Addr, "WRONGPASS"},
		"few rights":     {"redis://reader:right@" + s.Addr, "NOPERM"},
		"down":           {"redis://edge:right@" + gone.Addr, ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := redis.Try(t.Context(), redis.Config{URLs: []string{c.url}, Prefix: "leadgate"})
			switch {
			case c.want == "" && err != nil, c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Fatalf("%v, want %q", err, c.want)
			case err != nil && strings.Contains(err.Error(), "hunter"):
				t.Fatalf("shows a secret: %v", err)
			}
		})
	}
}

// TestTryRedisRights takes each right away that the docs name, one after the other: the
// configuration is refused, and not a webhook later.
func TestTryRedisRights(t *testing.T) {
	s := redistest.Start(t)
	try := func(wait int, rules ...string) error {
		set := []any{"ACL", "SETUSER", "edge", "reset"}
		for _, rule := range append(strings.Fields(aclRules), rules...) {
			set = append(set, rule)
		}
		s.Do(set...)
		url := "redis://edge:secret@" + s.Addr
		return redis.Try(t.Context(), redis.Config{URLs: []string{url}, Prefix: "leadgate", Wait: wait})
	}
	refused := func(command string, err error) {
		if err == nil || !strings.Contains(err.Error(), "NOPERM") || !strings.Contains(err.Error(), command) {
			t.Errorf("without %s: %v", command, err)
		}
	}
	if err := try(0); err != nil {
		t.Fatal(err)
	}
	optional := []string{"publish", "subscribe", "ping", "select", "client|setname"}
	for rule := range strings.FieldsSeq(aclRules) {
		if command, allows := strings.CutPrefix(rule, "+"); allows && !slices.Contains(optional, command) {
			refused(command, try(0, "-"+command))
		}
	}
	refused("wait", try(1))
	if err := try(1, "+wait"); err != nil {
		t.Error(err)
	}
}

// TestRedisSentinelPassword has sentinels that want a user of their own.
func TestRedisSentinelPassword(t *testing.T) {
	master := redistest.Start(t, "--requirepass", "master")
	sentinel := redistest.SentinelWith(t, master, "user default off\nuser edge on >first >second ~* &* +@all\n")
	cfg := redis.Config{
		URLs: []string{"redis://:master@sentinel"}, SentinelMaster: "leadgate", Sentinels: []string{sentinel.Addr},
		SentinelUsername: "edge", SentinelPassword: "first", Prefix: "leadgate",
	}
	r := fast(t, cfg)
	drain(t, r, crm).ready()
	if err := appendOne(t, r, one(1, []byte("x"), crm)).Err; err != nil {
		t.Fatal(err)
	}
	cfg.SentinelPassword = "second"
	if err := redis.Try(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	r.Renew(cfg)
	cfg.SentinelPassword = "hunter2"
	if err := redis.Try(t.Context(), cfg); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Fatalf("with a wrong password for sentinels: %v", err)
	}
	cfg.SentinelUsername, cfg.SentinelPassword = "", ""
	if err := redis.Try(t.Context(), cfg); err == nil {
		t.Fatal("without a password for sentinels all is well")
	}
}

// TestRedisPasswordWrong has every call fail: go-redis says it of the pipeline alone.
func TestRedisPasswordWrong(t *testing.T) {
	s := redistest.Start(t)
	allowed(s, "edge", ">one")
	r := fast(t, redis.Config{URLs: []string{"redis://edge:one@" + s.Addr}})
	e := drain(t, r, crm)
	e.ready()
	for n := range 3 {
		if err := appendOne(t, r, one(n, []byte("x"), crm)).Err; err != nil {
			t.Fatal(err)
		}
	}
	entries := e.all()
	allowed(s, "edge", ">two")
	disconnect(s, "edge")
	// Several at once go in a pipeline.
	var wg sync.WaitGroup
	for range 8 {
		for _, entry := range entries {
			wg.Go(func() {
				if err := e.Done(t.Context(), []queue.Pos{entry.Pos}); err == nil {
					t.Error("with a wrong password entries are removed")
				}
			})
		}
	}
	wg.Wait()
}
