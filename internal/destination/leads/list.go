package leads

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/leadgate/leadgate/internal/queue"
)

// cut is how far the list of a form's leads was read that was not read to its end: Meta asked to
// wait, a part of it failed, or who read it is no more. The next time it is gone on with, or a
// list that is cut off at the same part each time would never end.
type cut struct {
	Version int    `json:"version"`        // cutVersion; another is not read
	Since   int64  `json:"since"`          // the list is of leads that are younger: ms
	Newest  int64  `json:"newest"`         // the newest lead seen: ms
	First   int64  `json:"first"`          // the newest when the list was begun: ms
	After   string `json:"after"`          // Meta's cursor of what is behind the last part that was read, of this since
	At      int64  `json:"at"`             // when Meta gave it: ms
	Head    bool   `json:"head,omitempty"` // the next time what is new goes before the rest, which went first the last time
}

const (
	cutVersion = 1
	// keepCursor is for how long a cursor is gone on with: Meta promises nothing of old ones.
	keepCursor = firstBack
)

// mark is how far a form was read.
type mark struct {
	newest int64 // the newest lead of a list that was read to its end, ms; 0: none was
	cut    *cut  // of the list since
}

// readCut reads a fact of a cut; nil for one that is of a version to come, or none.
func readCut(data []byte) *cut {
	c := new(cut)
	if json.Unmarshal(data, c) != nil || c.Version != cutVersion {
		return nil
	}
	return c
}

// list is a form's list of leads while it is read.
type list struct {
	*Reconciler
	q      Store
	access *pageAccess
	form   string
	mark         // as far as it was read by now
	seen   int64 // the newest lead seen: ms
	headed bool  // its beginning was read, or tried
	begun  bool  // it was begun this time
	kept   bool  // a cut is in the store
	missed int
}

// form reads what a form has since it was read, and returns what is to be kept of that. Where its
// list was cut off it reads the rest, and what is new; what of the two comes to nothing goes second
// the next time.
func (r *Reconciler) form(ctx context.Context, q Store, access *pageAccess, form string, was mark) (is mark, keep []queue.Fact, err error) {
	l := &list{Reconciler: r, q: q, access: access, form: form, mark: was, seen: was.newest, kept: was.cut != nil}
	err = l.read(ctx)
	if l.missed > 0 {
		r.found(form, l.missed, was.newest != 0)
	}
	switch {
	case l.cut != nil:
		l.cut.Head = !l.headed
		keep = append(keep, l.cut.fact(form))
	case l.kept:
		keep = append(keep, queue.Fact{Key: cutOff + form})
	}
	if l.newest != was.newest {
		keep = append(keep, moment(form, l.newest))
	}
	return l.mark, keep, err
}

func (l *list) read(ctx context.Context) error {
	c := l.cut
	switch {
	case c == nil:
		return l.whole(ctx, l.since())
	case l.now() >= c.At+keepCursor.Milliseconds():
		l.seen = max(l.seen, c.Newest)
		return l.whole(ctx, c.Since)
	}
	l.seen = max(l.seen, c.Newest)
	if c.Head {
		if err := l.head(ctx); err != nil {
			return err
		}
		return l.rest(ctx)
	}
	failed := l.rest(ctx)
	if failed == nil || endsRound(failed) {
		return failed // what is new comes the next time
	}
	if err := l.head(ctx); err != nil { // a part that fails holds up no newer lead
		return err
	}
	return failed
}

// since is of what leads a list is read: ms.
func (l *list) since() int64 {
	now := l.Now()
	if l.newest == 0 {
		return now.Add(-firstBack).UnixMilli()
	}
	return max(l.newest-overlap.Milliseconds(), now.Add(-farthest).UnixMilli())
}

// whole reads a list from its beginning.
func (l *list) whole(ctx context.Context, since int64) error {
	l.headed, l.begun = true, true
	l.seen = max(l.seen, since)
	_, err := l.parts(ctx, since, "", since, true)
	return l.ended(err)
}

// rest reads what is behind the part that a list was cut off at.
func (l *list) rest(ctx context.Context) error {
	_, err := l.parts(ctx, l.cut.Since, l.cut.After, l.cut.Since, true)
	return l.ended(err)
}

// ended notes that a list was read to its end, where no error is.
func (l *list) ended(err error) error {
	switch {
	case err != nil:
	case l.cut != nil:
		l.cut, l.newest = nil, max(l.newest, l.cut.First) // what the list had late since is behind that
	default:
		l.newest = l.seen
	}
	return err
}

// head reads what is new since a list was cut off; where that is cut off, too, the rest is from
// there on. What the list has late comes when it was read to its end: an hour's leads may be more
// than are read at once.
func (l *list) head(ctx context.Context) error {
	l.headed = true
	after, err := l.parts(ctx, l.cut.Since, "", l.cut.Newest, false)
	switch {
	case err == nil: // the rest is where it was
		is := l.cutAt(l.cut.Since, l.cut.After)
		is.At, l.cut = l.cut.At, is
	case after != "":
		l.cut = l.cutAt(l.cut.Since, after)
	}
	return err
}

// parts queues the leads of a list from a cursor on, to its end or the first part that has one that
// is older than till (ms). It returns the cursor of what is behind the last part; where note is
// true the store is told of each, too.
func (l *list) parts(ctx context.Context, since int64, after string, till int64, note bool) (reached string, err error) {
	err = l.Sender.leadsOf(ctx, l.access, l.form, since, after, func(found []Found, next string) (bool, error) {
		if len(found) > 0 {
			if err := l.take(ctx, found); err != nil {
				return false, err
			}
		}
		if reached = next; next != "" && note {
			l.cut = l.cutAt(since, next)
			l.kept = true
			l.put(ctx, l.q, l.cut.fact(l.form))
		}
		isOld := func(one Found) bool { return one.Created != 0 && one.Created < till }
		return !slices.ContainsFunc(found, isOld), nil
	})
	return reached, err
}

// take queues leads, and keeps the claim.
func (l *list) take(ctx context.Context, found []Found) error {
	fresh, err := l.Take(ctx, webhook(l.access.page, l.form, found))
	if err != nil {
		return fmt.Errorf("queueing leads: %w", err)
	}
	l.missed += fresh
	for _, one := range found {
		l.seen = max(l.seen, min(one.Created, l.now())) // not by Meta's clock alone, or all later ones are too old
	}
	return l.claim(ctx, l.q)
}

// cutAt is that the list was read up to a cursor.
func (l *list) cutAt(since int64, after string) *cut {
	first := l.seen
	if !l.begun {
		first = l.cut.First
	}
	return &cut{Version: cutVersion, Since: since, Newest: l.seen, First: first, After: after, At: l.now(), Head: !l.headed}
}

// fact is what is kept of it.
func (c *cut) fact(form string) queue.Fact {
	data, _ := json.Marshal(c) // of numbers and a text
	return queue.Fact{Key: cutOff + form, Data: data}
}
