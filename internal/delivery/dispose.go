package delivery

import (
	"context"

	"github.com/leadgate/leadgate/internal/ads"
	"github.com/leadgate/leadgate/internal/journey"
	"github.com/leadgate/leadgate/internal/queue"
)

// DisposeStore is what a drop or a move needs of a store.
type DisposeStore interface {
	Appender
	Drain(d queue.Dest, wake func()) queue.Drain
	Dead(ctx context.Context, f queue.DeadFilter) ([]queue.DeadLetter, error)
	Notes(ctx context.Context, tenant string, keys []string) ([]queue.Note, error)
	Drop(ctx context.Context, d queue.Dest) (int, error)
	Move(ctx context.Context, from, to queue.Dest) (int, error)
}

// Drop discards a destination that nobody drains, with what it has, and tells before it in the
// journals of contacts that what waited is reported to nobody. It returns how many entries and
// dead letters there were.
func Drop(ctx context.Context, q DisposeStore, d queue.Dest) (int, error) {
	err := eachWaiting(ctx, q, d, func(waiting []*queue.Header) error {
		var list []toCount
		for _, h := range waiting {
			list = append(list, countOf(ads.FateDead, "dropped by an operator", d, h, "dropped"))
		}
		return count(ctx, q, d, list)
	})
	if err != nil {
		return 0, err
	}
	return q.Drop(ctx, d)
}

// Move moves what a destination that nobody drains has to another one of its tenant, and has
// the journals of contacts know it by its new name before that. It returns how many entries
// and dead letters there were.
func Move(ctx context.Context, q DisposeStore, from, to queue.Dest) (int, error) {
	rename := func(moved []*queue.Header) error { return renameNotes(ctx, q, from, to, moved) }
	if err := eachWaiting(ctx, q, from, rename); err != nil {
		return 0, err
	}
	if err := eachDead(ctx, q, from, rename); err != nil {
		return 0, err
	}
	return q.Move(ctx, from, to)
}

// disposePage is how many entries are read at once.
const disposePage = 250

// eachWaiting calls do for the entries that report something, some at a time.
func eachWaiting(ctx context.Context, q DisposeStore, d queue.Dest, do func([]*queue.Header) error) error {
	drain := q.Drain(d, func() {})
	defer drain.Close()
	for at := (queue.Pos{}); ; {
		entries, err := drain.Read(ctx, at, disposePage, 8<<20)
		if err != nil || len(entries) == 0 {
			return err
		}
		var reporting []*queue.Header
		for i := range entries {
			if reports(&entries[i].Header) {
				reporting = append(reporting, &entries[i].Header)
			}
		}
		if err := do(reporting); err != nil {
			return err
		}
		at = entries[len(entries)-1].Pos
	}
}

// eachDead calls do for the dead letters that report something, some at a time.
func eachDead(ctx context.Context, q DisposeStore, d queue.Dest, do func([]*queue.Header) error) error {
	for look := (queue.DeadFilter{Tenant: d.Tenant, Destination: d.Name, Limit: disposePage, Bare: true}); ; {
		letters, err := q.Dead(ctx, look)
		if err != nil || len(letters) == 0 {
			return err
		}
		var reporting []*queue.Header
		for i := range letters {
			if reports(&letters[i].Header) {
				reporting = append(reporting, &letters[i].Header)
			}
		}
		if err := do(reporting); err != nil {
			return err
		}
		look.After = letters[len(letters)-1].ID
	}
}

// renameNotes has what is noted of entries of one destination stand as another's, too.
func renameNotes(ctx context.Context, q DisposeStore, from, to queue.Dest, moved []*queue.Header) error {
	if len(moved) == 0 {
		return nil
	}
	notes, err := q.Notes(ctx, from.Tenant, journey.Contacts(moved))
	if err != nil {
		return err
	}
	var s step
	s.Tenant = from.Tenant
	s.Notes = journey.Moved(notes, from.Name, to.Name, moved)
	if len(s.Notes) == 0 {
		return nil
	}
	s.Events = []queue.Event{{ID: freshID()}}
	return q.Append(ctx, []queue.Group{s.Group})[0].Err
}
