package caddymodule

import (
	"io"
	"net/http"
	"strconv"
	"sync"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/leadgate/leadgate/internal/body"
	"github.com/leadgate/leadgate/internal/verify"
)

// serveNext hands the events to the next handler as a JSON array.
func (h *Handler) serveNext(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, s *scratch) error {
	buf := body.New(s.encoded())
	out := append(buf.Data, '[')
	for i := range s.batch.Events {
		ev := &s.batch.Events[i]
		t := s.tenants[i]
		if t == nil { // it names several tenants; the next handler is the same for all
			t = h.routes.direct
		}
		ev.SetTenant(t.name)
		countEvent(t.name, ev)
		h.logClick(t.name, ev)
		if i > 0 {
			out = append(out, ',')
		}
		out, _ = ev.AppendJSON(out)
	}
	out = append(out, ']')
	n := len(s.batch.Events)
	s.release()
	h.requests.Add("", outcomeInline.String(), 1)
	outcomeInline.say(w)

	taken := &inlineBody{json: out}
	r.Body = taken
	r.ContentLength = int64(len(out))
	r.TransferEncoding = nil
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Content-Length", strconv.Itoa(len(out)))
	r.Header.Set("Leadgate-Events", strconv.Itoa(n))
	r.Header.Del("Content-Encoding")
	for _, name := range h.signatures {
		r.Header.Del(name)
	}
	if c, ok := h.provider.(TokenCarrier); ok {
		for _, place := range c.TokenPlaces() {
			verify.Place(place).Strip(r)
		}
	}
	err := next.ServeHTTP(w, r)
	taken.end()
	buf.Release()
	return err
}

// inlineBody is a request's body in memory from a pool. As with a server's own
// bodies, nothing can be read when the handler has returned: a proxy's transport
// may still hold it then, and the memory is another request's.
type inlineBody struct {
	mu    sync.Mutex
	json  []byte // what is left
	ended bool
}

// Read implements io.Reader.
func (b *inlineBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return 0, http.ErrBodyReadAfterClose
	}
	if len(b.json) == 0 {
		return 0, io.EOF
	}
	n := copy(p, b.json)
	b.json = b.json[n:]
	return n, nil
}

func (b *inlineBody) end() {
	b.mu.Lock()
	b.json, b.ended = nil, true
	b.mu.Unlock()
}

// Close implements io.Closer.
func (b *inlineBody) Close() error { return nil }
