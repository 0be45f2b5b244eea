package embedded

import (
	"bytes"
	"context"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
)

// PutCode implements [queue.Queue].
func (e *Store) PutCode(ctx context.Context, tenant string, c queue.Code) (queue.Code, bool, error) {
	const doing = "storing code"
	if err := c.Validate(tenant); err != nil {
		return queue.Code{}, false, fmt.Errorf("%s: %w", doing, err)
	}
	row := &codeRow{Code: c, tenant: tenant, key: drawnKey(tenant, c.Key)}
	row.Key = ""
	var out *codeRow
	err := e.do(ctx, codeSize(&c), func(t *txn) (err error) {
		row.till = c.Expiry(&t.opts)
		out, err = t.putCode(row)
		return err
	})
	if err != nil {
		return queue.Code{}, false, fmt.Errorf("%s: %w", doing, err)
	}
	return out.Code, out == row, nil
}

// codeSize is about what a row takes on disk, with its index, at worst.
func codeSize(c *queue.Code) int64 { return onPages(int64(len(c.Data)+len(c.Of))+256) + 1024 }

// Codes implements [queue.Queue].
func (e *Store) Codes(ctx context.Context, tenant string, codes []string) ([]queue.Code, error) {
	if len(codes) == 0 {
		return nil, nil
	}
	found := make([]queue.Code, len(codes))
	now := e.cfg.Now().UnixMilli()
	err := e.view(ctx, func(*bolt.Tx) error {
		for i, code := range codes {
			row, err := e.txn.code(codeKey(tenant, code))
			if err != nil {
				return err
			}
			if !row.gone(now) {
				found[i] = row.owned()
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("looking codes up: %w", err)
	}
	return found, nil
}

// owned is the row's code with bytes of its own.
func (c *codeRow) owned() queue.Code {
	out := c.Code
	out.Data = bytes.Clone(c.Data)
	return out
}

// code reads a row, nil if there is none. It may be gone by now.
func (t *txn) code(place codec.KeyHash) (*codeRow, error) {
	value := unstamped(t.table(codesBucket).get(place[:]))
	if value == nil {
		return nil, nil
	}
	return decodeCode(value)
}

// drawn reads the row that was drawn for something.
func (t *txn) drawn(key codec.KeyHash) (*codeRow, error) {
	place := t.table(codesIndex).get(indexKey(drawnIndex, key[:]))
	if len(place) != len(key) {
		return nil, nil
	}
	return t.code(codec.KeyHash(place))
}

// putCode stores a row, or returns the one that is in force for the same.
func (t *txn) putCode(c *codeRow) (*codeRow, error) {
	old, err := t.drawn(c.key)
	if err != nil {
		return nil, err
	}
	if !old.gone(t.now) {
		old.Code = old.owned()
		return old, nil
	}
	taken, err := t.code(c.place())
	switch {
	case err != nil:
		return nil, err
	case !taken.gone(t.now):
		return nil, queue.ErrCodeTaken
	case c.Claim == 0 && c.Of != "" && number(t.table(codesIndex).get(ofCount(c.tenant, c.Of))) >= uint64(t.opts.CodesOf()):
		return nil, fmt.Errorf("%w: %d of %s", queue.ErrTooManyCodes, t.opts.CodesOf(), c.Of)
	}
	if old != nil && taken != nil && old.place() == taken.place() {
		taken = nil
	}
	for _, gone := range []*codeRow{old, taken} {
		if gone != nil {
			if err := t.removeCode(gone); err != nil {
				return nil, err
			}
		}
	}
	if c.waits() {
		if err := t.displace(c.tenant); err != nil {
			return nil, err
		}
	}
	return c, t.storeCode(c)
}

// mostDisplaced is how many rows make room for one: it is one, unless the limit was
// lowered.
const mostDisplaced = 1000

// displace removes the oldest of a tenant's rows that nobody has claimed, where there is
// no room for another.
func (t *txn) displace(tenant string) error {
	x := t.table(codesIndex)
	head := waitingKey(tenant, 0, "")
	head = head[:len(head)-8]
	for range mostDisplaced {
		if number(x.get(waitingCount(tenant))) < uint64(t.opts.Unclaimed()) {
			return nil
		}
		key, _ := x.b.Cursor().Seek(head)
		if !bytes.HasPrefix(key, head) {
			return nil
		}
		row, err := t.code(codeKey(tenant, string(key[len(head)+8:])))
		if err == nil && row == nil {
			err = t.delete(x, bytes.Clone(key))
		} else if err == nil {
			err = t.removeCode(row)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// storeCode stores a row that is not there, with its index.
func (t *txn) storeCode(c *codeRow) error {
	x := t.table(codesIndex)
	if err := c.indexed(func(key, value []byte) error { return t.put(x, key, value) }); err != nil {
		return err
	}
	if err := t.countCode(c, 1); err != nil {
		return err
	}
	place := c.place()
	t.scratch = appendCode(t.scratch[:0], c)
	return t.putStamped(t.table(codesBucket), place[:], t.scratch)
}

// removeCode removes a row, with its index.
func (t *txn) removeCode(c *codeRow) error {
	x := t.table(codesIndex)
	if err := c.indexed(func(key, _ []byte) error { return t.delete(x, key) }); err != nil {
		return err
	}
	if err := t.countCode(c, -1); err != nil {
		return err
	}
	place := c.place()
	return t.delete(t.table(codesBucket), place[:])
}

func (t *txn) countCode(c *codeRow, add int64) error {
	key := c.counted()
	if key == nil {
		return nil
	}
	x := t.table(codesIndex)
	return t.put(x, key, ms(int64(number(x.get(key)))+add))
}

// sweepCodes removes rows that are gone.
func (t *txn) sweepCodes() (int, error) {
	from, end := []byte{goneIndex}, indexKey(goneIndex, ms(t.now+1))
	var keys [][]byte
	c := t.table(codesIndex).b.Cursor()
	for key, _ := c.Seek(from); key != nil && len(keys) < sweepBatch && string(key) < string(end); key, _ = c.Next() {
		keys = append(keys, bytes.Clone(key))
	}
	for _, key := range keys {
		row, err := t.code(codec.KeyHash(key[1+8:]))
		switch {
		case err != nil:
		case row != nil && row.gone(t.now):
			err = t.removeCode(row)
		default:
			err = t.delete(t.table(codesIndex), key)
		}
		if err != nil {
			return 0, err
		}
	}
	return len(keys), nil
}
