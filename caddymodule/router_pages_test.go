package caddymodule

import (
	"testing"
	"time"

	"github.com/leadgate/leadgate/normalize"
)

// TestRouteInstagram: match instagram_id may name the webhook's entry.id or its
// own end of the message; the customer's id, a page's, and other keys match
// nothing.
func TestRouteInstagram(t *testing.T) {
	const body = `{"object":"instagram","entry":[{"id":"17841400000000001","messaging":[` +
		`{"sender":{"id":"6512345678901234"},"recipient":{"id":"9876543210987654"},"timestamp":1736535600412,"message":{"mid":"m","text":"Hi"}},` +
		`{"sender":{"id":"9876543210987654"},"recipient":{"id":"6512345678901234"},"timestamp":1736535600412,"message":{"mid":"n","text":"Hi","is_echo":true}}]}]}`
	for _, c := range []struct {
		key, value string
		want       bool
	}{
		{"instagram_id", "17841400000000001", true},
		{"instagram_id", "9876543210987654", true},
		{"instagram_id", "6512345678901234", false},
		{"page_id", "17841400000000001", false},
		{"page_id", "9876543210987654", false},
	} {
		var r router
		acme := &tenant{name: "acme"}
		if err := r.add(acme, map[string][]string{c.key: {c.value}}); err != nil {
			t.Fatal(err)
		}
		var batch normalize.Batch
		if err := normalize.Meta(&batch, []byte(body), 1736535600412); err != nil {
			t.Fatal(err)
		}
		if len(batch.Events) != 2 {
			t.Fatalf("%d events", len(batch.Events))
		}
		for i := range batch.Events {
			if got := r.route(&batch.Events[i]) == acme; got != c.want {
				t.Errorf("match %s %s, %s: %v, want %v", c.key, c.value, batch.Events[i].Kind, got, c.want)
			}
		}
	}
}

// TestPageSamples: the samples of Messenger and Instagram are ad clicks of the
// moment they are sent.
func TestPageSamples(t *testing.T) {
	at := time.UnixMilli(1736535600412)
	for name, channel := range map[string]normalize.Channel{"messenger-ad": normalize.ChannelMessenger, "instagram-ad": normalize.ChannelInstagram} {
		body, err := renderSample(name, at)
		if err != nil {
			t.Fatal(err)
		}
		var batch normalize.Batch
		if err := normalize.Meta(&batch, body, 0); err != nil {
			t.Fatal(err)
		}
		if len(batch.Events) != 1 {
			t.Fatalf("%s: %d events", name, len(batch.Events))
		}
		ev := &batch.Events[0]
		if ev.Channel != channel || !ev.Referral.IsAd() || ev.ReceivedAt != at.UnixMilli() || sampleProvider(name) != "meta" {
			t.Errorf("%s: channel %s, ad %v, at %d, provider %s", name, ev.Channel, ev.Referral.IsAd(), ev.ReceivedAt, sampleProvider(name))
		}
		if got, want := ev.Referral.Headline.String(), "Summer sale — 50% off"; got != want {
			t.Errorf("%s: headline %q, want %q", name, got, want)
		}
	}
}
