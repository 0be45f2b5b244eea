package forward

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

func TestClassify(t *testing.T) {
	for _, c := range []struct {
		class    destination.Action
		statuses []int
	}{
		{destination.Done, []int{200, 201, 202, 204, 206, 299}},
		{destination.Gone, []int{410}},
		{destination.Retry, []int{300, 301, 302, 303, 304, 307, 308, 401, 402, 403, 404, 405, 407}},
		{destination.Retry, []int{408, 425, 429, 500, 501, 502, 503, 504, 520, 599, 100, 101, 600}},
		{destination.Dead, []int{400, 406, 409, 411, 413, 414, 415, 417, 418, 421, 422, 423, 424, 426, 428, 431, 451, 499}},
	} {
		for _, status := range c.statuses {
			o := classify(status, http.Header{}, time.Now())
			if o.Action != c.class {
				t.Errorf("%d is %v, want %v", status, o.Action, c.class)
			}
			if o.Action != destination.Done && (o.Code != fmt.Sprint(status) || !strings.HasPrefix(o.Reason, o.Code) || o.Explanation == "") {
				t.Errorf("%d: code %q, reason %q, explanation %q", status, o.Code, o.Reason, o.Explanation)
			}
		}
	}
	if o := classify(404, http.Header{}, time.Now()); o.Reason != "404 Not Found" || !strings.Contains(o.Explanation, "URL") {
		t.Errorf("404: %+v", o)
	}
}

func TestRetryAfterHeader(t *testing.T) {
	now := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "0": 0, "-5": 0, "7": 7 * time.Second, " 120 ": 2 * time.Minute, "999999999999": time.Hour, "soon": 0, "1.5": 0,
		"Fri, 20 Nov 2026 10:00:30 GMT": 30 * time.Second,
		"Fri, 20 Nov 2026 09:00:30 GMT": 0,
		"Sat, 21 Nov 2026 10:00:00 GMT": time.Hour,
	} {
		if got := classify(503, http.Header{"Retry-After": {value}}, now).After; got != want {
			t.Errorf("Retry-After %q: %v, want %v", value, got, want)
		}
	}
}

// received is a request as a destination saw it.
type received struct {
	method, path string
	host         string
	header       http.Header
	body         string
}

func answering(t *testing.T, status int) (*httptest.Server, func() received) {
	t.Helper()
	got := make(chan received, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- received{r.Method, r.RequestURI, r.Host, r.Header.Clone(), string(body)}
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	return server, func() received { return <-got }
}

func newForward(t *testing.T, c Config) *Sender {
	t.Helper()
	c.Timeout, c.Concurrency = cmp.Or(c.Timeout, 10*time.Second), cmp.Or(c.Concurrency, 8)
	f, err := NewSender(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.CloseIdleConnections)
	return f
}

func forwardItem() destination.Item {
	payload := `{"id":"e70210fe-620f-555d-bc02-bd88cd34dabc","attribution":null,"raw":{}}`
	return destination.Item{
		Attempt: 3,
		Entry: queue.Entry{
			Payload: []byte(payload),
			Header: queue.Header{
				EventID:     queue.ID{0xe7, 0x02, 0x10, 0xfe, 0x62, 0x0f, 0x55, 0x5d, 0xbc, 0x02, 0xbd, 0x88, 0xcd, 0x34, 0xda, 0xbc},
				Format:      queue.FormatEvent,
				Kind:        uint8(normalize.KindAutomaticEvent),
				Attribution: uint32(strings.Index(payload, "null")),
			},
		},
	}
}

func TestForwardRequest(t *testing.T) {
	server, got := answering(t, 204)
	now := time.Unix(1614265330, 0)
	f := newForward(t, Config{
		URL: strings.Replace(server.URL, "http://", "http://user:pa%20ss@", 1) + "/hook?key=1#part", Tenant: "acme", Version: "1.2.3",
		Header: http.Header{"X-Own": {"yes"}, "host": {"inner.example.com"}, "Leadgate-Tenant": {"forged"}},
		Sign:   "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", Now: func() time.Time { return now },
	})
	it := forwardItem()
	if o := f.Send(t.Context(), []destination.Item{it}); len(o) != 1 || o[0] != (destination.Verdict{Action: destination.Done}) {
		t.Fatalf("verdicts %+v", o)
	}
	r := got()
	const id = "e70210fe-620f-555d-bc02-bd88cd34dabc"
	if r.method != "POST" || r.path != "/hook?key=1" || r.host != "inner.example.com" || r.body != string(it.Payload) {
		t.Errorf("request %+v", r)
	}
	signature := f.signer.Sign(id, now.Unix(), it.Payload)
	for name, want := range map[string]string{
		"Content-Type": "application/json", "User-Agent": "Leadgate/1.2.3", "X-Own": "yes",
		"Authorization":     "Basic dXNlcjpwYSBzcw==",
		"Leadgate-Event-Id": id, "Leadgate-Tenant": "acme", "Leadgate-Kind": "automatic_event", "Leadgate-Attempt": "3",
		"Webhook-Id": id, "Webhook-Timestamp": "1614265330", "Webhook-Signature": signature,
		"Content-Length": fmt.Sprint(len(it.Payload)),
	} {
		if values := r.header.Values(name); len(values) != 1 || values[0] != want {
			t.Errorf("%s: %q, want %q", name, values, want)
		}
	}
	d, err := New(&Settings{Config: f.c})
	if err != nil || d.Target != server.URL+"/hook" {
		t.Errorf("target %s, %v", d.Target, err)
	}
}

func TestForwardRaw(t *testing.T) {
	server, got := answering(t, 200)
	f := newForward(t, Config{URL: server.URL, Tenant: "acme", Version: "1", Raw: true, Header: http.Header{"X-Own": {"yes"}}, Sign: "secret"})
	it := forwardItem()
	it.Payload = []byte("{\"entry\" : [ ]}\n\x00")
	it.Header.Format, it.Header.Kind, it.Header.Attribution = queue.FormatRaw, 0, 10
	it.Header.HTTP = []queue.HTTPHeader{
		{Name: "Content-Type", Value: "application/json; charset=utf-8"}, {Name: "X-Hub-Signature-256", Value: "sha256=00ff"},
		{Name: "x-hub-signature", Value: "sha1=00"}, {Name: "User-Agent", Value: "facebookexternalua"},
	}
	if o := f.Send(t.Context(), []destination.Item{it}); o[0].Action != destination.Done {
		t.Fatalf("verdicts %+v", o)
	}
	r := got()
	if r.body != string(it.Payload) {
		t.Errorf("body %q", r.body)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json; charset=utf-8", "X-Hub-Signature-256": "sha256=00ff", "X-Hub-Signature": "sha1=00",
		"User-Agent": "Leadgate/1", "X-Own": "yes", "Leadgate-Tenant": "acme", "Leadgate-Attempt": "3",
	} {
		if values := r.header.Values(name); len(values) != 1 || values[0] != want {
			t.Errorf("%s: %q, want %q", name, values, want)
		}
	}
	if r.header.Get("Leadgate-Kind") != "" || !strings.HasPrefix(r.header.Get("Webhook-Signature"), "v1,") {
		t.Errorf("headers %v", r.header)
	}
}

func TestForwardAttribution(t *testing.T) {
	server, got := answering(t, 200)
	f := newForward(t, Config{URL: server.URL})
	click := []byte(`[{"ctwaClid":"ARA","adId":"120"},{"channel":"whatsapp"}]`)
	const shown = `{"ctwaClid":"ARA","adId":"120","link":null,"adName":null,"adsetName":null,"campaignName":null}`
	for _, c := range []struct {
		name   string
		clicks queue.Clicks
		want   string
	}{
		{"none", queue.Clicks{}, `null`},
		{"both", queue.Clicks{First: click, Last: click},
			`{"firstClick":` + shown + `,"lastClick":` + shown + `}`},
		{"last", queue.Clicks{Last: click}, `{"firstClick":null,"lastClick":` + shown + `}`},
	} {
		it := forwardItem()
		before := string(it.Payload)
		it.Clicks = c.clicks
		f.Send(t.Context(), []destination.Item{it})
		r := got()
		if want := strings.Replace(before, "null", c.want, 1); r.body != want || !json.Valid([]byte(r.body)) {
			t.Errorf("%s: body %s, want %s", c.name, r.body, want)
		}
		if string(it.Payload) != before {
			t.Errorf("%s: the entry's payload was written to", c.name)
		}
	}
	// An offset that is none leaves the payload alone.
	for _, at := range []uint32{1, 70, 1 << 31} {
		it := forwardItem()
		it.Clicks, it.Header.Attribution = queue.Clicks{Last: click}, at
		if got := withAttribution(&it, nil); string(got) != string(it.Payload) {
			t.Errorf("offset %d: %s", at, got)
		}
	}
}

func TestForwardFollowsNoRedirect(t *testing.T) {
	var followed atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Store(true) }))
	defer other.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		server := httptest.NewServer(http.RedirectHandler(other.URL, status))
		f := newForward(t, Config{URL: server.URL})
		o := f.Send(t.Context(), []destination.Item{forwardItem()})[0]
		if o.Action != destination.Retry || o.Code != fmt.Sprint(status) || !strings.Contains(o.Explanation, "redirect") {
			t.Errorf("%d: %+v", status, o)
		}
		server.Close()
	}
	if followed.Load() {
		t.Error("a redirect was followed")
	}
}

func TestForwardWithoutAnswer(t *testing.T) {
	silent := make(chan struct{})
	hang := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-silent }))
	defer hang.Close()
	defer close(silent)
	cut := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_ = c.(*net.TCPConn).SetLinger(0)
			_ = c.Close()
		}
	}))
	defer cut.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for name, c := range map[string]struct{ url, reason string }{
		"timeout": {hang.URL, "timeout after 50ms"},
		"cut":     {cut.URL, ""},
		"refused": {"http://" + closed.Addr().String(), "connection refused"},
		"not tls": {strings.Replace(cut.URL, "http:", "https:", 1), ""},
		"no name": {"http://nowhere.invalid", ""},
	} {
		f := newForward(t, Config{URL: c.url + "/hook?token=hidden", Timeout: 50 * time.Millisecond})
		o := f.Send(t.Context(), []destination.Item{forwardItem()})[0]
		if o.Action != destination.Retry || o.Reason == "" || o.Explanation == "" || c.reason != "" && o.Reason != c.reason {
			t.Errorf("%s: %+v", name, o)
		}
		if strings.Contains(o.Reason, "hidden") || strings.Contains(o.Reason, "/hook") {
			t.Errorf("%s: the reason shows the URL: %s", name, o.Reason)
		}
	}
	// Broken off by us: not counted.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f := newForward(t, Config{URL: hang.URL})
	if o := f.Send(ctx, []destination.Item{forwardItem()})[0]; o.Action != destination.Again {
		t.Errorf("broken off: %+v", o)
	}
}

func TestForwardReusesConnections(t *testing.T) {
	var opened atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("an answer that nobody reads ", 1000))
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	f := newForward(t, Config{URL: server.URL})
	f.Send(t.Context(), slices.Repeat([]destination.Item{forwardItem()}, 20))
	if n := opened.Load(); n != 1 {
		t.Errorf("%d connections for 20 requests", n)
	}
}

func TestForwardConfigErrors(t *testing.T) {
	for name, c := range map[string]Config{
		"no scheme": {URL: "crm.example.com/hook"},
		"ftp":       {URL: "ftp://crm.example.com"},
		"no host":   {URL: "http:///hook"},
		"unparsed":  {URL: "http://user:hidden@crm example.com/"},
		"empty":     {},
		"secret":    {URL: "http://127.0.0.1", Sign: "whsec_hidden!"},
	} {
		if _, err := NewSender(c); err == nil {
			t.Errorf("%s: no error", name)
		} else if strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: the error shows a secret: %v", name, err)
		}
	}
}
