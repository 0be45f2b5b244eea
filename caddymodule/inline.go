package caddymodule

import (
	"bytes"
	"io"
	"net/http"
	"strconv"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// serveNext hands the events to the next handler as a JSON array.
func (h *Handler) serveNext(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, s *scratch) error {
	s.out = append(s.out, '[')
	for i := range s.batch.Events {
		ev := &s.batch.Events[i]
		t := s.tenants[i]
		ev.SetTenant(t.name)
		h.countEvent(t.name, ev)
		h.logClick(t.name, ev)
		if i > 0 {
			s.out = append(s.out, ',')
		}
		s.out, _ = ev.AppendJSON(s.out)
	}
	// Not from the pool: a proxy may read it after the handler has returned.
	s.out = append(s.out, ']')
	out := bytes.Clone(s.out)
	n := len(s.batch.Events)
	s.release()
	h.count("", "inline", 1)

	r.Body = io.NopCloser(bytes.NewReader(out))
	r.ContentLength = int64(len(out))
	r.TransferEncoding = nil
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Content-Length", strconv.Itoa(len(out)))
	r.Header.Set("Leadgate-Events", strconv.Itoa(n))
	r.Header.Del("Content-Encoding")
	for _, name := range h.signatures {
		r.Header.Del(name)
	}
	return next.ServeHTTP(w, r)
}
