package embedded

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/batch"
)

// request is what one caller has written.
type request struct {
	units []unit
}

// requests are used again, with their units: allocations less a webhook.
var requests = sync.Pool{New: func() any { return new(request) }}

func newRequest(units int) *request {
	r := requests.Get().(*request)
	r.units = slices.Grow(r.units, units)
	return r
}

// free gives a request back that the writer is done with.
func (r *request) free() {
	clear(r.units)
	r.units = r.units[:0]
	requests.Put(r)
}

// adds is about how many bytes a request brings.
func (r *request) adds() (n int64) {
	for i := range r.units {
		n += r.units[i].adds
	}
	return n
}

// commitBytes bounds what one transaction brings: it is held in memory several
// times. Usual webhooks are a thousandth of it.
const commitBytes = 8 << 20

// newWriter hands requests to the one goroutine that changes the store.
func newWriter(commit func([]*request)) *batch.Batcher[*request] {
	return batch.New(batch.Config[*request]{Write: commit, Yield: true, Size: (*request).adds, Limit: commitBytes})
}

// write has a request's units committed, and waits for that or for ctx; their own
// errors are in the units. After an error of write the request still belongs to the
// writer.
func (e *Store) write(ctx context.Context, r *request) error {
	err := e.writer.Do(ctx, r)
	if errors.Is(err, batch.ErrClosed) {
		return fmt.Errorf("%w: it is closed", queue.ErrUnavailable)
	}
	return err
}
