package redis_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/queuetest"
	"github.com/leadgate/leadgate/internal/queue/redis"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// TestRedisClusterFailover loses the master of a tenant. Once the Cluster has another,
// the store takes what comes next, and reads it.
func TestRedisClusterFailover(t *testing.T) {
	for name, lose := range map[string]func(*redistest.Server){"killed": (*redistest.Server).Kill, "frozen": (*redistest.Server).Stop} {
		t.Run(name, func(t *testing.T) {
			nodes := redistest.ReplicatedCluster(t, 3)
			byAddr := map[string]*redistest.Server{}
			var urls []string
			for _, n := range nodes {
				byAddr[n.Addr] = n
				urls = append(urls, n.URL())
			}
			const key = "leadgate:{acme}:q:crm"
			master := byAddr[nodes[0].MasterOf(key)]
			survivor := nodes[0]
			if survivor == master {
				survivor = nodes[1]
			}
			r, err := redis.Open(redis.Config{URLs: urls}, queuetest.DefaultOptions())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { r.Close() })
			e := drain(t, r, crm)
			e.ready()
			if err := appendOne(t, r, one(0, []byte("x"), crm)).Err; err != nil {
				t.Fatal(err)
			}
			eventually(t, "the replica has it", func() bool {
				n, err := master.Client().Do(t.Context(), "WAIT", 1, 1000).Int()
				return err == nil && n == 1
			})
			lose(master)
			if name == "frozen" {
				t.Cleanup(master.Continue)
			}
			elected, served := make(chan time.Time, 1), make(chan time.Time, 1)
			var owner sync.WaitGroup
			owner.Go(func() {
				eventually(t, "the Cluster has another master", func() bool {
					now := survivor.MasterOf(key)
					return now != "" && now != master.Addr
				})
				elected <- time.Now()
			})
			owner.Go(func() {
				n := 0
				eventually(t, "the new master takes events", func() bool {
					n++
					err := appendOne(t, r, one(n, []byte("y"), crm)).Err
					if err != nil && (!errors.Is(err, queue.ErrUnavailable) || strings.Contains(err.Error(), "several nodes")) {
						t.Error(err)
					}
					return err == nil
				})
				served <- time.Now()
			})
			owner.Wait()
			e.until("the right to drain of the new master", func() bool { _, ok := e.Epoch(); return ok })
			if n := len(e.all()); n < 2 {
				t.Errorf("%d entries", n)
			}
			t.Logf("served again %s after the failover", (<-served).Sub(<-elected))
		})
	}
}
