package intake

import (
	"io"
	"net/http"
	"sync"

	"github.com/leadgate/leadgate/internal/body"
)

// Handed is the body of the request that the next handler gets: the events as a
// JSON array. Its memory is from a pool. As with a server's own bodies, nothing
// can be read when the handler has returned: a proxy's transport may still hold it
// then, and the memory is another request's.
type Handed struct {
	mu     sync.Mutex
	json   []byte     // what is left
	memory *body.Body // nil when it has ended
}

// Hand makes the next handler's body of a webhook that was read, and counts the
// events in it. The webhook is released.
func (b *Block) Hand(w *Webhook) (h *Handed, events int) {
	h = &Handed{memory: body.New(w.encodedSize())}
	h.json = append(h.memory.Data, '[')
	for i := range w.batch.Events {
		ev := &w.batch.Events[i]
		t := w.tenants[i]
		if t == nil { // it names several tenants; the next handler is the same for all
			t = b.Router.Direct
		}
		ev.SetTenant(t.Name)
		b.newEvent(w, t, ev)
		if i > 0 {
			h.json = append(h.json, ',')
		}
		h.json, _ = ev.AppendJSON(h.json)
	}
	h.json = append(h.json, ']')
	events = len(w.batch.Events)
	w.Release()
	b.Requests.Add("", Inline.String(), 1)
	return h, events
}

// Len is how many bytes are left to be read.
func (h *Handed) Len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.json)
}

// Read implements [io.Reader].
func (h *Handed) Read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.memory == nil {
		return 0, http.ErrBodyReadAfterClose
	}
	if len(h.json) == 0 {
		return 0, io.EOF
	}
	n := copy(p, h.json)
	h.json = h.json[n:]
	return n, nil
}

// Close implements [io.Closer]. It is the transport's, and ends nothing.
func (h *Handed) Close() error { return nil }

// End gives the memory back, once: nothing can be read any more.
func (h *Handed) End() {
	h.mu.Lock()
	memory := h.memory
	h.json, h.memory = nil, nil
	h.mu.Unlock()
	memory.Release()
}
