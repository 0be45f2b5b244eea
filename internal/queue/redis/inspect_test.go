package redis_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/redis"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

func TestCheckRedis(t *testing.T) {
	s := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "allkeys-lru")
	reports, err := redis.Check(t.Context(), redis.Config{URLs: []string{s.URL()}})
	if err != nil {
		t.Fatal(err)
	}
	r := reports[0]
	if len(reports) != 1 || r.Addr != s.Addr || r.Version == "" || r.TooOld || r.LoneNode ||
		r.Policy != "allkeys-lru" || !strings.Contains(r.Durability, "loses nothing") {
		t.Errorf("found %+v", reports)
	}

	// A user who may only PING.
	s.Do("ACL", "SETUSER", "edge", "on", ">secret", "-@all", "+ping", "+select")
	url := "redis://edge:secret@" + s.Addr
	reports, err = redis.Check(t.Context(), redis.Config{URLs: []string{url}})
	if err != nil || reports[0].Version != "" || !strings.Contains(reports[0].Durability, "not known") {
		t.Errorf("with few rights: %+v, %v", reports, err)
	}
	for _, bad := range []string{"redis://edge:wrong@" + s.Addr, "redis://127.0.0.1:1", "http://127.0.0.1"} {
		_, err := redis.Check(t.Context(), redis.Config{URLs: []string{bad}})
		if err == nil || strings.Contains(err.Error(), "wrong@") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	s.Kill()
	if _, err := redis.Check(t.Context(), redis.Config{URLs: []string{s.URL()}}); !errors.Is(err, queue.ErrUnavailable) {
		t.Errorf("it is down: %v", err)
	}
}

func TestCheckRedisCluster(t *testing.T) {
	var urls []string
	for _, node := range redistest.Cluster(t, 3) {
		urls = append(urls, node.URL())
	}
	reports, err := redis.Check(t.Context(), redis.Config{URLs: urls})
	if err != nil || len(reports) != 3 {
		t.Fatalf("found %+v, %v", reports, err)
	}
	for _, r := range reports {
		if r.LoneNode {
			t.Errorf("%+v", r)
		}
	}
	if reports, err = redis.Check(t.Context(), redis.Config{URLs: urls[:1]}); err != nil || !reports[0].LoneNode {
		t.Errorf("a lone node: %+v, %v", reports, err)
	}
}
