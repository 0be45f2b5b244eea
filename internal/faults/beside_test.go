package faults

import (
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"
)

// TestBesideTheDead measures what a dead destination costs the healthy one beside
// it: the same webhooks with a second destination that is well, that refuses
// connections, that answers 503, and that never answers. Nothing is asserted of
// the numbers, which are printed; that the healthy one gets everything is.
func TestBesideTheDead(t *testing.T) {
	for _, store := range []string{"embedded", "redis"} {
		for _, second := range []string{"a healthy one", "one that refuses connections", "one that answers 503", "one that never answers"} {
			if !long && (store == "redis" || second == "one that answers 503") {
				continue
			}
			t.Run(store+" "+second, func(t *testing.T) {
				var s *scenario
				if store == "redis" {
					s, _ = onRedis(t, "healthy beside "+second, options{})
				} else {
					s = onEmbedded(t, "healthy beside "+second, options{})
				}
				s.more = "\n}\nforward " + secondURL(t, second) + " {\n name second\n timeout 5s"
				s.run()
				// Warm: connections, caches, and the dead one's breaker.
				s.senders.more(t, form(100, 1000))
				delivered, acknowledged, began := s.sink.delivered(), s.senders.fullSpeed(), time.Now()
				s.senders.more(t, form(2000, 15_000))
				took := time.Since(began).Seconds()
				now, _ := s.senders.counts()
				results.line(fmt.Sprintf("| %s | %s | %.0f | %v | %v | %.0f |", second, store, float64(now-acknowledged)/took,
					s.senders.quantile(0.5).Round(10*time.Microsecond), s.senders.quantile(0.99).Round(10*time.Microsecond),
					float64(s.sink.delivered()-delivered)/took))
				s.finish()
			})
		}
	}
}

// secondURL is where the second destination is.
func secondURL(t *testing.T, second string) string {
	t.Helper()
	switch second {
	case "one that refuses connections":
		return "http://127.0.0.1:" + freePort(t)
	case "one that never answers":
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return "http://" + l.Addr().String()
	}
	other := newSink(t)
	if second == "one that answers 503" {
		other.behave(func(w http.ResponseWriter, _ *http.Request, _ func()) { w.WriteHeader(http.StatusServiceUnavailable) })
	}
	return other.URL
}
