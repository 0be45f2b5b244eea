package redis

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/leadgate/leadgate/internal/queue"
)

// textCount begins the value of a counter that is a text; a number is its digits. A
// counter is a field of its day's hash, which is called by its key, a line feed and its
// field.
const textCount = 't'

// Counters implements [queue.Queue].
func (r *Store) Counters(ctx context.Context, tenant string, from, to int64) ([]queue.Count, error) {
	const doing = "reading counters"
	k := r.keys(tenant)
	var all []queue.Count
	for first := max(from, 0); first <= to; first += pipelineCommands {
		days := min(to-first+1, pipelineCommands)
		pipe := r.client.Pipeline()
		scans := make([]*redis.ScanCmd, days)
		for i := range scans {
			scans[i] = pipe.HScan(ctx, k.counts(first+int64(i)), 0, "", scanFields)
		}
		_, _ = pipe.Exec(ctx) // each command keeps its own error
		for i, scan := range scans {
			found, err := r.restOfScan(ctx, k.counts(first+int64(i)), scan)
			if err != nil {
				return nil, queueError(doing, err)
			}
			for name, value := range found {
				c, err := parseCount(name, value)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", doing, err)
				}
				c.Day = first + int64(i)
				all = append(all, c)
			}
		}
	}
	slices.SortFunc(all, queue.CompareCounts)
	return all, nil
}

// restOfScan reads what a hash's first scan left. A scan may show a field twice.
func (r *Store) restOfScan(ctx context.Context, key string, scan *redis.ScanCmd) (map[string]string, error) {
	var found map[string]string
	for {
		pairs, cursor, err := scan.Result()
		if err != nil {
			return nil, err
		}
		if found == nil {
			found = make(map[string]string, len(pairs)/2)
		}
		for ; len(pairs) >= 2; pairs = pairs[2:] {
			found[pairs[0]] = pairs[1]
		}
		if cursor == 0 {
			return found, nil
		}
		scan = r.client.HScan(ctx, key, cursor, "", scanFields)
	}
}

func parseCount(name, value string) (c queue.Count, err error) {
	var ok bool
	if c.Key, c.Field, ok = strings.Cut(name, "\n"); !ok || value == "" {
		return c, fmt.Errorf("counter %q is damaged", name)
	}
	if value[0] == textCount {
		c.Text = value[1:]
		return c, nil
	}
	if c.N, err = strconv.ParseInt(value, 10, 64); err != nil {
		return c, fmt.Errorf("counter %q is damaged: %w", name, err)
	}
	return c, nil
}
