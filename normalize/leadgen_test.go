package normalize

import (
	"os"
	"testing"
)

// TestLeadgen: of each shape the ids, digit by digit, and what makes a redelivery one; the
// payloads' golden files have the rest.
func TestLeadgen(t *testing.T) {
	for _, c := range []struct {
		file               string
		id, page, form, ad string
		created            int64
		test               Bool
	}{
		{"leadgen", "1636129430026801", "1029384756", "12345", "120210000000000001", 1736535600000, Unknown},
		{"leadgen-strings", "23851234567890123", "1029384756", "771234567890123", "120210000000000001", 1736535600000, Unknown},
		{"leadgen-adgroup", "23851234567890124", "1029384756", "771234567890123", "120210000000000001", 1736535600000, Unknown},
		{"leadgen-organic", "23851234567890125", "1029384756", "771234567890123", "", 1736535600000, Unknown},
		{"leadgen-bare", "23851234567890126", "1029384756", "", "", 0, Unknown},
		{"leadgen-entry-zero", "444444444444", "1029384756", "444444444444", "444444444444", 1736535600000, True},
		{"leadgen-in-entry", "23851234567890130", "1029384756", "771234567890123", "", 1736535600000, Unknown},
	} {
		e := leadOf(t, c.file, 0)
		l := e.Lead
		if l.LeadgenID.String() != c.id || l.PageID.String() != c.page || l.FormID.String() != c.form || l.AdID.String() != c.ad ||
			l.CreatedAt != c.created || l.Test != c.test || l.Answers != nil {
			t.Errorf("%s: %+v", c.file, l)
		}
		if e.Channel != ChannelLeadAds || string(e.key) != c.id || e.Account.PageID.String() != c.page || e.WaID != nil {
			t.Errorf("%s: channel %s, key %q, page %s", c.file, e.Channel, e.key, e.Account.PageID)
		}
		if received := max(c.created, 1736535612000); c.created != 0 && e.ReceivedAt != c.created || c.created == 0 && e.ReceivedAt != received {
			t.Errorf("%s: received at %d", c.file, e.ReceivedAt)
		}
		if e.HasProviderTime != (c.created != 0) {
			t.Errorf("%s: the webhook's time is taken for the lead's", c.file)
		}
	}
}

// TestLeadgenIsNoLead: an update of an old lead, and a change that names none, are account
// notices of lead ads; the page is the value's where a test has 0 for the entry's.
func TestLeadgenIsNoLead(t *testing.T) {
	for file, events := range map[string]int{"leadgen-update": 1, "leadgen-no-id": 3} {
		for i := range events {
			e := leadOf(t, file, i)
			if e.Kind != KindAccount || e.Channel != ChannelLeadAds || e.Lead != nil || e.IsEnvelope() && i < 2 {
				t.Errorf("%s: event %d is %s of %s", file, i, e.Kind, e.Channel)
			}
			if got := e.Account.PageID.String(); got != "1029384756" {
				t.Errorf("%s: event %d is page %s's", file, i, got)
			}
		}
	}
}

// TestLeadgenBeside: what stands beside a form in a body stays what it is.
func TestLeadgenBeside(t *testing.T) {
	for i, want := range []struct {
		kind    Kind
		channel Channel
		page    string
	}{
		{KindLead, ChannelLeadAds, "1029384756"}, {KindLead, ChannelLeadAds, "1029384756"},
		{KindAccount, ChannelMessenger, "1029384756"}, {KindLead, ChannelLeadAds, "1029384757"},
	} {
		e := leadOf(t, "leadgen-several", i)
		if e.Kind != want.kind || e.Channel != want.channel || e.Account.PageID.String() != want.page {
			t.Errorf("event %d is %s of %s, page %s", i, e.Kind, e.Channel, e.Account.PageID)
		}
	}
}

func leadOf(t *testing.T, file string, i int) *Event {
	t.Helper()
	body, err := os.ReadFile("testdata/messenger/" + file + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var b Batch
	if err := Meta(&b, body, ingested); err != nil || i >= len(b.Events) {
		t.Fatalf("%s: %d events, %v", file, len(b.Events), err)
	}
	return &b.Events[i]
}
