package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/leadgate/leadgate/internal/queue"
)

// Clicks implements [queue.Queue].
func (r *Store) Clicks(ctx context.Context, tenant string, keys []string) ([]queue.Clicks, error) {
	const doing = "reading clicks"
	if len(keys) == 0 {
		return nil, nil
	}
	found := make([]queue.Clicks, len(keys))
	k, now, remember := r.keys(tenant), r.now(), r.options.Load().RememberClicks.Milliseconds()
	// What is still to be looked up, and for which of the keys; aliases and
	// message ids take a second round, chains of aliases more.
	names, owners := keys, make([]int, len(keys))
	for i := range owners {
		owners[i] = i
	}
	for range 6 {
		if len(names) == 0 {
			break
		}
		wanted := make([]string, len(names))
		for i, name := range names {
			wanted[i] = k.contact(name)
		}
		values, err := r.client.MGet(ctx, wanted...).Result()
		if err != nil {
			return nil, queueError(doing, err)
		}
		var next []string
		var nextOwners []int
		for i, v := range values {
			record, _ := v.(string)
			switch {
			case strings.HasPrefix(record, "A"):
				if contact, leads := leadsTo(record, now); leads {
					next, nextOwners = append(next, contact), append(nextOwners, owners[i])
				}
			case record != "":
				clicks, last, err := parseClicks(record)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", doing, err)
				}
				if last+remember > now {
					found[owners[i]] = clicks
				}
			}
		}
		names, owners = next, nextOwners
	}
	return found, nil
}

// leadsTo returns the contact to which a pointer leads, the value of an alias or a
// message's id: see lua/append_contacts.lua. It reports whether it does at this time.
func leadsTo(v string, now int64) (to string, leads bool) {
	till, to, ok := strings.Cut(strings.TrimPrefix(v, "A"), " ")
	end, err := strconv.ParseInt(till, 10, 64)
	return to, ok && err == nil && (end == 0 || end > now)
}

// parseClicks reads a record of clicks, see lua/append_clicks.lua, and when the last
// click was, ms.
func parseClicks(record string) (c queue.Clicks, last int64, err error) {
	head, data, ok := strings.Cut(record, "\n")
	words := strings.Fields(strings.TrimPrefix(head, "R"))
	bad := errors.New("click record is damaged")
	if !ok || len(words) != 6 {
		return queue.Clicks{}, 0, bad
	}
	var numbers [6]int64
	for i, w := range words {
		if numbers[i], err = strconv.ParseInt(w, 10, 64); err != nil {
			return queue.Clicks{}, 0, bad
		}
	}
	part := func(n int64) []byte {
		if n <= 0 || n > int64(len(data)) {
			return nil
		}
		b := []byte(data[:n])
		data = data[n:]
		return b
	}
	c.First = part(numbers[3])
	if c.Last = c.First; numbers[4] >= 0 {
		c.Last = part(numbers[4])
	}
	switch numbers[5] {
	case -1:
		c.LastClid = c.Last
	case -2:
		c.LastClid = c.First
	default:
		c.LastClid = part(numbers[5])
	}
	return c, numbers[1], nil
}
