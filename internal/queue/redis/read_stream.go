package redis

import (
	"context"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/leadgate/leadgate/internal/queue"
)

// streamed is an entry of the stream: an entry, or a bundle.
type streamed struct {
	pos          queue.Pos // of the stream
	header, body string
	bundle       bool
	pending      string // which entries of the bundle are; "" if it is gone
}

// stream reads up to count entries of the stream.
func (d *drain) stream(ctx context.Context, from, to string, count int) ([]streamed, error) {
	reply, err := d.r.client.Do(ctx, "XRANGE", d.keys.queue(d.dest.Name), from, to, "COUNT", count).Slice()
	if err != nil {
		return nil, queueError("reading entries", err)
	}
	return d.withPending(ctx, reply)
}

// byID reads these entries of the stream.
func (d *drain) byID(ctx context.Context, ids []queue.Pos) ([]streamed, error) {
	all, err := d.lookUp(ctx, ids)
	if err != nil {
		return nil, err
	}
	return d.withPending(ctx, all)
}

// lookUp is XRANGE's reply for these entries of the stream.
func (d *drain) lookUp(ctx context.Context, ids []queue.Pos) (all []any, err error) {
	cmds := make([]*redis.Cmd, len(ids))
	pipe := d.r.client.Pipeline()
	for i, p := range ids {
		id := streamID(p)
		cmds[i] = pipe.Do(ctx, "XRANGE", d.keys.queue(d.dest.Name), id, id)
	}
	_, _ = pipe.Exec(ctx)
	for _, cmd := range cmds {
		reply, err := cmd.Slice()
		if err != nil {
			return nil, queueError("reading entries", err)
		}
		all = append(all, reply...)
	}
	return all, nil
}

// withPending takes entries of XRANGE's reply apart (see keys.go), and reads what is
// pending of bundles.
func (d *drain) withPending(ctx context.Context, reply []any) ([]streamed, error) {
	found := make([]streamed, len(reply))
	bundles := map[string]*streamed{}
	var ids []string
	for i := range reply {
		id, fields, err := streamEntry(reply[i], 4)
		if err != nil {
			return nil, fmt.Errorf("reading entries: %w", err)
		}
		s := &found[i]
		if s.pos, err = parseStreamID(id); err != nil {
			return nil, fmt.Errorf("reading entries: %w", err)
		}
		s.header, s.body = fields[1], fields[3]
		if fields[2] == "g" {
			s.bundle = true
			bundles[id], ids = s, append(ids, id)
		}
	}
	if len(ids) == 0 {
		return found, nil
	}
	pending, err := d.r.client.HMGet(ctx, d.keys.pending(d.dest.Name), ids...).Result()
	if err != nil {
		return nil, queueError("reading marks", err)
	}
	var gone []queue.Pos
	for i, id := range ids {
		if m, ok := pending[i].(string); ok {
			bundles[id].pending = m
		} else if body := bundles[id].body; len(body) > 1 && body[1] == 1 {
			bundles[id].pending = "1"
		} else {
			gone = append(gone, bundles[id].pos)
		}
	}
	if len(gone) > 0 {
		if err := d.withoutMarks(ctx, bundles, gone); err != nil {
			return nil, err
		}
	}
	return found, d.withBlocks(ctx, bundles)
}

// withoutMarks says what is pending of bundles of which it stands nowhere.
func (d *drain) withoutMarks(ctx context.Context, bundles map[string]*streamed, gone []queue.Pos) error {
	// These bundles are gone since they were read: nothing of them is pending. Or
	// somebody has removed the hash: rather than lose an entry, take all to be pending.
	standing, err := d.lookUp(ctx, gone)
	if err != nil {
		return err
	}
	for _, e := range standing {
		if id, fields, err := streamEntry(e, 4); err == nil && bundles[id] != nil && len(fields[3]) > 1 {
			bundles[id].pending = strings.Repeat("1", int(fields[3][1]))
		}
	}
	return nil
}

// withBlocks reads what bundles refer to.
func (d *drain) withBlocks(ctx context.Context, bundles map[string]*streamed) error {
	var refer []*streamed
	var ids []string
	for _, s := range bundles {
		if s.pending != "" && len(s.body) == 2+blockID && s.body[0] == blockVersion {
			refer, ids = append(refer, s), append(ids, s.body[2:])
		}
	}
	if len(ids) == 0 {
		return nil
	}
	found, err := d.r.client.HMGet(ctx, d.keys.blocks(), ids...).Result()
	if err != nil {
		return queueError("reading what bundles refer to", err)
	}
	// A block goes with the last bundle that refers to it, so those are gone, too; or it was
	// removed, and they are lost.
	var without []any
	for i, s := range refer {
		if block, ok := found[i].(string); ok {
			s.body = string([]byte{bundleVersion, s.body[1]}) + block
			continue
		}
		s.pending = ""
		without = append(without, streamID(s.pos))
	}
	if len(without) == 0 {
		return nil
	}
	return d.r.lose(ctx, d.dest, without...)
}

// streamEntry reads an entry of XRANGE's reply, which has n names and values.
func streamEntry(reply any, n int) (id string, fields []string, err error) {
	e, _ := reply.([]any)
	if len(e) == 2 {
		id, _ = e[0].(string)
		list, _ := e[1].([]any)
		fields = make([]string, len(list))
		for i := range list {
			fields[i], _ = list[i].(string)
		}
	}
	if len(fields) != n {
		return "", nil, fmt.Errorf("stream entry %q has %d fields and not %d: something else wrote to it", id, len(fields)/2, n/2)
	}
	return id, fields, nil
}
