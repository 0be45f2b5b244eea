package media

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/leadgate/leadgate/internal/media/mediatest"
)

// TestMediaRedirects follows redirects, and gives the token to no other host.
func TestMediaRedirects(t *testing.T) {
	meta := mediatest.New(t)
	s := startServer(t, meta.URL)
	body := mediatest.Picture(1000)
	seen := make(chan string, 10)
	serve := func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header.Get("Authorization")
		mediatest.ServeFile(body)(w, r)
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
	meta.Set("target", nil, serve)
	for id, c := range map[string]struct {
		to     string
		status int
		auth   []string
	}{
		"same-host":  {"/files/target", 200, []string{"Bearer " + mediatest.MetaToken}},
		"other-host": {open.URL, 200, []string{""}},
		// The other host sends it back: there is no token on the way any more.
		"there-and-back": {open.URL + "?to=" + url.QueryEscape(meta.URL+"/files/target"), 502, nil},
		"no-http":        {"ftp://127.0.0.1/", 502, nil},
		"with-user":      {strings.Replace(open.URL, "//", "//a:b@", 1), 502, nil},
		"endless":        {"/files/endless", 502, nil},
	} {
		meta.Set(id, mediatest.GraphSays(meta.Object(id, "image/jpeg", mediatest.Digest(body), len(body))), to(c.to))
		resp, _, err := mediatest.Fetch(t, http.MethodGet, s.URL+"/"+id)
		var auth []string
		for len(seen) > 0 {
			auth = append(auth, <-seen)
		}
		if err != nil || resp.StatusCode != c.status || !slices.Equal(auth, c.auth) {
			t.Errorf("%s: %d, Authorization %q, %v", id, resp.StatusCode, auth, err)
		}
	}
	meta.Took()
	mediatest.Sentence(t, s.URL+"/endless")
	if took := meta.Took(); len(took) != 1+maxRedirects {
		t.Errorf("an endless redirect was followed %d times", len(took))
	}
}

// TestMediaGuard plays a Meta on the public internet, whose JSON and redirects
// name addresses at home.
func TestMediaGuard(t *testing.T) {
	meta, home := mediatest.Unstarted(), mediatest.Unstarted()
	for _, f := range []*mediatest.Meta{meta, home} {
		f.StartTLS()
		t.Cleanup(f.Close)
	}
	_, port, _ := net.SplitHostPort(home.Listener.Addr().String())
	body := mediatest.Picture(100)
	home.Set("secret", nil, mediatest.ServeFile(body))

	s := startServer(t, "https://graph.example")
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
		o := meta.Object(id, "image/jpeg", mediatest.Digest(body), len(body))
		o["url"] = url
		return o
	}
	meta.Set("good", mediatest.GraphSays(object("good", "https://files.example/files/good")), mediatest.ServeFile(body))
	if resp, _, err := mediatest.Fetch(t, http.MethodGet, s.URL+"/good"); err != nil || resp.StatusCode != 200 {
		t.Fatalf("%d, %v", resp.StatusCode, err)
	}
	refused := func(name string) {
		t.Helper()
		if resp, text := mediatest.Sentence(t, s.URL+"/"+name); resp.StatusCode != 502 || !strings.Contains(text, "the token may be sent to") {
			t.Errorf("%s: %d %s", name, resp.StatusCode, text)
		}
	}
	for name, target := range map[string]string{
		"literal": "https://127.0.0.1:" + port, "name": "https://localhost:" + port, "mapped": "https://[::ffff:127.0.0.1]:" + port,
		"http": "http://files.example", "metadata": "https://169.254.169.254",
	} {
		meta.Set(name, mediatest.GraphSays(object(name, target+"/files/secret")), nil)
		refused(name)
		redirected := "redirected-to-" + name
		elsewhere := mediatest.GraphSays(object(redirected, "https://files.example/files/"+redirected))
		meta.Set(redirected, elsewhere, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, target+"/files/secret", http.StatusFound)
		})
		refused(redirected)
	}

	// Behind a proxy, too, which is itself at home.
	n.open.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse("http://127.0.0.1:" + port) }
	for _, name := range []string{"literal", "name", "mapped", "metadata"} {
		u, err := url.Parse(map[string]string{
			"literal": "https://127.0.0.1/", "name": "https://LOCALHOST./", "mapped": "https://[::ffff:127.0.0.1]/",
			"metadata": "https://169.254.169.254/",
		}[name])
		if err != nil {
			t.Fatal(err)
		}
		_, failure := s.media.meta.openFile(t.Context(), http.MethodGet, "", &medium{url: u})
		if failure == nil || failure.outcome != "bad_address" {
			t.Errorf("%s by the proxy: %v", name, failure)
		}
	}
	n.open.Proxy = nil
	if took := home.Took(); len(took) != 0 {
		t.Errorf("a server at home was asked %v", took)
	}

	// With an endpoint that is itself at home, files may be as well: but never
	// where a cloud tells a machine its secrets, directly or by a proxy.
	address = netip.MustParseAddr("10.0.0.7")
	home.Set("good", nil, mediatest.ServeFile(body))
	meta.Set("at-home", mediatest.GraphSays(object("at-home", "https://127.0.0.1:"+port+"/files/good")), nil)
	if resp, got, err := mediatest.Fetch(t, http.MethodGet, s.URL+"/at-home"); err != nil ||
		resp.StatusCode != 200 || !bytes.Equal(got, body) {
		t.Errorf("%d, %d bytes, %v", resp.StatusCode, len(got), err)
	}
	dialed := 0
	for _, tr := range []*http.Transport{n.open, n.guarded} {
		before := tr.DialContext
		tr.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			dialed++
			return before(ctx, network, address)
		}
	}
	for name, host := range map[string]string{
		"link-local": "169.254.169.254", "ecs": "169.254.170.2", "mapped": "[::ffff:169.254.169.254]",
		"nat64": "[64:ff9b::a9fe:a9fe]", "v6": "[fe80::1]", "azure": "168.63.129.16",
		"alibaba": "100.100.100.200", "aws6": "[fd00:ec2::254]", "name": "metadata.google.internal",
		"number": "2852039166", "short": "169.16689662", "hex": "0xa9.0xfe.0xa9.0xfe",
	} {
		object := "metadata-" + name
		meta.Set(object, mediatest.GraphSays(map[string]any{"id": object, "url": "https://" + host + "/latest/meta-data"}), nil)
		refused(object)
		moved := "moved-" + object
		meta.Set(moved, mediatest.GraphSays(map[string]any{"id": moved, "url": "https://127.0.0.1:" + port + "/files/" + moved}), nil)
		home.Set(moved, nil, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://"+host+"/latest/meta-data", http.StatusFound)
		})
		refused(moved)
	}
	before := dialed
	n.open.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse("http://127.0.0.1:" + port) }
	u, _ := url.Parse("https://169.254.169.254/")
	if _, failure := s.media.meta.openFile(t.Context(), http.MethodGet, "", &medium{url: u}); failure == nil ||
		failure.outcome != "bad_address" || dialed != before {
		t.Errorf("by a proxy: %v", failure)
	}
	n.open.Proxy = nil

	// A name that resolves to such an address is refused when it is dialed.
	for _, address := range []string{"169.254.169.254:80", "[::ffff:168.63.129.16]:80", "[fe80::1%lo]:80"} {
		for name, control := range map[string]func(string, string, syscall.RawConn) error{"open": dialAnywhere, "guarded": dialPublic} {
			if err := control("tcp", address, nil); !errors.Is(err, errPrivate) {
				t.Errorf("%s dials %s: %v", name, address, err)
			}
		}
	}
	if err := dialAnywhere("tcp", "127.0.0.1:80", nil); err != nil {
		t.Error(err)
	}
}
