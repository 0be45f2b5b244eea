package memory

import (
	"context"
	"slices"
	"strconv"

	"github.com/leadgate/leadgate/internal/queue"
)

// Depart implements [queue.Drain].
func (r *drain) Depart(ctx context.Context, at []queue.Pos) (id string, err error) {
	err = r.holding(ctx, func(m *dest) {
		r.q.d.departs++
		id = strconv.FormatUint(r.q.d.departs, 10)
		m.departs[id] = departure{queue.Departure{ID: id, At: r.q.d.ms(), Entries: slices.Clone(at)}, r}
	})
	return id, err
}

// Departures implements [queue.Drain].
func (r *drain) Departures(ctx context.Context) (list []queue.Departure, err error) {
	err = r.with(ctx, func(m *dest) {
		for _, left := range m.departs {
			if left.by != r {
				left.Entries = slices.Clone(left.Entries)
				list = append(list, left.Departure)
			}
		}
	})
	return list, err
}

// Forget implements [queue.Drain].
func (r *drain) Forget(ctx context.Context, ids []string) error {
	return r.with(ctx, func(m *dest) {
		for _, id := range ids {
			delete(m.departs, id)
		}
	})
}
