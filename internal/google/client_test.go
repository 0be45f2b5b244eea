package google_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/google"
	"github.com/leadgate/leadgate/internal/google/googletest"
)

const action = "777111122"

// clock is a time that a test moves.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time          { return noon.Add(time.Duration(c.offset.Load())) }
func (c *clock) advance(d time.Duration) { c.offset.Add(int64(d)) }

// start makes a fake and a client that reaches it.
func start(t *testing.T, options ...func(*googletest.Server)) (*googletest.Server, *google.Client, *clock) {
	t.Helper()
	c := new(clock)
	fake := googletest.New(t, append([]func(*googletest.Server){func(s *googletest.Server) { s.Now = c.now }}, options...)...)
	client := client(t, fake, fake.KeyFile(t), settings())
	client.Now = c.now
	return fake, client, c
}

func client(t *testing.T, fake *googletest.Server, file []byte, s *google.Settings) *google.Client {
	t.Helper()
	key, err := google.ParseKey(file)
	if err != nil {
		t.Fatal(err)
	}
	s.Endpoint = fake.URL()
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	client := google.NewClient(s, key)
	t.Cleanup(client.Close)
	return client
}

// sale is an event of a transaction, of a click of its own unless told otherwise.
func sale(t *testing.T, id string, change ...string) google.Event {
	t.Helper()
	event := built(t, posted(at(0), `"orderId":"`+id+`","value":12.5,"currency":"USD"`),
		google.Conversion{Touch: google.Touch{GCLID: "Gclid-" + id, WaPhone: "+15551234567"}}, settings())
	for i := 0; i < len(change); i += 2 {
		body := strings.Replace(string(event.Body), change[i], change[i+1], 1)
		if body == string(event.Body) {
			t.Fatalf("%s is not in %s", change[i], body)
		}
		event.Body = []byte(body)
	}
	return event
}

func sales(t *testing.T, n int) []google.Event {
	t.Helper()
	events := make([]google.Event, n)
	for i := range events {
		events[i] = sale(t, fmt.Sprintf("order-%d", i))
	}
	return events
}

func ingest(t *testing.T, c *google.Client, events ...google.Event) []google.Result {
	t.Helper()
	results, _, err := c.Ingest(t.Context(), action, events)
	if err != nil || len(results) != len(events) {
		t.Fatalf("%d results, %v", len(results), err)
	}
	return results
}

// fates writes what became of events: a letter for each.
func fates(results []google.Result) string {
	var b strings.Builder
	for i := range results {
		b.WriteByte("NTRPD"[results[i].Fate])
	}
	return b.String()
}

// TestIngestAndStatus: a 200 is a receipt, of which nothing is known for half an hour;
// then each event has its own outcome.
func TestIngestAndStatus(t *testing.T) {
	fake, c, clock := start(t, func(s *googletest.Server) {
		s.Clicks = map[string]googletest.Click{"Gclid-good": {At: noon.Add(-7 * time.Hour)}, "Gclid-young": {At: noon.Add(-2 * time.Hour)}}
	})
	results := ingest(t, c, sale(t, "good"), sale(t, "young"), sale(t, "foreign"))
	if fates(results) != "TTT" {
		t.Fatalf("%+v", results)
	}
	for i, r := range results {
		if r.RequestID != results[0].RequestID || r.Index != i || r.Of != 3 {
			t.Errorf("receipt %d: %+v", i, r)
		}
	}
	status, r := c.Status(t.Context(), results[0].RequestID)
	if r.Fate != google.Taken || !status.Of(0, 3).Open {
		t.Fatalf("at once: %+v, %+v", status, r)
	}
	clock.advance(30 * time.Minute)
	status, r = c.Status(t.Context(), results[0].RequestID)
	if r.Fate != google.Taken || !status.Of(0, 3).Clean {
		t.Fatalf("after half an hour: %+v, %+v", status, r)
	}
	if x := status.Of(1, 3).Reason; x == nil || x.Reason != "TOO_RECENT_CLICK" || x.Action != google.SendAgain {
		t.Errorf("young: %+v", x)
	}
	if x := status.Of(2, 3).Reason; x == nil || x.Reason != "CLICK_NOT_FOUND" {
		t.Errorf("foreign: %+v", x)
	}
	if _, r := c.Status(t.Context(), "t-other"); r.Fate != google.Dead || r.Reason != google.ReasonUnconfirmed ||
		r.Code != "INVALID_REQUEST_ID" {
		t.Errorf("of another: %+v", r)
	}
	if _, _, _, tokens := fake.Counts(); tokens != 1 {
		t.Errorf("%d tokens for four requests", tokens)
	}
}

// TestNamedEventsDie: of a request that Google refuses for some events, those alone die.
func TestNamedEventsDie(t *testing.T) {
	for _, named := range []int{0, 1} {
		fake, c, _ := start(t, func(s *googletest.Server) { s.MaxNamed = named })
		events := sales(t, 20)
		events[3] = sale(t, "order-3", `"USD"`, `"Usd"`)
		events[17] = sale(t, "order-17", `"conversionValue":12.5`, `"conversionValue":"12.5"`)
		results := ingest(t, c, events...)
		if got := fates(results); got != "TTTDTTTTTTTTTTTTTDTT" {
			t.Fatalf("%s, %+v", got, results)
		}
		if r := results[3]; r.Code != "INVALID_CURRENCY_CODE" || r.Reason != google.ReasonRefused || !strings.Contains(r.Text, "currency") ||
			!strings.Contains(r.Text, "t-fakeRequest") {
			t.Errorf("%+v", r)
		}
		if r := results[18]; r.Index != 16 || r.Of != 18 {
			t.Errorf("the receipt counts by the request: %+v", r)
		}
		if taken := fake.Accepted(); len(taken) != 18 {
			t.Errorf("%d taken", len(taken))
		}
	}
}

// TestResendIsHarmless: a request whose answer is lost is sent again, and counts once.
func TestResendIsHarmless(t *testing.T) {
	fake, c, clock := start(t)
	fake.Script(1, googletest.Answer{Cut: true, Accept: true})
	if r := ingest(t, c, sale(t, "x"))[0]; r.Fate != google.Retry || r.Reason != "transient" {
		t.Fatalf("%+v", r)
	}
	r := ingest(t, c, sale(t, "x"))[0]
	clock.advance(time.Hour)
	status, _ := c.Status(t.Context(), r.RequestID)
	if x := status.Of(0, 1).Reason; x == nil || x.Action != google.Done {
		t.Errorf("%+v", x)
	}
}

// TestStopped: of a request that a caller ends nothing is said.
func TestStopped(t *testing.T) {
	fake, c, _ := start(t)
	hold := make(chan struct{})
	defer close(hold)
	fake.Script(1, googletest.Answer{Hold: hold})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(0, cancel)
	results, _, err := c.Ingest(ctx, action, sales(t, 1))
	if err != nil || fates(results) != "N" {
		t.Errorf("%+v, %v", results, err)
	}
}

// TestWarnings: what Google ignored comes back, and the events count.
func TestWarnings(t *testing.T) {
	fake, c, _ := start(t)
	fake.Script(1, googletest.Answer{Body: `{"requestId":"r1","fieldWarnings":[{"field":"events.events[0].x",` +
		`"reason":"WARNING_REASON_ADIDENTIFIER_NOT_USED","description":"d"}]}`})
	results, warnings, err := c.Ingest(t.Context(), action, sales(t, 1))
	if err != nil || fates(results) != "T" || len(warnings) != 1 || warnings[0] != (google.Warning{Field: "events.events[0].x",
		Reason: "ADIDENTIFIER_NOT_USED", Description: "d"}) {
		t.Errorf("%+v, %+v, %v", results, warnings, err)
	}
}

// TestWrongCalls: nothing is sent.
func TestWrongCalls(t *testing.T) {
	fake, c, _ := start(t)
	twice := []google.Event{sale(t, "x"), sale(t, "x")}
	for name, call := range map[string]func() error{
		"no action":   func() error { _, _, err := c.Ingest(t.Context(), "customers/1", sales(t, 1)); return err },
		"too many":    func() error { _, _, err := c.Ingest(t.Context(), action, make([]google.Event, 2001)); return err },
		"no body":     func() error { _, _, err := c.Ingest(t.Context(), action, make([]google.Event, 1)); return err },
		"one id":      func() error { _, _, err := c.Ingest(t.Context(), action, twice); return err },
		"both alike?": func() error { _, _, err := c.Ingest(t.Context(), "", twice); return err },
	} {
		if call() == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if _, n, _, _ := fake.Counts(); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// TestValidate: accounts, conversion action and credential are checked, and nothing is
// stored.
func TestValidate(t *testing.T) {
	fake, c, _ := start(t, func(s *googletest.Server) {
		s.Accounts = map[string]*googletest.Account{"1234567890": {Managers: []string{"9876543210"},
			Actions: map[string]googletest.Action{action: {}, "5": {Webpage: true}}}}
	})
	if r := c.Validate(t.Context(), action); r.Fate != google.Taken {
		t.Errorf("%+v", r)
	}
	for id, code := range map[string]string{"5": "INVALID_CONVERSION_ACTION_TYPE", "6": "INVALID_CONVERSION_ACTION_ID"} {
		if r := c.Validate(t.Context(), id); r.Fate != google.Park || r.Code != code {
			t.Errorf("%s: %+v", id, r)
		}
	}
	if n := len(fake.Accepted()); n != 0 {
		t.Errorf("%d events are stored", n)
	}
	s := settings()
	for login, want := range map[string]google.Fate{"9876543210": google.Taken, "1111111111": google.Park} {
		s.LoginAccount = login
		c := client(t, fake, fake.KeyFile(t), s)
		c.Now = fake.Now
		if r := c.Validate(t.Context(), action); r.Fate != want {
			t.Errorf("through %s: %+v", login, r)
		}
	}
}

// TestManyAtOnce: requests beside each other fetch one token.
func TestManyAtOnce(t *testing.T) {
	fake, c, _ := start(t)
	var wg sync.WaitGroup
	for i := range 8 {
		events := []google.Event{sale(t, fmt.Sprintf("o%d", i))}
		wg.Go(func() {
			if results, _, err := c.Ingest(t.Context(), action, events); err != nil || fates(results) != "T" {
				t.Errorf("%+v, %v", results, err)
			}
		})
	}
	wg.Wait()
	if _, _, _, tokens := fake.Counts(); tokens != 1 {
		t.Errorf("%d tokens", tokens)
	}
}
