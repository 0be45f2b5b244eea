package caddymodule

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// TestMediaRedirects follows redirects, and gives the token to no other host.
func TestMediaRedirects(t *testing.T) {
	meta := newFakeMedia(t)
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
	meta.took()
	sentence(t, s.URL+"/endless")
	if took := meta.took(); len(took) != 1+maxMediaRedirects {
		t.Errorf("an endless redirect was followed %d times", len(took))
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
