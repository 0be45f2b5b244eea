package intake

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/ads"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// TestUTMOfLink: a referral's own UTM stays.
func TestUTMOfLink(t *testing.T) {
	const none = `{"campaign":null,"content":null,"medium":null,"source":null,"term":null}`
	for _, c := range []struct{ text, referral, want string }{
		{"7GHK4-WPQRM", "", `{"campaign":null,"content":null,"medium":"cpc","source":"fb","term":null}`},
		{"7GHK4-WPQRM", `,"referral":{"source_type":"ad","source_id":"1","source_url":"https://x.example/?utm_source=own"}`,
			`{"campaign":null,"content":null,"medium":null,"source":"own","term":null}`},
		{"7GHK4-WPQRM", `,"referral":{"source_type":"ad","source_id":"1","source_url":"https://x.example/"}`,
			`{"campaign":null,"content":null,"medium":"cpc","source":"fb","term":null}`},
		{"QQPX3-F3JQP", "", none}, {"hi", "", none},
	} {
		b, q := linkStore(t, "meta")
		w, r := b.read(t, cloud(`"type":"text","text":{"body":"`+c.text+`"}`+c.referral))
		if _, err := b.Store(t.Context(), q, w, r); err != nil {
			t.Fatal(err)
		}
		if got := member(t, w.groups[0].Payloads[0], "utm"); got != c.want {
			t.Errorf("%s%s: %s", c.text, c.referral, got)
		}
	}
}

// TestReferralAndCode: both are touches, the referral first, and counted: the contact is the ad's.
func TestReferralAndCode(t *testing.T) {
	b, q := linkStore(t, "meta")
	body := strings.Replace(whatsapp(click("111", "wamid.1")), `"body":"x"`, `"body":"`+shownClick+`"`, 1)
	if got := b.shown(t, q, body); got[0] != canonical(t, []byte(fullLink)) {
		t.Fatalf("%q", got)
	}
	stored, err := q.Clicks(t.Context(), "acme", []string{"whatsapp:15551234567"})
	if err != nil {
		t.Fatal(err)
	}
	if c := stored[0]; !strings.Contains(string(c.First), `"ctwaClid":"Aff-1"`) || !strings.Contains(string(c.Last), `"code":"K7QW3-MPDXR"`) {
		t.Errorf("first %s, last %s", c.First, c.Last)
	}
	// The code again is no other touch, and the ad is.
	if got := b.shown(t, q, strings.Replace(body, "wamid.1", "wamid.2", 1)); got[0] != canonical(t, []byte(fullLink)) {
		t.Fatalf("%q", got)
	}
	rows, err := ads.Report(t.Context(), q, &ads.Ask{Tenants: []string{"acme"}, Period: ads.Period{From: 0, To: 1 << 40}})
	if err != nil || len(rows) != 2 {
		t.Fatal(rows, err)
	}
	for _, row := range rows {
		switch {
		case row.Link != nil && *row.Link == "summer" && row.AdID == nil && row.Headline == nil && row.Clicks == 1 && row.Contacts == 0:
		case row.Link == nil && row.AdID != nil && row.Clicks == 2 && row.Contacts == 1:
		default:
			t.Errorf("row %+v", row)
		}
	}
}

// TestUnknownCodes: after five a day a contact's codes are not looked up, and nobody else's rest.
func TestUnknownCodes(t *testing.T) {
	b, q := linkStore(t, "meta")
	now := b.Now()
	b.Now = func() time.Time { return now }
	for n := range maxUnknownCodes {
		b.shown(t, q, whatsapp(said("1555000001", fmt.Sprint("wamid.", n), unknownCode)))
	}
	if got := b.shown(t, q, whatsapp(said("1555000001", "wamid.a", shownClick))); got[0] != "null" {
		t.Errorf("who guesses has %q", got)
	}
	if got := b.shown(t, q, whatsapp(said("1555000002", "wamid.b", "7GHK4-WPQRM"))); got[0] != canonical(t, []byte(campaignLink)) {
		t.Errorf("another has %q", got)
	}
	for range maxUnknownCodes + 1 { // one message, however often it is delivered
		b.shown(t, q, whatsapp(said("1555000003", "wamid.d", unknownCode)))
	}
	if got := b.shown(t, q, whatsapp(said("1555000003", "wamid.e", "7GHK4-WPQRM"))); got[0] != canonical(t, []byte(campaignLink)) {
		t.Errorf("who sent one has %q", got)
	}
	now = now.Add(24 * time.Hour)
	if got := b.shown(t, q, whatsapp(said("1555000001", "wamid.c", shownClick))); got[0] != canonical(t, []byte(fullLink)) {
		t.Errorf("the next day: %q", got)
	}
}

// TestUnknownsAreBounded however many contacts guess.
func TestUnknownsAreBounded(t *testing.T) {
	u, now := newUnknowns(), time.Unix(1736535600, 0)
	for n := range maxUnknownNames + 100 {
		u.add("acme", fmt.Sprint(n), []byte("wamid.1"), now)
	}
	if len(u.count) != maxUnknownNames {
		t.Errorf("%d are counted", len(u.count))
	}
}

// TestRawHasNoLink: a raw destination gets the bytes as they came.
func TestRawHasNoLink(t *testing.T) {
	b, q := linkStore(t, "meta")
	b.Router.Direct.Destinations = append(b.Router.Direct.Destinations, raw("raw", normalize.KindMessage))
	b.Router.Direct.Destinations[1].Dest.Tenant = "acme"
	body := whatsapp(said("1555000001", "wamid.1", shownClick))
	w, r := b.read(t, body)
	if _, err := b.Store(t.Context(), q, w, r); err != nil {
		t.Fatal(err)
	}
	if got := w.groups[0].Payloads; len(got) != 2 || string(got[1]) != body {
		t.Errorf("%q", got)
	}
}

// TestReplayWithCode: a message that nobody matched has its link when it is replayed, one
// that was kept before there were links, too.
func TestReplayWithCode(t *testing.T) {
	for _, old := range []bool{false, true} {
		b, q := linkStore(t, "meta")
		direct := b.Router.Direct
		b.Router.Direct = nil
		b.addTenant(t, "other", "phone_number_id 999")
		w, r := b.read(t, whatsapp(said("1555000001", "wamid.1", "7GHK4-WPQRM")))
		b.plan(w, r)
		job := &w.groups[0].Jobs[0]
		if payload := w.groups[0].Payloads[0]; old {
			cut := strings.Replace(string(payload), `,"link":null,"lead":null`, "", 1)
			job.Header.Attribution -= uint32(len(payload) - len(cut))
			w.groups[0].Payloads[0] = []byte(cut)
		}
		if results := q.Append(t.Context(), w.groups); results[0].Err != nil {
			t.Fatal(results[0].Err)
		}
		b.Router.Direct = direct
		got, err := ReplayUnmatched(t.Context(), q, []*Block{b}, queue.DeadFilter{Destination: queue.Unmatched.Name}, zap.NewNop())
		if err != nil || got.Count != 1 {
			t.Fatalf("%+v, %v", got, err)
		}
		drain := q.Drain(queue.Dest{Tenant: "acme", Name: "crm"}, func() {})
		entries, err := drain.Read(t.Context(), queue.Pos{}, 9, 1<<20)
		drain.Close()
		if err != nil || len(entries) != 1 {
			t.Fatal(entries, err)
		}
		payload := entries[0].Payload
		if at := entries[0].Header.Attribution; string(payload[at-14:at+4]) != `"attribution":null` {
			t.Errorf("attribution is at %q", payload[at-14:at+4])
		}
		for key, want := range map[string]string{
			"link": canonical(t, []byte(campaignLink)), "lead": "null", "tenantId": `"acme"`,
			"utm": `{"campaign":null,"content":null,"medium":"cpc","source":"fb","term":null}`,
		} {
			if got := member(t, payload, key); got != want {
				t.Errorf("%s is %s", key, got)
			}
		}
	}
}
