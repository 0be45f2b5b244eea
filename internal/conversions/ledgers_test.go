package conversions

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/destination/dataset"
	"github.com/leadgate/leadgate/internal/destination/forward"
	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/memory"
	"github.com/leadgate/leadgate/normalize"
)

// ledger is a platform that takes Google's clicks, and the names that are configured.
type ledger struct {
	names     string // each between spaces
	unclicked bool
	refuses   string // values that it refuses
}

func (l *ledger) Plan(*normalize.Event, []*destination.Destination) (destination.Job, bool) {
	return destination.Job{}, false
}

func (l *ledger) Credit(c *queue.Clicks, first bool) []byte {
	if first {
		return c.Oldest[queue.ClickGoogle]
	}
	return c.Newest[queue.ClickGoogle]
}

func (l *ledger) Takes(normalize.Channel, []*destination.Destination) bool { return true }

func (l *ledger) Names(name string) *destination.Refusal {
	if strings.Contains(" "+l.names+" ", " "+name+" ") {
		return nil
	}
	return &destination.Refusal{What: "no conversion action stands for " + name, Fix: "add `convert " + name + " <action>`", NoClick: true}
}

func (l *ledger) WithoutClick() bool { return l.unclicked }

func (l *ledger) Convert(c *destination.Conversion, _ time.Time) (destination.Job, destination.Report, error) {
	if l.refuses != "" && c.Value == l.refuses {
		return destination.Job{}, destination.Report{}, &destination.Refusal{What: "the value is refused", Fix: "write another"}
	}
	if c.Click == nil && c.Email == "" && c.WaPhone == "" {
		return destination.Job{}, destination.Report{}, &destination.Refusal{What: "nobody is named", Fix: "write email or waPhone"}
	}
	return destination.Job{Format: queue.FormatConversion, Report: c.Name, Lane: "lane:" + c.OrderID, Version: c.Value},
		destination.Report{Currency: c.Currency, Value: c.Value}, nil
}

func (l *ledger) Meta(c *destination.Conversion, t *destination.Tally) []byte {
	b, _ := json.Marshal(destination.Tallied{Tally: t})
	return b
}

func (l *ledger) Reported(string, []byte, time.Time) destination.Report { return destination.Report{} }

// books are a tenant's store, and an endpoint of it.
type books struct {
	*Endpoint
	store *memory.Queue
}

// openBooks is a tenant with these destinations, whose contact US.1 has touches, see
// touchedStore.
func openBooks(t *testing.T, touches string, planners ...destination.Planner) *books {
	t.Helper()
	now := time.UnixMilli(1736535600000)
	clock := func() time.Time { return now }
	store := memory.New(queue.Options{Dedupe: 8 * 24 * time.Hour, RememberClicks: 28 * 24 * time.Hour, MaxBacklog: 100}, clock)
	touchedStore(t, store, now, normalize.ChannelWhatsApp, "US.1", touches)
	b := &books{store: store, Endpoint: &Endpoint{
		Tenant: "acme", Remember: 28 * 24 * time.Hour, Now: clock, Logger: zap.NewNop(),
		Open: func(context.Context) (Store, func(), error) { return store, func() {}, nil },
	}}
	for i, p := range planners {
		b.Destinations = append(b.Destinations, &destination.Destination{
			Dest: queue.Dest{Tenant: "acme", Name: fmt.Sprintf("%c", 'a'+i)}, Planner: p,
		})
	}
	return b
}

func (b *books) post(t *testing.T, item string) Result {
	t.Helper()
	results, err := b.accept(itemNodes(t, item))
	if err != nil {
		t.Fatal(err)
	}
	return results[0]
}

func itemNodes(t *testing.T, item string) []jsondoc.Node {
	t.Helper()
	doc := new(jsondoc.Doc)
	if err := doc.Parse([]byte(item)); err != nil {
		t.Fatal(err)
	}
	return []jsondoc.Node{doc.Root()}
}

// queued are the entries of a destination.
func (b *books) queued(t *testing.T, name string) []queue.Entry {
	t.Helper()
	drain := b.store.Drain(queue.Dest{Tenant: "acme", Name: name}, func() {})
	defer drain.Close()
	list, err := drain.Read(t.Context(), queue.Pos{}, 99, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func meta() *dataset.Planner {
	return &dataset.Planner{Settings: capi.Settings{Dataset: "1", AccessToken: "x"}}
}

// TestLedgers: each ledger is told of a conversion by the touch that it can use, whatever
// else the contact has, and answers say what is missing.
func TestLedgers(t *testing.T) {
	google := func() *ledger { return &ledger{names: "Purchase Visit"} }
	const sale = `"eventName":"Purchase","value":5,"currency":"EUR"`
	const ad, gclid = `"ctwaClid":"A"`, `"gclid":"Cj0"`
	const unknown = "none that Meta takes"
	type list = []destination.Planner
	for _, c := range []struct {
		name, touches string
		planners      []destination.Planner
		item          string
		status, says  string // of the answer; says stands in its sentences
		click         string // a part of the click that is shown
		meta, google  int    // how many jobs a and b have
	}{
		{"both", "clid:A link", list{meta(), google()}, sale, Queued, "", ad, 1, 1},
		{"both, the link first", "link clid:A", list{meta(), google()}, sale, Queued, "", ad, 1, 1},
		{"in one message", "clid:A+link", list{meta(), google()}, sale, Queued, "", ad, 1, 1},
		{"the ad alone", "clid:A", list{meta(), google()}, sale, Queued, "", ad, 1, 0},
		{"the link alone", "link", list{meta(), google()}, sale, Queued, "", gclid, 0, 1},
		{"a Status ad and a link", "ad:1 link", list{meta(), google()}, sale, Queued, "", gclid, 0, 1},
		{"nothing", "", list{meta(), google()}, sale, NoClick, "28 days", "", 0, 0},
		{"no convert line, the link alone", "link", list{meta(), google()}, `"eventName":"QualifiedLead"`,
			NoClick, "add `convert QualifiedLead <action>`", gclid, 0, 0},
		{"no convert line, and an ad", "clid:A link", list{meta(), google()}, `"eventName":"QualifiedLead"`, Queued, "", ad, 1, 0},
		{"a name of its own, by the link", "link", list{meta(), google()}, `"eventName":"Visit"`, Queued, "", gclid, 0, 1},
		{"a name of its own, and an ad", "clid:A link", list{meta(), google()}, `"eventName":"Visit"`, Queued, "", gclid, 0, 1},
		{"a name of its own, the ad alone", "clid:A", list{meta(), google()}, `"eventName":"Visit"`, Invalid, unknown, "", 0, 0},
		{"nobody's name, by the link", "link", list{meta(), google()}, `"eventName":"Sold"`,
			NoClick, "add `convert Sold <action>`", "", 0, 0},
		{"nobody's name, the ad alone", "clid:A", list{meta(), google()}, `"eventName":"Sold"`, Invalid, unknown, "", 0, 0},
		{"nobody's name, nothing", "", list{meta(), google()}, `"eventName":"Sold"`, Invalid, unknown, "", 0, 0},
		{"nobody's name, no Google", "clid:A", list{meta()}, `"eventName":"Sold"`, Invalid, unknown, "", 0, 0},
		{"no Meta, the ad alone", "clid:A", list{nil, google()}, `"eventName":"Visit"`, NoClick, "an ad of Meta's", "", 0, 0},
		{"no Meta, the link", "clid:A link", list{nil, google()}, `"eventName":"Visit"`, Queued, "", gclid, 0, 1},
		{"refused by one", "clid:A link", list{meta(), &ledger{names: "Purchase", refuses: "5"}}, sale,
			Queued, "", ad, 1, 0},
		{"refused by the only one", "link", list{meta(), &ledger{names: "Purchase", refuses: "5"}}, sale,
			Invalid, "the value is refused write another", "", 0, 0},
		{"without a click", "", list{meta(), &ledger{names: "Purchase", unclicked: true}}, `"waPhone":"+15551234567",` + sale,
			Queued, "", "null", 0, 1},
	} {
		var planners []destination.Planner
		for _, p := range c.planners {
			if p == nil {
				p = &forward.Planner{}
			}
			planners = append(planners, p)
		}
		b := openBooks(t, c.touches, planners...)
		item := c.item
		if !strings.Contains(item, "waPhone") {
			item = `"userId":"US.1",` + item
		}
		r := b.post(t, "{"+item+"}")
		sentences := strings.TrimSpace(str(r.Error) + " " + str(r.Fix))
		if r.Status != c.status || !strings.Contains(sentences, c.says) || c.says == "" && sentences != "" {
			t.Errorf("%s: %s, %s", c.name, r.Status, sentences)
		}
		if shown, _ := json.Marshal(r.Click); !strings.Contains(string(shown), c.click) {
			t.Errorf("%s: click %s", c.name, shown)
		}
		if a, g := len(b.queued(t, "a")), len(b.queued(t, "b")); a != c.meta || g != c.google {
			t.Errorf("%s: %d for Meta, %d for Google", c.name, a, g)
		}
	}
}

// TestNamedClick: the click that is answered says what its ad is called now; where that is not
// known it has no names.
func TestNamedClick(t *testing.T) {
	for _, c := range []struct {
		named bool
		click string
	}{
		{false, `"adName":null,"adsetName":null,"campaignName":null}`}, {true, `"adName":"Ad 1","adsetName":"Set","campaignName":null}`},
	} {
		b := openBooks(t, "", meta())
		touchedStore(t, b.store, b.Now(), normalize.ChannelMessenger, "PS1", "ad:1")
		if c.named {
			b.AdNames = func(ad string) (string, string, string) { return "Ad " + ad, "Set", "" }
		}
		r := b.post(t, `{"eventName":"QualifiedLead","userId":"PS1"}`)
		if r.Status != Queued || !strings.HasSuffix(string(r.Click), c.click) {
			t.Errorf("%s, %s, want %s", r.Status, r.Click, c.click)
		}
	}
}

// TestOneOfEach: of a contact with both sorts of touches each ledger is told once; a
// correction is told to the ledger that takes some; and it all counts beside the ad, once.
func TestOneOfEach(t *testing.T) {
	b := openBooks(t, "clid:A link", meta(), &ledger{names: "Purchase"})
	for n, c := range []struct {
		value, order, status string
		meta, google         int
	}{
		{"5", "A-1", Queued, 1, 1},
		{"5", "A-1", Duplicate, 1, 1},
		{"7", "A-1", Queued, 1, 2}, // the correction
		{"7", "A-1", Duplicate, 1, 2},
		{"5", "A-2", Queued, 2, 3},
	} {
		r := b.post(t, fmt.Sprintf(`{"eventName":"Purchase","userId":"US.1","value":%s,"currency":"EUR","orderId":%q}`, c.value, c.order))
		if a, g := len(b.queued(t, "a")), len(b.queued(t, "b")); r.Status != c.status || a != c.meta || g != c.google {
			t.Errorf("%d: %s, %d for Meta, %d for Google", n, r.Status, a, g)
		}
	}
	first, second := b.queued(t, "a")[0], b.queued(t, "b")[0]
	if destination.TallyOf(&first.Header) == nil || destination.TallyOf(&second.Header) != nil {
		t.Errorf("counted by %s and %s", first.Header.Meta, second.Header.Meta)
	}
	if h := second.Header; h.Contact != "lane:A-1" || h.ClickKey != "whatsapp:US.1" || h.EventID != first.Header.EventID {
		t.Errorf("%+v", h)
	}
	counts, err := b.store.Counters(t.Context(), "acme", 0, 1<<40)
	if err != nil {
		t.Fatal(err)
	}
	total := map[string]int64{}
	for _, c := range counts {
		total[c.Field] += c.N
	}
	if total["purchases"] != 2 || total["value EUR 2"] != 1000 || total["queued a"] != 2 || total["queued b"] != 0 {
		t.Errorf("counted %v", total)
	}
}

// TestCountedByLink: where the link alone is credited the conversion counts beside it.
func TestCountedByLink(t *testing.T) {
	b := openBooks(t, "link", meta(), &ledger{names: "Purchase"})
	b.post(t, `{"eventName":"Purchase","userId":"US.1","value":5,"currency":"EUR"}`)
	counts, err := b.store.Counters(t.Context(), "acme", 0, 1<<40)
	if err != nil {
		t.Fatal(err)
	}
	purchases := 0
	for _, c := range counts {
		if c.Field == "purchases" && strings.Contains(c.Key, "summer") {
			purchases++
		}
	}
	if purchases != 1 {
		t.Errorf("counted %v", counts)
	}
}

// TestCorrectedCountsOnce: a correction is told to the ledger, and is no second purchase in the
// figures.
func TestCorrectedCountsOnce(t *testing.T) {
	b := openBooks(t, "link", &ledger{names: "Purchase"})
	for _, value := range []string{"5", "700.125", "6"} {
		r := b.post(t, fmt.Sprintf(`{"eventName":"Purchase","userId":"US.1","value":%s,"currency":"EUR","orderId":"A-1"}`, value))
		if r.Status != Queued {
			t.Errorf("%s: %s", value, r.Status)
		}
	}
	if n := len(b.queued(t, "a")); n != 3 {
		t.Errorf("the ledger is told %d times", n)
	}
	counts, err := b.store.Counters(t.Context(), "acme", 0, 1<<40)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range counts {
		if strings.HasPrefix(c.Field, "purchases") && c.N != 1 ||
			strings.HasPrefix(c.Field, "value") && (c.N != 500 || c.Field != "value EUR 2") {
			t.Errorf("counted %v", c)
		}
	}
}

// TestSaidNeedsClick: what a chat says of somebody who came by nothing is told to nobody,
// though a ledger takes what is posted of them.
func TestSaidNeedsClick(t *testing.T) {
	const item = `{"eventName":"Purchase","waPhone":"+15551234567","value":5,"currency":"EUR"}`
	b := openBooks(t, "", &ledger{names: "Purchase", unclicked: true})
	group := &queue.Group{Events: make([]queue.Event, 1)}
	p := Plan{Tenant: "acme", Destinations: b.Destinations, Remember: b.Remember, Now: b.Now(), Group: group}
	said := p.AddSaid(&Said{Name: "Purchase", JSON: []byte(item), Keys: []string{"whatsapp:15551234567"}}, make([]queue.Clicks, 1))
	if said.Status != NoClick || len(group.Jobs) != 0 {
		t.Errorf("said: %s, %d jobs", said.Status, len(group.Jobs))
	}
	if posted := b.post(t, item); posted.Status != Queued {
		t.Errorf("posted: %s", posted.Status)
	}
}

// TestEmailAlone names somebody where a ledger takes conversions without a click.
func TestEmailAlone(t *testing.T) {
	const item = `{"eventName":"Purchase","email":"maria@example.com","value":5,"currency":"EUR"}`
	for unclicked, want := range map[bool]string{true: Queued, false: Invalid} {
		b := openBooks(t, "", meta(), &ledger{names: "Purchase", unclicked: unclicked})
		r := b.post(t, item)
		if r.Status != want {
			t.Errorf("without_click %t: %s, %s", unclicked, r.Status, str(r.Error))
		}
		for _, e := range b.queued(t, "b") {
			if strings.Contains(string(e.Payload)+string(e.Header.Meta), "maria") {
				t.Errorf("the address is stored: %s", e.Payload)
			}
		}
		if again := b.post(t, item); unclicked && again.Status != Duplicate {
			t.Errorf("again: %s", again.Status)
		}
	}
}
