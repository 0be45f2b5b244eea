package redis

import (
	"context"
	"errors"
	"strconv"
)

// Sweep throws away dead letters past keep_dead, a bounded number at a time, and
// finishes heavy groups that another edge left half done. The store does it by itself.
// Ids, once keys and clicks expire.
func (r *Store) Sweep(ctx context.Context) error {
	return errors.Join(r.trimDead(ctx), r.finishNotes(ctx))
}

func (r *Store) trimDead(ctx context.Context) error {
	keep := r.options.Load().KeepDead.Milliseconds()
	if keep <= 0 {
		return nil
	}
	dests, err := r.destinationsOf(ctx, nil)
	var failures []error
	for _, d := range dests {
		if err := r.trimLetters(ctx, r.keys(d.Tenant).dead(d.Name), r.now()-keep+1); err != nil {
			failures = append(failures, err)
		}
	}
	return queueError("trimming dead letters", errors.Join(append(failures, err)...))
}

// trimLetters removes letters that died before a time. Their ids begin with when
// they died, or later where the clock had gone back.
func (r *Store) trimLetters(ctx context.Context, key string, before int64) error {
	id := strconv.FormatInt(max(before, 0), 10)
	for range trimRounds {
		n, err := r.client.XTrimMinIDApprox(ctx, key, id, trimLetters).Result()
		if err != nil {
			return err
		}
		if n == 0 {
			// What is left of them is less than what Redis keeps in one piece.
			return r.client.XTrimMinID(ctx, key, id).Err()
		}
	}
	return nil
}
