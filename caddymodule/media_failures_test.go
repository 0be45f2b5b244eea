package caddymodule

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMediaGraphErrors gives each error of Meta's the status that fits, and a
// sentence, without Meta's message.
func TestMediaGraphErrors(t *testing.T) {
	meta := newFakeMedia(t)
	s := newMediaServer(t, meta.URL)
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
		{graphFails(400, 100, 33, false), 404, "no media of this id", ""},
		{graphFails(404, 803, 0, false), 404, "no media of this id", ""},
		{graphFails(404, 2500, 0, false), 404, "no media of this id", ""},
		{graphFails(400, 100, 0, false), 502, "(error 100)", ""},
		{graphFails(401, 190, 463, false), 502, "(error 190/463): the access token has expired; make a new token", ""},
		{graphFails(400, 190, 0, false), 502, "the access token is wrong", ""},
		{graphFails(400, 102, 0, false), 502, "session", ""},
		{graphFails(403, 10, 0, false), 502, "whatsapp_business_messaging", ""},
		{graphFails(403, 200, 0, false), 502, "whatsapp_business_messaging", ""},
		{graphFails(400, 104, 0, false), 502, "Require App Secret", ""},
		{graphFails(400, 2635, 0, false), 502, "graph_version", ""},
		{graphFails(400, 4, 0, false), 503, "(error 4)", "60"},
		{header("Retry-After", "7", graphFails(400, 80007, 0, false)), 503, "WhatsApp business account", "7"},
		{header("X-Business-Use-Case-Usage", `{"1":[{"type":"whatsapp","call_count":100,"estimated_time_to_regain_access":19}]}`, graphFails(400, 80007, 0, false)), 503, "", "1140"},
		{graphFails(400, 368, 0, false), 503, "", "3600"},
		{graphFails(500, 2, 0, false), 503, "(error 2)", "10"},
		{graphFails(400, 190, 0, true), 503, "transient", "10"},
		{graphFails(404, 100, 33, true), 503, "transient", "10"},
		{graphFails(400, 131009, 0, false), 503, "(error 131009)", "10"},
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
		meta.set(id, c.answer, nil)
		resp, text := sentence(t, s.URL+"/"+id)
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
	if meta.took(); s.media.meta.urls.get("error-0", time.Now()) != nil {
		t.Error("a failure is kept")
	}
}

func TestMediaFileStatuses(t *testing.T) {
	meta := newFakeMedia(t)
	s := newMediaServer(t, meta.URL)
	body := picture(1000)
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
		meta.set(id, graphSays(meta.object(id, "image/jpeg", base64Digest(body), len(body))), c.file)
		if resp, text := sentence(t, s.URL+"/"+id); resp.StatusCode != c.want || !strings.Contains(text, c.says) {
			t.Errorf("%d: %d %s, want %d %s", i, resp.StatusCode, text, c.want, c.says)
		}
	}
	// A host that knows no HEAD: what Meta's JSON says is enough.
	meta.set("no-head", graphSays(meta.object("no-head", "image/jpeg", base64Digest(body), len(body))), answer(405))
	if resp, _, err := fetch(t, http.MethodHead, s.URL+"/no-head"); err != nil || resp.StatusCode != 200 || resp.ContentLength != 1000 || resp.Header.Get("ETag") == "" {
		t.Errorf("HEAD: %d %v %v", resp.StatusCode, resp.Header, err)
	}
	// A host that knows no ranges: the whole file, checked.
	meta.set("no-range", graphSays(meta.object("no-range", "image/jpeg", base64Digest(body), len(body))), answer(200))
	if resp, got, err := fetch(t, http.MethodGet, s.URL+"/no-range", with("Range", "bytes=0-1")); err != nil || resp.StatusCode != 200 || !bytes.Equal(got, body) {
		t.Errorf("Range: %d, %d bytes, %v", resp.StatusCode, len(got), err)
	}
}

// TestMediaTimeouts waits for nothing that does not come.
func TestMediaTimeouts(t *testing.T) {
	meta := newFakeMedia(t)
	s := newMediaServer(t, meta.URL)
	s.media.meta.timeout, s.media.meta.stall = 50*time.Millisecond, 50*time.Millisecond
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	body := picture(300_000)
	object := func(id string) http.HandlerFunc {
		return graphSays(meta.object(id, "video/mp4", base64Digest(body), len(body)))
	}
	meta.set("graph-hangs", hang, nil)
	meta.set("file-hangs", object("file-hangs"), hang)
	for _, id := range []string{"graph-hangs", "file-hangs"} {
		if resp, text := sentence(t, s.URL+"/"+id); resp.StatusCode != 504 || !strings.Contains(text, "in time") {
			t.Errorf("%s: %d %s", id, resp.StatusCode, text)
		}
	}
	meta.set("stalls", object("stalls"), func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(body[:200_000])
		w.(http.Flusher).Flush()
		hang(w, r)
	})
	if resp, got, err := fetch(t, http.MethodGet, s.URL+"/stalls"); resp.StatusCode != 200 || err == nil || len(got) > 200_000 {
		t.Errorf("stalls: %d, %d bytes, %v", resp.StatusCode, len(got), err)
	}
	dead := httptest.NewServer(nil)
	dead.Close()
	meta.set("refused", graphSays(map[string]any{"url": dead.URL + "/files/x"}), nil)
	if resp, text := sentence(t, s.URL+"/refused"); resp.StatusCode != 502 || !strings.Contains(text, "not reached") {
		t.Errorf("refused: %d %s", resp.StatusCode, text)
	}
}

// TestMediaCanceled ends the request to Meta when the client goes.
func TestMediaCanceled(t *testing.T) {
	meta := newFakeMedia(t)
	s := newMediaServer(t, meta.URL)
	asked, ended := make(chan struct{}), make(chan struct{})
	meta.set("1", func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
		close(ended)
	}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/1", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+crmToken)
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

// TestMediaRedirects follows redirects, and gives the token to no other host.
func TestMediaRedirects(t *testing.T) {
	meta, other := newFakeMedia(t), newFakeMedia(t)
	s := newMediaServer(t, meta.URL)
	body := picture(1000)
	seen := make(chan string, 10)
	serve := func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header.Get("Authorization")
		serveFile(body)(w, r)
	}
	to := func(url string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, url, http.StatusFound) }
	}
	open := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if back := r.URL.Query().Get("to"); back != "" {
			http.Redirect(w, r, back, http.StatusFound)
			return
		}
		serve(w, r)
	}))
	t.Cleanup(open.Close)
	meta.set("target", nil, serve)
	for id, c := range map[string]struct {
		to     string
		status int
		auth   []string
	}{
		"same-host":  {"/files/target", 200, []string{"Bearer " + metaToken}},
		"other-host": {open.URL, 200, []string{""}},
		// The other host sends it back: there is no token on the way any more.
		"there-and-back": {open.URL + "?to=" + url.QueryEscape(meta.URL+"/files/target"), 502, nil},
		"no-http":        {"ftp://127.0.0.1/", 502, nil},
		"with-user":      {strings.Replace(open.URL, "//", "//a:b@", 1), 502, nil},
		"endless":        {"/files/endless", 502, nil},
	} {
		meta.set(id, graphSays(meta.object(id, "image/jpeg", base64Digest(body), len(body))), to(c.to))
		resp, _, err := fetch(t, http.MethodGet, s.URL+"/"+id)
		var auth []string
		for len(seen) > 0 {
			auth = append(auth, <-seen)
		}
		if err != nil || resp.StatusCode != c.status || !slices.Equal(auth, c.auth) {
			t.Errorf("%s: %d, Authorization %q, %v", id, resp.StatusCode, auth, err)
		}
	}
	if took := other.took(); len(took) != 0 {
		t.Errorf("another host was asked %v", took)
	}
}

func TestPublic(t *testing.T) {
	for text, want := range map[string]bool{
		"157.240.1.35": true, "2a03:2880:f10c:83:face:b00c:0:25de": true, "64:ff9b::9df0:123": true,
		"127.0.0.1": false, "127.9.9.9": false, "::1": false, "0.0.0.0": false, "0.1.2.3": false, "::": false,
		"10.0.0.1": false, "172.16.0.1": false, "172.31.255.255": false, "192.168.1.1": false, "fd00::1": false,
		"169.254.169.254": false, "fe80::1": false, "fe80::1%eth0": false, "fd00::1%eth0": false, "100.64.0.1": false, "198.18.0.1": false,
		"224.0.0.1": false, "ff02::1": false, "255.255.255.255": false, "240.0.0.1": false, "192.0.0.1": false,
		"::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::127.0.0.1": false, "64:ff9b::7f00:1": false, "64:ff9b::a9fe:a9fe": false,
		"2002:7f00:1::": false, "2001:0:7f00:1::": false, "fec0::1": false,
	} {
		if got := public(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
}

// TestMediaGuard plays a Meta on the public internet, whose JSON and redirects
// name addresses at home.
func TestMediaGuard(t *testing.T) {
	meta, home := unstartedFakeMedia(), unstartedFakeMedia()
	for _, f := range []*fakeMedia{meta, home} {
		f.StartTLS()
		t.Cleanup(f.Close)
	}
	_, port, _ := net.SplitHostPort(home.Listener.Addr().String())
	body := picture(100)
	home.set("secret", nil, serveFile(body))

	s := newMediaServer(t, "https://graph.example")
	n := &s.media.meta.net
	for _, tr := range []*http.Transport{n.open, n.guarded} {
		direct := tr.DialContext
		tr.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
		tr.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			if host, _, _ := net.SplitHostPort(address); strings.HasSuffix(host, ".example") {
				address = meta.Listener.Addr().String()
				return (&net.Dialer{}).DialContext(ctx, network, address)
			}
			return direct(ctx, network, address)
		}
	}
	address := netip.MustParseAddr("157.240.1.35")
	n.resolve = func(context.Context, string, string) ([]netip.Addr, error) { return []netip.Addr{address}, nil }

	object := func(id, url string) map[string]any {
		o := meta.object(id, "image/jpeg", base64Digest(body), len(body))
		o["url"] = url
		return o
	}
	meta.set("good", graphSays(object("good", "https://files.example/files/good")), serveFile(body))
	if resp, _, err := fetch(t, http.MethodGet, s.URL+"/good"); err != nil || resp.StatusCode != 200 {
		t.Fatalf("%d, %v", resp.StatusCode, err)
	}
	refused := func(name string) {
		t.Helper()
		if resp, text := sentence(t, s.URL+"/"+name); resp.StatusCode != 502 || !strings.Contains(text, "the token may be sent to") {
			t.Errorf("%s: %d %s", name, resp.StatusCode, text)
		}
	}
	for name, target := range map[string]string{
		"literal": "https://127.0.0.1:" + port, "name": "https://localhost:" + port, "mapped": "https://[::ffff:127.0.0.1]:" + port,
		"http": "http://files.example", "metadata": "https://169.254.169.254",
	} {
		meta.set(name, graphSays(object(name, target+"/files/secret")), nil)
		refused(name)
		redirected := "redirected-to-" + name
		meta.set(redirected, graphSays(object(redirected, "https://files.example/files/"+redirected)), func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, target+"/files/secret", http.StatusFound)
		})
		refused(redirected)
	}

	// Behind a proxy, too, which is itself at home.
	n.open.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse("http://127.0.0.1:" + port) }
	for _, name := range []string{"literal", "name", "mapped", "metadata"} {
		u, err := url.Parse(map[string]string{"literal": "https://127.0.0.1/", "name": "https://LOCALHOST./", "mapped": "https://[::ffff:127.0.0.1]/", "metadata": "https://169.254.169.254/"}[name])
		if err != nil {
			t.Fatal(err)
		}
		_, failure := s.media.meta.openFile(t.Context(), http.MethodGet, "", &media{url: u})
		if failure == nil || failure.outcome != "bad_address" {
			t.Errorf("%s by the proxy: %v", name, failure)
		}
	}
	n.open.Proxy = nil
	if took := home.took(); len(took) != 0 {
		t.Errorf("a server at home was asked %v", took)
	}

	// With an endpoint that is itself at home, files may be as well.
	address = netip.MustParseAddr("10.0.0.7")
	home.set("good", nil, serveFile(body))
	meta.set("at-home", graphSays(object("at-home", "https://127.0.0.1:"+port+"/files/good")), nil)
	if resp, got, err := fetch(t, http.MethodGet, s.URL+"/at-home"); err != nil || resp.StatusCode != 200 || !bytes.Equal(got, body) {
		t.Errorf("%d, %d bytes, %v", resp.StatusCode, len(got), err)
	}
}

// TestMistakesInMedia names each mistake, and what to write.
func TestMistakesInMedia(t *testing.T) {
	block := site("tenant acme\n forward http://127.0.0.1:9/")
	media := func(options string) string {
		return strings.Replace(block, `	respond "next"`, "	leadgate_media /media/* {\n"+options+"\n}\n	respond \"next\"", 1)
	}
	t.Setenv("LG_EMPTY", "")
	t.Setenv("LG_LINES", "a\nb")
	const good = "tenant acme\n token x\n access_token y\n"
	for options, says := range map[string]string{
		"":                               "needs a tenant: write `tenant <name>`",
		"tenant acme":                    "needs a token: write `token {env.CRM_TOKEN}`",
		"tenant acme\n token x":          "needs an access_token: write `access_token {env.META_WHATSAPP_TOKEN}`",
		"tenant a/b":                     "tenant 'a/b' is not of letters",
		good + "tenant b":                "tenant is already specified",
		good + "access_token z":          "access_token is already specified",
		good + "colour red":              "leadgate_media has no option 'colour': write one of tenant, token",
		good + "max_size big":            "max_size 'big' is no size: write one such as 100MiB",
		good + "max_size 0":              "max_size '0' is no size",
		good + "graph_version 26":        "graph_version \"26\" is none: write one like v26.0",
		good + "endpoint ftp://x":        "endpoint \"ftp://x\" is no address",
		good + "token \"\"":              "token has an empty value",
		good + "token {env.LG_NOT_SET}":  "tenant acme: token: evaluated placeholder {env.LG_NOT_SET} is empty",
		good + "endpoint {env.LG_EMPTY}": "tenant acme: endpoint: ",
		"tenant acme\n token x\n access_token {env.LG_EMPTY}":                   "tenant acme: access_token: ",
		"tenant acme\n token x\n access_token {file./nowhere/at/all}":           "tenant acme: access_token: ",
		"tenant acme\n token x\n access_token {env.LG_LINES}":                   "white space",
		"tenant acme\n token x\n access_token {env.LG_NOT_SET_EITHER}bcd":       "LG_NOT_SET_EITHER",
		"tenant acme\n token x\n access_token y\n graph_version {env.LG_LINES}": "graph_version",
	} {
		err := validate(t, media(options))
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %s", options, err, says)
		}
	}
	// The line is that of the option.
	if err := validate(t, media(good+"max_size big")); err == nil || !strings.Contains(err.Error(), "Caddyfile:20") {
		t.Errorf("%v", err)
	}
	if err := validate(t, media(good+"token {env.HOME}\n endpoint https://graph.facebook.com/\n graph_version v25.0\n max_size 16MB")); err != nil {
		t.Error(err)
	}
	e := &edge{t: t, port: freePort(t), dir: t.TempDir()}
	if err := e.load(media("tenant globex\n token x\n access_token y")); err == nil || !strings.Contains(err.Error(), "leadgate_media: tenant globex is in no leadgate block") {
		t.Errorf("%v", err)
	}
}
