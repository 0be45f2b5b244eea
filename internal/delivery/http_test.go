package delivery

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/destination/forward"
	"github.com/leadgate/leadgate/internal/queue"
)

func newForward(t *testing.T, c forward.Config) *forward.Sender {
	t.Helper()
	c.Timeout = 10 * time.Second
	f, err := forward.NewSender(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.CloseIdleConnections)
	return f
}

// A whole way through HTTP: the engine, a real destination that fails at first,
// and no event lost or out of order.
func TestEngineOverHTTP(t *testing.T) {
	const people, each = 20, 25
	q := newMemQueue()
	done := make(chan struct{})
	type delivery struct{ contact, seq int }
	deliveries := make(chan delivery, people*each)
	var n atomic.Int32
	seen := map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1)%10 == 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		id := r.Header.Get("Leadgate-Event-Id")
		var number int
		if _, err := fmt.Sscanf(id[28:], "%x", &number); err != nil {
			t.Error(err)
		}
		deliveries <- delivery{number % people, number}
		if len(deliveries) == people*each {
			close(done)
		}
	}))
	defer server.Close()
	var headers []queue.Header
	for i := range people * each {
		headers = append(headers, queue.Header{Contact: fmt.Sprint("c", (i+1)%people)})
	}
	q.add(crm, headers...)
	d := forwardTo(newForward(t, forward.Config{URL: server.URL, Concurrency: 8}))
	d.Hold = -1
	start(t, q, Options{Rand: func() float64 { return 0.001 }}, d)
	<-done
	last := map[int]int{}
	for range people * each {
		x := <-deliveries
		if x.seq <= last[x.contact] {
			t.Errorf("contact %d: event %d came after %d", x.contact, x.seq, last[x.contact])
		}
		last[x.contact] = x.seq
		seen[fmt.Sprint(x.seq)] = true
	}
	if len(seen) != people*each {
		t.Errorf("%d of %d delivered", len(slices.Collect(maps.Keys(seen))), people*each)
	}
}
