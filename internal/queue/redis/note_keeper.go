package redis

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/queue"
)

// keepNotes finishes, until quit, the heavy groups that other edges, or this one, did
// not store to their end.
func (r *Store) keepNotes(quit <-chan struct{}) {
	tick := time.NewTicker(5 * r.timing.sweep)
	defer tick.Stop()
	said := ""
	for {
		switch err := r.finishNotes(r.life); {
		case err == nil:
			said = ""
		case errors.Is(err, queue.ErrUnavailable) || errors.Is(err, queue.ErrFull) || errors.Is(err, context.Canceled):
			// Said by others, and it passes.
		case err.Error() != said:
			said = err.Error()
			r.log.Error("a large webhook can't be queued to its end; it is tried again", zap.Error(err))
		}
		select {
		case <-quit:
			return
		case <-tick.C:
		}
	}
}

// finishNotes finishes the notes that are so old that whoever wrote them is gone.
func (r *Store) finishNotes(ctx context.Context) error {
	const doing = "finishing notes"
	var failures []error
	var cursor uint64
	for {
		fields, next, err := r.client.HScan(ctx, r.notesKey(), cursor, "", scanFields).Result()
		if err != nil {
			return queueError(doing, err)
		}
		for i := 0; i+1 < len(fields); i += 2 {
			began, _ := strconv.ParseInt(fields[i+1], 10, 64)
			age := time.Duration(r.now()-began) * time.Millisecond
			if age.Abs() < noteAge && !r.orphaned(fields[i]) {
				continue
			}
			if err := r.finishNote(ctx, fields[i], age); err != nil {
				failures = append(failures, noteError(doing, err))
			}
		}
		if cursor = next; cursor == 0 {
			return errors.Join(failures...)
		}
	}
}

// orphaned reports whether who wrote the note that a field names is known to be dead.
func (r *Store) orphaned(field string) bool {
	words := strings.Fields(field)
	return len(words) == 3 && r.cfg.isDead(words[2])
}

// finishNote finishes the note that a field of the hash of notes names, if it was
// written.
func (r *Store) finishNote(ctx context.Context, field string, age time.Duration) error {
	words := strings.Fields(field)
	if len(words) != 3 {
		return r.client.HDel(ctx, r.notesKey(), field).Err()
	}
	n := &note{r: r, keys: r.keys(tenantShown(words[0])), name: words[1], by: words[2]}
	by, err := r.client.HGet(ctx, n.key(), "by").Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return err
	}
	if by != n.by {
		// It is finished, or was never written: then its pieces expire.
		if age.Abs() < 2*pieceLife && by == "" {
			return nil
		}
		return r.client.HDel(ctx, r.notesKey(), field).Err()
	}
	// One edge is enough. Two would do no harm, but do the work twice.
	busy := n.key() + ":busy"
	mine, err := r.client.SetNX(ctx, busy, r.token, time.Minute).Result()
	if err == nil && !mine {
		var who string
		if who, err = r.get(ctx, busy); r.cfg.isDead(who) {
			mine = true
			err = r.client.Set(ctx, busy, r.token, time.Minute).Err()
		}
	}
	if err != nil || !mine {
		return err
	}
	err = n.finish(ctx, nil, nil)
	return errors.Join(err, r.client.Del(ctx, busy).Err())
}
