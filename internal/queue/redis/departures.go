package redis

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
	"github.com/leadgate/leadgate/internal/queue/redis/lua"
)

// What was about to be sent stands in a hash of the destination's, its departures. A
// field is a drain's own name and a number, its value a record of a request's entries.
// Before entries get new stream ids, such records are spread: a field for each entry, "="
// and what the hash of retries calls it, of which the value is when it departed, ms. The
// field "=" alone says that entries came with such fields that nobody has looked at.
const spreadField = "="

// departures are what a drain noted.
type departures struct {
	by   string // begins the ids of its notes
	last atomic.Uint64
}

func (d *departures) next() string { return d.by + strconv.FormatUint(d.last.Add(1), 10) }

// Depart implements [queue.Drain].
func (d *drain) Depart(ctx context.Context, at []queue.Pos) (id string, err error) {
	const doing = "noting what is sent"
	id = d.departures.next()
	cmd := d.r.call(d.r.life, lua.Depart, []string{d.keys.lease(d.dest.Name), d.keys.departures(d.dest.Name)},
		d.r.token, id, codec.AppendDeparture(nil, d.r.now(), at))
	if err := d.r.do(ctx, &call{cmd: cmd}); err != nil {
		return id, queueError(doing, err) // it may have arrived all the same
	}
	n, err := cmd.Int()
	if err != nil {
		return id, queueError(doing, err)
	}
	switch {
	case n < 0:
		return "", d.lostLease(doing)
	case n == 0:
		d.forget()
		return "", fmt.Errorf("%s to %s: %w: other entries came", doing, d.dest.Name, queue.ErrLost)
	}
	return id, nil
}

// Departures implements [queue.Drain].
func (d *drain) Departures(ctx context.Context) (list []queue.Departure, err error) {
	const doing = "reading what was sent"
	key := d.keys.departures(d.dest.Name)
	if err := d.r.client.HDel(ctx, key, spreadField).Err(); err != nil {
		return nil, queueError(doing, err)
	}
	fields, err := d.r.departed(ctx, key)
	if err != nil {
		return nil, queueError(doing, err)
	}
	for id, record := range fields {
		if id == spreadField || strings.HasPrefix(id, d.departures.by) {
			continue
		}
		left, err := departureOf(id, record)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", doing, err)
		}
		list = append(list, left)
	}
	return list, nil
}

// departed is what stands in a hash of departures.
func (r *Store) departed(ctx context.Context, key string) (map[string]string, error) {
	all := map[string]string{}
	for cursor := uint64(0); ; {
		fields, next, err := r.client.HScan(ctx, key, cursor, "", scanFields).Result()
		if err != nil {
			return nil, err
		}
		for i := 0; i+1 < len(fields); i += 2 {
			all[fields[i]] = fields[i+1]
		}
		if cursor = next; cursor == 0 {
			return all, nil
		}
	}
}

func departureOf(id, record string) (left queue.Departure, err error) {
	if field, spread := strings.CutPrefix(id, spreadField); spread {
		pos, err := parseRetryField(field)
		if err != nil {
			return left, err
		}
		left.Entries = []queue.Pos{pos}
		left.At, err = strconv.ParseInt(record, 10, 64)
		left.ID = id
		return left, err
	}
	left, err = codec.DecodeDeparture([]byte(record))
	left.ID = id
	return left, err
}

// Forget implements [queue.Drain].
func (d *drain) Forget(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	args := make([]any, 0, 2+len(ids))
	args = append(args, "HDEL", d.keys.departures(d.dest.Name))
	for _, id := range ids {
		args = append(args, id)
	}
	return queueError("forgetting what was sent", d.r.do(ctx, &call{cmd: redis.NewCmd(d.r.life, args...)}))
}

// spreadForJoin spreads departures of a destination that takes something over: only then
// do its own entries get new stream ids.
func (r *Store) spreadForJoin(ctx context.Context, d queue.Dest) error {
	n, err := r.client.Exists(ctx, r.keys(d.Tenant).incoming().queue(d.Name)).Result()
	if err != nil || n == 0 {
		return err
	}
	return r.spread(ctx, d)
}

// spread spreads a destination's departures: what gives its entries new stream ids, takes
// them along. Nobody may drain it.
func (r *Store) spread(ctx context.Context, d queue.Dest) error {
	key := r.keys(d.Tenant).departures(d.Name)
	fields, err := r.departed(ctx, key)
	if err != nil {
		return err
	}
	var notes []queue.Departure
	for id, record := range fields {
		if strings.HasPrefix(id, spreadField) {
			continue
		}
		left, err := departureOf(id, record)
		if err != nil {
			return err
		}
		notes = append(notes, left)
	}
	slices.SortFunc(notes, func(a, b queue.Departure) int { return cmp.Compare(a.At, b.At) }) // the last one stands
	for _, left := range notes {
		args := make([]any, 0, 2*len(left.Entries))
		for _, pos := range left.Entries {
			args = append(args, spreadField+retryField(pos), left.At)
		}
		if len(args) > 0 {
			if err := r.client.HSet(ctx, key, args...).Err(); err != nil {
				return err
			}
		}
		if err := r.client.HDel(ctx, key, left.ID).Err(); err != nil {
			return err
		}
	}
	return nil
}
