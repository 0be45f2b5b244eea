package capi_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/capi/capitest"
	"github.com/leadgate/leadgate/normalize"
)

var waba = capi.Identity{Channel: normalize.ChannelWhatsApp, ID: "102290129340398"}

// item is a good event whose ctwa_clid is the name.
func item(t testing.TB, name string) capi.Item {
	t.Helper()
	body, identity, err := capi.AppendEvent(nil, click(`referral.ctwaClid="`+name+`"`), settings(), now)
	if err != nil {
		t.Fatal(err)
	}
	return capi.Item{Body: body, Identity: identity}
}

func items(t testing.TB, n int) []capi.Item {
	t.Helper()
	template := item(t, "clid-NAME")
	out := make([]capi.Item, n)
	for i := range out {
		out[i] = template
		out[i].Body = []byte(strings.ReplaceAll(string(template.Body), "clid-NAME", fmt.Sprintf("clid-%d", i)))
	}
	return out
}

// setup is a fake Meta whose clock is the tests', and a client for it.
func setup(t testing.TB, change func(*capi.Settings), options ...func(*capitest.Server)) (*capitest.Server, *capi.Client) {
	t.Helper()
	options = append(options, func(s *capitest.Server) { s.Now = func() time.Time { return now } })
	meta := capitest.New(t, options...)
	s := settings()
	s.Endpoint = meta.URL()
	if change != nil {
		change(s)
	}
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	c := capi.NewClient(s)
	c.Now = func() time.Time { return now }
	t.Cleanup(c.Close)
	return meta, c
}

func send(t testing.TB, c *capi.Client, in []capi.Item) []capi.Result {
	t.Helper()
	results, err := c.Send(context.Background(), in)
	if err != nil || len(results) != len(in) {
		t.Fatalf("%d results for %d events, %v", len(results), len(in), err)
	}
	return results
}

// only asserts that all events have one result and gives it.
func only(t testing.TB, results []capi.Result) capi.Result {
	t.Helper()
	for _, r := range results {
		if r != results[0] {
			t.Fatalf("results differ: %+v, %+v", results[0], r)
		}
	}
	return results[0]
}

func TestSend(t *testing.T) {
	meta, c := setup(t, func(s *capi.Settings) {
		s.AppSecret, s.AccessToken, s.TestEventCode, s.PartnerAgent = "app_secret_123", "EAAtoken\n", "TEST7", "leadgate"
	}, func(s *capitest.Server) {
		s.Token, s.AppSecret = "EAAtoken", "app_secret_123"
		s.Datasets = map[string]capitest.Dataset{"1234567890": {WabaID: waba.ID}}
	})
	batch := items(t, 3)
	if r := only(t, send(t, c, batch)); r.Fate != capi.Done || r.TraceID == "" || r.After != 0 {
		t.Errorf("%+v", r)
	}
	got := meta.Accepted()
	if len(got) != 3 || meta.Requests() != 1 {
		t.Fatalf("%d events in %d requests", len(got), meta.Requests())
	}
	for i, a := range got {
		if string(a.Event) != string(batch[i].Body) || a.Version != "v27.0" || a.Dataset != "1234567890" || a.TestEventCode != "TEST7" ||
			a.PartnerAgent != "leadgate" {
			t.Errorf("%+v", a)
		}
	}
	if results, err := c.Send(context.Background(), nil); results != nil || err != nil || meta.Requests() != 1 {
		t.Errorf("an empty batch: %v, %v", results, err)
	}
}

func TestAppSecretProof(t *testing.T) {
	if got := capi.AppSecretProof("app_secret_123", "EAAtoken"); got != "e2f4025c78aeb0a2ca0cdbe1b761e2343d7a8230003895dad6dc39c35c7a0161" {
		t.Error(got)
	}
}

func TestSendRefusesWrongCalls(t *testing.T) {
	meta, c := setup(t, nil)
	mixed := items(t, 2)
	mixed[1].Identity.ID = "5"
	for name, in := range map[string][]capi.Item{"mixed": mixed, "empty body": {{Identity: waba}}, "1001": items(t, 1001)} {
		if results, err := c.Send(context.Background(), in); err == nil || results != nil {
			t.Errorf("%s: %v", name, results)
		}
	}
	if meta.Requests() != 0 {
		t.Error("something was sent")
	}
}

// TestRequest looks at the request itself, which the fake Meta does not keep.
func TestRequest(t *testing.T) {
	var seen *http.Request
	var body []byte
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r
		body, _ = io.ReadAll(r.Body)
		_, _ = io.WriteString(w, `{"events_received":1}`)
	}))
	defer ts.Close()
	s := settings()
	s.Endpoint, s.UserAgent, s.GraphVersion = ts.URL+"/", "Leadgate/1.2", "v25.0"
	c := capi.NewClient(s)
	defer c.Close()
	only(t, send(t, c, items(t, 1)))
	if seen.Method != "POST" || seen.URL.String() != "/v25.0/1234567890/events" || seen.Header.Get("Authorization") != "Bearer EAAtoken" ||
		seen.Header.Get("User-Agent") != "Leadgate/1.2" || seen.Header.Get("Content-Type") != "application/json" ||
		seen.ContentLength != int64(len(body)) {
		t.Errorf("%s %s %v", seen.Method, seen.URL, seen.Header)
	}
	if !strings.HasPrefix(string(body), `{"data":[{"event_name":`) || !strings.HasSuffix(string(body), `}]}`) {
		t.Errorf("%s", body)
	}
}

func TestCredentials(t *testing.T) {
	meta, c := setup(t, func(s *capi.Settings) { s.AccessToken = "old" }, func(s *capitest.Server) { s.Token = "new" })
	if r := only(t, send(t, c, items(t, 1))); r.Fate != capi.Park || r.Class != capi.Token || r.Code != 190 {
		t.Errorf("%+v", r)
	}
	c.SetCredentials("", "")
	if r := only(t, send(t, c, items(t, 1))); r.Fate != capi.Park || r.Class != capi.Token || meta.Requests() != 1 {
		t.Errorf("%+v after %d requests", r, meta.Requests())
	}
	c.SetCredentials(" new\n", "")
	if r := only(t, send(t, c, items(t, 1))); r.Fate != capi.Done {
		t.Errorf("%+v", r)
	}
}

func TestNoAnswer(t *testing.T) {
	for _, drop := range []bool{false, true} {
		want := capi.Retry
		if drop {
			want = capi.Dead
		}
		meta, c := setup(t, func(s *capi.Settings) { s.OnTimeoutDrop = drop })
		meta.Script(1, capitest.Answer{Cut: true, Accept: true})
		r := only(t, send(t, c, items(t, 2)))
		if r.Fate != want || !r.InDoubt || (r.Reason == capi.ReasonUnconfirmed) != drop || meta.Total() != 2 {
			t.Errorf("drop %v, connection cut: %+v", drop, r)
		}
		if strings.Contains(r.Text, "EAAtoken") {
			t.Errorf("the token is in %q", r.Text)
		}

		// The gateway before Meta gives up, or the answer is cut: as good as no answer.
		for _, a := range []capitest.Answer{{Status: 504}, {Status: 502}, {Body: `{"events_rec`}, {Body: "<html>"}} {
			meta.Script(1, a)
			if r := only(t, send(t, c, items(t, 1))); r.Fate != want || !r.InDoubt || (r.Reason == capi.ReasonUnconfirmed) != drop {
				t.Errorf("drop %v, %+v: %+v", drop, a, r)
			}
		}
		// Meta's own answer leaves no doubt.
		meta.Script(1, capitest.Answer{Status: 503})
		if r := only(t, send(t, c, items(t, 1))); r.Fate != capi.Retry || r.InDoubt {
			t.Errorf("drop %v, 503: %+v", drop, r)
		}

		// Stopped while Meta has the request.
		held := make(chan struct{})
		meta.Script(1, capitest.Answer{Hold: held})
		ctx, cancel := context.WithCancel(context.Background())
		arrived := meta.Requests()
		held1 := items(t, 1)
		done := make(chan []capi.Result, 1)
		go func() {
			results, _ := c.Send(ctx, held1)
			done <- results
		}()
		for meta.Requests() == arrived {
			runtime.Gosched()
		}
		cancel()
		if r := (<-done)[0]; r.Fate != want {
			t.Errorf("drop %v, stopped: %+v", drop, r)
		}
		close(held)

		// Stopped before anything was sent, and nobody there: both certain.
		if r := func() capi.Result { rs, _ := c.Send(ctx, items(t, 1)); return rs[0] }(); r.Fate != capi.NotSent {
			t.Errorf("drop %v, stopped before: %+v", drop, r)
		}
		dead := httptest.NewServer(nil)
		s := settings()
		s.Endpoint, s.OnTimeoutDrop, s.AppSecret = dead.URL, drop, "secret"
		dead.Close()
		nobody := capi.NewClient(s)
		if r := only(t, send(t, nobody, items(t, 1))); r.Fate != capi.Retry || r.InDoubt || strings.Contains(r.Text, "proof") {
			t.Errorf("drop %v, nobody there: %+v", drop, r)
		}
	}
}

// TestLongHeaders: of an answer's headers no more is read than of the answer.
func TestLongHeaders(t *testing.T) {
	long := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for range 300 {
			w.Header().Add("X-Long", strings.Repeat("h", 1<<10))
		}
		_, _ = io.WriteString(w, `{"events_received":1}`)
	}))
	defer long.Close()
	s := settings()
	s.Endpoint = long.URL
	c := capi.NewClient(s)
	if r := only(t, send(t, c, items(t, 1))); r.Fate != capi.Retry || !strings.Contains(r.Text, "headers exceeded") {
		t.Errorf("%+v", r)
	}
}

func TestTimeout(t *testing.T) {
	held := make(chan struct{})
	defer close(held)
	meta, c := setup(t, func(s *capi.Settings) { s.Timeout = 20 * time.Millisecond })
	meta.Script(1, capitest.Answer{Hold: held})
	if r := only(t, send(t, c, items(t, 1))); r.Fate != capi.Retry || r.Class != capi.Transient {
		t.Errorf("%+v", r)
	}
}

func TestExpiredAtMeta(t *testing.T) {
	_, c := setup(t, nil, func(s *capitest.Server) { s.Now = func() time.Time { return now } })
	old := item(t, "x")
	old.Body = []byte(strings.Replace(string(old.Body), "1736535600", "1735535600", 1))
	if r := only(t, send(t, c, []capi.Item{old})); r.Fate != capi.Dead || r.Reason != capi.ReasonExpired || r.Subcode != 2804003 {
		t.Errorf("%+v", r)
	}
}

// A batch without a WABA id is refused as a whole, and the reason names the
// option; no request is spent on halves that lack the same.
func TestNoWabaID(t *testing.T) {
	meta, c := setup(t, nil)
	body, identity, err := capi.AppendEvent(nil, click(`account.wabaId=null`), settings(), now)
	if err != nil {
		t.Fatal(err)
	}
	it := capi.Item{Body: body, Identity: identity}
	r := only(t, send(t, c, []capi.Item{it, it, it, it}))
	if r.Fate != capi.Dead || r.Subcode != 2804116 || !strings.Contains(r.Text, "Whapi") || !strings.Contains(r.Text, "`waba_id`") ||
		meta.Requests() != 1 {
		t.Errorf("%+v in %d requests", r, meta.Requests())
	}
}

func TestTooLarge(t *testing.T) {
	meta, c := setup(t, nil)
	meta.Script(2, capitest.Answer{Status: 413})
	results := send(t, c, items(t, 8))
	for i, r := range results {
		want := capi.NotSent
		if i < 2 {
			want = capi.Done
		}
		if r.Fate != want {
			t.Errorf("event %d: %+v", i, r)
		}
	}
	meta.Script(1, capitest.Answer{Status: 413})
	if r := only(t, send(t, c, items(t, 1))); r.Fate != capi.Dead || r.Reason != capi.ReasonRefused {
		t.Errorf("%+v", r)
	}
}
