package googletest

import (
	"io"
	"net/http"
)

// Answer is a scripted answer to an ingest or a status. What is empty is as Google would
// have it.
type Answer struct {
	Status int         // default 200
	Header http.Header // added
	Body   string
	Hold   <-chan struct{} // wait until it is closed, or the client goes away
	Cut    bool            // close the connection instead of an answer
	Accept bool            // take the events first, as an answer lost on its way would have
	Pass   bool            // answer as if there was no script (after Hold)
}

// wait is false where the client went away meanwhile.
func (a *Answer) wait(r *http.Request) bool {
	if a.Hold == nil {
		return true
	}
	select {
	case <-a.Hold:
		return true
	case <-r.Context().Done():
		return false
	}
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
