package conversions

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/destination/dataset"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

const (
	anaLead  = "987654321012345"
	bobLead  = "987654321012346"
	testLead = "987654321012347"
	ana      = "+5511987654321"
)

func stages() *dataset.Stages {
	return &dataset.Stages{Settings: capi.Settings{Dataset: "345", AccessToken: "x", LeadEventSource: "HubSpot"}}
}

// addLead keeps a lead as intake does, an hour old, with its once key.
func (b *books) addLead(t *testing.T, id, phone, email string, test bool) {
	t.Helper()
	at := b.Now().Add(-time.Hour).UnixMilli()
	ev := &normalize.Event{
		Kind: normalize.KindLead, Channel: normalize.ChannelLeadAds, ReceivedAt: at,
		Lead: &normalize.Lead{LeadgenID: normalize.NewText(id), CreatedAt: at, AdID: normalize.NewText("120210000000000001")},
	}
	if phone != "" {
		ev.WaPhone = normalize.NewText(phone)
	}
	if test {
		ev.Lead.Test = normalize.True
	}
	known := queue.Event{ID: queue.ID([]byte("0" + id)), Time: at}
	hash, _ := capi.HashEmail(email)
	clicks.Touch(ev, &known)
	clicks.AddLead(ev, hash, &known)
	g := queue.Group{Tenant: "acme", Events: []queue.Event{known}, Payloads: [][]byte{nil}, Jobs: []queue.Job{{
		Dest: queue.Dest{Tenant: "acme", Name: "leads"}, Events: []int{0},
		Once: []queue.Once{{Key: destination.LeadOnce(id), Window: destination.KeepLead}},
	}}}
	if r := b.store.Append(t.Context(), []queue.Group{g}); r[0].Err != nil {
		t.Fatal(r[0].Err)
	}
}

// told is what the datasets are told, a line for each entry: the ledger, the id, which hashes.
func (b *books) told(t *testing.T, names ...string) (told []string) {
	t.Helper()
	for _, name := range names {
		for _, e := range b.queued(t, name) {
			var m struct {
				EmailHash, CtwaClid, WaPhone string
				Lead                         *struct{ ID, EM, PH string }
			}
			if err := json.Unmarshal(e.Header.Meta, &m); err != nil {
				t.Fatal(err)
			}
			line := name
			if m.Lead != nil {
				line += " " + m.Lead.ID
				for what, known := range map[string]string{" 1em": m.Lead.EM, " 2ph": m.Lead.PH, " 3em": m.EmailHash, " 4ph": m.WaPhone} {
					if known != "" {
						line += what
					}
				}
				parts := strings.Fields(line)
				slices.Sort(parts[min(2, len(parts)):])
				line = strings.Join(parts, " ")
			} else if m.CtwaClid != "" {
				line += " " + m.CtwaClid
			}
			told = append(told, line)
		}
	}
	return told
}

// TestWhereStagesGo: a lead's id or an address goes to the ledger of leads, a number where there
// is a lead and no click, and never to both of Meta's.
func TestWhereStagesGo(t *testing.T) {
	for _, c := range []struct {
		name, touches, item, status, told string
	}{
		{"by its id", "", `"leadId":"` + anaLead + `"`, "queued", "b 987654321012345 1em 2ph"},
		{"as Meta's files have it", "", `"leadId":"l:` + anaLead + `"`, "queued", "b 987654321012345 1em 2ph"},
		{"a number", "", `"leadId":` + anaLead, "queued", "b 987654321012345 1em 2ph"},
		{"beyond what floats hold", "", `"leadId":98765432101234567`, "queued", "b 98765432101234567"},
		{"by address", "", `"email":"Ana@Example.com"`, "queued", "b 987654321012345 1em 2ph 3em"},
		{"by number", "", `"waPhone":"` + ana + `"`, "queued", "b 987654321012345 1em 2ph 4ph"},
		{"a number with a click", "clid:A", `"waPhone":"` + ana + `"`, "queued", "a A"},
		{"an address with a click", "clid:A", `"waPhone":"` + ana + `","email":"ana@example.com"`, "queued", "a A"},
		{"its id with a click", "clid:A", `"leadId":"` + anaLead + `","waPhone":"` + ana + `"`, "queued", "b 987654321012345 1em 2ph 4ph"},
		{"a link's click is none", "link", `"waPhone":"` + ana + `"`, "queued", "b 987654321012345 1em 2ph 4ph"},
		{"never seen", "", `"leadId":"1111222233334444"`, "queued", "b 1111222233334444"},
		{"never seen, with keys", "", `"leadId":"1111222233334444","email":"eve@example.com","waPhone":"+15557654321"`, "queued",
			"b 1111222233334444 3em 4ph"},
		{"an address that nobody gave", "", `"email":"eve@example.com"`, "queued", "b 3em"},
		{"a number that nobody gave", "", `"waPhone":"+15557654321"`, "no_click", ""},
		{"a chat is meant", "", `"waPhone":"` + ana + `","channel":"whatsapp"`, "no_click", ""},
		{"of a test", "", `"leadId":"` + testLead + `"`, "invalid", ""},
		{"of the dashboard's test", "", `"leadId":"444444444444"`, "invalid", ""},
		{"no id", "", `"leadId":"{{lead}}"`, "invalid", ""},
		{"before the lead", "", `"leadId":"` + anaLead + `","eventTime":"2025-01-10T17:00:00Z"`, "invalid", ""},
		{"too old", "", `"leadId":"1111222233334444","eventTime":"2025-01-01T17:00:00Z"`, "invalid", ""},
	} {
		b := openBooks(t, "", meta(), stages())
		touchedStore(t, b.store, b.Now(), normalize.ChannelWhatsApp, strings.TrimPrefix(ana, "+"), c.touches)
		b.addLead(t, anaLead, ana, "ana@example.com", false)
		b.addLead(t, testLead, "", "", true)
		name := "Lead"
		if c.touches == "" {
			name = "Marketing Qualified Lead"
		}
		r := b.post(t, `{"eventName":"`+name+`",`+c.item+`}`)
		told := strings.Join(b.told(t, "a", "b"), ", ")
		if r.Status != c.status || told != c.told {
			t.Errorf("%s: %s %v, told %q, want %s and %q", c.name, r.Status, deref(r.Error), told, c.status, c.told)
		}
		if strings.HasPrefix(told, "b") && r.Click != nil {
			t.Errorf("%s: the answer shows a click: %s", c.name, r.Click)
		}
		if c.status == "invalid" && (r.Fix == nil || *r.Fix == "") {
			t.Errorf("%s: no fix for %s", c.name, *r.Error)
		}
	}
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// TestStageOnce: each stage of a lead is told once, by whatever the lead is named, and again
// for another lead; a Google ledger beside has its own.
func TestStageOnce(t *testing.T) {
	b := openBooks(t, "", meta(), stages(), &ledger{names: "Won Lost"})
	touchedStore(t, b.store, b.Now(), normalize.ChannelWhatsApp, strings.TrimPrefix(ana, "+"), "link")
	b.addLead(t, anaLead, ana, "ana@example.com", false)
	b.addLead(t, bobLead, "+15557654321", "", false)
	for i, c := range []struct{ item, status string }{
		{`{"eventName":"Won","leadId":"` + anaLead + `"}`, "queued"},
		{`{"eventName":"Won","leadId":"l:` + anaLead + `","orderId":"7"}`, "duplicate"},
		{`{"eventName":"Won","email":"ana@example.com"}`, "duplicate"},
		{`{"eventName":"Lost","leadId":"` + anaLead + `"}`, "queued"},
		{`{"eventName":"Won","leadId":"` + bobLead + `"}`, "queued"},
		{`{"eventName":"Won","leadId":"1111222233334444"}`, "queued"},
		{`{"eventName":"Won","leadId":"1111222233334444","orderId":"8"}`, "duplicate"},
		{`{"eventName":"Won","waPhone":"` + ana + `"}`, "queued"}, // to Google
	} {
		if r := b.post(t, c.item); r.Status != c.status {
			t.Errorf("%d: %s %s, want %s", i, r.Status, deref(r.Error), c.status)
		}
	}
	if n := len(b.queued(t, "b")); n != 4 {
		t.Errorf("%d stages are told", n)
	}
	if n := len(b.queued(t, "c")); n != 1 {
		t.Errorf("Google is told %d times", n)
	}
}

// TestStageAfterErase: of who was erased nothing is said again by the id alone; what the CRM
// posts itself is.
func TestStageAfterErase(t *testing.T) {
	for _, by := range []string{clicks.LeadKey(anaLead), "lead_ads:5511987654321"} {
		b := openBooks(t, "", stages())
		b.addLead(t, anaLead, ana, "ana@example.com", false)
		if r := b.post(t, `{"eventName":"Won","leadId":"`+anaLead+`"}`); r.Status != Queued {
			t.Fatalf("%+v", r)
		}
		if n, err := b.store.Erase(t.Context(), "acme", by); n == 0 || err != nil {
			t.Fatal(n, err)
		}
		for item, want := range map[string]string{
			`"leadId":"` + anaLead + `"`:                           NoClick,
			`"waPhone":"` + ana + `"`:                              NoClick,
			`"leadId":"` + anaLead + `","email":"ana@example.com"`: Queued,
		} {
			if r := b.post(t, `{"eventName":"Lost",`+item+`}`); r.Status != want || want == NoClick && r.Fix == nil {
				t.Errorf("erased by %s, %s: %+v %s", by, item, r.Status, deref(r.Error))
			}
		}
	}
}

// TestSameLeadTwice: a person's two forms are one contact, and each is told under its own id.
func TestSameLeadTwice(t *testing.T) {
	b := openBooks(t, "", stages())
	for i := range 3 {
		b.addLead(t, fmt.Sprint(987654321012345+i), ana, "", false)
	}
	for i := range 3 {
		b.post(t, fmt.Sprintf(`{"eventName":"Won","leadId":"%d"}`, 987654321012345+i))
	}
	b.post(t, `{"eventName":"Lost","touch":"first","waPhone":"`+ana+`"}`)
	want := "a 987654321012345 2ph, a 987654321012346 2ph, a 987654321012347 2ph, a 987654321012345 2ph 4ph"
	if told := strings.Join(b.told(t, "a"), ", "); told != want {
		t.Errorf("%s\nwant %s", told, want)
	}
}

// TestLongIDsApart: ids beyond what floats hold are two, though they are posted as numbers.
func TestLongIDsApart(t *testing.T) {
	b := openBooks(t, "", stages())
	for _, id := range []string{"98765432101234567", "98765432101234568"} {
		if r := b.post(t, `{"eventName":"Won","leadId":`+id+`}`); r.Status != Queued {
			t.Errorf("%s: %s", id, r.Status)
		}
	}
	if told := strings.Join(b.told(t, "a"), ", "); told != "a 98765432101234567, a 98765432101234568" {
		t.Error(told)
	}
}

// TestCheckStage: before the edge is asked, a lead's stage may have any name, and nothing else
// may.
func TestCheckStage(t *testing.T) {
	for item, want := range map[string]string{
		`"eventName":"Marketing Qualified Lead","leadId":"l:987654321012345"`:                        Valid,
		`"eventName":"Marketing Qualified Lead","email":"ana@example.com"`:                           Valid,
		`"eventName":"Marketing Qualified Lead","leadId":"987654321012345","waPhone":"+15551234567"`: Valid,
		`"eventName":"Marketing Qualified Lead","waPhone":"+15551234567"`:                            Invalid,
		`"eventName":"Purchase","leadId":"987654321012345"`:                                          Invalid,
		`"eventName":"Won","leadId":"{{id}}"`:                                                        Invalid,
		`"eventName":"Won","leadId":"444444444444"`:                                                  Invalid,
		`"eventName":" ","leadId":"987654321012345"`:                                                 Invalid,
		`"eventName":"Won"`: Invalid,
	} {
		nodes := itemNodes(t, "{"+item+"}")
		if r := Check(nodes[0], nil, "", time.UnixMilli(1736535600000)); r.Status != want {
			t.Errorf("%s: %s %s, want %s", item, r.Status, deref(r.Error), want)
		}
	}
}

// TestLeadStoreFails: without what the store knows of a lead nothing is told.
func TestLeadStoreFails(t *testing.T) {
	b := openBooks(t, "", stages())
	b.Open = func(context.Context) (Store, func(), error) { return forgetful{b.store}, func() {}, nil }
	if _, err := b.accept(itemNodes(t, `{"eventName":"Won","leadId":"1111222233334444"}`)); err == nil || len(b.queued(t, "a")) != 0 {
		t.Error("it was taken", err)
	}
}

type forgetful struct{ Store }

func (forgetful) Remembers(context.Context, string, []string) ([]bool, error) {
	return nil, queue.ErrUnavailable
}

// TestLeadIDWithoutLedger: a lead's id says nothing to a tenant that reports none.
func TestLeadIDWithoutLedger(t *testing.T) {
	b := openBooks(t, "clid:A", meta())
	if r := b.post(t, `{"eventName":"Lead","leadId":"`+anaLead+`"}`); r.Status != Invalid || !strings.Contains(*r.Fix, "capi lead_ads") {
		t.Errorf("%+v", r)
	}
	if r := b.post(t, `{"eventName":"Lead","userId":"US.1","leadId":"`+anaLead+`"}`); r.Status != Queued {
		t.Errorf("%+v", r)
	}
}
