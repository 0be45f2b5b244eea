package redis

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
	"github.com/leadgate/leadgate/internal/queue/redis/lua"
)

// letter is a dead letter without its payload.
type letter struct {
	dest   queue.Dest
	pos    queue.Pos
	letter queue.DeadLetter
	size   int // of the payload
}

// newer orders letters newest first; letters of one millisecond in different
// destinations by their names.
func (a letter) newer(b letter) int {
	return -cmp.Or(cmp.Compare(a.pos.Ms, b.pos.Ms), cmp.Compare(a.pos.Seq, b.pos.Seq),
		cmp.Compare(a.dest.Tenant, b.dest.Tenant), cmp.Compare(a.dest.Name, b.dest.Name))
}

// Dead implements [queue.Queue].
func (r *Store) Dead(ctx context.Context, f queue.DeadFilter) ([]queue.DeadLetter, error) {
	const doing = "listing dead letters"
	if _, _, ok := parseDeadID(f.After); !ok && f.After != "" {
		return nil, fmt.Errorf("%s: %w: after is %q, which is no dead letter's id", doing, queue.ErrInvalid, f.After)
	}
	f = r.kept(f)
	var found []letter
	err := r.eachDest(ctx, f, func(d queue.Dest, ids []queue.Pos) error {
		list, err := r.findDead(ctx, d, ids, f)
		found = append(found, list...)
		return err
	})
	if err != nil {
		return nil, queueError(doing, err)
	}
	slices.SortFunc(found, letter.newer)
	if f.Limit > 0 && len(found) > f.Limit {
		found = found[:f.Limit]
	}
	if f.Bytes > 0 {
		found = found[:within(found, f.Bytes)]
	}
	if f.Bare {
		letters := make([]queue.DeadLetter, len(found))
		for i := range found {
			letters[i] = found[i].letter
		}
		return letters, nil
	}
	letters, err := r.fetchDead(ctx, found)
	return letters, queueError(doing, err)
}

// within is how many letters are no larger than this together, and one more.
func within(letters []letter, bytes int) int {
	for i := range letters {
		if bytes -= letters[i].size; bytes < 0 {
			return i + 1
		}
	}
	return len(letters)
}

// eachDest calls fn for the destinations that f may mean, with the positions that
// its ids name there, nil if it names none.
func (r *Store) eachDest(ctx context.Context, f queue.DeadFilter, fn func(queue.Dest, []queue.Pos) error) error {
	if len(f.IDs) > 0 {
		named := map[queue.Dest][]queue.Pos{}
		for _, id := range f.IDs {
			if d, p, ok := parseDeadID(id); ok && f.Of(d) {
				named[d] = append(named[d], p)
			}
		}
		for d, ids := range named {
			slices.SortFunc(ids, func(a, b queue.Pos) int { return cmp.Or(cmp.Compare(a.Ms, b.Ms), cmp.Compare(a.Seq, b.Seq)) })
			if err := fn(d, slices.Compact(ids)); err != nil {
				return err
			}
		}
		return nil
	}
	dests, err := r.destinationsOf(ctx, nil)
	if err != nil {
		return err
	}
	for _, d := range dests {
		if f.Of(d) {
			if err := fn(d, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// findDead finds the newest letters of d that match, up to f.Limit of them.
func (r *Store) findDead(ctx context.Context, d queue.Dest, ids []queue.Pos, f queue.DeadFilter) ([]letter, error) {
	after, hasAfter := letter{}, false
	if f.After != "" {
		after.dest, after.pos, hasAfter = parseDeadID(f.After)
	}
	var found []letter
	take := func(refs []letter) bool {
		for _, ref := range refs {
			if (hasAfter && after.newer(ref) >= 0) || !matches(&f, &ref.letter) {
				continue
			}
			found = append(found, ref)
			if f.Limit > 0 && len(found) == f.Limit {
				return false
			}
		}
		return true
	}
	if ids != nil {
		for _, id := range slices.Backward(ids) {
			refs, _, err := r.scanDead(ctx, d, streamID(id), streamID(id), 1, true)
			if err != nil || !take(refs) {
				return found, err
			}
		}
		return found, nil
	}
	to := "+"
	if hasAfter {
		to = streamID(after.pos)
	}
	for {
		refs, more, err := r.scanDead(ctx, d, "-", to, scanLetters, true)
		if err != nil || !take(refs) || !more {
			return found, err
		}
		to = "(" + streamID(refs[len(refs)-1].pos)
	}
}

// kept is a filter that leaves out, too, what is past keep_dead and still there.
func (r *Store) kept(f queue.DeadFilter) queue.DeadFilter {
	if keep := r.options.Load().KeepDead; keep > 0 {
		f.Since = max(f.Since, r.now()-keep.Milliseconds()+1)
	}
	return f
}

// matches reports whether a letter is one that the filter means, but for the filter's
// tenant, destination, ids and place in the list.
func matches(f *queue.DeadFilter, l *queue.DeadLetter) bool {
	return (f.Reason == "" || f.Reason == l.Reason.Reason) && l.DiedAt >= f.Since
}

// scanDead reads letters of d without payloads, and reports whether there may be more
// after the last of them.
func (r *Store) scanDead(
	ctx context.Context, d queue.Dest, from, to string, count int, newestFirst bool,
) (refs []letter, more bool, err error) {
	order := "0"
	if newestFirst {
		order = "1"
	}
	reply, err := r.run(ctx, lua.Scan, []string{r.keys(d.Tenant).dead(d.Name)}, from, to, count, scanBytes, order).Slice()
	if err != nil || len(reply) == 0 {
		return nil, false, err
	}
	flag, _ := reply[0].(int64)
	reply = reply[1:]
	refs = make([]letter, 0, len(reply)/4)
	for ; len(reply) >= 4; reply = reply[4:] {
		id, _ := reply[0].(string)
		death, _ := reply[1].(string)
		header, _ := reply[2].(string)
		size, _ := reply[3].(int64)
		ref := letter{dest: d, size: int(size)}
		if ref.pos, err = parseStreamID(id); err != nil {
			return nil, false, err
		}
		if ref.letter, err = letterOf(d, ref.pos, death, header); err != nil {
			return nil, false, err
		}
		refs = append(refs, ref)
	}
	return refs, flag == 1, nil
}

func letterOf(d queue.Dest, p queue.Pos, death, header string) (queue.DeadLetter, error) {
	letter, _, err := codec.DecodeDeath(owned(death))
	if err != nil {
		return queue.DeadLetter{}, err
	}
	letter.ID, letter.Dest = deadID(d, p), d
	letter.Header, err = headerOf(header)
	return letter, err
}

// fetchDead reads letters with their payloads; those gone meanwhile are left out.
func (r *Store) fetchDead(ctx context.Context, refs []letter) ([]queue.DeadLetter, error) {
	var letters []queue.DeadLetter
	for part := range slices.Chunk(refs, scanLetters) {
		cmds := make([]*redis.Cmd, len(part))
		pipe := r.client.Pipeline()
		for i, ref := range part {
			id := streamID(ref.pos)
			cmds[i] = pipe.Do(ctx, "XRANGE", r.keys(ref.dest.Tenant).dead(ref.dest.Name), id, id)
		}
		_, _ = pipe.Exec(ctx)
		for i, cmd := range cmds {
			found, err := cmd.Slice()
			if err != nil {
				return nil, err
			}
			for _, e := range found {
				_, fields, err := streamEntry(e, 8)
				if err != nil {
					return nil, err
				}
				letter := part[i].letter
				letter.Payload = owned(fields[7])
				letters = append(letters, letter)
			}
		}
	}
	return letters, nil
}
