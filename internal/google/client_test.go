package google_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
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

// nameless is an error that names no event.
const nameless = `{"error":{"code":400,"message":"Request contains an invalid argument.","status":"INVALID_ARGUMENT"}}`

// TestHalved: where Google names no event, the bad one is found by halves.
func TestHalved(t *testing.T) {
	_, c, _ := start(t)
	next := c.Transport
	var bad = `"transactionId":"order-9"`
	c.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/token" {
			return next.RoundTrip(r)
		}
		if body := read(r); strings.Contains(body, bad) {
			return answer(400, nameless), nil
		}
		return next.RoundTrip(r)
	})
	open := sales(t, 16)
	for range 16 {
		results := ingest(t, c, open...)
		var rest []google.Event
		for i, r := range results {
			switch r.Fate {
			case google.NotSent:
				rest = append(rest, open[i])
			case google.Dead:
				if open[i].TransactionID != "order-9" {
					t.Fatalf("%s died", open[i].TransactionID)
				}
				bad = "nothing"
			case google.Taken:
			default:
				t.Fatalf("%+v", r)
			}
		}
		if open = rest; len(open) == 0 {
			break
		}
	}
	if len(open) != 0 || bad != "nothing" {
		t.Fatalf("%d events are left, bad is %s", len(open), bad)
	}
}

// TestTooLarge: a request that is too large for somebody is halved until it is not; no
// event dies of it.
func TestTooLarge(t *testing.T) {
	_, c, _ := start(t)
	next := c.Transport
	c.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.ContentLength > 2500 && r.URL.Path != "/token" {
			return answer(413, "too large"), nil
		}
		return next.RoundTrip(r)
	})
	if got := fates(ingest(t, c, sales(t, 20)...)); got != "TTTTT"+strings.Repeat("N", 15) {
		t.Error(got)
	}
}

// TestAnswers: what an answer means for all of a request.
func TestAnswers(t *testing.T) {
	failed := func(code int, status, details string) string {
		return fmt.Sprintf(`{"error":{"code":%d,"message":"m","status":%q,"details":[%s]}}`, code, status, details)
	}
	info := func(reason, metadata string) string {
		return fmt.Sprintf(`{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":%q,"metadata":{%s}}`, reason, metadata)
	}
	field := func(name, reason string) string {
		return fmt.Sprintf(`{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":%q,"reason":%q}]}`, name, reason)
	}
	for _, c := range []struct {
		name         string
		status       int
		body         string
		fate         string
		reason, code string
	}{
		{"no action", 400, failed(400, "INVALID_ARGUMENT", field("destinations[0].product_destination_id", "INVALID_CONVERSION_ACTION_ID")),
			"PP", "configuration", "INVALID_CONVERSION_ACTION_ID"},
		{"terms", 400, failed(400, "INVALID_ARGUMENT", field("events.events[0].user_data",
			"DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED")), "PP", "configuration",
			"DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED"},
		{"unknown, of no event", 400, failed(400, "INVALID_ARGUMENT", info("NEW_REASON", "")), "PP", "configuration", "NEW_REASON"},
		{"unknown, of an event", 400, failed(400, "INVALID_ARGUMENT", field("events[1].x", "NEW_REASON")), "TD", "refused", "NEW_REASON"},
		{"JSON of an event", 400, failed(400, "INVALID_ARGUMENT", field("events[1].x", "")), "TD", "refused", ""},
		{"precondition", 400, failed(400, "FAILED_PRECONDITION", ""), "PP", "configuration", "FAILED_PRECONDITION"},
		{"disabled", 403, failed(403, "PERMISSION_DENIED", info("SERVICE_DISABLED", `"activationUrl":"https://x.test/on"`)), "PP", "permission",
			"SERVICE_DISABLED"},
		{"not found", 404, failed(404, "NOT_FOUND", ""), "PP", "permission", "NOT_FOUND"},
		{"no account", 403, failed(403, "PERMISSION_DENIED", ""), "PP", "permission", "PERMISSION_DENIED"},
		{"aborted", 409, failed(409, "ABORTED", ""), "RR", "transient", ""},
		{"internal", 500, failed(500, "INTERNAL", ""), "RR", "transient", ""},
		{"away", 503, "<html>", "RR", "transient", ""},
		{"internal, of an event", 400, failed(400, "INVALID_ARGUMENT", field("events.events[0]", "INTERNAL_ERROR")), "RR", "transient",
			"INTERNAL_ERROR"},
		{"a limit", 429, failed(429, "RESOURCE_EXHAUSTED", info("RATE_LIMIT_EXCEEDED", `"quota_limit":"RequestsPerMinute"`)), "RR", "throttled",
			"RATE_LIMIT_EXCEEDED"},
		{"redirect", 302, "", "PP", "configuration", ""},
		{"somebody else", 404, "not here", "PP", "configuration", ""},
		{"not Google's 200", 200, "ok", "RR", "transient", ""},
		{"no receipt", 200, "{}", "RR", "transient", ""},
	} {
		fake, client, _ := start(t)
		fake.Script(1, googletest.Answer{Status: c.status, Body: c.body, Header: http.Header{"Location": {"/elsewhere"}}})
		results := ingest(t, client, sales(t, 2)...)
		bad := results[strings.IndexFunc(c.fate, func(r rune) bool { return r != 'T' })]
		if fates(results) != c.fate || bad.Reason != c.reason || bad.Code != c.code || bad.Text == "" {
			t.Errorf("%s: %s, %+v", c.name, fates(results), bad)
		}
		if c.name == "disabled" && !strings.Contains(bad.Text, "https://x.test/on") {
			t.Errorf("it is not said where the API is switched on: %s", bad.Text)
		}
	}
}

// TestThrottled: Google's own time counts; without one the wait doubles; a day's quota is
// not asked for again within the hour.
func TestThrottled(t *testing.T) {
	fake, c, _ := start(t)
	fake.Script(1, googletest.Answer{Status: 429, Header: http.Header{"Retry-After": {"7"}}})
	fake.Script(2, googletest.Answer{Status: 429})
	fake.Script(1, googletest.Answer{Status: 429, Body: `{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","details":[{"@type":` +
		`"type.googleapis.com/google.rpc.ErrorInfo","reason":"RATE_LIMIT_EXCEEDED","metadata":{"quota_limit":"RequestsPerDay"}}]}}`})
	for _, want := range []time.Duration{7 * time.Second, 2 * time.Minute, 4 * time.Minute, time.Hour} {
		if r := ingest(t, c, sale(t, "x"))[0]; !r.Throttled || r.Fate != google.Retry || r.After != want {
			t.Errorf("%+v, want %v", r, want)
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

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(status int, body string) *http.Response {
	w := httptest.NewRecorder()
	w.WriteHeader(status)
	_, _ = w.WriteString(body)
	return w.Result()
}

func read(r *http.Request) string {
	body, err := r.GetBody()
	if err != nil {
		return err.Error()
	}
	defer body.Close()
	var b strings.Builder
	buf := make([]byte, 1<<16)
	for {
		n, err := body.Read(buf)
		b.Write(buf[:n])
		if err != nil {
			return b.String()
		}
	}
}
