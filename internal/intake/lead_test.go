package intake

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/destination/dataset"
	"github.com/leadgate/leadgate/internal/destination/leads"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/memory"
	"github.com/leadgate/leadgate/normalize"
)

// leadBooks is a tenant whose forms are read, forwarded to crm, and reported.
type leadBooks struct {
	*Block
	tenant *Tenant
	store  *memory.Queue
}

func newLeadBooks(t *testing.T) *leadBooks {
	b := testBlock("meta")
	l := &leadBooks{Block: b, store: testStore(b)}
	l.tenant = b.addTenant(t, "acme", "page_id 1029384756",
		&destination.Destination{Dest: queue.Dest{Name: "leads"}, Planner: leads.Planner{Report: "Lead"}},
		events("crm", normalize.KindLead), raw("raw", normalize.KindLead),
		&destination.Destination{Dest: queue.Dest{Name: "chats"}, Planner: &dataset.Planner{Settings: capi.Settings{Dataset: "1"}}},
		&destination.Destination{Dest: queue.Dest{Name: "stages"}, Planner: &dataset.Stages{Settings: capi.Settings{Dataset: "345"}}})
	return l
}

// complete queues a lead of an age whose answers were read.
func (l *leadBooks) complete(t *testing.T, id, phone, email string, age time.Duration, test bool) {
	t.Helper()
	at := l.Now().Add(-age).UnixMilli()
	ev := &normalize.Event{
		Kind: normalize.KindLead, Channel: normalize.ChannelLeadAds, Provider: "meta", ReceivedAt: at, HasProviderTime: true,
		IngestedAt: l.Now().UnixMilli(), Lead: &normalize.Lead{
			LeadgenID: normalize.NewText(id), CreatedAt: at, AdID: normalize.NewText("120210000000000001"), Answers: normalize.Value("[]"),
		},
	}
	if phone != "" {
		ev.WaPhone = normalize.NewText(phone)
	}
	if test {
		ev.Lead.Test = normalize.True
	}
	ev.SetKey(id)
	hash, _ := capi.HashEmail(email)
	if err := l.CompleteLead(t.Context(), l.store, l.tenant, ev, hash); err != nil {
		t.Fatal(err)
	}
}

// queued are how many entries each destination has.
func (l *leadBooks) queued(t *testing.T) (told string) {
	t.Helper()
	for _, d := range l.tenant.Destinations {
		drain := l.store.Drain(d.Dest, func() {})
		list, err := drain.Read(t.Context(), queue.Pos{}, 99, 1<<20)
		if drain.Close(); err != nil {
			t.Fatal(err)
		}
		if len(list) > 0 {
			told += fmt.Sprint(d.Dest.Name, " ", len(list), " ")
		}
	}
	return strings.TrimSpace(told)
}

func (l *leadBooks) known(t *testing.T, keys ...string) (known string) {
	t.Helper()
	found, err := l.store.Clicks(t.Context(), "acme", keys)
	if err != nil {
		t.Fatal(err)
	}
	for i := range found {
		click, err := clicks.Parse(found[i].Newest[queue.ClickLead])
		switch {
		case err != nil:
			known += "- "
		default:
			known += click.Lead.ID + " "
		}
	}
	return strings.TrimSpace(known)
}

// TestCompleteLead: a whole lead goes to who wants it and to the dataset of stages, once, and
// not to what had it before or is of chats; a test's and an old one are told to nobody at Meta.
func TestCompleteLead(t *testing.T) {
	for name, c := range map[string]struct {
		age   time.Duration
		test  bool
		twice bool
		want  string
	}{
		"a person's":        {age: time.Minute, want: "crm 1 stages 1"},
		"twice":             {age: time.Minute, twice: true, want: "crm 1 stages 1"},
		"a test's":          {age: time.Minute, test: true, want: "crm 1"},
		"nearly a week old": {age: 7*24*time.Hour - time.Minute, want: "crm 1 stages 1"},
		"a week old":        {age: 7 * 24 * time.Hour, want: "crm 1"},
	} {
		l := newLeadBooks(t)
		l.complete(t, "987654321012345", "+5511987654321", "ana@example.com", c.age, c.test)
		if c.twice {
			l.complete(t, "987654321012345", "+5511987654321", "ana@example.com", c.age, c.test)
		}
		if got := l.queued(t); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		hash, _ := capi.HashEmail("ana@example.com")
		known := l.known(t, "lead_ads:5511987654321", clicks.EmailKey(hash), clicks.LeadKey("987654321012345"), "whatsapp:5511987654321")
		want := strings.Repeat("987654321012345 ", 3) + "-"
		if c.test {
			want = "- - 987654321012345 -"
		}
		if known != want {
			t.Errorf("%s: known %q, want %q", name, known, want)
		}
	}
}

// TestEraseLead: whichever name a person of a form is erased by, all that is kept of them goes,
// and the lead does not come back with its webhook.
func TestEraseLead(t *testing.T) {
	hash, _ := capi.HashEmail("ana@example.com")
	keys := []string{"lead_ads:5511987654321", clicks.EmailKey(hash), clicks.LeadKey("987654321012345")}
	webhook := `{"object":"page","entry":[{"id":"1029384756","time":1736535600,"changes":[{"field":"leadgen",` +
		`"value":{"leadgen_id":"987654321012345","page_id":"1029384756","form_id":"771234567890123","created_time":1736535600}}]}]}`
	for _, by := range keys {
		l := newLeadBooks(t)
		store := func() {
			t.Helper()
			w, r := l.read(t, webhook)
			defer w.Release()
			if _, err := l.Store(t.Context(), l.store, w, r); err != nil {
				t.Fatal(err)
			}
		}
		store()
		l.complete(t, "987654321012345", "+5511987654321", "ana@example.com", time.Minute, false)
		if n, err := l.store.Erase(t.Context(), "acme", by); n != 3 || err != nil {
			t.Errorf("%s: %d names %v", by, n, err)
		}
		if known := l.known(t, keys...); known != "- - -" {
			t.Errorf("by %s: %s is left", by, known)
		}
		before := l.queued(t)
		if store(); l.queued(t) != before {
			t.Errorf("by %s: its webhook brought %s, %s was there", by, l.queued(t), before)
		}
	}
}
