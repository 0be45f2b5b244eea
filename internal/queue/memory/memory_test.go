package memory_test

import (
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/memory"
	"github.com/leadgate/leadgate/internal/queue/queuetest"
)

func TestMemory(t *testing.T) {
	queuetest.Run(t, func(*testing.T) queuetest.Harness {
		clock := queuetest.NewClock(time.Date(2026, 11, 20, 10, 30, 0, 0, time.UTC))
		q := memory.New(queuetest.DefaultOptions(), clock.Now)
		return queuetest.Harness{
			Queue: q,
			Clock: clock,
			Reopen: func(t *testing.T) queue.Queue {
				if err := q.Close(); err != nil {
					t.Fatal(err)
				}
				q = q.Open()
				return q
			},
			Second:    func(*testing.T) queue.Queue { return q.Open() },
			Sweep:     func(*testing.T) { q.Sweep() },
			NoMaxSize: true,
		}
	})
}
