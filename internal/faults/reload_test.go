package faults

import (
	"fmt"
	"strconv"
	"testing"
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
