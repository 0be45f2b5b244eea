package fake

import (
	"io"
	"net/http"
	"time"
)

// Answer is a scripted answer. What is empty is as the platform would have it.
type Answer struct {
	Status int         // default 200
	Header http.Header // added
	Body   string
	Delay  time.Duration   // before the answer; ends when the client goes away
	Hold   <-chan struct{} // wait until it is closed, likewise
	Cut    bool            // close the connection instead of an answer
	Accept bool            // take the events first, as an answer lost on its way would have
	Pass   bool            // answer as if there was no script (after Delay and Hold)
}

// Script is the answers to come. It is not for use at the same time.
type Script struct{ answers []Answer }

// Add has the next n requests answered so that have no answer yet.
func (s *Script) Add(n int, a Answer) {
	for range n {
		s.answers = append(s.answers, a)
	}
}

// Next takes the answer to a request; nil where there is none.
func (s *Script) Next() *Answer {
	if len(s.answers) == 0 {
		return nil
	}
	a := s.answers[0]
	s.answers = s.answers[1:]
	return &a
}

// Follow answers a request as an answer of a script says, nil for none; take takes its
// events, and is not called where they are not to be taken. It reports whether the request
// has had its answer, or its client is gone.
func (a *Answer) Follow(w http.ResponseWriter, r *http.Request, take func()) (answered bool) {
	switch {
	case a == nil:
		return false
	case !a.wait(r):
		return true
	case a.Pass:
		return false
	}
	if a.Accept {
		take() // the answer says nothing of it
	}
	a.play(w)
	return true
}

// wait is false where the client went away meanwhile.
func (a *Answer) wait(r *http.Request) bool {
	if a.Delay > 0 {
		t := time.NewTimer(a.Delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-r.Context().Done():
			return false
		}
	}
	if a.Hold != nil {
		select {
		case <-a.Hold:
		case <-r.Context().Done():
			return false
		}
	}
	return true
}

func (a *Answer) play(w http.ResponseWriter) {
	if a.Cut {
		panic(http.ErrAbortHandler) // net/http's way to drop a connection
	}
	for k, vs := range a.Header {
		for _, v := range vs {
			w.Header().Add(k, v)
		}
	}
	if a.Status != 0 {
		w.WriteHeader(a.Status)
	}
	_, _ = io.WriteString(w, a.Body) // a client that has gone is its own affair
}
