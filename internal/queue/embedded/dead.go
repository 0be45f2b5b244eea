package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
)

// deadRef is where a dead letter lies. Its number orders the letters of the
// whole file.
type deadRef struct {
	dest   queue.Dest
	num    uint32 // the destination's
	number uint64
}

// id is the letter's id: <number of the destination>-<number of the letter>.
func (r deadRef) id() string {
	return strconv.FormatUint(uint64(r.num), 10) + "-" + strconv.FormatUint(r.number, 10)
}

func parseID(id string) (r deadRef, ok bool) {
	num, n, found := strings.Cut(id, "-")
	if !found {
		return deadRef{}, false
	}
	dest, err := strconv.ParseUint(num, 10, 32)
	if err != nil {
		return deadRef{}, false
	}
	r.number, err = strconv.ParseUint(n, 10, 64)
	r.num = uint32(dest)
	return r, err == nil
}

// One read transaction looks at no more than these, since it keeps the pages
// in use that are replaced meanwhile.
const (
	viewLetters = 256
	viewBytes   = 4 << 20
)

// walkDead calls visit for the dead letters that f selects, newest first. The
// letter has all but its header and its payload, which are the content's.
func (e *Store) walkDead(ctx context.Context, f queue.DeadFilter, visit func(deadRef, *queue.DeadLetter, *content) error) error {
	before := uint64(math.MaxUint64)
	if f.After != "" {
		after, ok := parseID(f.After)
		if !ok {
			return fmt.Errorf("listing dead letters: %w: after is %q, which is no dead letter's id", queue.ErrInvalid, f.After)
		}
		before = after.number
	}
	since := f.Since
	if keep := e.opts.Load().KeepDead; keep > 0 {
		since = max(since, e.cfg.Now().Add(-keep).UnixMilli()+1)
	}
	total := 0
	for more := true; more; {
		err := e.view(ctx, func(tx *bolt.Tx) error {
			scan, err := newDeadScan(tx, f, before)
			if err != nil {
				return err
			}
			more = false
			for looked, size := 0, 0; ; looked++ {
				ref, value := scan.next()
				if value == nil {
					return nil
				}
				if looked >= viewLetters || size >= viewBytes {
					more = true
					return nil
				}
				before = ref.number
				letter, entry, err := codec.DecodeDeath(value)
				if err != nil {
					return err
				}
				if letter.DiedAt < since || f.Reason != "" && letter.Reason.Reason != f.Reason {
					continue
				}
				found, err := e.txn.content(entry)
				if err != nil {
					return err
				}
				size += found.size()
				letter.ID, letter.Dest = ref.id(), ref.dest
				if err := visit(ref, &letter, &found); err != nil {
					return err
				}
				if total++; f.Limit > 0 && total >= f.Limit {
					return nil
				}
			}
		})
		if err != nil {
			return fmt.Errorf("reading dead letters: %w", err)
		}
	}
	return nil
}

// Dead implements [queue.Queue].
func (e *Store) Dead(ctx context.Context, f queue.DeadFilter) (list []queue.DeadLetter, err error) {
	size := 0
	err = e.walkDead(ctx, f, func(_ deadRef, letter *queue.DeadLetter, found *content) (err error) {
		if letter.Header, letter.Payload, err = found.decode(); err != nil {
			return err
		}
		size += len(letter.Payload)
		if f.Bare {
			letter.Payload = nil
		}
		letter.Payload = bytes.Clone(letter.Payload)
		list = append(list, *letter)
		if f.Bytes > 0 && size > f.Bytes {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return list, err
}

// errEnough ends a walk.
var errEnough = errors.New("enough")

// DropDead implements [queue.Queue].
func (e *Store) DropDead(ctx context.Context, f queue.DeadFilter) (int, error) {
	refs, err := e.selectDead(ctx, f, nil)
	if err != nil {
		return 0, err
	}
	n, err := e.changeDead(ctx, refs, (*txn).removeDead)
	if err != nil {
		return n, fmt.Errorf("dropping dead letters: %w", err)
	}
	return n, nil
}

// ReplayDead implements [queue.Queue].
func (e *Store) ReplayDead(ctx context.Context, f queue.DeadFilter) (int, error) {
	refs, err := e.selectDead(ctx, f, nil)
	if err != nil {
		return 0, err
	}
	refs = slices.DeleteFunc(refs, func(r deadRef) bool { return r.dest == queue.Unmatched })
	full := map[string]bool{}
	n, err := e.changeDead(ctx, refs, func(t *txn, d *destination, letters *table, key, value []byte) error {
		if t.opts.MaxBacklog > 0 && d.backlog >= t.opts.MaxBacklog {
			full[d.Name] = true
			return errSkip
		}
		_, entry, err := codec.DecodeDeath(value)
		if err != nil {
			return err
		}
		again := bytes.Clone(entry)
		if err := t.takeDead(d, letters, key, value); err != nil {
			return err
		}
		_, err = t.addEntry(d, again)
		return err
	})
	if err == nil {
		err = queue.NoRoom(n, full)
	}
	if err != nil {
		return n, fmt.Errorf("replaying dead letters: %w", err)
	}
	return n, nil
}

// selectDead returns where the letters lie that f and also, if given, select:
// oldest first.
func (e *Store) selectDead(ctx context.Context, f queue.DeadFilter, also func(*queue.DeadLetter) (bool, error)) ([]deadRef, error) {
	var refs []deadRef
	f.Limit, f.After = 0, ""
	err := e.walkDead(ctx, f, func(ref deadRef, letter *queue.DeadLetter, found *content) (err error) {
		if also != nil {
			if letter.Header, _, err = found.decode(); err != nil {
				return err
			}
			if ok, err := also(letter); !ok || err != nil {
				return err
			}
		}
		refs = append(refs, ref)
		return nil
	})
	slices.Reverse(refs)
	return refs, err
}

// errSkip leaves a dead letter as it is.
var errSkip = errors.New("left as it is")

// changeDead has the writer change dead letters that are still there, a few in
// each transaction, and returns how many were changed.
func (e *Store) changeDead(ctx context.Context, refs []deadRef,
	f func(t *txn, d *destination, letters *table, key, value []byte) error) (int, error) {
	total := 0
	for len(refs) > 0 {
		done, changed := 0, 0
		err := e.do(ctx, 0, func(t *txn) error {
			done, changed = 0, 0
			// Letters go from anywhere, and bbolt's cursors don't go backwards over
			// a page that was emptied, until it is gone with a commit.
			t.whole = true
			for size := 0; done < len(refs) && done < viewLetters && size < deathBatch; done++ {
				ref := refs[done]
				d, err := t.find(ref.dest)
				if err != nil {
					return err
				}
				if d == nil || d.num != ref.num {
					continue
				}
				letters := t.bucket(deadBucket, d.num)
				if letters == nil {
					continue
				}
				key := sequence(ref.number)
				value := unstamped(letters.get(key))
				if value == nil {
					continue
				}
				size += len(value)
				switch err := f(t, d, letters, key, value); {
				case err == nil:
					changed++
				case !errors.Is(err, errSkip):
					return err
				}
			}
			return nil
		})
		if err != nil {
			return total, err
		}
		total += changed
		refs = refs[done:]
	}
	return total, nil
}
