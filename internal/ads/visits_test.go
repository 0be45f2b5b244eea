package ads

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/memory"
)

// flaky is a store that may store what it says it has not.
type flaky struct {
	Appender
	failing atomic.Bool
	calls   atomic.Int32
}

func (f *flaky) Append(ctx context.Context, groups []queue.Group) []queue.Result {
	f.calls.Add(1)
	results := f.Appender.Append(ctx, groups)
	for i := range results {
		if f.failing.Load() {
			results[i] = queue.Result{Err: errors.New("no answer")}
		}
	}
	return results
}

// TestVisits: many are one write, each counts once although the store's answer was lost,
// on its own day, and what is there at the end is stored.
func TestVisits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		day := time.Now().UnixMilli() / queue.DayMS
		q := memory.New(queue.Options{Dedupe: time.Hour, RememberClicks: time.Hour, MaxBacklog: 1}, time.Now)
		f := &flaky{Appender: q}
		v := NewVisits(func(context.Context) (Appender, func(), error) { return f, func() {}, nil }, time.Now, zap.NewNop())
		is := func(tenant, want string) {
			t.Helper()
			rows, err := Report(t.Context(), q, &Ask{Tenants: []string{tenant}, Period: Period{day, day + 9}})
			got := ""
			for _, row := range rows {
				got += *row.Link + " " + (*row.Day)[8:] + " " + string(rune('0'+row.Visits)) + "; "
			}
			if err != nil || got != want {
				t.Errorf("%s has %q, want %q; %v", tenant, got, want, err)
			}
		}
		tick := func() { time.Sleep(visitsEvery); synctest.Wait() }
		v.Add("acme", "summer")
		v.Add("acme", "summer")
		v.Add("acme", "table")
		v.Add("globex", "summer")
		is("acme", "")
		tick()
		is("acme", "summer 01 2; table 01 1; ")
		is("globex", "summer 01 1; ")
		tick()
		if n := f.calls.Load(); n != 1 {
			t.Errorf("%d writes", n)
		}
		f.failing.Store(true)
		v.Add("acme", "summer")
		tick()
		v.Add("acme", "summer")
		tick()
		f.failing.Store(false)
		tick()
		is("acme", "summer 01 4; table 01 1; ")
		time.Sleep(24 * time.Hour)
		v.Add("acme", "table")
		v.Close()
		is("acme", "summer 01 4; table 01 1; table 02 1; ")
		v.Add("acme", "table") // of a request that was on its way: it is not waited for
		v.Close()
		is("acme", "summer 01 4; table 01 1; table 02 2; ")
	})
}
