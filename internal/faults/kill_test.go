package faults

import (
	"math/rand/v2"
	"testing"

	"golang.org/x/time/rate"
)

// TestKill kills the edge with kill -9 at random moments: sometimes while it
// delivers, sometimes perhaps before it does.
func TestKill(t *testing.T) {
	t.Parallel()
	onBoth(t, "kill -9 of the edge", options{}, func(t *testing.T, s *scenario) {
		s.run()
		for round := range form(4, 20) {
			s.senders.more(t, 1+rand.IntN(150))
			if round%2 == 0 {
				s.moreDelivered(1 + rand.IntN(150))
			}
			s.edges[0].Kill()
			s.noteKilled()
			s.edges[0].Start()
		}
		s.finish()
	})
}

// TestKillAtSpeed kills the edge while much is under way, and has it start with a
// backlog.
func TestKillAtSpeed(t *testing.T) {
	t.Parallel()
	onBoth(t, "kill -9 of the edge at high speed", options{perSecond: rate.Limit(form(1500, 3000))}, func(t *testing.T, s *scenario) {
		s.run()
		for range form(2, 5) {
			s.senders.more(t, 200+rand.IntN(200))
			s.moreDelivered(1 + rand.IntN(200))
			s.edges[0].Kill()
			s.noteKilled()
			s.edges[0].Start()
		}
		s.finish()
	})
}

// TestTerm ends the edge with SIGTERM: nothing is repeated.
func TestTerm(t *testing.T) {
	t.Parallel()
	onBoth(t, "SIGTERM", options{}, func(t *testing.T, s *scenario) {
		s.run()
		for range form(2, 10) {
			s.senders.more(t, 1+rand.IntN(150))
			s.edges[0].End()
			s.edges[0].Start()
		}
		s.finish()
	})
}
