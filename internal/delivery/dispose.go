package delivery

import (
	"context"
	"errors"

	"go.uber.org/zap"

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
// journals of contacts that what waited is reported to nobody. What the destination had taken,
// and had only not said what became of it, stays as it is there. It returns how many entries
// and dead letters there were.
func (e *Engine) Drop(ctx context.Context, q DisposeStore, d queue.Dest) (int, error) {
	err := eachWaiting(ctx, q, d, true, func(waiting []*queue.Header) error {
		var list []toCount
		for _, h := range waiting {
			list = append(list, countOf(ads.FateDead, "dropped by an operator", d, h, "dropped"))
		}
		return count(ctx, q, d, list)
	})
	if err := e.untold(d, err); err != nil {
		return 0, err
	}
	return q.Drop(ctx, d)
}

// Move moves what a destination that nobody drains has to another one of its tenant, and has
// the journals of contacts know it by its new name before that. It returns how many entries
// and dead letters there were.
func (e *Engine) Move(ctx context.Context, q DisposeStore, from, to queue.Dest) (int, error) {
	rename := func(moved []*queue.Header) error { return renameNotes(ctx, q, from, to, moved) }
	err := eachWaiting(ctx, q, from, false, rename) // what was taken is sent again
	if err == nil {
		err = eachDead(ctx, q, from, rename)
	}
	if err := e.untold(from, err); err != nil {
		return 0, err
	}
	return q.Move(ctx, from, to)
}

// untold has a drop or a move go on where the store is full, and says that journals are not told:
// a drop makes room.
func (e *Engine) untold(d queue.Dest, err error) error {
	if !errors.Is(err, queue.ErrFull) {
		return err
	}
	e.logger.Load().Warn("the store is full, so that contacts' journals are not told what becomes of what a removed destination had: "+
		"it stays sent there", zap.String("tenant", d.Tenant), zap.String("destination", d.Name), zap.Error(err))
	return nil
}

// disposePage is how many entries are read at once.
const disposePage = 250

// eachWaiting calls do for the entries that report something, some at a time; butTaken leaves out those
// that the destination has taken.
func eachWaiting(ctx context.Context, q DisposeStore, d queue.Dest, butTaken bool, do func([]*queue.Header) error) error {
	drain := q.Drain(d, func() {})
	defer drain.Close()
	var taken map[queue.Pos]bool
	if butTaken {
		var err error
		if taken, err = takenOf(ctx, drain); err != nil {
			return err
		}
	}
	for at := (queue.Pos{}); ; {
		entries, err := drain.Read(ctx, at, disposePage, 8<<20)
		if err != nil || len(entries) == 0 {
			return err
		}
		var reporting []*queue.Header
		for i := range entries {
			if e := &entries[i]; reports(&e.Header) && !taken[e.Pos] {
				reporting = append(reporting, &e.Header)
			}
		}
		if err := do(reporting); err != nil {
			return err
		}
		at = entries[len(entries)-1].Pos
	}
}

// takenOf are the entries that the destination has taken, and is asked about.
func takenOf(ctx context.Context, drain queue.Drain) (map[queue.Pos]bool, error) {
	retries, err := drain.Retries(ctx)
	taken := make(map[queue.Pos]bool)
	for i := range retries {
		if retries[i].Receipt != "" {
			taken[retries[i].Pos] = true
		}
	}
	return taken, err
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
