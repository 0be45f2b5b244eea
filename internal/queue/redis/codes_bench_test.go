package redis_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/redis"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

func BenchmarkRedisPutCode(b *testing.B) {
	r := benchRedis(b)
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		n++
		putBenchCode(b, r, n)
	}
}

func BenchmarkRedisCodes(b *testing.B) {
	r := benchRedis(b)
	for n := range 1000 {
		putBenchCode(b, r, n)
	}
	b.ReportAllocs()
	for b.Loop() {
		if found, err := r.Codes(b.Context(), "acme", []string{"CODE500"}); err != nil || found[0].Code != "CODE500" {
			b.Fatal(found, err)
		}
	}
}

func benchRedis(b *testing.B) *redis.Store {
	s := redistest.Start(b, "--appendonly", "yes", "--appendfsync", "everysec", "--save", "")
	return open(b, redis.Config{URLs: []string{s.URL()}})
}

func putBenchCode(b *testing.B, r *redis.Store, n int) {
	c := queue.Code{
		Code: fmt.Sprintf("CODE%d", n), Key: fmt.Sprint(n), Of: "summer", At: time.Now().UnixMilli(),
		Data: make([]byte, 300), Claim: 7 * 24 * time.Hour,
	}
	if _, fresh, err := r.PutCode(b.Context(), "acme", c); err != nil || !fresh {
		b.Fatal(fresh, err)
	}
}
