package delivery

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/redis"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// BenchmarkDrainLedger drains 100 000 conversions of 1270 bytes, each of an order of its
// own, in batches of 2000 into a sink that answers at once: done, or with a receipt by
// which it is asked about afterwards, so that each event is written and read once more.
func BenchmarkDrainLedger(b *testing.B) {
	for store, open := range map[string]func(b *testing.B) queue.Queue{
		"embedded": func(b *testing.B) queue.Queue { return openEmbedded(b, b.TempDir()) },
		"redis":    openRedis,
	} {
		for answer, receipts := range map[string]bool{"done": false, "receipts": true} {
			b.Run(store+"/"+answer, func(b *testing.B) { drainLedger(b, open, receipts) })
		}
	}
}

func openRedis(b *testing.B) queue.Queue {
	q, err := redis.Open(redis.Config{URLs: []string{redistest.Start(b).URL()}}, queue.Options{
		Dedupe: 7 * 24 * time.Hour, RememberClicks: 28 * 24 * time.Hour, KeepDead: 30 * 24 * time.Hour, MaxBacklog: 10_000_000,
	})
	if err != nil {
		b.Fatal(err)
	}
	return q
}

func drainLedger(b *testing.B, open func(*testing.B) queue.Queue, receipts bool) {
	b.StopTimer()
	m := meter{b: b}
	for range b.N {
		q := open(b)
		fillStore(b, q, 0, benchmarked, benchmarked, make([]byte, 1270))
		done := make(chan struct{})
		var count atomic.Int64
		d := ledgerTo(senderFunc(func(items []destination.Item) []destination.Verdict {
			out := make([]destination.Verdict, len(items))
			settled := int64(0)
			for i := range items {
				if receipts && items[i].Receipt == "" {
					out[i] = destination.Verdict{Action: destination.Later, After: time.Second, Receipt: "126365e1-0000-4000-8000-000000000000"}
					continue
				}
				out[i] = destination.Verdict{Action: destination.Done}
				settled++
			}
			if count.Add(settled) == benchmarked && settled > 0 {
				close(done)
			}
			return out
		}))
		d.Batch = 2000
		e := New(q, Options{})
		m.start()
		e.Configure([]destination.Destination{d})
		<-done
		e.Close(context.Background())
		m.stop()
		if err := q.Close(); err != nil {
			b.Fatal(err)
		}
	}
	m.report()
}
