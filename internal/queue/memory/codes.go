package memory

import (
	"cmp"
	"context"
	"slices"

	"github.com/leadgate/leadgate/internal/queue"
)

// code is a row of a tenant.
type code struct {
	queue.Code
	tenant string
	owners []string // what its owner was called then
	till   int64    // when it goes, ms; 0 = never
}

func (c *code) gone(now int64) bool { return c == nil || c.till != 0 && c.till <= now }

func (c *code) claimed() bool { return len(c.owners) > 0 }

func owners(ev *queue.Event) []string {
	return slices.Concat([]string{ev.Contact}, ev.Aliases, slices.DeleteFunc(slices.Clone(ev.Former), func(s string) bool { return s == "" }))
}

// claimable reports whether all new events of a group may have the codes that they
// claim, one after the other.
func (t *tenant) claimable(g *queue.Group, now int64) bool {
	seen, taken := map[queue.ID]bool{}, map[string][]string{}
	known := func(id queue.ID) bool { return t.ids[id] > now || seen[id] }
	for i := range g.Events {
		ev := &g.Events[i]
		if ev.Seal != (queue.ID{}) {
			if known(ev.Seal) {
				continue
			}
			seen[ev.Seal] = true
		}
		if known(ev.ID) {
			continue
		}
		seen[ev.ID] = true
		if ev.Claim == "" || ev.Contact == "" {
			continue
		}
		c := t.codes[ev.Claim]
		if c.gone(now) || c.Claim == 0 {
			return false
		}
		whose := append(slices.Clone(c.owners), taken[ev.Claim]...)
		mine := slices.ContainsFunc(owners(ev), func(name string) bool { return slices.Contains(whose, name) })
		if len(whose) > 0 && !mine || len(whose) == 0 && now >= c.At+c.Claim.Milliseconds() {
			return false
		}
		if len(whose) == 0 {
			taken[ev.Claim] = owners(ev)
		}
	}
	return true
}

// claim makes the code of a new event its contact's.
func (t *tenant) claim(ev *queue.Event, till int64) {
	if c := t.codes[ev.Claim]; ev.Contact != "" && c != nil && !c.claimed() {
		c.owners, c.till = owners(ev), till
		c.Owner = queue.Names(c.tenant, ev)
	}
}

// eraseCodes removes the rows of who has one of these names.
func (t *tenant) eraseCodes(names map[string]bool, now int64) (n int) {
	for key, c := range t.codes {
		if !c.gone(now) && slices.ContainsFunc(c.owners, func(name string) bool { return names[name] }) {
			delete(t.codes, key)
			n++
		}
	}
	return n
}

// shown is a row as it is answered.
func (c *code) shown() queue.Code {
	out := c.Code
	out.Key, out.Data = "", copyOf(c.Data)
	return out
}

// PutCode implements [queue.Queue].
func (q *Queue) PutCode(ctx context.Context, tenant string, c queue.Code) (out queue.Code, fresh bool, err error) {
	if err := c.Validate(tenant); err != nil {
		return queue.Code{}, false, err
	}
	err = q.with(ctx, func() error {
		out, fresh, err = q.d.putCode(tenant, c)
		return err
	})
	return out, fresh, err
}

func (d *data) putCode(name string, c queue.Code) (queue.Code, bool, error) {
	t, now, of := d.tenant(name), d.ms(), 0
	var unclaimed []*code
	for _, other := range t.codes {
		if other.gone(now) {
			continue
		}
		if other.Key == c.Key {
			return other.shown(), false, nil
		}
		if other.Claim == 0 && other.Of == c.Of {
			of++
		}
		if other.Claim > 0 && !other.claimed() {
			unclaimed = append(unclaimed, other)
		}
	}
	switch {
	case !t.codes[c.Code].gone(now):
		return queue.Code{}, false, queue.ErrCodeTaken
	case c.Claim == 0 && c.Of != "" && of >= d.opts.CodesOf():
		return queue.Code{}, false, queue.ErrTooManyCodes
	case c.Claim > 0:
		slices.SortFunc(unclaimed, func(a, b *code) int {
			return cmp.Or(cmp.Compare(a.till, b.till), cmp.Compare(a.Code.Code, b.Code.Code))
		})
		for _, oldest := range unclaimed[:max(len(unclaimed)-d.opts.Unclaimed()+1, 0)] {
			delete(t.codes, oldest.Code.Code)
		}
	}
	row := &code{Code: c, tenant: name, till: c.Expiry(&d.opts)}
	row.Data = copyOf(c.Data)
	t.codes[c.Code] = row
	return row.shown(), true, nil
}

// Codes implements [queue.Queue].
func (q *Queue) Codes(ctx context.Context, tenant string, codes []string) (found []queue.Code, err error) {
	err = q.with(ctx, func() error {
		for _, name := range codes {
			var out queue.Code
			if c := q.d.tenant(tenant).codes[name]; !c.gone(q.d.ms()) {
				out = c.shown()
			}
			found = append(found, out)
		}
		return nil
	})
	return found, err
}
