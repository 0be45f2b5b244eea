package queue

import (
	"context"
	"fmt"
	"unsafe"

	"github.com/redis/go-redis/v9"
)

// Retries implements [Drain].
func (d *redisDrain) Retries(ctx context.Context) ([]Retry, error) {
	var all []Retry
	seen := map[Pos]bool{} // a scan may show a field twice
	var cursor uint64
	for {
		fields, next, err := d.r.client.HScan(ctx, d.keys.retry(d.dest.Name), cursor, "", 1000).Result()
		if err != nil {
			return nil, redisError("reading retries", err)
		}
		for i := 0; i+1 < len(fields); i += 2 {
			pos, err := parseStreamID(fields[i])
			if err != nil {
				return nil, fmt.Errorf("reading retries: %w", err)
			}
			if seen[pos] {
				continue
			}
			seen[pos] = true
			retry, err := decodeRetry([]byte(fields[i+1]))
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

// Read implements [Drain]. Redis counts entries and not bytes, so it asks for as
// many as maxBytes holds by the size of those it read last, and again if they
// were smaller.
func (d *redisDrain) Read(ctx context.Context, after Pos, n, maxBytes int) ([]Entry, error) {
	var all []Entry
	bytes := 0
	d.mu.Lock()
	average := d.average
	d.mu.Unlock()
	if average == 0 {
		average = maxBytes/16 + 1
	}
	for len(all) < n && (len(all) == 0 || bytes < maxBytes) {
		count := min(n-len(all), max((maxBytes-bytes)/average, 1))
		from := "-"
		if after != (Pos{}) {
			from = "(" + streamID(after)
		}
		found, err := d.r.client.Do(ctx, "XRANGE", d.keys.queue(d.dest.Name), from, "+", "COUNT", count).Slice()
		if err != nil {
			return nil, redisError("reading entries", err)
		}
		size := 0
		for i, e := range found {
			entry, err := entryOf(e)
			if err != nil {
				return nil, fmt.Errorf("reading entries: %w", err)
			}
			size += len(entry.Payload)
			average = max(size/(i+1), 1)
			if len(all) > 0 && bytes+len(entry.Payload) > maxBytes {
				bytes = maxBytes // this one is for the next call
				break
			}
			bytes += len(entry.Payload)
			all = append(all, entry)
			after = entry.Pos
		}
		if len(found) < count {
			break
		}
	}
	d.mu.Lock()
	d.average = average
	d.mu.Unlock()
	return all, nil
}

// Get implements [Drain].
func (d *redisDrain) Get(ctx context.Context, at []Pos) ([]Entry, error) {
	if len(at) == 0 {
		return nil, nil
	}
	cmds := make([]*redis.Cmd, len(at))
	pipe := d.r.client.Pipeline()
	for i, p := range at {
		id := streamID(p)
		cmds[i] = pipe.Do(ctx, "XRANGE", d.keys.queue(d.dest.Name), id, id)
	}
	_, _ = pipe.Exec(ctx)
	entries := make([]Entry, 0, len(at))
	for _, cmd := range cmds {
		found, err := cmd.Slice()
		if err != nil {
			return nil, redisError("reading entries", err)
		}
		for _, e := range found {
			entry, err := entryOf(e)
			if err != nil {
				return nil, fmt.Errorf("reading entries: %w", err)
			}
			entries = append(entries, entry)
		}
	}
	return entries, nil
}

// entryOf reads an element of XRANGE's reply: id, and h, header, p, payload.
func entryOf(reply any) (Entry, error) {
	id, fields, err := streamEntry(reply, 4)
	if err != nil {
		return Entry{}, err
	}
	pos, err := parseStreamID(id)
	if err != nil {
		return Entry{}, err
	}
	header, err := headerOf(fields[1])
	if err != nil {
		return Entry{}, err
	}
	return Entry{Pos: pos, Header: header, Payload: owned(fields[3])}, nil
}

// streamEntry reads an element of XRANGE's reply that has n names and values.
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

func headerOf(record string) (Header, error) {
	header, _, err := decodeHeader(owned(record))
	return header, err
}

// owned returns the bytes of a string that was made for this reply and is kept
// by nobody else.
func owned(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
