package dataset

import (
	"testing"
	"time"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/normalize"
)

// TestReportedOnceForEightDays: Meta takes events of seven days, so that one is
// remembered for longer, however short dedupe is.
func TestReportedOnceForEightDays(t *testing.T) {
	const day = 24 * time.Hour
	ev := normalize.Event{
		Kind: normalize.KindMessage, Channel: normalize.ChannelWhatsApp,
		Referral: &normalize.Referral{CtwaClid: normalize.NewText("ARA")},
	}
	ev.SetTenant("acme")
	ev.SetKey("wamid.1")
	for dedupe, want := range map[time.Duration]time.Duration{time.Minute: 8 * day, 7 * day: 8 * day, 30 * day: 30 * day} {
		p := &Planner{Settings: capi.Settings{Dataset: "1", AccessToken: "x"}, Dedupe: dedupe}
		job, ok := p.Plan(&ev, []*destination.Destination{{Planner: p}})
		if !ok || len(job.Once) != 2 || job.Once[0].Key != "1\nevent\n"+ev.ID().String() || job.Once[0].Window != want {
			t.Errorf("dedupe %v: %+v, want one of %v", dedupe, job, want)
		}
	}
}

// TestTakes: a dataset that names a channel goes before one that names none.
func TestTakes(t *testing.T) {
	rest, named := &Planner{}, &Planner{Channels: []string{"messenger"}}
	among := []*destination.Destination{{Planner: rest}, {Planner: named}, {}}
	for channel, want := range map[normalize.Channel]*Planner{
		normalize.ChannelWhatsApp: rest, normalize.ChannelMessenger: named, normalize.ChannelInstagram: rest,
	} {
		for _, p := range []*Planner{rest, named} {
			if got := p.Takes(channel, among); got != (p == want) {
				t.Errorf("%v: %v takes it: %v", channel, p.Channels, got)
			}
		}
	}
}
