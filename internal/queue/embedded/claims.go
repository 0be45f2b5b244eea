package embedded

import (
	"bytes"
	"context"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
)

// draftClaims finds out whether the new events of a group may have the codes that they
// claim, one after the other, and which rows change by that.
func (t *txn) draftClaims(g *queue.Group, r *queue.Result) error {
	for i := range g.Events {
		ev := &g.Events[i]
		code := ev.KeptClaim()
		if code == "" || !r.New[i] {
			continue
		}
		if c := t.draft.claims[code]; c != nil {
			if !c.OwnedBy(g.Tenant, ev) {
				return queue.ErrClaimed
			}
			continue
		}
		row, err := t.code(codeKey(g.Tenant, code))
		if err != nil {
			return err
		}
		if row.gone(t.now) || !row.ClaimableBy(g.Tenant, ev, t.now) {
			return queue.ErrClaimed
		}
		if row.Owner == "" {
			row.Owner = queue.Names(g.Tenant, ev)
			t.draft.claims[code] = row
		}
	}
	return nil
}

// claim stores the rows of draftClaims.
func (t *txn) claim() error {
	for _, row := range t.draft.claims {
		owner := row.Owner
		row.Owner, row.Data = "", bytes.Clone(row.Data)
		if err := t.removeCode(row); err != nil {
			return err
		}
		row.Owner, row.till = owner, t.now+t.opts.RememberClicks.Milliseconds()
		if err := t.storeCode(row); err != nil {
			return err
		}
	}
	return nil
}

// eraseCodes removes the rows that who has one of these names has claimed, some at a
// time, and returns how many.
func (e *Store) eraseCodes(ctx context.Context, names map[codec.KeyHash]bool) (n int, err error) {
	for name := range names {
		for removed := sweepBatch; removed >= sweepBatch; {
			err := e.do(ctx, 0, func(t *txn) (err error) { removed, err = t.eraseCodes(name); return err })
			if n += removed; err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

func (t *txn) eraseCodes(name codec.KeyHash) (n int, err error) {
	head := indexKey(ownerIndex, name[:])
	var places []codec.KeyHash
	c := t.table(codesIndex).b.Cursor()
	for key, _ := c.Seek(head); bytes.HasPrefix(key, head) && len(places) < sweepBatch; key, _ = c.Next() {
		places = append(places, codec.KeyHash(key[len(head):]))
	}
	for _, place := range places {
		row, err := t.code(place)
		if err != nil {
			return 0, err
		}
		if row == nil {
			if err := t.delete(t.table(codesIndex), append(bytes.Clone(head), place[:]...)); err != nil {
				return 0, err
			}
			continue
		}
		if err := t.removeCode(row); err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}
