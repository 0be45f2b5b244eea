//go:build unix

package faults

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/edgetest"
)

// TestTwoEdgesKill runs two edges on one Redis and kills one, then the other:
// the one that lives takes over.
func TestTwoEdgesKill(t *testing.T) {
	t.Parallel()
	s, _ := onRedis(t, "two edges, one killed", options{edges: 2})
	s.run()
	for round := range form(1, 6) {
		s.senders.more(t, 100+rand.IntN(100))
		dead := s.edges[s.drainer(round)]
		dead.Kill()
		s.noteKilled()
		s.senders.more(t, 100)
		s.moreDelivered(100)
		dead.Start()
	}
	s.finish()
}

// drainer is the edge that drains the sink's queue, or from the third round on
// any: an edge that drains nothing can be killed too.
func (s *scenario) drainer(round int) int {
	s.t.Helper()
	if round > 2 {
		return rand.IntN(len(s.edges))
	}
	before := s.delivered()
	drainer := -1
	edgetest.Until(s.t, "an edge delivers", func() bool {
		for i, n := range s.delivered() {
			if n > before[i] {
				drainer = i
			}
		}
		return drainer >= 0
	})
	return drainer
}

// delivered is how much each edge says it has delivered to the sink.
func (s *scenario) delivered() (n []int64) {
	for _, e := range s.edges {
		n = append(n, e.Destinations()[crm].Delivered)
	}
	return n
}

// TestTwoEdgesPause stops the edge that drains for longer than its lease, and
// lets it go on when the other has taken over: it must not go on sending.
func TestTwoEdgesPause(t *testing.T) {
	t.Parallel()
	s, _ := onRedis(t, "two edges, one paused (SIGSTOP)", options{edges: 2})
	s.run()
	for range form(1, 4) {
		s.senders.more(t, 100)
		paused := s.edges[s.drainer(0)]
		paused.Signal(syscall.SIGSTOP)
		s.notePaused()
		s.moreDelivered(200) // by the other
		paused.Signal(syscall.SIGCONT)
		s.senders.more(t, 100)
		s.moreDelivered(100)
	}
	s.finish()
}

// TestTwoEdgesShortPause stops an edge for less than its lease lasts, but for
// longer than it may send without a renewal.
func TestTwoEdgesShortPause(t *testing.T) {
	if !long {
		t.Skip("in the long form only")
	}
	t.Parallel()
	s, _ := onRedis(t, "two edges, one paused for 4 to 11 s", options{edges: 2, perSecond: 150})
	s.run()
	for round := range 6 {
		s.senders.more(t, 100)
		paused := s.edges[s.drainer(0)]
		paused.Signal(syscall.SIGSTOP)
		s.notePaused()
		pass(4*time.Second + time.Duration(round)*1400*time.Millisecond)
		paused.Signal(syscall.SIGCONT)
		s.moreDelivered(100)
	}
	s.finish()
}
