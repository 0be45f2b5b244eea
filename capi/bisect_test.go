package capi_test

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/capi/capitest"
)

// bisector answers as Meta would where some click ids are bad.
func bisector(t testing.TB) (bad map[string]bool, meta *capitest.Server, c *capi.Client) {
	good := map[string]bool{}
	for i := range 1000 {
		good[fmt.Sprintf("clid-%d", i)] = true
	}
	meta, c = setup(t, nil, func(s *capitest.Server) { s.Clids = good })
	return good, meta, c
}

// Random sets of bad events: every event ends exactly once, Done or Dead as it
// is, in at most k·(1+⌈log₂ n⌉) + 1 requests.
func TestBisection(t *testing.T) {
	good, meta, c := bisector(t)
	all := items(t, 1000)
	rng := rand.New(rand.NewPCG(3, 4))
	sizes := []int{1, 2, 3, 5, 8, 31, 100, 257, 1000}
	for round := range 27 {
		n := sizes[round%len(sizes)]
		k := rng.IntN(min(n, 12) + 1)
		if round < len(sizes) && n <= 100 {
			k = n // all of them
		}
		meta.Reset()
		for i := range 1000 {
			good[fmt.Sprintf("clid-%d", i)] = true
		}
		bad := map[int]bool{}
		for _, i := range rng.Perm(n)[:k] {
			bad[i] = true
			good[fmt.Sprintf("clid-%d", i)] = false
		}
		waiting := make([]int, n)
		for i := range waiting {
			waiting[i] = i
		}
		for len(waiting) > 0 {
			batch := make([]capi.Item, len(waiting))
			for j, i := range waiting {
				batch[j] = all[i]
			}
			before := meta.Requests()
			results := send(t, c, batch)
			if spent, limit := meta.Requests()-before, 1+bits.Len(uint(len(batch)-1)); spent > limit {
				t.Fatalf("n %d: %d requests for a batch, more than %d", len(batch), spent, limit)
			}
			var left []int
			for j, r := range results {
				i := waiting[j]
				switch {
				case r.Fate == capi.NotSent:
					left = append(left, i)
				case r.Fate == capi.Done && !bad[i]:
				case r.Fate == capi.Dead && bad[i] && r.Reason == capi.ReasonRefused && r.Code == 100 && r.Subcode == 2804087 &&
					strings.Contains(r.Text, "ctwa_clid"):
				default:
					t.Fatalf("event %d, bad %v: %+v", i, bad[i], r)
				}
			}
			if len(left) == len(waiting) {
				t.Fatal("no progress")
			}
			waiting = left
		}
		if meta.Total() != n-k {
			t.Fatalf("n %d, k %d: Meta has %d events", n, k, meta.Total())
		}
		seen := map[string]bool{}
		for _, a := range meta.Accepted() {
			if seen[string(a.Event)] {
				t.Fatalf("Meta has %s twice", a.Event)
			}
			seen[string(a.Event)] = true
		}
		if limit := k*(1+int(math.Ceil(math.Log2(float64(n))))) + 1; meta.Requests() > limit {
			t.Fatalf("n %d, k %d: %d requests, more than %d", n, k, meta.Requests(), limit)
		}
	}
}

func TestBisectionInterrupted(t *testing.T) {
	good, meta, c := bisector(t)
	good["clid-6"] = false
	meta.Script(1, capitest.Answer{Pass: true})
	meta.Script(1, capitest.Answer{Status: 401, Body: graphError(190, 463, "")})
	for i, r := range send(t, c, items(t, 8)) {
		want := capi.Park
		if i >= 4 {
			want = capi.NotSent
		}
		if r.Fate != want {
			t.Errorf("event %d: %+v", i, r)
		}
	}
	// The error of a whole batch whose first half was good is about the rest.
	meta.Reset()
	var outcomes []string
	for _, r := range send(t, c, items(t, 8)) {
		outcomes = append(outcomes, r.Fate.String())
	}
	if got := strings.Join(outcomes, " "); got != "done done done done done done dead not_sent" || meta.Requests() != 4 {
		t.Errorf("%s in %d requests", got, meta.Requests())
	}
}
