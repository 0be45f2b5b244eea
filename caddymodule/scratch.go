package caddymodule

import (
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// scratch is the memory of one webhook, from a pool.
type scratch struct {
	body    []byte
	batch   normalize.Batch
	tenants []*tenant // whose each event is, nil for nobody's
	out     []byte    // the unified JSON of the events
	groups  []queue.Group
	parts   []part // what each group is made of, beside groups
	keys    clicks.Keys
	known   []knownAd
	named   map[string][]*tenant // whose events name an id, see foreign
	index   []int                // 0, 1, 2…: the event lists of jobs are slices of it
}

// maxKept is the most that a scratch in the pool holds on to, in bytes.
const maxKept = 1 << 20

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// release puts the memory back. Nothing may point into it any more.
func (s *scratch) release() {
	s.batch.Reset()
	s.out = s.out[:0]
	if cap(s.body) > maxKept {
		s.body = nil
	}
	if cap(s.out) > maxKept {
		s.out = nil
	}
	clear(s.tenants)
	s.tenants = s.tenants[:0]
	for g := range s.groups {
		s.dropGroup(g)
	}
	s.groups, s.parts = s.groups[:0], s.parts[:0]
	s.keys.Reset()
	clear(s.known)
	s.known, s.named = s.known[:0], nil
	scratches.Put(s)
}

var errTooLarge = errors.New("the body is larger than max_body")

// read reads the whole body, at most limit bytes. Of one that is too large as
// many more are read and forgotten: a client that is still sending when the
// connection closes sees a reset, and not the 413.
func (s *scratch) read(r *http.Request, limit int64) ([]byte, error) {
	body, err := s.readAll(r, limit)
	if errors.Is(err, errTooLarge) {
		_, _ = io.CopyN(io.Discard, r.Body, limit)
	}
	return body, err
}

func (s *scratch) readAll(r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, errTooLarge
	}
	s.body = s.body[:0]
	if need := r.ContentLength + 1; need > int64(cap(s.body)) {
		s.body = make([]byte, 0, need)
	} else if cap(s.body) == 0 {
		s.body = make([]byte, 0, 4096)
	}
	for {
		n, err := r.Body.Read(s.body[len(s.body):cap(s.body)])
		s.body = s.body[:len(s.body)+n]
		switch {
		case int64(len(s.body)) > limit:
			return nil, errTooLarge
		case err == io.EOF:
			return s.body, nil
		case err != nil:
			return nil, err
		}
		if len(s.body) == cap(s.body) {
			s.body = append(s.body, 0)[:len(s.body)]
		}
	}
}

// route finds the tenant of each event, once for all that ask. An event that holds
// another's, of another tenant, is nobody's: neither may see the other.
func (s *scratch) route(r *router) {
	for i := range s.batch.Events {
		ev := &s.batch.Events[i]
		t := r.route(ev)
		for j := i - 1; ev.Kind == normalize.KindAccount && j >= 0 && s.batch.Events[j].In(ev); j-- {
			if s.tenants[j] != t {
				t = nil
				break
			}
		}
		s.tenants = append(s.tenants, t)
	}
}

// one is the list of the event i alone.
func (s *scratch) one(i int) []int {
	for len(s.index) <= i {
		s.index = append(s.index, len(s.index))
	}
	return s.index[i : i+1 : i+1]
}
