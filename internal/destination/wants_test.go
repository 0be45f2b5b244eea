package destination

import (
	"strings"
	"testing"

	"github.com/leadgate/leadgate/normalize"
)

// TestWants: the default, what narrows, and standby threads, which only those see
// who say so or listen to both sides.
func TestWants(t *testing.T) {
	text := normalize.Event{Kind: normalize.KindMessage}
	status := normalize.Event{Kind: normalize.KindStatus}
	echo := normalize.Event{Kind: normalize.KindEcho}
	automatic := normalize.Event{Kind: normalize.KindAutomaticEvent}
	lead := normalize.Event{Kind: normalize.KindLead, Lead: &normalize.Lead{}}
	adLead := normalize.Event{Kind: normalize.KindLead, Lead: &normalize.Lead{AdID: normalize.NewText("1202")}}
	standby := normalize.Event{Kind: normalize.KindMessage, RawLastEventType: normalize.NewText("standby")}
	for only, want := range map[string][7]bool{ // text, status, echo, automatic, standby, lead, lead of an ad
		"":             {true, true, false, true, false, true, true},
		"ads":          {false, false, false, true, false, false, false},
		"messages":     {true, false, false, false, false, false, false},
		"leads":        {false, false, false, false, false, true, true},
		"leads ads":    {false, false, false, false, false, false, true},
		"messages ads": {false, false, false, false, false, false, false},
		"echoes":       {false, false, true, false, true, false, false},
		"standby":      {false, false, false, false, true, false, false},
		"all":          {true, true, true, true, true, true, true},
	} {
		w, err := ParseWants(strings.Fields(only)...)
		if err != nil {
			t.Fatal(err)
		}
		if got := [7]bool{
			w.Event(&text), w.Event(&status), w.Event(&echo), w.Event(&automatic), w.Event(&standby), w.Event(&lead), w.Event(&adLead),
		}; got != want {
			t.Errorf("only %s: %v, want %v", only, got, want)
		}
	}
	_, err := ParseWants("messages", "nope")
	if err == nil || !strings.Contains(err.Error(), "only 'nope' is unknown: write messages, statuses, ") {
		t.Errorf("nope: %v", err)
	}
	for only, takes := range map[string]bool{
		"statuses ads": false, "account conversions ads": false, "ads statuses": false, "statuses ads leads": true, "standby ads": true,
		"echoes ads": true, "all ads": true, "automatic_events ads": true,
	} {
		if _, err := ParseWants(strings.Fields(only)...); (err == nil) != takes ||
			err != nil && !strings.Contains(err.Error(), "only "+only+" takes nothing") {
			t.Errorf("only %s: %v", only, err)
		}
	}
}
