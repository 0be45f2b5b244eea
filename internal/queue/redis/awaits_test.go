package redis_test

import (
	"testing"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/redis"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// TestRedisAwaits: how many entries have a receipt is known to every edge on the Redis, as
// long as somebody drains them; who does not is not asked.
func TestRedisAwaits(t *testing.T) {
	s := redistest.Start(t)
	cfg := redis.Config{URLs: []string{s.URL()}}
	first, other := fast(t, cfg), fast(t, cfg)
	appendOne(t, first, one(0, []byte("x"), crm))
	a := drain(t, first, crm)
	a.ready()
	b := drain(t, other, crm)
	known := func(want int) func() bool {
		return func() bool {
			for _, r := range []*redis.Store{first, other} {
				infos, err := r.Destinations(t.Context())
				if err != nil || len(infos) != 1 || infos[0].Awaiting != want {
					return false
				}
			}
			return true
		}
	}
	b.Drain.(queue.Awaiter).Awaits(7)
	a.Drain.(queue.Awaiter).Awaits(3)
	eventually(t, "both know", known(3))
	if ttl, ok := s.Do("PTTL", "leadgate:{acme}:p:crm").(int64); !ok || ttl <= 0 {
		t.Errorf("it would stay for ever: %d", ttl)
	}
	a.Close()
	b.ready()
	eventually(t, "who drains it now says so", known(7))
	b.Drain.(queue.Awaiter).Awaits(0)
	eventually(t, "nothing awaits", known(0))
	if v := s.Do("EXISTS", "leadgate:{acme}:p:crm"); v != int64(0) {
		t.Errorf("the number stays: %v", v)
	}
	b.Close()
}
