package faults

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/edgetest"
)

// isDown is the answer of a destination that can't serve.
func isDown(w http.ResponseWriter, _ *http.Request, _ func()) {
	w.WriteHeader(http.StatusServiceUnavailable)
}

// TestSinkDown takes the sink away until the breaker is open, and gives it back.
func TestSinkDown(t *testing.T) {
	t.Parallel()
	onBoth(t, "sink down", options{}, func(t *testing.T, s *scenario) {
		s.run()
		for range form(1, 3) {
			s.senders.more(t, 100)
			s.sink.behave(isDown)
			edgetest.Until(t, "the breaker opens", func() bool { return s.edges[0].Destinations()[crm].State == "open" })
			s.senders.more(t, 100)
			s.sink.behave(takes)
			edgetest.Until(t, "the breaker closes", func() bool { return s.edges[0].Destinations()[crm].State != "open" })
		}
		s.finish()
	})
}

// TestSinkSlow makes the sink slow, and some of its answers come after the
// edge's timeout: those events it gets again.
func TestSinkSlow(t *testing.T) {
	t.Parallel()
	var timeouts atomic.Int64
	s := onEmbedded(t, "sink slow, some answers too late", options{more: "timeout 500ms"})
	slow := func(w http.ResponseWriter, r *http.Request, take func()) {
		take()
		if rand.IntN(40) == 0 {
			<-r.Context().Done() // until the edge hangs up
			timeouts.Add(1)
			return
		}
		pass(time.Duration(rand.IntN(20)) * time.Millisecond)
	}
	s.run()
	s.sink.behave(slow)
	s.senders.stop(t, form(250, 2000))
	s.sink.behave(takes)
	edgetest.Until(t, "everything is delivered", func() bool { return s.edges[0].idle() })
	s.repeats = int(timeouts.Load())
	s.finish()
}

// TestSinkFlapping has the sink fail and recover by turns, and single events
// fail while others are taken.
func TestSinkFlapping(t *testing.T) {
	t.Parallel()
	s := onEmbedded(t, "sink flapping", options{})
	var n atomic.Int64
	s.sink.behave(func(w http.ResponseWriter, _ *http.Request, take func()) {
		switch i := n.Add(1); {
		case i/40%4 == 3: // down for a while
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
		case rand.IntN(10) == 0:
			w.WriteHeader(http.StatusInternalServerError)
		default:
			take()
		}
	})
	s.run()
	s.senders.stop(t, form(250, 2000))
	s.sink.behave(takes)
	s.finish()
}

// TestSinkGarbage has the sink answer what is no HTTP, half an answer, another
// place, somebody's login page, and 200 with a body that breaks off.
func TestSinkGarbage(t *testing.T) {
	t.Parallel()
	s := onEmbedded(t, "sink answering garbage", options{})
	var turn atomic.Int64
	raw := func(text string) answer {
		return func(w http.ResponseWriter, _ *http.Request, _ func()) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				panic(err)
			}
			_, _ = conn.Write([]byte(text))
			conn.Close()
		}
	}
	status := func(code int, header, value string) answer {
		return func(w http.ResponseWriter, _ *http.Request, _ func()) {
			w.Header().Set(header, value)
			w.WriteHeader(code)
		}
	}
	garbage := []answer{
		raw(""), raw("hello\r\n"), raw("HTTP/1.1 2"), raw("HTTP/1.1 999 what\r\n\r\n"), raw("HTTP/1.1 200\r\nContent-Len"),
		raw("\x00\x01\x02\xff"), raw("HTTP/1.1 503 x\r\nContent-Length: -4\r\n\r\n"), raw(strings.Repeat("HTTP/1.1 ", 20000)),
		status(http.StatusFound, "Location", "/login"), status(http.StatusUnauthorized, "WWW-Authenticate", "Basic"),
		status(http.StatusNotFound, "Retry-After", "never"), status(http.StatusServiceUnavailable, "Retry-After", "-5"),
		status(http.StatusBadGateway, "Content-Encoding", "gzip"),
	}
	s.sink.behave(func(w http.ResponseWriter, r *http.Request, take func()) {
		switch i := int(turn.Add(1)); {
		case i%8 == 0:
			garbage[i/8%len(garbage)](w, r, take)
		case i%8 == 4:
			// 200 was said: the event is delivered, whatever becomes of the body.
			take()
			raw(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\nhalf", 1000))(w, r, take)
		default:
			take()
		}
	})
	s.run()
	s.senders.stop(t, form(250, 2000))
	s.sink.behave(takes)
	s.finish()
}
