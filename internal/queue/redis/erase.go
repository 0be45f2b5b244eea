package redis

import (
	"context"
	"slices"
	"strings"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/redis/lua"
)

// Erase implements [queue.Queue]. It counts the contact's clicks as one, each alias, each
// code, and each dead letter.
func (r *Store) Erase(ctx context.Context, tenant string, key string) (int, error) {
	const doing = "erasing a contact"
	e := erasure{r: r, keys: r.keys(tenant), names: []string{key}}
	err := e.clicks(ctx)
	if err == nil {
		err = e.codes(ctx)
	}
	if err == nil {
		err = e.letters(ctx)
	}
	return e.total, queueError(doing, err)
}

// erasure is an erase on its way: of a contact, all that leads to it, and the dead
// letters that name it.
type erasure struct {
	r       *Store
	keys    tenantKeys
	contact string   // where the clicks stand
	names   []string // what the contact is called
	total   int
}

// clicks removes the clicks, and all that leads to them.
func (e *erasure) clicks(ctx context.Context) error {
	if err := e.resolve(ctx); err != nil {
		return err
	}
	// A name may have names and messages of its own, from when it was a contact.
	for i := 0; i < len(e.names); i++ {
		if err := e.name(ctx, e.names[i]); err != nil {
			return err
		}
	}
	n, err := e.step(ctx, e.contact, []string{e.contact})
	e.total += n
	if err != nil {
		return err
	}
	return e.journals(ctx, n > 0)
}

// journals removes the contact's. counted says that the contact is counted already.
func (e *erasure) journals(ctx context.Context, counted bool) error {
	keys := make([]string, len(e.names))
	for i, name := range e.names {
		keys[i] = e.keys.journal(name)
	}
	n, err := e.r.client.Unlink(ctx, keys...).Result()
	if n > 0 && !counted {
		e.total++
	}
	return err
}

// resolve finds the contact that the key, the first name, leads to.
func (e *erasure) resolve(ctx context.Context) error {
	e.contact = e.names[0]
	for range 5 {
		v, err := e.r.get(ctx, e.keys.contact(e.contact))
		if err != nil {
			return err
		}
		to, leads := leadsTo(v, e.r.now())
		if !leads {
			break
		}
		e.contact = to
	}
	e.add(e.contact)
	return nil
}

// add notes another name of the contact.
func (e *erasure) add(name string) {
	if !slices.Contains(e.names, name) {
		e.names = append(e.names, name)
	}
}

// name removes all keys that lead to a name.
func (e *erasure) name(ctx context.Context, name string) error {
	record, err := e.r.get(ctx, e.keys.names(name))
	if err != nil {
		return err
	}
	aliases, message, err := decodeNames(record)
	if err != nil {
		return err
	}
	if err := e.forget(ctx, name, aliases); err != nil {
		return err
	}
	if message != "" {
		if _, err := e.step(ctx, name, []string{message}); err != nil {
			return err
		}
	}
	// The sets of these 8 days, of those before, and of the next: the edges' clocks differ.
	now := e.r.now() / messageMS
	done := []string{e.keys.names(name), e.keys.oldLinks(name)}
	for _, period := range [...]int64{now - 1, now, now + 1} {
		set := e.keys.messages(period, name)
		err := e.scan(ctx, set, func(messages []string) error {
			_, err := e.step(ctx, name, messages)
			return err
		})
		if err != nil {
			return err
		}
		done = append(done, set)
	}
	// What Leadgate before 0.1 wrote, in one set, which expires 35 days after the last
	// click at the latest.
	err = e.scan(ctx, e.keys.oldLinks(name), func(members []string) error {
		var aliases, messages []string
		for _, m := range members {
			if alias, ok := strings.CutPrefix(m, "a"); ok {
				aliases = append(aliases, alias)
			} else if m != "" {
				messages = append(messages, m[1:])
			}
		}
		if err := e.forget(ctx, name, aliases); err != nil {
			return err
		}
		_, err := e.step(ctx, name, messages)
		return err
	})
	if err != nil {
		return err
	}
	return e.r.client.Unlink(ctx, done...).Err()
}

// forget removes aliases of a name.
func (e *erasure) forget(ctx context.Context, name string, aliases []string) error {
	for _, alias := range aliases {
		e.add(alias)
	}
	n, err := e.step(ctx, name, aliases)
	e.total += n
	return err
}

// scan hands over the members of a set, some at a time.
func (e *erasure) scan(ctx context.Context, set string, take func([]string) error) error {
	var cursor uint64
	for {
		members, next, err := e.r.client.SScan(ctx, set, cursor, "", eraseStep).Result()
		if err == nil && len(members) > 0 {
			err = take(members)
		}
		if cursor = next; err != nil || cursor == 0 {
			return err
		}
	}
}

// step removes keys that lead to a name or to the contact, or the contact's
// clicks. It returns how many.
func (e *erasure) step(ctx context.Context, name string, keys []string) (n int, err error) {
	names := appendLong(appendLong(nil, name), e.contact)
	for part := range slices.Chunk(keys, eraseStep) {
		args := []any{e.keys.contacts(), names}
		for _, key := range part {
			args = append(args, key)
		}
		removed, err := e.r.runDurably(ctx, e.keys, lua.Erase, []string{e.keys.contact(name)}, args...).Int()
		if n += removed; err != nil {
			return n, err
		}
	}
	return n, nil
}

// letters removes the dead letters that name the contact: the tenant's, and those of
// events that no tenant wanted.
func (e *erasure) letters(ctx context.Context) error {
	dests, err := e.r.destinationsOf(ctx, &e.keys.tenant)
	if err != nil {
		return err
	}
	if e.keys.tenant != queue.Unmatched.Tenant {
		dests = append(dests, queue.Unmatched)
	}
	names := map[string]bool{}
	for _, name := range e.names {
		names[name] = true
	}
	for _, d := range dests {
		from := "-"
		for {
			refs, more, err := e.r.scanDead(ctx, d, from, "+", scanLetters, false)
			if err != nil {
				return err
			}
			var ids []any
			for _, ref := range refs {
				if names[ref.letter.Header.Contact] || names[ref.letter.Header.ClickKey] {
					ids = append(ids, streamID(ref.pos))
				}
			}
			if len(ids) > 0 {
				n, err := e.r.dropDead(ctx, d, ids)
				e.total += n
				if err != nil {
					return err
				}
			}
			if !more {
				break
			}
			from = "(" + streamID(refs[len(refs)-1].pos)
		}
	}
	return nil
}

// decodeNames reads the record of a contact's names: "1" and its aliases, or "2", the id
// of a message and the aliases, each with its length in front.
func decodeNames(record string) (aliases []string, message string, err error) {
	if record == "" {
		return nil, "", nil
	}
	for rest := owned(record[1:]); len(rest) > 0; {
		var name []byte
		if name, rest, err = measured(rest); err != nil {
			return nil, "", err
		}
		aliases = append(aliases, string(name))
	}
	if record[0] == '2' && len(aliases) > 0 {
		return aliases[1:], aliases[0], nil
	}
	return aliases, "", nil
}
