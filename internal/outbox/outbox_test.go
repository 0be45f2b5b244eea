package outbox

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestOrderAndBound: what is put comes in order, and what there is no room for is told.
func TestOrderAndBound(t *testing.T) {
	var got []int
	o := New(2, func(_ context.Context, n int) { got = append(got, n) })
	if !o.Put(1) || !o.Put(2) || o.Put(3) {
		t.Fatal("it is for two")
	}
	o.Start()
	o.Start()
	if left := o.Stop(time.Minute); left != 0 || len(got) != 2 || got[0] != 1 || got[1] != 2 {
		t.Fatalf("%v, and %d left", got, left)
	}
	if o.Put(4) || o.Stop(0) != 0 {
		t.Error("it goes on after Stop")
	}
}

// TestNobodyWaitsForASlowTaker: Put never blocks, and Stop gives a taker up.
func TestNobodyWaitsForASlowTaker(t *testing.T) {
	for name, heeds := range map[string]bool{"heeds its context": true, "is deaf": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				end := make(chan struct{})
				taken := 0
				o := New(8, func(ctx context.Context, _ int) {
					taken++
					if heeds {
						<-ctx.Done()
						return
					}
					<-end
				})
				o.Start()
				for i := range 4 {
					if !o.Put(i) {
						t.Fatal("there is room")
					}
				}
				synctest.Wait()
				if left := o.Stop(time.Second); left != 3 || taken != 1 {
					t.Errorf("%d left, %d taken", left, taken)
				}
				close(end)
			})
		})
	}
}

func TestStoppedBeforeItBegan(t *testing.T) {
	o := New(2, func(context.Context, int) { t.Error("handed on") })
	o.Put(1)
	if left := o.Stop(time.Minute); left != 1 {
		t.Errorf("%d left", left)
	}
	o.Start()
}
