package caddymodule

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

func ids(t *testing.T, s *sink, n int) map[string]int {
	t.Helper()
	got := make(map[string]int)
	for len(got) < n {
		d := s.next(t)
		got[d.event["message"].(map[string]any)["id"].(string)]++
	}
	return got
}

// TestReloadSwapsSettings reloads with the same store and another URL and header:
// what waits goes the new way.
func TestReloadSwapsSettings(t *testing.T) {
	old, fresh := newSink(t), newSink(t)
	old.status = func(delivered) int { return http.StatusServiceUnavailable }
	block := func(url, token string) string {
		return site("forward " + url + " {\n\t\t\tname crm\n\t\t\theader Authorization \"Bearer " + token + "\"\n\t\t}")
	}
	e := startEdge(t, block(old.URL, "one"))
	e.post("/webhooks/meta", message("wamid.1", "15551234567", "x"))
	if got := old.next(t).header.Get("Authorization"); got != "Bearer one" {
		t.Errorf("Authorization: %q", got)
	}
	if err := e.load(block(fresh.URL, "two")); err != nil {
		t.Fatal(err)
	}
	if d := fresh.next(t); d.header.Get("Authorization") != "Bearer two" || d.event["message"].(map[string]any)["id"] != "wamid.1" {
		t.Errorf("got %v %s", d.header, d.body)
	}
}

// TestFailingReload leaves the old configuration working.
func TestFailingReload(t *testing.T) {
	s, other := newSink(t), newSink(t)
	block := func(url string) string { return site("forward " + url + " {\n\t\t\tname crm\n\t\t}") }
	e := startEdge(t, block(s.URL))
	// This one provisions, but cannot start: its port is taken by nobody that
	// gives it back.
	blocked := strings.Replace(block(other.URL), "{\n\tadmin off", "{\n\tadmin off\n\tservers {\n\t\tprotocols h1\n\t}", 1) +
		"\nhttp://127.0.0.1:" + portOf(other.URL) + " {\n\trespond 200\n}\n"
	if err := e.load(blocked); err == nil {
		t.Fatal("the broken configuration was loaded")
	}
	// The one that failed listened for a moment, too: what reached it is cut off, and
	// posted again.
	waitFor(t, "the configuration before to take a webhook", func() bool { return e.accepted(message("wamid.1", "15551234567", "x")) })
	ids(t, s, 1)
	other.expectNone(t)
}

// accepted posts a webhook, and is false where the server closed an idle
// connection, as every reload does: the provider then posts again.
func (e *edge) accepted(body []byte) bool {
	req, err := http.NewRequest(http.MethodPost, e.url("/webhooks/meta"), bytes.NewReader(body))
	if err != nil {
		e.t.Error(err)
		return true
	}
	req.Header.Set("X-Hub-Signature-256", signature(testSecret, body))
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		e.t.Errorf("status %d", resp.StatusCode)
	}
	return true
}

func portOf(url string) string { return url[strings.LastIndex(url, ":")+1:] }

// TestReloadUnderLoad reloads again and again while webhooks come in: each one
// is answered 200 and delivered once.
func TestReloadUnderLoad(t *testing.T) {
	s := newSink(t)
	block := func(n int) string {
		return site(fmt.Sprintf("forward %s {\n\t\t\tname crm\n\t\t\theader X-Config %d\n\t\t}", s.URL, n))
	}
	e := startEdge(t, block(0))
	const senders, each = 8, 100
	var wg sync.WaitGroup
	for c := range senders {
		wg.Go(func() {
			for i := range each {
				body := message(fmt.Sprintf("wamid.%d.%d", c, i), fmt.Sprintf("1555123%04d", c), "x")
				for !e.accepted(body) {
				}
			}
		})
	}
	for n := range 5 {
		if err := e.load(block(n + 1)); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	for id, times := range ids(t, s, senders*each) {
		if times != 1 {
			t.Errorf("%s was delivered %d times", id, times)
		}
	}
	s.expectNone(t)
}

// TestReloadToAnotherStore keeps what is left in the old store, and delivers it
// when a configuration names that store again.
func TestReloadToAnotherStore(t *testing.T) {
	// A sink for each configuration: the old store may try again until it is closed.
	refusing, other, back := newSink(t), newSink(t), newSink(t)
	refusing.status = func(delivered) int { return http.StatusServiceUnavailable }
	block := func(folder string, s *sink) string {
		return siteWith("queue embedded %DIR%/"+folder+"\n\t\tgrace 0s", "forward "+s.URL+" {\n\t\t\tname crm\n\t\t}")
	}
	e := startEdge(t, block("a", refusing))
	e.post("/webhooks/meta", message("wamid.a", "15551234567", "x"))
	refusing.next(t)
	if err := e.load(block("b", other)); err != nil {
		t.Fatal(err)
	}
	e.post("/webhooks/meta", message("wamid.b", "15557654321", "x"))
	if got := ids(t, other, 1); got["wamid.b"] != 1 {
		t.Errorf("the other store delivered %v", got)
	}
	if err := e.load(block("a", back)); err != nil {
		t.Fatal(err)
	}
	if got := ids(t, back, 1); got["wamid.a"] != 1 {
		t.Errorf("the first store delivered %v", got)
	}
	other.expectNone(t)
}

// TestValidateBesideRunningEdge validates a configuration whose store is open,
// and opens nothing.
func TestValidateBesideRunningEdge(t *testing.T) {
	s := newSink(t)
	e := startEdge(t, site("forward "+s.URL))
	cfg, err := e.adapt(site("forward " + s.URL))
	if err != nil {
		t.Fatal(err)
	}
	if err := validateJSON(cfg); err != nil {
		t.Error(err)
	}
	other := e.dir + "/never"
	cfg, err = e.adapt(siteWith("queue embedded "+other, "forward "+s.URL))
	if err != nil {
		t.Fatal(err)
	}
	if err := validateJSON(cfg); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(other); err == nil {
		t.Error("validate opened a store")
	}
	if resp, _ := e.post("/webhooks/meta", message("wamid.1", "15551234567", "x")); resp.StatusCode != 200 {
		t.Errorf("status %d", resp.StatusCode)
	}
	ids(t, s, 1)
}

// TestRestart delivers what was acknowledged before the stop.
func TestRestart(t *testing.T) {
	s := newSink(t)
	e := startEdge(t, site("forward http://127.0.0.1:9/ {\n\t\t\tname crm\n\t\t}"))
	for i := range 20 {
		e.post("/webhooks/meta", message(fmt.Sprintf("wamid.%d", i), fmt.Sprintf("155512340%02d", i), "x"))
	}
	if err := caddy.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := e.load(site("forward " + s.URL + " {\n\t\t\tname crm\n\t\t}")); err != nil {
		t.Fatal(err)
	}
	ids(t, s, 20)
}

// TestLateRequest has a request enter when its configuration has gone: it goes into the
// store of the one that rules, since nobody delivers from a store that was given up.
func TestLateRequest(t *testing.T) {
	s := newSink(t)
	block := func(folder string) string {
		return siteWith("queue embedded %DIR%/"+folder, "forward "+s.URL+" {\n\t\t\tname crm\n\t\t}")
	}
	e := startEdge(t, block("a"))
	running := func() *App {
		app, err := caddy.ActiveContext().App("leadgate")
		if err != nil {
			t.Fatal(err)
		}
		return app.(*App)
	}
	old := running()
	if err := e.load(block("b")); err != nil {
		t.Fatal(err)
	}
	engine, counted, err := old.enter()
	if err != nil {
		t.Fatal(err)
	}
	defer old.leave(engine, counted)
	if got, want := engine, running().engine; got != want {
		t.Errorf("it enters %s, not %s", got.store.shown, want.store.shown)
	}
}
