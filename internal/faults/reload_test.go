package faults

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"testing"
	"time"
)

// TestReloadStorm loads one config after the other: no webhook is refused, no
// event is lost or repeated. What comes on a connection that Caddy closes at that
// moment gets no answer: on Linux each config has a listening socket of its own
// (SO_REUSEPORT), and the kernel resets what waits in the old one's queue. A site
// with nothing but a respond loses as many. Senders repeat.
func TestReloadStorm(t *testing.T) {
	t.Parallel()
	onBoth(t, "reload storm", options{}, func(t *testing.T, s *scenario) {
		s.run()
		s.senders.more(t, 20)
		loads := form(15, 150)
		for i := range loads {
			more := fmt.Sprintf("header X-Config %d\nconcurrency %d", i, 1+i%9)
			if i%3 == 2 {
				// A destination that comes and goes, and waits for nobody.
				more += "\n}\nforward http://127.0.0.1:1/ {\n name nobody"
			}
			s.edges[0].load(s.block(more))
			s.senders.more(t, 5)
		}
		s.edges[0].load(s.block(""))
		s.finish()
		for answer, n := range s.senders.answers {
			if _, err := strconv.Atoi(answer); err == nil {
				t.Errorf("%d webhooks were answered %s", n, answer)
			}
		}
	})
}

// TestStoreChange loads a config with the other store again and again, while the sink
// takes its time, so that something always waits: what the old store has comes first.
// No webhook comes while a config is being loaded: Caddy's old and new servers both
// answer then, each for its own store.
func TestStoreChange(t *testing.T) {
	t.Parallel()
	s, server := onRedis(t, "change of store, embedded and Redis", options{twoStores: true})
	s.row.queue = "both"
	s.sink.behave(func(_ http.ResponseWriter, _ *http.Request, take func()) {
		pass(time.Duration(rand.IntN(15)) * time.Millisecond)
		take()
	})
	e := s.edges[0]
	const grace = "\ngrace 60s" // this machine may be busy
	e.global += grace
	e.Configure(e.caddyfile(s.block("")))
	s.run()
	for i := range form(4, 20) {
		s.senders.more(t, 50+rand.IntN(100))
		e.global = "queue embedded %DIR%/queue" + grace
		if i%2 == 1 {
			e.global = "queue redis " + server.URL() + grace
		}
		s.senders.quietly(func() { e.load(s.block("")) })
	}
	s.finish()
}
