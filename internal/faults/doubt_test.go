//go:build unix

package faults

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"regexp"
	"syscall"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"github.com/leadgate/leadgate/internal/edgetest"
)

func (s *scenario) onTimeout() string {
	if s.drop {
		return "drop"
	}
	return "retry"
}

// metaHandler is Meta, which where it is slow takes its time before and after it counts
// what it was told: a fault falls into either.
func (s *scenario) metaHandler() http.Handler {
	if !s.slowMeta {
		return s.meta
	}
	think := func() { pass(time.Duration(rand.IntN(60)) * time.Millisecond) }
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet { // from settle
			s.meta.ServeHTTP(w, r)
			return
		}
		think()
		answer := httptest.NewRecorder()
		s.meta.ServeHTTP(answer, r)
		think()
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
}

// unconfirmed is how many dead letters of Meta's there are.
func (s *scenario) unconfirmed() int {
	if !s.drop {
		return 0
	}
	return s.edges[0].Destinations()[meta].Dead
}

var clidOf = regexp.MustCompile(`"ctwaClid":"([^"]+)"`)

// doubtful are the click ids of the dead letters that were in doubt; others are an error.
func (s *scenario) doubtful() map[string]bool {
	s.t.Helper()
	all := map[string]bool{}
	if !s.drop {
		return all
	}
	for after := ""; ; {
		var page struct {
			Dead []struct {
				Reason string
				Event  json.RawMessage
			}
			Next *string
		}
		s.edges[0].Do(http.MethodGet, "/leadgate/dead?destination="+meta+"&limit=200"+after, "", &page)
		for _, l := range page.Dead {
			found := clidOf.FindSubmatch(l.Event)
			if l.Reason != "unconfirmed" || found == nil || all[string(found[1])] {
				s.t.Errorf("dead letter %s, %.300s", l.Reason, l.Event)
				continue
			}
			all[string(found[1])] = true
		}
		if page.Next == nil {
			return all
		}
		after = "&after=" + *page.Next
	}
}

// inMidst waits until requests are on their way to Meta.
func (s *scenario) inMidst() {
	s.t.Helper()
	before := s.meta.Requests()
	edgetest.Until(s.t, "more requests to Meta", func() bool { return s.meta.Requests() > before+1+rand.IntN(4) })
}

// TestDoubtKill kills the edge while it reports: with on_timeout drop nothing is reported
// twice, and what is not reported is a dead letter; with retry nothing is missed.
func TestDoubtKill(t *testing.T) {
	t.Parallel()
	for _, drop := range []bool{true, false} {
		o := options{slowMeta: true, drop: drop, perSecond: rate.Limit(600)}
		onBoth(t, "kill -9 while it reports, on_timeout "+(&scenario{options: o}).onTimeout(), o, func(t *testing.T, s *scenario) {
			s.run()
			for range form(3, 20) {
				s.senders.more(t, 60)
				s.inMidst()
				s.edges[0].Kill()
				s.noteKilled()
				s.edges[0].Start()
			}
			s.finish()
		})
	}
}

// TestDoubtRedisKill kills Redis while the edge reports.
func TestDoubtRedisKill(t *testing.T) {
	t.Parallel()
	s, server := onRedis(t, "kill -9 of Redis while the edge reports, on_timeout drop", options{slowMeta: true, drop: true, perSecond: 600})
	s.run()
	for range form(2, 10) {
		s.senders.more(t, 100)
		s.inMidst()
		server.Kill()
		s.senders.moreRefused(t, contacts)
		server.Restart()
	}
	s.senders.more(t, 50)
	s.finish()
	if n := len(s.doubtful()); n > 0 {
		t.Errorf("%d are in doubt, though the edge got every answer", n)
	}
}

// TestDoubtTakeover kills one of two edges while it reports; the other one takes over.
func TestDoubtTakeover(t *testing.T) {
	t.Parallel()
	s, _ := onRedis(t, "two edges, one killed while it reports, on_timeout drop",
		options{edges: 2, slowMeta: true, drop: true, perSecond: 600})
	s.run()
	for range form(1, 6) {
		s.senders.more(t, 60)
		dead := s.edges[s.reporter()]
		s.inMidst()
		dead.Kill()
		s.noteKilled()
		s.senders.more(t, 60)
		s.inMidst() // by the other
		dead.Start()
	}
	s.finish()
}

// TestDoubtPause stops the edge that reports for longer than its lease, and lets it go on
// when the other one has taken over: what it had on its way is reported once.
func TestDoubtPause(t *testing.T) {
	t.Parallel()
	s, _ := onRedis(t, "two edges, one paused while it reports, on_timeout drop",
		options{edges: 2, slowMeta: true, drop: true, perSecond: 600})
	s.run()
	for range form(1, 4) {
		s.senders.more(t, 60)
		paused := s.edges[s.reporter()]
		s.inMidst()
		paused.Signal(syscall.SIGSTOP)
		s.notePaused()
		pass(150 * time.Millisecond) // what Meta has is counted
		s.inMidst()                  // by the other
		paused.Signal(syscall.SIGCONT)
		s.senders.more(t, 60)
	}
	s.finish()
}

// reporter is the edge that reports to Meta.
func (s *scenario) reporter() (reporter int) {
	s.t.Helper()
	reported := func(e *edge) int64 { return e.Destinations()[meta].Delivered }
	before := make([]int64, len(s.edges))
	for i, e := range s.edges {
		before[i] = reported(e)
	}
	edgetest.Until(s.t, "an edge reports", func() bool {
		for i, e := range s.edges {
			if reported(e) > before[i] {
				reporter = i
				return true
			}
		}
		return false
	})
	return reporter
}
