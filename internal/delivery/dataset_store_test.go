package delivery

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/capi/capitest"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/destination/dataset"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// TestFewBadAmongMany drains many leads with a few that only Meta can know to be
// bad, from both real stores: the bad ones alone die, and finding them costs a
// bounded number of requests. LEADGATE_FAULTS=long makes it 100 000.
func TestFewBadAmongMany(t *testing.T) {
	n, bad := 10_000, 20
	if os.Getenv("LEADGATE_FAULTS") == "long" {
		n, bad = 100_000, 50
	}
	for name, open := range realStores {
		t.Run(name, func(t *testing.T) {
			q := open(t)
			good := make(map[string]bool, n)
			var group queue.Group
			for i := 1; i <= n; i++ {
				it := clickItem(i, "102290129340398", time.Now())
				id := normalize.RawID([]byte(fmt.Sprint(i))) // ids are random, and stores rely on it
				it.Header.EventID = queue.ID(id)
				if i%(n/bad) != n/bad/2 {
					good[fmt.Sprintf("ARAclick%06d", i)] = true
				}
				group.Events = append(group.Events, queue.Event{ID: queue.ID(id), Time: time.Now().UnixMilli()})
				group.Payloads = append(group.Payloads, it.Payload)
				group.Jobs = append(group.Jobs, queue.Job{
					Dest: crm, Events: []int{len(group.Events) - 1}, Payload: len(group.Payloads) - 1, Header: it.Header,
				})
				if len(group.Events) == 500 || i == n {
					group.Tenant = crm.Tenant
					if r := q.Append(t.Context(), []queue.Group{group})[0]; r.Err != nil {
						t.Fatal(r.Err)
					}
					group = queue.Group{}
				}
			}
			meta := capitest.New(t, func(s *capitest.Server) { s.Clids, s.Keep = good, 1 })
			e := start(t, q, Options{}, destination.Destination{
				Dest: crm, Kind: dataset.Kind, Target: "1234567890", Sender: newCAPI(t, meta, dataset.Config{}),
				Concurrency: 4, Batch: capi.MaxBatch, RetryFor: 7 * 24 * time.Hour,
			})
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			end := time.After(time.Minute)
			for {
				s := statusOf(t, e, crm.Name)
				if s.Backlog == 0 && s.Dead == bad {
					break
				}
				select {
				case <-tick.C:
				case <-end:
					t.Fatalf("not drained: %+v", s)
				}
			}
			if meta.Total() != n-bad {
				t.Errorf("%d were accepted, want %d", meta.Total(), n-bad)
			}
			if most := n/capi.MaxBatch + bad*20; meta.Requests() > most {
				t.Errorf("%d requests, at most %d", meta.Requests(), most)
			}
			t.Logf("%d events, %d bad: %d requests", n, bad, meta.Requests())
			dead, err := q.Dead(context.Background(), queue.DeadFilter{Destination: crm.Name})
			if err != nil || len(dead) != bad {
				t.Fatalf("%d dead letters: %v", len(dead), err)
			}
			for _, d := range dead {
				if d.Code != "100/2804087" || d.Explanation == "" {
					t.Errorf("dead letter %+v", d.Reason)
				}
			}
		})
	}
}
