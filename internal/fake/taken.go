package fake

import (
	"encoding/json"
	"net/http"
	"slices"
)

// Taken is what a fake took, in order. It is not for use at the same time.
type Taken[T any] struct {
	Total int // kept or not
	kept  []T
}

// Add adds what was taken, and keeps the newest n of all; 0 is all.
func (t *Taken[T]) Add(n int, items ...T) {
	t.Total += len(items)
	t.kept = append(t.kept, items...)
	if n > 0 && len(t.kept) > 2*n {
		t.kept = slices.Clone(t.kept[len(t.kept)-n:])
	}
}

// All is a copy of what is kept, never nil, so that its JSON is a list.
func (t *Taken[T]) All() []T { return append([]T{}, t.kept...) }

// ServeTaken answers GET with a value's JSON, and DELETE by calling reset.
func ServeTaken(w http.ResponseWriter, r *http.Request, reset func(), value func() any) {
	switch r.Method {
	case http.MethodGet:
		WriteJSON(w, http.StatusOK, value())
	case http.MethodDelete:
		reset()
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("Allow", "GET, DELETE")
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

// WriteJSON answers a request with a value's JSON.
func WriteJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that has gone is its own affair
}
