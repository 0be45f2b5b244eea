package queue_test

import (
	"fmt"
	"math/rand/v2"

	"github.com/leadgate/leadgate/internal/queue"
)

var factGroups = []string{"names", "names\nx", "spend"}

// facts puts some, and removes some, in each step: by chance of their own, so that seeds of
// before mean what they did.
func (w *world) facts() {
	w.Helper()
	r := rand.New(rand.NewPCG(uint64(w.step), 7))
	var list []queue.Fact
	for range r.IntN(4) {
		f := queue.Fact{Group: factGroups[r.IntN(3)], Key: fmt.Sprint(r.IntN(6)), Till: w.now() + r.Int64N(4)*3_600_000}
		if r.IntN(4) > 0 {
			f.Data = fmt.Append(nil, w.step, r.IntN(3))
		}
		list = append(list, f)
	}
	tenant := worldTenants[r.IntN(len(worldTenants))]
	for _, tw := range w.twins {
		w.must(tw.q.PutFacts(w.Context(), tenant, list))
	}
	for _, tenant := range worldTenants {
		each(w, "facts of "+tenant, func(tw *twin) []queue.Fact {
			found, err := tw.q.Facts(w.Context(), tenant, factGroups...)
			w.must(err)
			return append([]queue.Fact{}, found...)
		})
	}
}
