package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/leadgate/leadgate/internal/journey"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/memory"
)

// fullStore takes nothing more.
type fullStore struct{ *memory.Queue }

func (fullStore) Append(_ context.Context, groups []queue.Group) []queue.Result {
	results := make([]queue.Result, len(groups))
	for i := range results {
		results[i].Err = fmt.Errorf("appending: %w", queue.ErrFull)
	}
	return results
}

// disposing is a store with two reports of a destination, of which the first was taken.
func disposing(t *testing.T) (*memory.Queue, *Engine, *observer.ObservedLogs) {
	t.Helper()
	now := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	q := memory.New(queue.Options{Dedupe: time.Hour, RememberClicks: time.Hour, KeepDead: time.Hour, MaxBacklog: 10},
		func() time.Time { return now })
	for i, contact := range []string{"taken", "waits"} {
		id := queue.ID{1, byte(i)}
		g := queue.Group{Tenant: crm.Tenant, Events: []queue.Event{{ID: id}}, Payloads: [][]byte{[]byte("{}")}, Jobs: []queue.Job{{
			Dest: crm, Events: []int{0},
			Header: queue.Header{EventID: id, Format: queue.FormatConversion, Contact: contact, QueuedAt: now.UnixMilli()},
		}}}
		journey.AddJob(&g, 0, &journey.Report{Kind: journey.KindConversion, Name: "Purchase"}, false)
		if err := q.Append(t.Context(), []queue.Group{g})[0].Err; err != nil {
			t.Fatal(err)
		}
	}
	d := q.Drain(crm, func() {})
	entries, err := d.Read(t.Context(), queue.Pos{}, 10, 1<<20)
	if err != nil || len(entries) != 2 {
		t.Fatal(len(entries), err)
	}
	if err := d.Retry(t.Context(), []queue.Retry{{Pos: entries[0].Pos, Receipt: "request 1"}}); err != nil {
		t.Fatal(err)
	}
	d.Close()
	core, logs := observer.New(zap.WarnLevel)
	return q, start(t, q, Options{Logger: zap.New(core)}), logs
}

// tells reports what a contact's journal says, a line an event.
func tells(t *testing.T, q journey.Store, contact string) (lines []string) {
	t.Helper()
	j, err := journey.Show(t.Context(), q, crm.Tenant, contact, []string{contact}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range j.Events {
		ev := &j.Events[i]
		line, _ := json.Marshal([]any{ev.Destination, ev.Outcome, ev.Reason})
		lines = append(lines, string(line))
	}
	return lines
}

// TestDropTells: what waited is reported to nobody; what was taken is the destination's to tell.
func TestDropTells(t *testing.T) {
	q, e, _ := disposing(t)
	if n, err := e.Drop(t.Context(), q, crm); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	for contact, want := range map[string]string{
		"taken": `["crm","sent",null]`, "waits": `["crm","dead","dropped by an operator"]`,
	} {
		if got := tells(t, q, contact); len(got) != 1 || got[0] != want {
			t.Errorf("of %s: %q, want %s", contact, got, want)
		}
	}
}

// TestDisposeOfFull: a full store keeps nobody from making room in it, and the log says that the
// journals are not told.
func TestDisposeOfFull(t *testing.T) {
	to := queue.Dest{Tenant: crm.Tenant, Name: "other"}
	for name, dispose := range map[string]func(*Engine, DisposeStore) (int, error){
		"drop": func(e *Engine, q DisposeStore) (int, error) { return e.Drop(t.Context(), q, crm) },
		"move": func(e *Engine, q DisposeStore) (int, error) { return e.Move(t.Context(), q, crm, to) },
	} {
		q, e, logs := disposing(t)
		if n, err := dispose(e, fullStore{q}); n != 2 || err != nil {
			t.Errorf("%s: %d, %v", name, n, err)
		}
		if logs.FilterMessageSnippet("journals are not told").Len() != 1 {
			t.Errorf("%s: the log has %v", name, logs.All())
		}
	}
}

// TestMoveAgain: a move that was broken off behind what it told, and is made again, tells the same.
func TestMoveAgain(t *testing.T) {
	q, e, _ := disposing(t)
	to := queue.Dest{Tenant: crm.Tenant, Name: "other"}
	broken := errors.New("broken off")
	if _, err := e.Move(t.Context(), brokenMove{q, broken}, crm, to); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	once := fmt.Sprint(tells(t, q, "waits"))
	if n, err := e.Move(t.Context(), q, crm, to); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	got := fmt.Sprint(tells(t, q, "waits"))
	if want := `[["crm","sent","moved to destination other"] ["other","sent",null]]`; got != once || got != want &&
		got != `[["other","sent",null] ["crm","sent","moved to destination other"]]` {
		t.Errorf("%s, then %s, want %s", once, got, want)
	}
}

type brokenMove struct {
	*memory.Queue
	err error
}

func (b brokenMove) Move(context.Context, queue.Dest, queue.Dest) (int, error) { return 0, b.err }
