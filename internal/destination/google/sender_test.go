package google

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/google"
	"github.com/leadgate/leadgate/internal/google/googletest"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

const account = "1234567890"

var actions = Actions{"Lead": "6501234567", "Purchase": "6507654321"}

// bench is a sender before a fake, with one clock.
type bench struct {
	t      *testing.T
	fake   *googletest.Server
	s      *Sender
	now    time.Time
	counts map[string]int
}

func newBench(t *testing.T, set func(*googletest.Server, *Config)) *bench {
	t.Helper()
	b := &bench{t: t, now: time.UnixMilli(1736535600000), counts: map[string]int{}}
	b.fake = googletest.New(t)
	b.fake.Now = func() time.Time { return b.now }
	key, err := google.ParseKey(b.fake.KeyFile(t))
	if err != nil {
		t.Fatal(err)
	}
	c := Config{
		Settings: google.Settings{Account: account, Endpoint: b.fake.URL()}, Actions: actions, Key: key,
		Hold: 6 * time.Hour, AskAfter: 30 * time.Minute, Now: func() time.Time { return b.now },
		OnEvents: func(name, outcome string, n int) { b.counts[name+" "+outcome] += n },
	}
	if set != nil {
		set(b.fake, &c)
	}
	if err := c.Settings.Validate(); err != nil {
		t.Fatal(err)
	}
	b.s = NewSender(c)
	t.Cleanup(b.s.CloseIdleConnections)
	return b
}

// sale is a posted Purchase of a click of so long ago; order is its orderId.
func (b *bench) sale(order, gclid string, clicked time.Duration, at time.Time) destination.Item {
	id := normalize.ID{14: byte(len(order)), 15: order[len(order)-1]}
	payload := fmt.Sprintf(`{"id":"e70210fe-620f-555d-bc02-%012x","kind":"conversion","receivedAt":%d,"conversion":{"value":49.90,`+
		`"currency":"EUR","orderId":%q},"link":null}`, len(order), at.UnixMilli(), order)
	m := meta{Name: "Purchase", GCLID: gclid, ClickedAt: b.now.Add(-clicked).UnixMilli(), WaPhone: "+15551234567"}
	return destination.Item{Attempt: 1, Entry: queue.Entry{
		Payload: []byte(payload),
		Header: queue.Header{
			EventID: id, Format: queue.FormatConversion, Kind: uint8(normalize.KindConversion), Contact: order, Meta: m.encode(),
		},
	}}
}

func (b *bench) send(items ...destination.Item) []destination.Verdict {
	b.t.Helper()
	return b.s.Send(b.t.Context(), items)
}

// next is the item as it comes back after a Later, when it is due.
func (b *bench) next(it destination.Item, v destination.Verdict) destination.Item {
	b.t.Helper()
	if v.Action != destination.Later {
		b.t.Fatalf("%+v, want later", v)
	}
	b.now = b.now.Add(v.After)
	it.Receipt, it.Note = v.Receipt, v.Note
	return it
}

func (b *bench) want(v destination.Verdict, action destination.Action, code string) {
	b.t.Helper()
	if v.Action != action || v.Code != code {
		b.t.Fatalf("%+v, want %v %s", v, action, code)
	}
}

// TestWayOfAnEvent: held until its click is old enough, sent with the click and the hashes,
// asked about by schedule, confirmed; and one question is for all that were sent together.
func TestWayOfAnEvent(t *testing.T) {
	b := newBench(t, func(f *googletest.Server, _ *Config) { f.ReadyAfter = 40 * time.Minute })
	young := b.sale("A-1", "Cj0KCQ_Young", 5*time.Hour, b.now)
	v := b.send(young)[0]
	if v.Action != destination.Later || v.After != time.Hour || v.Receipt != "" {
		t.Fatalf("of a young click: %+v", v)
	}
	young = b.next(young, v)
	other := b.sale("A-22", "Cj0KCQ_Other", 40*24*time.Hour, b.now)
	verdicts := b.send(young, other)
	young, other = b.next(young, verdicts[0]), b.next(other, verdicts[1])
	b.now = b.now.Add(-30 * time.Minute)
	accepted := b.fake.Accepted()
	if len(accepted) != 2 || accepted[0].Request != accepted[1].Request || accepted[0].Action != "6507654321" ||
		accepted[0].Account != account {
		t.Fatalf("accepted %+v", accepted)
	}
	var event struct {
		EventSource, TransactionID, EventTimestamp, Currency string
		AdIdentifiers                                        map[string]string
		ConversionValue                                      float64
		UserData                                             struct{ UserIdentifiers []map[string]string }
	}
	if err := json.Unmarshal(accepted[0].Event, &event); err != nil {
		t.Fatal(err)
	}
	if event.TransactionID != "A-1" || event.EventSource != "MESSAGE" || event.AdIdentifiers["gclid"] != "Cj0KCQ_Young" ||
		event.ConversionValue != 49.9 || event.Currency != "EUR" ||
		event.UserData.UserIdentifiers[0]["phoneNumber"] != "8a59780bb8cd2ba022bfa5ba2ea3b6e07af17a7d8b30c1f9b3390e36f69019e4" {
		t.Errorf("sent %s", accepted[0].Event)
	}

	verdicts = b.send(young, other) // not ready yet
	young, other = b.next(young, verdicts[0]), b.next(other, verdicts[1])
	if _, _, statuses, _ := b.fake.Counts(); statuses != 1 {
		t.Errorf("%d questions for one request", statuses)
	}
	verdicts = b.send(young, other)
	b.want(verdicts[0], destination.Done, "")
	b.want(verdicts[1], destination.Done, "")
	if want := map[string]int{"Purchase later": 3, "Purchase delivered": 2, "Purchase confirmed": 2}; !maps.Equal(b.counts, want) {
		t.Errorf("counted %v, want %v", b.counts, want)
	}
	if _, ingests, _, tokens := b.fake.Counts(); ingests != 1 || tokens != 2 { // over an hour, for which a token is good
		t.Errorf("%d requests, %d tokens", ingests, tokens)
	}
}

// TestSecondAfterClick: whatever is configured, an event waits for the second after its click.
func TestSecondAfterClick(t *testing.T) {
	b := newBench(t, func(_ *googletest.Server, c *Config) { c.Hold = 0 })
	it := b.sale("A-1", "Cj0", 400*time.Millisecond, b.now)
	v := b.send(it)[0]
	if v.Action != destination.Later || v.After != 600*time.Millisecond || v.Receipt != "" {
		t.Fatalf("%+v", v)
	}
	clicked := b.now.Add(-400 * time.Millisecond)
	it = b.next(it, v)
	b.next(it, b.send(it)[0])
	var event struct{ EventTimestamp time.Time }
	if err := json.Unmarshal(b.fake.Accepted()[0].Event, &event); err != nil || event.EventTimestamp.Sub(clicked) != time.Second {
		t.Errorf("at %v of a click at %v, %v", event.EventTimestamp, clicked, err)
	}
}

// TestSeconds: two sales of one click at one time get different seconds, and one that has
// another's second since nobody remembered it is shifted.
func TestSeconds(t *testing.T) {
	b := newBench(t, nil)
	at := b.now.Add(-time.Hour)
	first, second := b.sale("A-1", "Cj0", 10*24*time.Hour, at), b.sale("A-22", "Cj0", 10*24*time.Hour, at)
	b.send(first, second)
	times := map[string]bool{}
	for _, a := range b.fake.Accepted() {
		if a.Outcome != "SUCCESS" {
			t.Errorf("%+v", a)
		}
		_, rest, _ := strings.Cut(string(a.Event), `"eventTimestamp":"`)
		times[rest[:20]] = true
	}
	if len(times) != 2 {
		t.Errorf("times %v", times)
	}
	// The third is sent by a process that knows nothing of them.
	b.s.seconds = seconds{}
	third := b.sale("A-333", "Cj0", 10*24*time.Hour, at)
	for v := b.send(third)[0]; v.Action != destination.Done; v = b.send(third)[0] {
		third = b.next(third, v)
	}
	if a := b.fake.Accepted(); a[len(a)-1].Outcome != "SUCCESS" || len(a) < 4 {
		t.Errorf("%+v", a)
	}
	// There is no second left before now: it waits for one, as what Google never had.
	late := b.sale("A-1", "Cj1", 10*24*time.Hour, b.now)
	late2 := b.sale("A-22", "Cj1", 10*24*time.Hour, b.now)
	if v := b.send(late, late2); v[0].Receipt == "" || v[1].Action != destination.Later || v[1].Receipt != "" || v[1].Note != "" ||
		v[1].After > time.Minute {
		t.Errorf("%+v", v)
	}
}

// TestOneBadEvent: the ones that Google names die, the rest goes; what Google is known to
// refuse never leaves.
func TestOneBadEvent(t *testing.T) {
	b := newBench(t, nil)
	var items []destination.Item
	for i := range 5 {
		items = append(items, b.sale(strings.Repeat("x", i+1), fmt.Sprint("Cj", i), 10*24*time.Hour, b.now))
	}
	old := b.sale("old", "CjOld", 91*24*time.Hour, b.now)
	items = append(items, old)
	b.fake.Script(1, googletest.Answer{Status: 400, Body: `{"error":{"code":400,"message":"bad","status":"INVALID_ARGUMENT","details":[` +
		`{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"events.events[1].currency","description":"no",` +
		`"reason":"INVALID_CURRENCY_CODE"}]}]}}`})
	got := b.send(items...)
	for i, v := range got {
		switch {
		case i == 1:
			b.want(v, destination.Dead, "INVALID_CURRENCY_CODE")
		case i == 5:
			b.want(v, destination.Dead, "EXPIRED_CLICK")
		case v.Action != destination.Later || v.Receipt == "":
			t.Errorf("%d: %+v", i, v)
		}
	}
	if events, _, _, _ := b.fake.Counts(); events != 4 {
		t.Errorf("%d accepted", events)
	}
}

// TestParked: a token that is refused parks, and the key is read again while it is; so
// does a refusal that comes later, for the account's own fault.
func TestParked(t *testing.T) {
	b := newBench(t, nil)
	good := b.s.c.Key
	var bad googletest.Server
	file, err := bad.NewKey(b.fake.URL() + "/token")
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := google.ParseKey(file)
	if err != nil {
		t.Fatal(err)
	}
	reads := 0
	b.s.c.Credentials = func() (*google.Key, error) { reads++; return good, nil }
	b.s.client.SetKey(foreign)
	it := b.sale("A-1", "Cj0", 10*24*time.Hour, b.now)
	v := b.send(it)[0]
	if v.Action != destination.Park || v.Reason != "token" || reads != 0 {
		t.Fatalf("%+v", v)
	}
	if strings.Contains(v.Explanation, "PRIVATE") || strings.Contains(v.Explanation, "ya29") {
		t.Errorf("a secret is told: %s", v.Explanation)
	}
	v = b.send(it)[0]
	if reads != 1 || v.Receipt == "" {
		t.Fatalf("read again %d times: %+v", reads, v)
	}
	b.send(it)
	if reads != 1 {
		t.Error("the key is read though nothing is wrong")
	}

	b = newBench(t, func(f *googletest.Server, _ *Config) {
		f.Reasons = map[string]string{"A-1": "DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED"}
	})
	it = b.sale("A-1", "Cj0", 10*24*time.Hour, b.now)
	it = b.next(it, b.send(it)[0])
	v = b.send(it)[0]
	b.want(v, destination.Later, "DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED")
	if !v.Parks || v.Receipt != "" || v.Explanation == "" {
		t.Fatalf("%+v", v)
	}
	b.fake.Reasons = nil
	it = b.next(it, v)
	it = b.next(it, b.send(it)[0])
	b.want(b.send(it)[0], destination.Done, "")
}

// TestManyOfOneSecond: as many sales of one click and one time as there are get a second each.
func TestManyOfOneSecond(t *testing.T) {
	b := newBench(t, nil)
	sold := b.now.Add(-24 * time.Hour)
	var open []destination.Item
	for i := range 200 {
		open = append(open, b.sale(fmt.Sprintf("A-%d", i), "Cj0", 10*24*time.Hour, sold))
	}
	for range 6 {
		var rest []destination.Item
		for i, v := range b.send(open...) {
			if v.Receipt == "" {
				rest = append(rest, b.next(open[i], v))
			}
		}
		open = rest
	}
	seconds := map[string]bool{}
	for _, a := range b.fake.Accepted() {
		var event struct{ EventTimestamp string }
		if err := json.Unmarshal(a.Event, &event); err != nil {
			t.Fatal(err)
		}
		seconds[event.EventTimestamp] = true
	}
	if len(open) != 0 || len(seconds) != 200 {
		t.Errorf("%d wait, %d seconds", len(open), len(seconds))
	}
}

// asked notes whom a sender asks, and answers nobody.
type asked []string

func (a *asked) RoundTrip(r *http.Request) (*http.Response, error) {
	*a = append(*a, r.URL.Host)
	return nil, errors.New("nobody is there")
}

// TestKeyOfSomebodyElse: a file that is read again is judged as it was at the start, so that
// no assertion goes where the new one says while events go to Google.
func TestKeyOfSomebodyElse(t *testing.T) {
	key := func(tokenURL string) *google.Key {
		file, err := new(googletest.Server).NewKey(tokenURL)
		if err != nil {
			t.Fatal(err)
		}
		k, err := google.ParseKey(file)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	b := newBench(t, nil)
	s := NewSender(Config{Settings: google.Settings{Account: "1234567890"}, Actions: Actions{"Purchase": "1"}, Key: key(google.GoogleTokenURL),
		Now:         func() time.Time { return b.now },
		Credentials: func() (*google.Key, error) { return key("https://elsewhere.example/token"), nil }})
	var hosts asked
	s.client.Transport = &hosts
	s.parked.Store(true)
	s.Send(t.Context(), []destination.Item{b.sale("A-1", "Cj0", 10*24*time.Hour, b.now)})
	if len(hosts) != 1 || hosts[0] != "oauth2.googleapis.com" {
		t.Errorf("%v were asked", hosts)
	}
}

// TestGoogleIsAway: what cannot be asked stays asked about; what cannot be sent is retried,
// and throttling holds up all.
func TestGoogleIsAway(t *testing.T) {
	b := newBench(t, nil)
	it := b.sale("A-1", "Cj0", 10*24*time.Hour, b.now)
	b.fake.Script(1, googletest.Answer{Status: 503})
	b.want(b.send(it)[0], destination.Retry, "")
	b.fake.Script(1, googletest.Answer{Status: 429, Body: `{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}`})
	if v := b.send(it, b.sale("A-22", "Cj1", 10*24*time.Hour, b.now)); v[0].Action != destination.Throttle || v[0].After <= 0 {
		t.Errorf("%+v", v)
	}
	b.fake.Script(1, googletest.Answer{Cut: true, Accept: true})
	b.want(b.send(it)[0], destination.Retry, "")
	asked := b.next(it, b.send(it)[0])
	b.fake.Script(1, googletest.Answer{Status: 503})
	v := b.send(asked)[0]
	if v.Action != destination.Later || v.Receipt == "" {
		t.Errorf("%+v", v)
	}
	b.want(b.send(b.next(asked, v))[0], destination.Done, "") // the cut one counts once
}

// TestGone: a name without a conversion action is a dead letter that says so, and so is
// what cannot be read.
func TestGone(t *testing.T) {
	b := newBench(t, func(_ *googletest.Server, c *Config) { c.Actions = Actions{"Lead": "1"} })
	it := b.sale("A-1", "Cj0", 10*24*time.Hour, b.now)
	bad := it
	bad.Header.Meta = []byte("{")
	v := b.send(it, bad)
	if v[0].Action != destination.Dead || !strings.Contains(v[0].Explanation, "convert Purchase") || v[1].Reason != "unreadable" {
		t.Errorf("%+v", v)
	}
}

// TestPlanner: a touch is a lead once, posted conversions go by names, and an order with
// another value is another version.
func TestPlanner(t *testing.T) {
	p := &Planner{Settings: google.Settings{Account: account}, Actions: actions}
	click := &clicks.Click{At: 1736535500000, Link: &clicks.Link{Name: "summer", Code: "K7QW3-MPDXR", GBRAID: "0AAA", Consented: true}}
	click.Channel = normalize.ChannelWhatsApp
	c := destination.Conversion{Click: click, ID: normalize.ID{1}}
	job, ok := p.PlanTouch(&c)
	if !ok || job.Lane != "01000000-0000-0000-0000-000000000000" || job.Report != "Lead" || len(job.Once) != 1 || c.Name != "Lead" {
		t.Fatalf("%+v, %v", job, ok)
	}
	m, err := readMeta(p.Meta(&c, nil))
	if err != nil || m.GBRAID != "0AAA" || !m.Consented || m.ClickedAt != click.At || m.Name != "Lead" || m.Tally != nil {
		t.Errorf("%+v, %v", m, err)
	}
	if consent := m.conversion("").Touch.Consent; consent != (google.Consent{AdUserData: google.Granted, AdPersonalization: google.Granted}) {
		t.Errorf("consent %v", consent)
	}
	plain := *click
	plain.Link = &clicks.Link{Name: "flyer", Code: "7GHK4-WPQRM"}
	if _, ok := p.PlanTouch(&destination.Conversion{Click: &plain}); ok {
		t.Error("a link without an id of Google's is a lead")
	}
	if _, ok := (&Planner{Actions: Actions{"Purchase": "1"}}).PlanTouch(&destination.Conversion{Click: click}); ok {
		t.Error("a lead without convert Lead")
	}
	if r := p.Names("Subscribe"); r == nil || !r.NoClick || !strings.Contains(r.Fix, "convert Subscribe") {
		t.Errorf("%+v", r)
	}
	now := time.UnixMilli(1736535600000)
	posted := func(order, value string) destination.Conversion {
		return destination.Conversion{
			Unified: fmt.Appendf(nil, `{"id":"e70210fe-620f-555d-bc02-000000000001","kind":"conversion","receivedAt":%d,"conversion":{"value":%s,`+
				`"currency":"EUR","orderId":%q}}`, now.UnixMilli(), value, order),
			Name: "Purchase", Click: click, OrderID: order, Value: value, Currency: "EUR", Email: "a.b@gmail.com",
		}
	}
	one, other := posted("A-1", "10"), posted("A-1", "12")
	a, _, err1 := p.Convert(&one, now)
	b, _, err2 := p.Convert(&other, now)
	if err1 != nil || err2 != nil || a.Lane != "A-1" || b.Lane != "A-1" || a.Version == b.Version {
		t.Errorf("%+v %v, %+v %v", a, err1, b, err2)
	}
	same := posted("A-1", "10.00")
	same.Currency = "eur"
	if c, report, err := p.Convert(&same, now); err != nil || c.Version != a.Version || report.Value != "10" || report.Currency != "EUR" {
		t.Errorf("10.00 eur is another version than 10 EUR: %+v %+v %v", c, report, err)
	}
	negative := posted("A-1", "-1")
	if _, _, err := p.Convert(&negative, now); err == nil {
		t.Error("a negative value is taken")
	}
	if long := posted(strings.Repeat("x", 65), "1"); transactionID(&long) != "00000000-0000-0000-0000-000000000000" {
		t.Errorf("of a long order: %s", transactionID(&long))
	}
}

// TestCheck is what the doctor says.
func TestCheck(t *testing.T) {
	b := newBench(t, func(f *googletest.Server, _ *Config) {
		f.Accounts = map[string]*googletest.Account{account: {Actions: map[string]googletest.Action{"6501234567": {}}}}
	})
	b.fake.Now = time.Now
	found := Check(t.Context(), "tenant acme", &b.s.c.Settings, b.s.c.Key, actions)
	text := fmt.Sprint(found)
	if !strings.Contains(text, "convert Lead 6501234567: Google takes it") || !strings.Contains(text, "INVALID_CONVERSION_ACTION_ID") {
		t.Error(text)
	}
	if events, _, _, _ := b.fake.Counts(); events != 0 {
		t.Error("the doctor stored an event")
	}
}
