package delivery

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/leadgate/leadgate/internal/delivery/view"
	"github.com/leadgate/leadgate/internal/queue"
)

// entryStore is what reading needs of a [queue.Drain].
type entryStore interface {
	Read(ctx context.Context, after queue.Pos, n, maxBytes int) ([]queue.Entry, error)
	Get(ctx context.Context, at []queue.Pos) ([]queue.Entry, error)
}

// clickStore is what reading needs of a [Store].
type clickStore interface {
	Clicks(ctx context.Context, tenant string, keys []string) ([]queue.Clicks, error)
}

// reader reads the store: beside the loop, for a store may take its time, and one
// read of each kind at a time.
type reader struct {
	e       *Engine
	entries entryStore
	clicks  clickStore
	tenant  string // of the destination

	// The loop's own.
	ahead   bool          // a read ahead is on its way
	again   bool          // a read of what was read before is
	results chan *reading // that have ended
	after   time.Duration // when the next read ahead may begin while others are sent
	outage  outage
}

// reading is a read that was carried out.
type reading struct {
	*view.Read
	err  error
	took time.Duration
}

// busy reports whether a read is on its way.
func (r *reader) busy() bool { return r.ahead || r.again }

// begin carries a read out beside the loop. None of its kind may be on its way.
func (r *reader) begin(read *view.Read) {
	*r.onItsWay(read) = true
	r.e.wg.Go(func() { r.results <- r.carryOut(read) })
}

// end notes that a read that was begun has ended.
func (r *reader) end(read *view.Read) { *r.onItsWay(read) = false }

func (r *reader) onItsWay(read *view.Read) *bool {
	if len(read.At) > 0 {
		return &r.again
	}
	return &r.ahead
}

// carryOut asks the store. It touches nothing of the loop's.
func (r *reader) carryOut(read *view.Read) *reading {
	ctx := r.e.storeCtx
	began := r.e.tick()
	done := &reading{Read: read}
	if len(read.At) > 0 {
		read.Entries, done.err = r.entries.Get(ctx, read.At)
	} else {
		read.Entries, done.err = r.entries.Read(ctx, read.After, read.N, read.MaxBytes)
	}
	if done.err == nil {
		done.err = r.readClicks(ctx, read)
	}
	done.took = r.e.tick() - began
	return done
}

// readClicks reads the contacts' clicks for the entries that ask for attribution.
func (r *reader) readClicks(ctx context.Context, read *view.Read) error {
	var keys, tenants []string
	for i := range read.Entries {
		h := &read.Entries[i].Header
		if h.Attribution == 0 || h.ClickKey == "" {
			continue
		}
		if read.ClickAt == nil {
			read.ClickAt = slices.Repeat([]int{-1}, len(read.Entries))
		}
		read.ClickAt[i] = len(keys)
		keys, tenants = append(keys, h.ClickKey), append(tenants, tenantOf(read.Entries[i].Payload, r.tenant))
	}
	// Mostly all are of one tenant.
	for from := 0; from < len(keys); {
		to := from + 1
		for to < len(keys) && tenants[to] == tenants[from] {
			to++
		}
		clicks, err := r.clicksFor(ctx, tenants[from], keys[from:to])
		if err != nil {
			return err
		}
		if from == 0 {
			read.Clicks = clicks
		} else {
			read.Clicks = append(read.Clicks, clicks...)
		}
		from = to
	}
	return nil
}

func (r *reader) clicksFor(ctx context.Context, tenant string, keys []string) ([]queue.Clicks, error) {
	clicks, err := r.clicks.Clicks(ctx, tenant, keys)
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
