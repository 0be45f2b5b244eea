package redis

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
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
	err := r.eachContact(ctx, doing, r.keys(tenant), keys, func(i int, _ string, clicks *queue.Clicks) { found[i] = *clicks })
	if err != nil {
		return nil, err
	}
	return found, nil
}

// eachContact finds the contacts that keys lead to, of those that are remembered, and calls
// f with the key's index, the contact's own key, and its clicks.
func (r *Store) eachContact(
	ctx context.Context, doing string, k tenantKeys, keys []string, f func(i int, contact string, clicks *queue.Clicks),
) error {
	now, remember := r.now(), r.options.Load().RememberClicks.Milliseconds()
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
			return queueError(doing, err)
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
					return fmt.Errorf("%s: %w", doing, err)
				}
				if last+remember > now {
					f(owners[i], names[i], &clicks)
				}
			}
		}
		names, owners = next, nextOwners
	}
	return nil
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
	if !ok || len(words) != 6 {
		return queue.Clicks{}, 0, errDamagedClicks
	}
	var numbers [6]int64
	for i, w := range words {
		if numbers[i], err = strconv.ParseInt(w, 10, 64); err != nil {
			return queue.Clicks{}, 0, errDamagedClicks
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
	var three [3][]byte // the first, the last, the last with a click id
	three[0] = part(numbers[3])
	if three[1] = three[0]; numbers[4] >= 0 {
		three[1] = part(numbers[4])
	}
	switch numbers[5] {
	case -1:
		three[2] = three[1]
	case -2:
		three[2] = three[0]
	default:
		three[2] = part(numbers[5])
	}
	touches, err := parseTouches(data, &three)
	if len(data) == 0 {
		touches = queue.OldTouches(
			queue.Click{At: numbers[0], Data: three[0]}, queue.Click{At: numbers[1], Data: three[1]}, queue.Click{At: numbers[2], Data: three[2]},
		)
	}
	return touches.Clicks(), numbers[1], err
}

// parseTouches reads what stands behind the three clicks of a record.
func parseTouches(list string, three *[3][]byte) (touches queue.Touches, err error) {
	const head = 1 + 8 + 4 // >Bdi4
	for len(list) > 0 {
		if len(list) < head {
			return nil, errDamagedClicks
		}
		c := queue.Click{Kind: queue.ClickKind(list[0]), At: int64(math.Float64frombits(binary.BigEndian.Uint64([]byte(list[1:9]))))}
		n := int(int32(binary.BigEndian.Uint32([]byte(list[9:head]))))
		list = list[head:]
		switch {
		case c.Kind >= queue.ClickKinds || n < -len(three) || n > len(list):
			return nil, errDamagedClicks
		case n < 0:
			c.Data = three[-n-1]
		default:
			c.Data, list = []byte(list[:n]), list[n:]
		}
		touches = append(touches, c)
	}
	return touches, nil
}

var errDamagedClicks = errors.New("click record is damaged")
