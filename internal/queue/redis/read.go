package redis

import (
	"context"
	"fmt"
	"unsafe"

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

func headerOf(record string) (queue.Header, error) {
	header, _, err := codec.DecodeHeader(owned(record))
	return header, err
}

// owned returns the bytes of a string that was made for this reply and is kept
// by nobody else.
func owned(s string) []byte { return codec.OrNil(unsafe.Slice(unsafe.StringData(s), len(s))) }
