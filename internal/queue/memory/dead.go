package memory

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/leadgate/leadgate/internal/queue"
)

// matches reports whether f selects a letter, whatever its page.
func (d *data) matches(f *queue.DeadFilter, name queue.Dest, l *letter) bool {
	return d.kept(l) && f.Of(name) && (f.Reason == "" || f.Reason == l.Reason.Reason) &&
		l.DiedAt >= f.Since && (len(f.IDs) == 0 || slices.Contains(f.IDs, id(l)))
}

func id(l *letter) string { return strconv.FormatUint(l.number, 10) }

// Dead implements [queue.Queue].
func (q *Queue) Dead(ctx context.Context, f queue.DeadFilter) (list []queue.DeadLetter, err error) {
	err = q.with(ctx, func() error {
		before := q.d.letters + 1
		if f.After != "" {
			n, err := strconv.ParseUint(f.After, 10, 64)
			if err != nil {
				return fmt.Errorf("listing dead letters: %w: after is %q, which is no dead letter's id", queue.ErrInvalid, f.After)
			}
			before = n
		}
		var found []letter
		for name, m := range q.d.dests {
			for i := range m.dead {
				if l := &m.dead[i]; l.number < before && q.d.matches(&f, name, l) {
					found = append(found, *l)
				}
			}
		}
		slices.SortFunc(found, func(a, b letter) int { return cmp.Compare(b.number, a.number) })
		if f.Limit > 0 && len(found) > f.Limit {
			found = found[:f.Limit]
		}
		size := 0
		for i := range found {
			l := found[i].DeadLetter
			size += len(l.Payload)
			l.ID, l.Header, l.Payload = id(&found[i]), copyHeader(l.Header), copyOf(l.Payload)
			if f.Bare {
				l.Payload = nil
			}
			list = append(list, l)
			if f.Bytes > 0 && size > f.Bytes {
				break
			}
		}
		return nil
	})
	return list, err
}

// remove throws away the letters that which selects.
func (d *data) remove(which func(queue.Dest, *letter) bool) (n int) {
	for name, m := range d.dests {
		m.dead = slices.DeleteFunc(m.dead, func(l letter) bool {
			gone := which(name, &l)
			if gone {
				n++
			}
			return gone
		})
	}
	return n
}

// DropDead implements [queue.Queue].
func (q *Queue) DropDead(ctx context.Context, f queue.DeadFilter) (n int, err error) {
	err = q.with(ctx, func() error {
		n = q.d.remove(func(name queue.Dest, l *letter) bool { return q.d.matches(&f, name, l) })
		return nil
	})
	return n, err
}

// ReplayDead implements [queue.Queue].
func (q *Queue) ReplayDead(ctx context.Context, f queue.DeadFilter) (n int, err error) {
	err = q.with(ctx, func() error {
		full := map[string]bool{}
		n = q.d.remove(func(name queue.Dest, l *letter) bool {
			if name == queue.Unmatched || !q.d.matches(&f, name, l) {
				return false
			}
			m := q.d.dests[name]
			if q.d.opts.MaxBacklog > 0 && len(m.entries) >= q.d.opts.MaxBacklog {
				full[name.Name] = true
				return false
			}
			m.add(queue.Entry{Header: l.Header, Payload: l.Payload})
			q.d.wake(name)
			return true
		})
		if len(full) == 0 {
			return nil
		}
		return fmt.Errorf("replaying dead letters: %w: %d went back, the rest stay: the backlog of %s has reached max_backlog",
			queue.ErrFull, n, strings.Join(slices.Sorted(maps.Keys(full)), " and "))
	})
	return n, err
}
