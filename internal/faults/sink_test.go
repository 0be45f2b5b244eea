package faults

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/leadgate/leadgate/internal/edgetest"
)

// sink is a destination that counts what it gets by event id. Its answers can be
// changed at any time.
type sink struct {
	*httptest.Server

	open connections

	mu        sync.Mutex
	answer    answer
	byID      map[string]*arrived // event id → what came of it
	byName    map[string]*arrived // message id → the same
	tried     map[string]int      // contact → the next event that was never tried
	taken     map[string]int      // contact → the next event that was never taken
	different int                 // events taken
	repeated  int                 // events taken again
	late      []string            // first tried or first taken after a later one
	strange   []string            // what no edge should send
}

// arrived is an event that reached the sink.
type arrived struct {
	id    string
	times int // taken
}

// answer answers a delivery; take counts it as taken.
type answer func(w http.ResponseWriter, r *http.Request, take func())

// takes is the answer of a healthy destination.
func takes(_ http.ResponseWriter, _ *http.Request, take func()) { take() }

func newSink(t *testing.T) *sink {
	t.Helper()
	s := &sink{answer: takes, byID: map[string]*arrived{}, byName: map[string]*arrived{},
		tried: map[string]int{}, taken: map[string]int{}}
	s.Server = s.open.serve(t, s)
	return s
}

func (s *sink) behave(a answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = a
}

// ServeHTTP takes in an event and answers as it was told to.
func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		return // from settle
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the edge was killed while it sent
	}
	var event struct {
		ID      string
		WaID    string
		Message struct{ ID string }
	}
	if err := json.Unmarshal(body, &event); err != nil {
		s.wonder(fmt.Sprintf("no JSON: %v", err))
		return
	}
	id := r.Header.Get("Leadgate-Event-Id")
	contact, number, err := parseName(event.Message.ID)
	if err != nil || contact != event.WaID || id != event.ID || id == "" {
		s.wonder(fmt.Sprintf("event %q of %q with id %q in the header and %q in the body: %v", event.Message.ID, event.WaID, id, event.ID, err))
		return
	}
	s.mu.Lock()
	a := s.byName[event.Message.ID]
	if a == nil {
		a = &arrived{id: id}
		s.byName[event.Message.ID], s.byID[id] = a, a
		s.first(s.tried, "tried", contact, number)
	}
	answer := s.answer
	s.mu.Unlock()
	if a.id != id {
		s.wonder(fmt.Sprintf("event %q came as %s and as %s", event.Message.ID, a.id, id))
	}
	answer(w, r, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if a.times++; a.times > 1 {
			s.repeated++
			return
		}
		s.different++
		s.first(s.taken, "taken", contact, number)
	})
}

// first notes an event that is tried or taken for the first time; s.mu is held.
func (s *sink) first(next map[string]int, what, contact string, number int) {
	if number < next[contact] {
		s.late = append(s.late, fmt.Sprintf("%s's event %d was first %s after event %d", contact, number, what, next[contact]-1))
		return
	}
	next[contact] = number + 1
}

func (s *sink) wonder(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.strange = append(s.strange, what)
}

// delivered is how many different events were taken.
func (s *sink) delivered() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.different
}

// takenIDs lists the ids of the events that were taken.
func (s *sink) takenIDs() map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]bool{}
	for id, a := range s.byID {
		if a.times > 0 {
			all[id] = true
		}
	}
	return all
}

// again lists the ids of events that were taken more than once, with how often
// beyond the first.
func (s *sink) again() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]int{}
	for id, a := range s.byID {
		if a.times > 1 {
			all[id] = a.times - 1
		}
	}
	return all
}

// connections counts a server's connections. Those of a dead client are closed when
// all that it had sent is answered.
type connections struct{ n atomic.Int64 }

// serve starts a server whose connections are counted.
func (c *connections) serve(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			c.n.Add(1)
		case http.StateClosed, http.StateHijacked:
			c.n.Add(-1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	return server
}

// settle waits until a dead client's connections are closed. One of ours is
// accepted after all of its.
func (c *connections) settle(t *testing.T, url string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: edgetest.GiveUp}
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	edgetest.Until(t, "the dead edge's connections are closed", func() bool { return c.n.Load() == 0 })
}

// nameOf is the message id of a contact's n-th event.
func nameOf(contact string, n int) string { return fmt.Sprintf("wamid.%s.%d", contact, n) }

func parseName(name string) (contact string, n int, err error) {
	name = strings.ReplaceAll(name, ".", " ")
	_, err = fmt.Sscanf(name, "wamid %s %d", &contact, &n)
	return contact, n, err
}
