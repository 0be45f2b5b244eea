package admin

import (
	"testing"

	"github.com/leadgate/leadgate/internal/queue"
)

// TestDeadFit has a letter alone that is larger than a page: it is a page.
func TestDeadFit(t *testing.T) {
	big, small := queue.DeadLetter{Payload: make([]byte, deadPageBytes+1)}, queue.DeadLetter{Payload: []byte("x")}
	for _, c := range []struct {
		list  []queue.DeadLetter
		limit int
		fit   int
		more  bool
	}{
		{nil, 5, 0, false},
		{[]queue.DeadLetter{small, small}, 2, 2, false},
		{[]queue.DeadLetter{small, small}, 1, 1, true},
		{[]queue.DeadLetter{big}, 5, 1, true},
		{[]queue.DeadLetter{small, big}, 5, 1, true},
		{[]queue.DeadLetter{small, small, big}, 1, 1, true},
	} {
		if fit, more := deadFit(c.list, c.limit); fit != c.fit || more != c.more {
			t.Errorf("of %d letters %d fit, more %t; want %d, %t", len(c.list), fit, more, c.fit, c.more)
		}
	}
}
