package redis

import (
	"context"
	"fmt"
	"strings"
	"unsafe"

	"github.com/redis/go-redis/v9"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
)

// Retries implements [queue.Drain].
func (d *drain) Retries(ctx context.Context) ([]queue.Retry, error) {
	var all []queue.Retry
	seen := map[queue.Pos]bool{} // a scan may show a field twice
	var cursor uint64
	for {
		fields, next, err := d.r.client.HScan(ctx, d.keys.retry(d.dest.Name), cursor, "", 1000).Result()
		if err != nil {
			return nil, queueError("reading retries", err)
		}
		for i := 0; i+1 < len(fields); i += 2 {
			pos, err := parseRetryField(fields[i])
			if err != nil {
				return nil, fmt.Errorf("reading retries: %w", err)
			}
			if seen[pos] {
				continue
			}
			seen[pos] = true
			retry, err := codec.DecodeRetry([]byte(fields[i+1]))
			if err != nil {
				return nil, fmt.Errorf("reading retries: %w", err)
			}
			retry.Pos = pos
			all = append(all, retry)
		}
		if cursor = next; cursor == 0 {
			return all, nil
		}
	}
}

// Read implements [queue.Drain]. Redis counts entries of the stream and not bytes, so
// Read asks for as many as maxBytes holds by the size of those that it read last, and
// again if they were smaller. What it does not return of a bundle is kept for the next
// Read.
func (d *drain) Read(ctx context.Context, after queue.Pos, n, maxBytes int) ([]queue.Entry, error) {
	d.reading.Lock()
	defer d.reading.Unlock()
	var all []queue.Entry
	bytes := 0
	take := func(list []queue.Entry) (rest []queue.Entry) {
		for i := range list {
			e := &list[i]
			if len(all) == n || len(all) > 0 && bytes+len(e.Payload) > maxBytes {
				return list[i:]
			}
			bytes += len(e.Payload)
			all = append(all, *e)
		}
		return nil
	}

	// Where the last Read ended, nothing is read again.
	goesOn := after == d.restAt
	var rest []queue.Entry
	if goesOn {
		rest = d.rest
	}
	d.rest, d.restAt = nil, queue.Pos{} // if this fails, that is forgotten
	from := "-"
	switch id, part := entryOf(after); {
	case after == (queue.Pos{}):
	case len(rest) > 0:
		last, _ := entryOf(rest[len(rest)-1].Pos)
		from = "(" + streamID(last)
	case goesOn || part == 0:
		from = "(" + streamID(id)
	default:
		from = streamID(id) // there may be more in its bundle
	}
	rest = take(rest)
	average := d.average
	if average == 0 {
		average = maxBytes/16 + 1
	}
	for len(rest) == 0 && len(all) < n && (len(all) == 0 || bytes < maxBytes) {
		count := min(n-len(all), max((maxBytes-bytes)/average, 1))
		found, err := d.stream(ctx, from, "+", count)
		if err != nil {
			return nil, err
		}
		size := 0
		for i := range found {
			entries, err := d.unpack(&found[i])
			if err != nil {
				return nil, fmt.Errorf("reading entries: %w", err)
			}
			for j := range entries {
				size += len(entries[j].Payload)
			}
			average = max(size/(i+1), 1)
			for len(entries) > 0 && !after.Less(entries[0].Pos) {
				entries = entries[1:]
			}
			if rest = take(entries); len(rest) > 0 {
				break
			}
			from = "(" + streamID(found[i].pos)
		}
		if len(found) < count {
			break
		}
	}
	d.average = average
	switch {
	case len(all) > 0:
		d.rest, d.restAt = rest, all[len(all)-1].Pos
	case goesOn:
		d.restAt = after
	}
	return all, nil
}

// Get implements [queue.Drain].
func (d *drain) Get(ctx context.Context, at []queue.Pos) ([]queue.Entry, error) {
	if len(at) == 0 {
		return nil, nil
	}
	var ids []queue.Pos
	wanted := make(map[queue.Pos]bool, len(at))
	seen := map[queue.Pos]bool{}
	for _, p := range at {
		wanted[p] = true
		if id, _ := entryOf(p); !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	found, err := d.byID(ctx, ids)
	if err != nil {
		return nil, err
	}
	d.reading.Lock()
	defer d.reading.Unlock()
	var entries []queue.Entry
	for i := range found {
		list, err := d.unpack(&found[i])
		if err != nil {
			return nil, fmt.Errorf("reading entries: %w", err)
		}
		for j := range list {
			if wanted[list[j].Pos] {
				entries = append(entries, list[j])
			}
		}
	}
	return entries, nil
}

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
		} else {
			gone = append(gone, bundles[id].pos)
		}
	}
	if len(gone) == 0 {
		return found, nil
	}
	// These bundles are gone since they were read: nothing of them is pending. Or
	// somebody has removed the hash: rather than lose an entry, take all to be pending.
	standing, err := d.lookUp(ctx, gone)
	if err != nil {
		return nil, err
	}
	for _, e := range standing {
		if id, fields, err := streamEntry(e, 4); err == nil && bundles[id] != nil && len(fields[3]) > 1 {
			bundles[id].pending = strings.Repeat("1", int(fields[3][1]))
		}
	}
	return found, nil
}

// unpack decodes an entry, or those of a bundle that are pending. It needs d.reading.
func (d *drain) unpack(s *streamed) (entries []queue.Entry, err error) {
	switch {
	case !s.bundle:
		header, err := headerOf(s.header)
		return []queue.Entry{{Pos: entryPos(s.pos, 0), Header: header, Payload: owned(s.body)}}, err
	case s.pending == "":
		return nil, nil
	}
	entries, d.scratch, err = decodeBundle(s.pos, owned(s.body), s.pending, d.scratch)
	return entries, err
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

func headerOf(record string) (queue.Header, error) {
	header, _, err := codec.DecodeHeader(owned(record))
	return header, err
}

// owned returns the bytes of a string that was made for this reply and is kept
// by nobody else.
func owned(s string) []byte { return codec.OrNil(unsafe.Slice(unsafe.StringData(s), len(s))) }
