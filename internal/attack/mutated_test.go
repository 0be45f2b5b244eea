package attack

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/leadgate/leadgate/internal/edgetest"
)

const capiToken = "test_capi_token"

// TestMutatedWebhooks: whatever is made of a provider's webhooks and signed, and
// whatever request carries it, the edge answers as it says, lives, keeps its
// memory, and logs no edgetest.Secret, no customer's number and no message.
func TestMutatedWebhooks(t *testing.T) {
	each, seed := 400, uint64(1)
	if long() {
		each, seed = 20_000, rand.Uint64()
	}
	t.Logf("%d webhooks of each provider, seed %d", each, seed)
	onBothQueues(t, func(t *testing.T, st store) {
		s, meta := newSink(t), newMeta(t)
		var site strings.Builder
		for _, p := range providers {
			site.WriteString(p.block(fmt.Sprintf(`		tenant acme-%[1]s {
%[2]s			forward %[3]s/events {
				name events-%[1]s
				only all
			}
			forward %[3]s/raw {
				name raw-%[1]s
				raw
				only all
			}
			capi {
				name meta-%[1]s
				dataset 1234567890
				access_token %[4]s
				waba_id 102290129340398
				endpoint %[5]s
			}
		}`, p.name, matches(p.match), s.URL, capiToken, meta.URL)))
		}
		e := startEdge(t, st.option, site.String())
		var most int64
		for i := range providers {
			p := &providers[i]
			most = max(most, e.peak(func() { e.mutated(t, p, seed, each) }))
			e.Alive()
			// The same provider's good webhook is taken afterwards.
			m := newMutator(t, seed, p.folders)
			if resp, err := e.posts(p.path, p.sign(e, m.bodies[0]), m.bodies[0]); err != nil || resp.StatusCode != http.StatusOK {
				t.Errorf("%s: a good webhook afterwards: %v %v", p.name, resp, err)
			}
		}
		e.drained()
		t.Logf("%d events and %d raw webhooks came; RssAnon at most %d MB", s.take("/events").posts, s.take("/raw").posts, most>>20)
		if most > heavyMemory {
			t.Errorf("RssAnon was %d MB", most>>20)
		}
		e.discreet(t)
	})
}

// newMeta is a Graph API that takes all events.
func newMeta(t *testing.T) *httptest.Server {
	t.Helper()
	count := regexp.MustCompile(`"event_name"`)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, `{"events_received":%d,"messages":[],"fbtrace_id":"A"}`, len(count.FindAll(body, -1)))
	}))
	t.Cleanup(s.Close)
	return s
}

// mutated posts so many mutations of a provider's payloads, four at a time.
func (e *edge) mutated(t *testing.T, p *provider, seed uint64, each int) {
	t.Helper()
	var mu sync.Mutex
	answers := make(map[int]int)
	var wg sync.WaitGroup
	for worker := range 4 {
		m := newMutator(t, seed+uint64(worker), p.folders)
		wg.Go(func() {
			for range each / 4 {
				body := m.next()
				r, err := m.request(e, p, body)
				if err != nil {
					t.Error(err)
					return
				}
				resp, err := edgetest.Client.Do(r)
				if err != nil {
					t.Errorf("%s: %s %v: %v\n%.300q", p.name, r.Method, r.Header, err, body)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if fault := wrong(resp); fault != "" {
					t.Errorf("%s: %s %s %v: %s\n%.300q", p.name, r.Method, r.URL, r.Header, fault, body)
				}
				mu.Lock()
				answers[resp.StatusCode]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	t.Logf("%-9s answers %v", p.name, answers)
	if answers[http.StatusOK] == 0 || answers[http.StatusBadRequest] == 0 {
		t.Errorf("%s: the mutations are all good or all bad", p.name)
	}
}

// request carries a body, mostly as the provider would.
func (m *mutator) request(e *edge, p *provider, body []byte) (*http.Request, error) {
	method, header, path := http.MethodPost, p.sign(e, body), p.path
	if m.IntN(20) == 0 {
		method = []string{"GET", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "PROPFIND", "post", "X"}[m.IntN(9)]
	}
	if p.name == "whapi" && m.IntN(3) == 0 {
		path += []string{"/messages", "/statuses", "/messages/post", "/chats", "/a/../b", "/" + strings.Repeat("a", 3000),
			"/users?a=%00"}[m.IntN(7)]
	}
	var reader io.Reader = bytes.NewReader(body)
	switch m.IntN(20) {
	case 0:
		reader = struct{ io.Reader }{reader} // of no known length, so chunked
	case 1:
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		_, _ = w.Write(body)
		_ = w.Close()
		reader = &packed
		header.Set("Content-Encoding", "gzip")
	case 2:
		header.Set("Content-Type", []string{"", "text/plain", "multipart/form-data; boundary=x", "application/json; charset=utf-16", "\u00e9",
			"application/x-www-form-urlencoded"}[m.IntN(6)])
	case 3:
		for name := range header {
			header[name] = append(header[name], "x")
		}
	case 4:
		for name := range header {
			if name != "Content-Type" {
				header[name] = []string{strings.Repeat("f", m.IntN(3000))}
			}
		}
	case 5:
		header.Set("X-Forwarded-For", "1.2.3.4, ::1")
		header.Set("X-Forwarded-Host", "evil.example.com")
		header.Set("X-Http-Method-Override", "GET")
		header.Set("Leadgate-Tenant", "acme-meta")
	}
	r, err := http.NewRequest(method, "http://"+e.site+path, reader)
	if err != nil {
		return nil, err
	}
	r.Header = header
	return r, nil
}

// wrong says what is wrong with an answer of a leadgate block.
func wrong(resp *http.Response) string {
	known := []int{http.StatusOK, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusMethodNotAllowed,
		http.StatusRequestEntityTooLarge}
	switch {
	case resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != "" &&
		resp.Header.Get("Leadgate-Outcome") == "refused":
		return "" // said on purpose
	case !slices.Contains(known, resp.StatusCode):
		return "answered " + resp.Status
	case resp.Header.Get("Leadgate-Outcome") == "":
		return fmt.Sprintf("answered %s without an outcome", resp.Status)
	case resp.StatusCode == http.StatusOK && resp.Header.Get("Leadgate-Outcome") == "refused":
		return "refused with 200"
	}
	return ""
}

// customers are the golden files' customers, by digits, and long texts of theirs.
func customers(t *testing.T) (out []string) {
	t.Helper()
	files, err := filepath.Glob("../../normalize/testdata/*/*.golden.json")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	number := regexp.MustCompile(`"waPhone": *"\+(\d+)"`)
	text := regexp.MustCompile(`"(?:text|caption)": *"([\w ,.!?]{15,})"`)
	for _, file := range files {
		golden, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range slices.Concat(number.FindAllSubmatch(golden, -1), text.FindAllSubmatch(golden, -1)) {
			out = append(out, string(found[1]))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// discreet fails the test for what a log must not hold.
func (e *edge) discreet(t *testing.T) {
	t.Helper()
	never := append(customers(t), edgetest.Secret, tokenSecret, twilioSecret, verifyToken, capiToken)
	for line := range strings.Lines(e.Said()) {
		for _, bad := range []string{"panic", "goroutine ", "runtime error", "\x1b", "\u202e"} {
			if strings.Contains(line, bad) {
				t.Errorf("the log has %q: %.600s", bad, line)
			}
		}
		// The ids that a match would need are a business's own, wherever a
		// mutation has put a customer's number.
		if strings.Contains(line, `"needs":`) {
			continue
		}
		for _, bad := range never {
			if strings.Contains(line, bad) {
				t.Errorf("the log has %q: %.600s", bad, line)
			}
		}
	}
}
