package embedded

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/memory"
)

// Whoever clicks, under whatever names, in whatever slices: the store knows what one in
// memory does, over crashes, repairs and sweeps.
func TestEmbeddedNamesAtRandom(t *testing.T) {
	seeds := uint64(6)
	if n, err := strconv.ParseUint(os.Getenv("LEADGATE_SEEDS"), 10, 64); err == nil {
		seeds = n
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { namesAtRandom(t, rand.New(rand.NewPCG(seed, 16))) })
	}
}

func namesAtRandom(t *testing.T, random *rand.Rand) {
	clock := testNow
	now := func(c *Config) { c.Now = func() time.Time { return clock } }
	e, m := openTest(t, t.TempDir(), now), memory.New(testOptions(), func() time.Time { return clock })
	key := func() string { return fmt.Sprint("key ", random.IntN(12)) }
	for n := range uint64(400) {
		clock = clock.Add(time.Duration(random.IntN(int(testOptions().RememberClicks / 20))))
		switch what := random.IntN(40); {
		case what < 8:
			beginSlices(t, e, random.IntN(sliceGroup))
		case what == 8:
			e = openCopy(t, e, now)
		case what == 9:
			settled(t, e)
		case what == 10:
			if err := e.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			m.Sweep()
		case what == 11:
			k := key()
			a, err := e.Erase(t.Context(), "acme", k)
			b, err2 := m.Erase(t.Context(), "acme", k)
			if err != nil || err2 != nil || a != b {
				t.Fatalf("erased %d and %d, %v, %v", a, b, err, err2)
			}
		case what == 12:
			e = repaired(t, e, now)
		default:
			g := clickGroup(n+1, clock, key(), key(), key())
			g.Jobs, g.Payloads = nil, nil
			if what < 25 {
				g.Events[0].Clicks = nil
			} else if what < 30 {
				g.Events[0].Former = []string{key()}
			}
			mustAppend(t, e, g)
			if r := m.Append(t.Context(), []queue.Group{g}); r[0].Err != nil {
				t.Fatal(r[0].Err)
			}
		}
		audit(t, e)
		for i := range 12 {
			keys := []string{fmt.Sprint("key ", i), fmt.Sprint("message/", max(int(n)-i, 0))}
			a, err := e.Clicks(t.Context(), "acme", keys)
			b, err2 := m.Clicks(t.Context(), "acme", keys)
			if err != nil || err2 != nil || fmt.Sprintf("%s", a) != fmt.Sprintf("%s", b) {
				t.Fatalf("step %d: of %s: %s, want %s; %v, %v", n, keys, a, b, err, err2)
			}
		}
	}
}

// repaired is a copy of the store of which an index was damaged, and which was repaired.
func repaired(t *testing.T, e *Store, change func(*Config)) *Store {
	t.Helper()
	dir := edit(t, openCopy(t, e, change), func(tx *bolt.Tx) error {
		return tx.Bucket(codesIndex).Put([]byte("no index"), nil)
	})
	if report, err := Repair(dir, testNow); err != nil || len(report.Damage) == 0 {
		t.Fatalf("%+v, %v", report, err)
	}
	return openTest(t, dir, change)
}
