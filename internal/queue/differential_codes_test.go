package queue_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

// put is what became of a code that was to be stored.
type put struct {
	Code        queue.Code
	New         bool
	Taken, Full bool
}

// code has a link be followed: now and then with ids that came before, or a code that is
// taken.
func (w *world) code() string {
	tenant := pick(w, worldTenants...)
	c := queue.Code{
		Code: fmt.Sprintf("CODE%04d", len(w.codes)), Key: fmt.Sprint("click ", w.r.IntN(40)), Of: pick(w, "summer", "winter", ""),
		Data: fmt.Appendf(nil, `{"link":%d}`, len(w.codes)), At: w.now() - w.r.Int64N(3)*1000,
	}
	if w.chance(75) {
		c.Claim = pick(w, time.Hour, 7*24*time.Hour, 40*24*time.Hour)
	}
	if w.chance(10) && len(w.codes) > 0 {
		c.Code = pick(w, w.codes...)
	} else {
		w.codes = append(w.codes, c.Code)
	}
	did := each(w, "code", func(tw *twin) put {
		out, fresh, err := tw.q.PutCode(w.Context(), tenant, c)
		p := put{out, fresh, errors.Is(err, queue.ErrCodeTaken), errors.Is(err, queue.ErrFull)}
		if !p.Taken && !p.Full {
			w.must(err)
		}
		return p
	})
	return fmt.Sprintf("%s of %s for %s by %s, %s: %v", c.Code, tenant, c.Key, c.Of, c.Claim, did)
}
