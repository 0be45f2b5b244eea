package intake

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/destination/dataset"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// detected is an entry with what Meta detected in the chat of a click.
func detected(number, name, clid string) string {
	return strings.Replace(entry(number, fmt.Sprintf(
		`"automatic_events":[{"id":"wamid.%s","event_name":%q,"timestamp":1736535601,"ctwa_clid":%q}]`, clid, name, clid)),
		`"field":"messages"`, `"field":"automatic_events"`, 1)
}

// TestClickLoggedOnce has a line for each click id in the log, whatever says it again:
// another message, what Meta detects in the chat, another block, another edge.
func TestClickLoggedOnce(t *testing.T) {
	core, logs := observer.New(zapcore.InfoLevel)
	edge := func(seen *SeenClicks) *Block {
		b := testBlock("meta")
		b.Clicks, b.Seen = zap.New(core), seen
		b.addTenant(t, "acme", "phone_number_id 111", events("crm", normalize.KindMessage, normalize.KindAutomaticEvent),
			&destination.Destination{Dest: queue.Dest{Name: "meta"}, Planner: &dataset.Planner{Settings: capi.Settings{Dataset: "1"}}})
		b.addTenant(t, "globex", "phone_number_id 222", events("bi", normalize.KindMessage))
		return b
	}
	var seen SeenClicks
	first, second, other := edge(&seen), edge(&seen), edge(new(SeenClicks))
	q := testStore(first)
	for _, post := range []struct {
		edge *Block
		body string
	}{
		{first, whatsapp(click("111", "wamid.1"))},
		{first, whatsapp(click("111", "wamid.1"))},
		{first, whatsapp(click("111", "wamid.2"))},
		{first, whatsapp(detected("111", "LeadSubmitted", "Aff-1"))},
		{second, whatsapp(click("111", "wamid.3"))},
		{other, whatsapp(detected("111", "Purchase", "Aff-1"))},
		{first, whatsapp(detected("111", "LeadSubmitted", "Aff-2"))},
		{first, whatsapp(detected("111", "Purchase", "Aff-2"))},
		{first, whatsapp(click("222", "wamid.1"))},
	} {
		w, r := post.edge.read(t, post.body)
		if _, err := post.edge.Store(t.Context(), q, w, r); err != nil {
			t.Fatal(err)
		}
		w.Release()
	}
	var got []string
	for _, line := range logs.All() {
		fields := line.ContextMap()
		got = append(got, fmt.Sprint(fields["tenant"], " ", fields["ctwa_clid"], " ", fields["ad_id"]))
	}
	want := []string{"acme Aff-1 120210000000000001", "acme Aff-2 ", "globex Aff-1 120210000000000001"}
	if !slices.Equal(got, want) {
		t.Errorf("logged %q, want %q", got, want)
	}
}

// TestSeenClicksBounded forgets the oldest, never the latest.
func TestSeenClicksBounded(t *testing.T) {
	var s SeenClicks
	for n := range 3 * maxSeenClicks {
		if clid := fmt.Sprint(n); !s.first("acme", clid) || s.first("acme", clid) {
			t.Fatalf("click %d is not the first once", n)
		}
	}
	if kept := len(s.recent) + len(s.older); kept > 2*maxSeenClicks {
		t.Errorf("%d are kept", kept)
	}
	if s.first("acme", fmt.Sprint(2*maxSeenClicks+1)) || !s.first("acme", "1") {
		t.Error("one of the latest is forgotten, or the oldest is kept")
	}
}
