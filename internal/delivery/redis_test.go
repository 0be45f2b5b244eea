package delivery

import (
	"context"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/redis"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// TestLostLease has another edge take a destination while its events are on their
// way: what was delivered is gone from the queue, and is not delivered again by
// whoever drains next; what failed or died waits for that one.
func TestLostLease(t *testing.T) {
	const lease = "leadgate:{acme}:l:crm"
	server := redistest.Start(t)
	q, err := redis.Open(redis.Config{URLs: []string{server.URL()}}, queue.Options{
		Dedupe: 7 * 24 * time.Hour, RememberClicks: 28 * 24 * time.Hour, KeepDead: 30 * 24 * time.Hour, MaxBacklog: 1000,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := q.Close(); err != nil {
			t.Error(err)
		}
	})
	const events = 4
	fillStore(t, q, 0, events, events, []byte(`{"id":"x"}`))
	sent, answer := make(chan int, 10*events), make(chan struct{})
	s := &sink{answer: func(_ context.Context, it *destination.Item) destination.Verdict {
		number := int(it.Header.EventID[15])
		sent <- number
		<-answer
		switch {
		case it.Attempt == 1 && number == 0:
			return destination.Verdict{Action: destination.Retry, Reason: "503 Service Unavailable"}
		case it.Attempt == 1 && number == 1:
			return destination.Verdict{Action: destination.Dead, Reason: "400 Bad Request"}
		}
		return destination.Verdict{Action: destination.Done}
	}}
	e := start(t, q, Options{Rand: noJitter}, forwardTo(s))
	for range events {
		<-sent
	}
	server.Do("SET", lease, "another", "PX", "60000")
	close(answer)
	end := time.After(time.Minute)
	await := func(what string, backlog int) {
		t.Helper()
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			status := statusOf(t, e, crm.Name)
			if status.Backlog == backlog && status.InFlight == 0 {
				return
			}
			select {
			case <-tick.C:
			case <-end:
				t.Fatalf("%s: %+v", what, status)
			}
		}
	}
	await("what was delivered is not deleted", 2)
	if n := server.Do("EXISTS", "leadgate:{acme}:r:crm", "leadgate:{acme}:d:crm"); n != int64(0) {
		t.Errorf("retries or deaths of a lost lease were stored")
	}
	server.Do("DEL", lease)
	seen := map[int]int{}
	for len(seen) < 2 {
		select {
		case n := <-sent:
			seen[n]++
		case <-end:
			t.Fatalf("sent again: %v, want what failed and what died", seen)
		}
	}
	if seen[0] == 0 || seen[1] == 0 {
		t.Errorf("sent again: %v, want what failed and what died", seen)
	}
}
