package samples

import (
	"testing"
	"time"

	"github.com/leadgate/leadgate/normalize"
)

// TestPageSamples: the samples of Messenger and Instagram are ad clicks of the
// moment they are sent.
func TestPageSamples(t *testing.T) {
	at := time.UnixMilli(1736535600412)
	for name, channel := range map[string]normalize.Channel{
		"messenger-ad": normalize.ChannelMessenger, "instagram-ad": normalize.ChannelInstagram,
	} {
		body, err := Render(name, at)
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
		if ev.Channel != channel || !ev.Referral.IsAd() || ev.ReceivedAt != at.UnixMilli() || Provider(name) != "meta" {
			t.Errorf("%s: channel %s, ad %v, at %d, provider %s", name, ev.Channel, ev.Referral.IsAd(), ev.ReceivedAt, Provider(name))
		}
		if got, want := ev.Referral.Headline.String(), "Summer sale — 50% off"; got != want {
			t.Errorf("%s: headline %q, want %q", name, got, want)
		}
	}
}

// TestLeadgenSample is a form of the moment it is sent, each time another.
func TestLeadgenSample(t *testing.T) {
	at := time.UnixMilli(1736535600412)
	seen := make(map[string]bool)
	for range 3 {
		body, err := Render("leadgen", at)
		if err != nil {
			t.Fatal(err)
		}
		var batch normalize.Batch
		if err := normalize.Meta(&batch, body, 0); err != nil || len(batch.Events) != 1 {
			t.Fatalf("%d events, %v", len(batch.Events), err)
		}
		ev := &batch.Events[0]
		if ev.Kind != normalize.KindLead || !ev.Lead.IsAd() || ev.ReceivedAt != 1736535600000 {
			t.Errorf("%s, ad %v, at %d", ev.Kind, ev.Lead.IsAd(), ev.ReceivedAt)
		}
		seen[ev.Lead.LeadgenID.String()] = true
	}
	if len(seen) != 3 {
		t.Errorf("three forms have the ids %v", seen)
	}
}
