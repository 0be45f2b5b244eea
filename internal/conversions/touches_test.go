package conversions

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/destination/dataset"
	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/memory"
	"github.com/leadgate/leadgate/normalize"
)

const link = `{"name":"summer","code":"K7QW3-MPDXR","clickedAt":null,"shared":false,"source":"google","params":{"gclid":"Cj0"}}`

// touchedStore is a store with clicks of one person on a channel, a second apart: a word
// each, "clid:<id>", "ad:<id>" for an ad's without a ctwa_clid, "link", or "clid:<id>+link".
func touchedStore(t *testing.T, store *memory.Queue, now time.Time, channel normalize.Channel, who, touches string) {
	t.Helper()
	for n, what := range strings.Fields(touches) {
		ev := &normalize.Event{
			Kind: normalize.KindMessage, Channel: channel, Message: &normalize.Message{ID: normalize.NewText(what)},
			ReceivedAt: now.UnixMilli() - 60_000 + int64(n)*1000, UserID: normalize.NewText(who), Referral: &normalize.Referral{},
			Account: normalize.Account{WabaID: normalize.NewText("1"), PageID: normalize.NewText("1"), InstagramID: normalize.NewText("1")},
		}
		ad, andLink, _ := strings.Cut(what, "+")
		kind, id, _ := strings.Cut(ad, ":")
		switch kind {
		case "clid":
			ev.Referral.CtwaClid = normalize.NewText(id)
		case "ad":
			ev.Referral.AdID = normalize.NewText(id)
		}
		known := queue.Event{ID: queue.ID{byte(n), byte(channel)}, Time: ev.ReceivedAt}
		clicks.Touch(ev, &known)
		if kind == "link" || andLink != "" {
			clicks.AddLink(ev, normalize.Value(link), "", &known)
		}
		if r := store.Append(t.Context(), []queue.Group{{Tenant: "acme", Events: []queue.Event{known}}}); r[0].Err != nil {
			t.Fatal(r[0].Err)
		}
	}
}

// TestCredited: a conversion is credited to the newest ad's click that Meta takes it for, or
// to the oldest; a link's click hides none, is never reported, and makes no second channel.
func TestCredited(t *testing.T) {
	now := time.UnixMilli(1736535600000)
	const w, m, i = normalize.ChannelWhatsApp, normalize.ChannelMessenger, normalize.ChannelInstagram
	for _, c := range []struct {
		name        string
		touches     map[normalize.Channel]string
		last, first string // the ctwa_clid or ad id, or a part of what is said instead
	}{
		{"a link, then ads", map[normalize.Channel]string{w: "link clid:A clid:B"}, "B", "A"},
		{"ads, then a link", map[normalize.Channel]string{w: "clid:A clid:B link"}, "B", "A"},
		{"in one message", map[normalize.Channel]string{w: "clid:A+link"}, "A", "A"},
		{"links between", map[normalize.Channel]string{w: "link clid:A link clid:B link clid:C link"}, "C", "A"},
		{"a Status ad around", map[normalize.Channel]string{w: "ad:1 clid:A link ad:2"}, "A", "A"},
		{"a Status ad and a link", map[normalize.Channel]string{w: "ad:1 link"}, "no ctwa_clid", "no ctwa_clid"},
		{"links alone", map[normalize.Channel]string{w: "link link"}, "by the link summer", "by the link summer"},
		{"nothing", nil, "clicks are kept for 28 days", "clicks are kept for 28 days"},
		{"Messenger", map[normalize.Channel]string{m: "link ad:1 link ad:2 link"}, "2", "1"},
		{"Messenger, links alone", map[normalize.Channel]string{m: "link"}, "by the link summer", "by the link summer"},
		{"Instagram", map[normalize.Channel]string{i: "ad:1 link"}, "1", "1"},
		{"two channels, one by a link", map[normalize.Channel]string{w: "clid:A", m: "link"}, "A", "A"},
		{"two channels by links", map[normalize.Channel]string{w: "link", m: "link"}, "by the link summer", "by the link summer"},
		{"two channels by ads", map[normalize.Channel]string{w: "clid:A link", m: "link ad:1"}, "two channels", "two channels"},
	} {
		store := memory.New(queue.Options{Dedupe: 8 * 24 * time.Hour, RememberClicks: 28 * 24 * time.Hour}, func() time.Time { return now })
		for channel, touches := range c.touches {
			touchedStore(t, store, now, channel, "US.1", touches)
		}
		e := &Endpoint{
			Tenant: "acme", Remember: 28 * 24 * time.Hour, Now: func() time.Time { return now },
			Open: func(context.Context) (Store, func(), error) { return store, func() {}, nil },
			Destinations: []*destination.Destination{{
				Dest: queue.Dest{Tenant: "acme", Name: "capi"}, Planner: &dataset.Planner{Settings: capi.Settings{Dataset: "1", AccessToken: "x"}},
			}},
		}
		for touch, want := range map[string]string{"last": c.last, "first": c.first} {
			var doc jsondoc.Doc
			if err := doc.Parse(fmt.Appendf(nil, `{"eventName":"QualifiedLead","userId":"US.1","touch":%q}`, touch)); err != nil {
				t.Fatal(err)
			}
			results, err := e.accept([]jsondoc.Node{doc.Root()})
			if err != nil {
				t.Fatal(err)
			}
			if got := credited(t, &results[0]); len(want) < 3 && got != want || !strings.Contains(got, want) {
				t.Errorf("%s, %s: %s, want %s", c.name, touch, got, want)
			}
		}
	}
}

// credited is which click a result is of, or what it says instead.
func credited(t *testing.T, r *Result) string {
	t.Helper()
	if r.Status != Queued {
		return fmt.Sprint(*r.Error, " ", str(r.Fix))
	}
	var click map[string]any
	if err := json.Unmarshal(r.Click, &click); err != nil {
		t.Fatal(err)
	}
	if len(click) != 10 || click["link"] != nil {
		t.Errorf("the answer shows %s", r.Click)
	}
	if click["ctwaClid"] != nil {
		return click["ctwaClid"].(string)
	}
	return click["adId"].(string)
}

func str(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
