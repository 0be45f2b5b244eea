package delivery

import (
	"bytes"
	"fmt"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

// read is one read of the store: the entries after a position, or entries at
// certain places, with their contacts' clicks. It runs beside the loop, for a
// store may take its time, and one of each kind at a time.
type read struct {
	view uint64 // that it is for; another has no use for it

	// Ahead.
	after       queue.Pos
	n, maxBytes int
	news        uint64 // worker.news when it began
	took        time.Duration

	// Again; at is empty for a read ahead.
	at      []queue.Pos
	retried []*failed
	turns   []wanted
	lanes   []*lane // whose waiting events were read

	entries []queue.Entry
	clicks  []queue.Clicks
	clickAt []int // where an entry's clicks are in clicks; -1 = it asks for none
	err     error
}

// begin carries a read out beside the loop.
func (w *worker) begin(r *read) {
	w.e.wg.Go(func() {
		w.carryOutRead(r)
		w.readings <- r
	})
}

// carryOutRead asks the store. It touches nothing of the loop's.
func (w *worker) carryOutRead(r *read) {
	ctx := w.e.storeCtx
	began := w.e.tick()
	if len(r.at) > 0 {
		r.entries, r.err = w.drain.Get(ctx, r.at)
	} else {
		r.entries, r.err = w.drain.Read(ctx, r.after, r.n, r.maxBytes)
	}
	if r.err == nil {
		r.err = w.readClicks(r)
	}
	r.took = w.e.tick() - began
}

// arrived takes in a read that ran beside the loop.
func (w *worker) arrived(r *read) {
	w.now = w.e.tick()
	if len(r.at) > 0 {
		w.getting = false
	} else {
		w.reading = false
	}
	w.took(r)
}

// took takes in what was read; it says whether there was anything.
func (w *worker) took(r *read) bool {
	again := len(r.at) > 0
	if !again {
		w.readAfter = w.e.tick() + r.took
	}
	if r.view != w.view {
		return false
	}
	if r.err != nil {
		for _, f := range r.retried {
			w.wantedDue.push(f)
		}
		for _, t := range r.turns {
			w.wanted.push(t)
		}
		for _, l := range r.lanes {
			w.checkThin(l)
		}
		w.reads.failed(w, fmt.Errorf("reading entries: %w", r.err))
		return false
	}
	w.reads.worked(w)
	if again {
		w.gotAgain(r)
		return true
	}
	if len(r.entries) == 0 {
		// Unless some came while it was read.
		w.exhausted = r.news == w.news
		if w.exhausted {
			// The cursor has passed all that these could match.
			clear(w.known)
		}
		return false
	}
	for i := range r.entries {
		w.place(&r.entries[i], r.clicksOf(i))
	}
	w.cursor = r.entries[len(r.entries)-1].Pos
	return true
}

// readClicks reads the contacts' clicks for the entries that ask for attribution.
func (w *worker) readClicks(r *read) error {
	var keys, tenants []string
	strange := false // an entry is another tenant's
	r.clickAt = make([]int, len(r.entries))
	for i := range r.entries {
		r.clickAt[i] = -1
		if h := &r.entries[i].Header; h.Attribution > 0 && h.ClickKey != "" {
			r.clickAt[i] = len(keys)
			tenant := tenantOf(r.entries[i].Payload, w.dest.Tenant)
			keys, tenants = append(keys, h.ClickKey), append(tenants, tenant)
			strange = strange || tenant != w.dest.Tenant
		}
	}
	if len(keys) == 0 {
		return nil
	}
	var err error
	if !strange {
		r.clicks, err = w.clicksFor(w.dest.Tenant, keys)
		return err
	}
	r.clicks = make([]queue.Clicks, 0, len(keys))
	for from := 0; from < len(keys); {
		to := from + 1
		for to < len(keys) && tenants[to] == tenants[from] {
			to++
		}
		clicks, err := w.clicksFor(tenants[from], keys[from:to])
		if err != nil {
			return err
		}
		r.clicks = append(r.clicks, clicks...)
		from = to
	}
	return nil
}

func (w *worker) clicksFor(tenant string, keys []string) ([]queue.Clicks, error) {
	clicks, err := w.e.q.Clicks(w.e.storeCtx, tenant, keys)
	if err == nil && len(clicks) != len(keys) {
		err = fmt.Errorf("%d answers to %d keys", len(clicks), len(keys))
	}
	if err != nil {
		return nil, fmt.Errorf("reading clicks: %w", err)
	}
	return clicks, nil
}

// tenantOf is the tenant of an event, as its unified JSON begins: its clicks are that
// one's. An event that waited while its destination came to another tenant has the
// one before; where the JSON does not say, it is the destination's.
func tenantOf(payload []byte, destination string) string {
	const head, between = `{"id":"`, `","tenantId":"`
	const at = len(head) + 36 + len(between)
	if len(payload) < at || string(payload[at-len(between):at]) != between {
		return destination
	}
	name := payload[at:]
	end := bytes.IndexByte(name, '"')
	if end < 0 || string(name[:end]) == destination {
		return destination
	}
	return string(name[:end])
}

// clicksOf are those of the i-th entry.
func (r *read) clicksOf(i int) queue.Clicks {
	if at := r.clickAt[i]; at >= 0 {
		return r.clicks[at]
	}
	return queue.Clicks{}
}
