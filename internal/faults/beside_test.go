package faults

import (
	"cmp"
	"fmt"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/freeport"
)

// besides are what the second destination is.
var besides = []string{"a healthy one", "one that refuses connections", "one that answers 503", "one that never answers"}

// TestBesideTheDead measures what a dead destination costs the healthy one beside
// it: the same webhooks with a second destination that is well, that refuses
// connections, that answers 503, and that never answers, in turns, each time with
// an edge and a store of its own. Nothing is asserted of the numbers, which are
// printed as medians of the rounds; that the healthy one gets everything is.
func TestBesideTheDead(t *testing.T) {
	for _, store := range []string{"embedded", "redis"} {
		if !long && store == "redis" {
			continue
		}
		runs := map[string][]besideRun{}
		for round := range form(1, 5) {
			for _, second := range besides {
				if !long && second == "one that answers 503" {
					continue
				}
				t.Run(fmt.Sprintf("%s %s %d", store, second, round+1), func(t *testing.T) {
					runs[second] = append(runs[second], besideOnce(t, store, second, round == 0))
				})
			}
		}
		well := medianRun(runs[besides[0]])
		for _, second := range besides {
			if len(runs[second]) == 0 {
				continue
			}
			m := medianRun(runs[second])
			results.line(fmt.Sprintf("| %s | %s | %.0f | %v | %v | %.0f | %.2f | %.2f |", second, store, m.webhooks,
				m.p50.Round(10*time.Microsecond), m.p99.Round(10*time.Microsecond), m.deliveries,
				m.deliveries/well.deliveries, float64(m.p99)/float64(well.p99)))
		}
	}
}

// besideRun is webhooks and deliveries a second, and how long the 200 took.
type besideRun struct {
	webhooks, deliveries float64
	p50, p99             time.Duration
}

func besideOnce(t *testing.T, store, second string, counted bool) (r besideRun) {
	var s *scenario
	name := "healthy beside " + second
	if !counted {
		name = ""
	}
	if store == "redis" {
		s, _ = onRedis(t, name, options{})
	} else {
		s = onEmbedded(t, name, options{})
	}
	s.more = "\n}\nforward " + secondURL(t, second) + " {\n name second\n timeout 5s"
	s.run()
	// Warm: connections, caches, and the dead one's breaker.
	s.senders.more(t, form(100, 1000))
	delivered, acknowledged, began := s.sink.delivered(), s.senders.fullSpeed(), time.Now()
	s.senders.more(t, form(2000, 15_000))
	took := time.Since(began).Seconds()
	now, _ := s.senders.counts()
	r = besideRun{
		webhooks: float64(now-acknowledged) / took, deliveries: float64(s.sink.delivered()-delivered) / took,
		p50: s.senders.quantile(0.5), p99: s.senders.quantile(0.99),
	}
	s.finish()
	return r
}

// medianRun is the median of each figure.
func medianRun(runs []besideRun) (m besideRun) {
	if len(runs) == 0 {
		return m
	}
	m.webhooks = medianOf(runs, func(r besideRun) float64 { return r.webhooks })
	m.deliveries = medianOf(runs, func(r besideRun) float64 { return r.deliveries })
	m.p50 = medianOf(runs, func(r besideRun) time.Duration { return r.p50 })
	m.p99 = medianOf(runs, func(r besideRun) time.Duration { return r.p99 })
	return m
}

func medianOf[T cmp.Ordered](runs []besideRun, figure func(besideRun) T) T {
	all := make([]T, len(runs))
	for i, r := range runs {
		all[i] = figure(r)
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// secondURL is where the second destination is.
func secondURL(t *testing.T, second string) string {
	t.Helper()
	switch second {
	case "one that refuses connections":
		return "http://" + freeport.Address(t)
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
