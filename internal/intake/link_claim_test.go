package intake

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/memory"
	"github.com/leadgate/leadgate/normalize"
)

// TestClaim: a click's code is the first contact's, everywhere else it is shared.
func TestClaim(t *testing.T) {
	b, _ := linkStore(t, "meta")
	now := b.Now()
	b.Now = func() time.Time { return now }
	q := memory.New(queue.Options{Dedupe: 8 * 24 * time.Hour, RememberClicks: b.Remember, MaxBacklog: 100}, b.Now)
	for _, row := range rows {
		_, _, _ = q.PutCode(t.Context(), "acme", row)
	}
	full, shared := canonical(t, []byte(fullLink)), canonical(t, []byte(sharedLink))
	for n, c := range []struct {
		body  string
		links []string
		later time.Duration
	}{
		{said("1555000001", "wamid.1", shownClick), []string{full}, 0},
		{said("1555000001", "wamid.1", shownClick), []string{full}, 0}, // a redelivery
		{said("1555000002", "wamid.2", shownClick), []string{shared}, 0},
		{said("1555000001", "wamid.3", shownClick), []string{full}, 9 * 24 * time.Hour}, // its own still
		{said("1555000003", "wamid.4", "7GHK4-WPQRM"), []string{canonical(t, []byte(campaignLink))}, 0},
		{said("1555000004", "wamid.5", "7GHK4-WPQRM"), []string{canonical(t, []byte(campaignLink))}, 0},
		{said("1555000004", "wamid.6", "QQPX3 F3JQP"), []string{canonical(t, []byte(staticLink))}, 0},
	} {
		now = now.Add(c.later)
		if got := b.shown(t, q, whatsapp(c.body)); strings.Join(got, "\n") != strings.Join(c.links, "\n") {
			t.Errorf("%d: %q, want %q", n+1, got, c.links)
		}
	}
	for contact, want := range map[string]string{ // its touches, by kind
		"1555000001": "google", "1555000002": "shared", "1555000003": "7GHK4-WPQRM", "1555000004": "QQPX3-F3JQP",
	} {
		stored, err := q.Clicks(t.Context(), "acme", []string{"whatsapp:" + contact})
		if err != nil {
			t.Fatal(err)
		}
		newest := stored[0].Newest[queue.ClickLink]
		switch want {
		case "google":
			if c := stored[0]; newest != nil || string(c.Oldest[queue.ClickGoogle]) != string(c.Newest[queue.ClickGoogle]) ||
				!strings.Contains(string(c.Last), `"consent":"granted"`) || !strings.Contains(string(c.Last), `"messageId":"wamid.1"`) {
				t.Errorf("%s: %s", contact, c.Last)
			}
		case "shared":
			if !strings.Contains(string(newest), `"shared":true`) || strings.Contains(string(newest), "gclid") ||
				!strings.Contains(string(newest), `"consent":null`) {
				t.Errorf("%s: %s", contact, newest)
			}
		default:
			if !strings.Contains(string(newest), want) {
				t.Errorf("%s: %s", contact, newest)
			}
		}
	}
}

// TestClaimedByAnotherName: a click stays who clicked's that comes to another name, by a
// change of the number or since the first name was all that was known then.
func TestClaimedByAnotherName(t *testing.T) {
	message := func(id, from, user, rest string) string {
		return whatsapp(entry("111", fmt.Sprintf(`"contacts":[{"profile":{"name":"Maria"},"wa_id":%[2]q,"user_id":%[3]q}],`+
			`"messages":[{"id":%[1]q,"from":%[2]q,"from_user_id":%[3]q,"timestamp":"1736535600",%[4]s}]`, id, from, user, rest)))
	}
	const changed = `"type":"system","system":{"type":"user_changed_number","wa_id":"15550000002"}`
	full, shared := canonical(t, []byte(fullLink)), canonical(t, []byte(sharedLink))
	for name, then := range map[string][2]string{
		"number changed": {message("wamid.2", "15550000001", "", changed), message("wamid.3", "15550000002", "", textCode)},
		"known later": {
			message("wamid.2", "15550000001", "US.1", `"type":"text","text":{"body":"Hi"}`), message("wamid.3", "", "US.1", textCode),
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, q := linkStore(t, "meta")
			if got := b.shown(t, q, message("wamid.1", "15550000001", "", textCode)); got[0] != full {
				t.Fatalf("%q", got)
			}
			b.shown(t, q, then[0])
			if got := b.shown(t, q, then[1]); got[0] != full {
				t.Errorf("by its other name: %q", got)
			}
			if got := b.shown(t, q, message("wamid.4", "15550000003", "", textCode)); got[0] != shared {
				t.Errorf("another: %q", got)
			}
			if got := b.shown(t, q, message("wamid.5", "15550000003", "", textCode)); got[0] != shared {
				t.Errorf("another again: %q", got)
			}
		})
	}
}

// TestClaimIsOver: after claim nobody gets a code that nobody has.
func TestClaimIsOver(t *testing.T) {
	b, q := linkStore(t, "meta")
	b.Now = func() time.Time { return time.UnixMilli(clickedAt).Add(7 * 24 * time.Hour) }
	if got := b.shown(t, q, whatsapp(said("1555000001", "wamid.1", shownClick))); got[0] != canonical(t, []byte(sharedLink)) {
		t.Errorf("%q", got)
	}
}

// TestTwoInOneWebhook: the first contact has the code, and one touch.
func TestTwoInOneWebhook(t *testing.T) {
	b, q := linkStore(t, "meta")
	got := b.shown(t, q, whatsapp(said("1555000001", "wamid.1", shownClick), said("1555000002", "wamid.2", shownClick),
		said("1555000001", "wamid.3", shownClick), said("1555000002", "wamid.4", shownClick)))
	full, shared := canonical(t, []byte(fullLink)), canonical(t, []byte(sharedLink))
	if want := []string{full, shared, full, shared}; strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q", got)
	}
	counts, err := q.Counters(t.Context(), "acme", 0, 1<<40)
	if err != nil || len(counts) != 2 || counts[0].N != 2 || counts[1].N != 2 {
		t.Errorf("counted %v, %v", counts, err)
	}
}

// hasty is a store in which another contact is faster: before an append, the first few
// times, it has claimed the code.
type hasty struct {
	*memory.Queue
	times int
	erase bool // and then loses it again, so that it looks free
	gone  bool // and is gone with it
	tried int
}

func (h *hasty) Append(ctx context.Context, groups []queue.Group) []queue.Result {
	h.tried++
	if h.tried > h.times {
		return h.Queue.Append(ctx, groups)
	}
	other := queue.Event{ID: queue.ID{byte(h.tried)}, Contact: "whatsapp:999", Claim: clickCode}
	if r := h.Queue.Append(ctx, []queue.Group{{Tenant: "acme", Events: []queue.Event{other}}}); r[0].Err != nil {
		return r
	}
	results := h.Queue.Append(ctx, groups)
	if h.erase || h.gone {
		_, _ = h.Erase(ctx, "acme", "whatsapp:999")
	}
	if h.erase {
		_, _, _ = h.PutCode(ctx, "acme", rows[0])
	}
	return results
}

// TestClaimedMeanwhile: who is too late gets it shared, and what else the webhook
// brings is stored once.
func TestClaimedMeanwhile(t *testing.T) {
	for _, c := range []struct {
		times       int
		erase, gone bool
		want        string
		tried       int
	}{
		{1, false, false, sharedLink, 2},
		{1, true, false, fullLink, 2},
		{2, true, false, fullLink, 3},
		{9, true, false, sharedLink, 4},
		{1, false, true, "null", 2},
	} {
		b, q := linkStore(t, "meta")
		b.addTenant(t, "globex", "phone_number_id 222", events("bi", normalize.KindMessage))
		store := &hasty{Queue: q, times: c.times, erase: c.erase, gone: c.gone}
		w, r := b.read(t, whatsapp(message("222", "wamid.9"), said("1555000001", "wamid.1", shownClick), said("1555000002", "wamid.2", "hi")))
		outcome, err := b.Store(t.Context(), store, w, r)
		if outcome != Queued || err != nil || store.tried != c.tried {
			t.Errorf("%+v: %s, %v after %d", c, outcome, err, store.tried)
		}
		if g := w.groups[0]; len(w.groups) != 1 || g.Tenant != "acme" || member(t, g.Payloads[0], "link") != canonical(t, []byte(c.want)) ||
			member(t, g.Payloads[1], "link") != "null" {
			t.Errorf("%+v: planned %q", c, planned(w))
		}
		if utm := member(t, w.groups[0].Payloads[0], "utm"); strings.Contains(utm, "Früh") == c.gone {
			t.Errorf("%+v: UTM %s", c, utm)
		}
		for _, d := range []queue.Dest{{Tenant: "acme", Name: "crm"}, {Tenant: "globex", Name: "bi"}} {
			infos, _ := q.Destinations(t.Context())
			for _, info := range infos {
				if want := map[string]int{"crm": 2, "bi": 1}[d.Name]; info.Dest == d && info.Backlog != want {
					t.Errorf("%+v: %s has %d", c, d.Name, info.Backlog)
				}
			}
		}
	}
}

// TestLinkStoreFails: what cannot be looked up is refused, and comes again.
func TestLinkStoreFails(t *testing.T) {
	b, q := linkStore(t, "meta")
	w, r := b.read(t, whatsapp(said("1555000001", "wamid.1", shownClick)))
	if _, err := b.Store(t.Context(), &blind{Queue: q}, w, r); !errors.Is(err, queue.ErrUnavailable) {
		t.Errorf("error %v", err)
	}
	if got := b.shown(t, q, whatsapp(said("1555000001", "wamid.1", shownClick))); got[0] != canonical(t, []byte(fullLink)) {
		t.Errorf("again: %q", got)
	}
	if got := b.shown(t, &blind{Queue: q}, whatsapp(said("1555000001", "wamid.2", "no code"))); got[0] != "null" {
		t.Errorf("without a code: %q", got)
	}
}

// blind finds nothing.
type blind struct{ *memory.Queue }

func (*blind) Codes(context.Context, string, []string) ([]queue.Code, error) {
	return nil, queue.ErrUnavailable
}

// BenchmarkCrowd is the plan of a webhook in which a thousand contacts send one link's code.
func BenchmarkCrowd(b *testing.B) {
	block, q := linkStore(b, "meta")
	list := make([]string, 1000)
	for i := range list {
		list[i] = said(fmt.Sprint(1555000000+i), fmt.Sprint("wamid.", i), "QQPX3 F3JQP")
	}
	body := whatsapp(list...)
	w, r := block.read(b, body)
	for b.Loop() {
		w.linked = nil
		block.findLinks(w)
		if err := block.lookUpLinks(r.Context(), q, w, 1); err != nil {
			b.Fatal(err)
		}
	}
}
