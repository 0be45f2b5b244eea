package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/media/mediatest"
)

// TestMediaGraphErrors gives each error of Meta's the status that fits, and a
// sentence, without Meta's message.
func TestMediaGraphErrors(t *testing.T) {
	meta := mediatest.New(t)
	s := startServer(t, meta.URL)
	header := func(field, value string, then http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set(field, value)
			then(w, r)
		}
	}
	raw := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	for i, c := range []struct {
		answer http.HandlerFunc
		status int
		says   string
		wait   string
	}{
		{mediatest.GraphFails(400, 100, 33, false), 404, "no media of this id", ""},
		{mediatest.GraphFails(404, 803, 0, false), 404, "no media of this id", ""},
		{mediatest.GraphFails(404, 2500, 0, false), 404, "no media of this id", ""},
		{mediatest.GraphFails(400, 100, 0, false), 502, "(error 100)", ""},
		{mediatest.GraphFails(401, 190, 463, false), 502, "(error 190/463): the access token has expired; make a new token", ""},
		{mediatest.GraphFails(400, 190, 0, false), 502, "the access token is wrong", ""},
		{mediatest.GraphFails(400, 102, 0, false), 502, "session", ""},
		{mediatest.GraphFails(403, 10, 0, false), 502, "whatsapp_business_messaging", ""},
		{mediatest.GraphFails(403, 200, 0, false), 502, "whatsapp_business_messaging", ""},
		{mediatest.GraphFails(400, 104, 0, false), 502, "Require App Secret", ""},
		{mediatest.GraphFails(400, 2635, 0, false), 502, "graph_version", ""},
		{mediatest.GraphFails(400, 4, 0, false), 503, "(error 4)", "60"},
		{header("Retry-After", "7", mediatest.GraphFails(400, 80007, 0, false)), 503, "WhatsApp business account", "7"},
		{header("X-Business-Use-Case-Usage", `{"1":[{"type":"whatsapp","call_count":100,"estimated_time_to_regain_access":19}]}`,
			mediatest.GraphFails(400, 80007, 0, false)), 503, "", "1140"},
		{mediatest.GraphFails(400, 368, 0, false), 503, "", "3600"},
		{mediatest.GraphFails(500, 2, 0, false), 503, "(error 2)", "10"},
		{mediatest.GraphFails(400, 190, 0, true), 503, "transient", "10"},
		{mediatest.GraphFails(404, 100, 33, true), 503, "transient", "10"},
		{mediatest.GraphFails(400, 131009, 0, false), 503, "(error 131009)", "10"},
		{header("Retry-After", "999999999", raw(429, "")), 503, "fewer requests", "3600"},
		{raw(429, "<html>"), 503, "fewer requests", "60"},
		{raw(500, "<html>"), 502, "HTTP status 500", ""},
		{raw(504, ""), 504, "in time", ""},
		{raw(403, "<html>"), 502, "probably not Meta", ""},
		{header("Location", "http://127.0.0.1:9/", raw(302, "")), 502, "HTTP status 302", ""},
		{raw(200, "<html>"), 502, "probably not Meta", ""},
		{raw(200, "[]"), 502, "probably not Meta", ""},
		{raw(200, `{"id":"error-%d"}`), 404, "something else", ""},
		{raw(200, `{"id":"1","url":"http://127.0.0.1:9/"}`), 404, "something else", ""},
		{raw(200, `{"url":"http://a:b@127.0.0.1/"}`), 502, "the token may be sent to", ""},
		{raw(200, `{"url":"file:///etc/passwd"}`), 502, "the token may be sent to", ""},
		{raw(200, `{"url":"http://[::1"}`), 502, "the token may be sent to", ""},
	} {
		id := fmt.Sprint("error-", i)
		meta.Set(id, c.answer, nil)
		resp, text := mediatest.Sentence(t, s.URL+"/"+id)
		if resp.StatusCode != c.status || !strings.Contains(text, c.says) || resp.Header.Get("Retry-After") != c.wait {
			t.Errorf("%d: %d %s, Retry-After %q; want %d %s %q", i, resp.StatusCode, text, resp.Header.Get("Retry-After"), c.status, c.says, c.wait)
		}
		if strings.Contains(text, "Malformed") {
			t.Errorf("%d: the sentence has Meta's message: %s", i, text)
		}
		if logged := s.logs.TakeAll(); (len(logged) == 1) != (c.status >= 500) {
			t.Errorf("%d: logged %v", i, logged)
		}
	}
	if meta.Took(); s.media.meta.urls.get("error-0", time.Now()) != nil {
		t.Error("a failure is kept")
	}
}

func TestMediaFileStatuses(t *testing.T) {
	meta := mediatest.New(t)
	s := startServer(t, meta.URL)
	body := mediatest.Picture(1000)
	answer := func(status int, fields ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(fields); i += 2 {
				w.Header().Set(fields[i], fields[i+1])
			}
			w.WriteHeader(status)
			_, _ = w.Write(body)
		}
	}
	for i, c := range []struct {
		file         http.HandlerFunc
		status, want int
		says         string
	}{
		{answer(429, "Retry-After", "3"), 0, 503, "fewer requests"},
		{answer(500), 0, 502, "HTTP status 500"},
		{answer(503), 0, 502, "HTTP status 503"},
		{answer(418), 0, 502, "HTTP status 418"},
		{answer(206, "Content-Range", "bytes 0-999/1000"), 0, 502, "not asked for"},
		{answer(200, "Content-Encoding", "gzip"), 0, 502, "encoding"},
	} {
		id := fmt.Sprint("file-", i)
		meta.Set(id, mediatest.GraphSays(meta.Object(id, "image/jpeg", mediatest.Digest(body), len(body))), c.file)
		if resp, text := mediatest.Sentence(t, s.URL+"/"+id); resp.StatusCode != c.want || !strings.Contains(text, c.says) {
			t.Errorf("%d: %d %s, want %d %s", i, resp.StatusCode, text, c.want, c.says)
		}
	}
	// A size that does not fit, where neither a length nor a digest says so.
	for size, says := range map[int]string{999: "longer than was announced", 1001: "shorter than was announced"} {
		id := fmt.Sprint("of-size-", size)
		meta.Set(id, mediatest.GraphSays(meta.Object(id, "image/jpeg", "", size)), func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			_, _ = w.Write(body)
		})
		if resp, text := mediatest.Sentence(t, s.URL+"/"+id); resp.StatusCode != 502 || !strings.Contains(text, says) {
			t.Errorf("%d: %d %s", size, resp.StatusCode, text)
		}
	}
	// A host that knows no HEAD: what Meta's JSON says is enough.
	meta.Set("no-head", mediatest.GraphSays(meta.Object("no-head", "image/jpeg", mediatest.Digest(body), len(body))), answer(405))
	if resp, _, err := mediatest.Fetch(t, http.MethodHead, s.URL+"/no-head"); err != nil ||
		resp.StatusCode != 200 || resp.ContentLength != 1000 || resp.Header.Get("ETag") == "" {
		t.Errorf("HEAD: %d %v %v", resp.StatusCode, resp.Header, err)
	}
	// A host that knows no ranges: the whole file, checked.
	meta.Set("no-range", mediatest.GraphSays(meta.Object("no-range", "image/jpeg", mediatest.Digest(body), len(body))), answer(200))
	if resp, got, err := mediatest.Fetch(t, http.MethodGet, s.URL+"/no-range", mediatest.With("Range", "bytes=0-1")); err != nil ||
		resp.StatusCode != 200 || !bytes.Equal(got, body) {
		t.Errorf("Range: %d, %d bytes, %v", resp.StatusCode, len(got), err)
	}
}

// TestMediaTimeouts waits for nothing that does not come.
func TestMediaTimeouts(t *testing.T) {
	meta := mediatest.New(t)
	s := startServer(t, meta.URL)
	s.media.meta.timeout, s.media.meta.stall = 50*time.Millisecond, 50*time.Millisecond
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	body := mediatest.Picture(300_000)
	object := func(id string) http.HandlerFunc {
		return mediatest.GraphSays(meta.Object(id, "video/mp4", mediatest.Digest(body), len(body)))
	}
	meta.Set("graph-hangs", hang, nil)
	meta.Set("file-hangs", object("file-hangs"), hang)
	for _, id := range []string{"graph-hangs", "file-hangs"} {
		if resp, text := mediatest.Sentence(t, s.URL+"/"+id); resp.StatusCode != 504 || !strings.Contains(text, "in time") {
			t.Errorf("%s: %d %s", id, resp.StatusCode, text)
		}
	}
	meta.Set("stalls", object("stalls"), func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(body[:200_000])
		w.(http.Flusher).Flush()
		hang(w, r)
	})
	if resp, got, err := mediatest.Fetch(t, http.MethodGet, s.URL+"/stalls"); resp.StatusCode != 200 || err == nil || len(got) > 200_000 {
		t.Errorf("stalls: %d, %d bytes, %v", resp.StatusCode, len(got), err)
	}
	dead := httptest.NewServer(nil)
	dead.Close()
	meta.Set("refused", mediatest.GraphSays(map[string]any{"url": dead.URL + "/files/x"}), nil)
	if resp, text := mediatest.Sentence(t, s.URL+"/refused"); resp.StatusCode != 502 || !strings.Contains(text, "not reached") {
		t.Errorf("refused: %d %s", resp.StatusCode, text)
	}
}

// TestMediaCanceled ends the request to Meta when the client goes.
func TestMediaCanceled(t *testing.T) {
	meta := mediatest.New(t)
	s := startServer(t, meta.URL)
	asked, ended := make(chan struct{}), make(chan struct{})
	meta.Set("1", func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
		close(ended)
	}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/1", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+mediatest.CRMToken)
	go func() {
		<-asked
		cancel()
	}()
	if _, err := http.DefaultTransport.RoundTrip(req); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Error("the request to Meta goes on")
	}
}
