package caddymodule

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/leadgate/leadgate/internal/linkcode"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

const phoneAgent = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36"

// linksOf is a Caddyfile with a block of webhooks and one of links, of the tenant acme.
func linksOf(queue string, more ...string) string {
	return strings.Replace(siteWith(queue, "tenant acme\n forward http://127.0.0.1:9/ {\nname crm\n}"), `	respond "next"`,
		"leadgate_link /go/* {\ntenant acme\n"+goodLink+strings.Join(more, "\n")+"\n}\n	respond \"next\"", 1)
}

// visit asks for a link as a phone does; what an answer leads to is not followed.
func (e *edge) visit(target string, headers ...string) (*http.Response, string) {
	e.t.Helper()
	req, err := http.NewRequest(http.MethodGet, e.url(target), nil)
	if err != nil {
		e.t.Fatal(err)
	}
	req.Header.Set("User-Agent", phoneAgent)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, _ := e.do(req)
	return resp, strings.ReplaceAll(shownCode.FindString(resp.Header.Get("Location")), "-", "")
}

var shownCode = regexp.MustCompile(`[346789BCDFGHJKMPQRTVWXY]{5}-[346789BCDFGHJKMPQRTVWXY]{5}`)

// code visits a link that must give a code.
func (e *edge) code(target string, headers ...string) string {
	e.t.Helper()
	resp, code := e.visit(target, headers...)
	if resp.StatusCode != http.StatusFound || !linkcode.Valid(code) {
		e.t.Fatalf("GET %s: %d %q, no code", target, resp.StatusCode, resp.Header.Get("Location"))
	}
	return code
}

// counted are a tenant's requests for links, by link and outcome.
func (e *edge) counted(base, tenant string) map[string]float64 {
	e.t.Helper()
	req, err := http.NewRequest(http.MethodGet, base+"/metrics", nil)
	if err != nil {
		e.t.Fatal(err)
	}
	_, page := e.do(req)
	counts := map[string]float64{}
	for _, m := range regexp.MustCompile(`leadgate_link_requests_total\{link="(.*?)",outcome="(.*?)",tenant="`+tenant+`"\} (\S+)`).
		FindAllStringSubmatch(page, -1) {
		var n float64
		if _, err := fmt.Sscan(m[3], &n); err != nil {
			e.t.Fatal(err)
		}
		counts[m[1]+" "+m[2]] = n
	}
	return counts
}

// TestLinks: visits get codes that a reload and a restart keep, and are counted.
func TestLinks(t *testing.T) {
	for _, queue := range bothQueues {
		t.Run(queue, func(t *testing.T) {
			tenant := "links-" + queue
			text, base := withAdmin(t, strings.ReplaceAll(linksOf(queueOption(t, queue)), "tenant acme", "tenant "+tenant))
			e := startEdge(t, text)
			const click, campaign = "/go/summer?gclid=TeSt-Gclid_1&utm_source=google", "/go/summer?utm_source=newsletter"
			codes := map[string]string{}
			for _, target := range []string{"/go/summer", click, campaign, "/GO/SUMMER/Q"} {
				codes[target] = e.code(target)
			}
			if e.code(click) != codes[click] || codes[click] == codes[campaign] || codes[campaign] == codes["/go/summer"] {
				t.Errorf("%v", codes)
			}
			if resp, code := e.visit(click, "User-Agent", "WhatsApp/2.23.20.0 A"); resp.StatusCode != http.StatusFound || code != "" ||
				resp.Header.Get("Location") != "https://wa.me/15550783881?text=Hi%21" {
				t.Errorf("a preview: %d %v", resp.StatusCode, resp.Header)
			}
			if resp, _ := e.visit(click, "Sec-Purpose", "prefetch"); resp.StatusCode != http.StatusServiceUnavailable {
				t.Errorf("a prefetch: %d", resp.StatusCode)
			}
			if resp, _ := e.visit("/go/" + click[4:5]); resp.StatusCode != http.StatusNotFound {
				t.Errorf("an unknown name: %d", resp.StatusCode)
			}
			if resp, _ := e.visit("/elsewhere"); resp.StatusCode != http.StatusTeapot {
				t.Errorf("another path: %d", resp.StatusCode)
			}
			want := map[string]float64{"summer plain": 1, "summer click": 1, "summer repeat": 1, "summer campaign": 2, "summer bot": 1,
				"summer prefetch": 1, " unknown": 1, "summer limited": 0, "summer unstored": 0}
			if got := e.counted(base, tenant); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("counted %v, want %v", got, want)
			}
			for range 2 {
				if err := e.load(text); err != nil {
					t.Fatal(err)
				}
				for target, code := range codes {
					if again := e.code(target); again != code {
						t.Errorf("%s has the code %s, then %s", target, code, again)
					}
				}
				if err := caddy.Stop(); err != nil { // and a restart
					t.Fatal(err)
				}
			}
			if err := e.load(text); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestLinksAlone: links need neither a leadgate block nor a destination to open the
// store.
func TestLinksAlone(t *testing.T) {
	const block = "leadgate_link /go/* {\ntenant acme\n" + goodLink + "}\n"
	for name, text := range map[string]string{
		"no block": "{\nadmin off\nleadgate {\nqueue embedded %DIR%/queue\n}\n}\nhttp://127.0.0.1:%PORT% {\n" + block + "respond 404\n}\n",
		"inline":   strings.Replace(site("tenant acme"), `	respond "next"`, block+"	respond \"next\"", 1),
	} {
		t.Run(name, func(t *testing.T) {
			e := startEdge(t, text)
			if _, err := os.Stat(filepath.Join(e.dir, "queue", "leadgate.db")); err != nil {
				t.Error(err)
			}
			code := e.code("/go/summer?gclid=TeSt-Gclid_1")
			if err := e.load(text + "# again\n"); err != nil {
				t.Fatal(err)
			}
			if again := e.code("/go/summer?gclid=TeSt-Gclid_1"); again != code {
				t.Errorf("%s, then %s", code, again)
			}
		})
	}
}

// TestLinksReachTheChat: whatever the store does, the visitor does.
func TestLinksReachTheChat(t *testing.T) {
	server := redistest.Start(t)
	e := startEdge(t, linksOf("queue redis "+server.URL()))
	const target = "/go/summer?gclid=TeSt-Gclid_1"
	code := e.code(target)
	without := func(what string) {
		t.Helper()
		if resp, code := e.visit(target); resp.StatusCode != http.StatusFound || code != "" ||
			resp.Header.Get("Location") != "https://wa.me/15550783881?text=Hi%21" {
			t.Errorf("%s: %d %v", what, resp.StatusCode, resp.Header)
		}
	}
	server.Stop()
	without("a store that hangs")
	server.Continue()
	waitFor(t, "a code of the store that goes on", func() bool { _, again := e.visit(target); return again == code })
	server.Kill()
	without("a store that is down")
	server.Restart()
	waitFor(t, "a code of the store that is back", func() bool { _, again := e.visit(target); return again != "" })
}

// TestLinksBehindProxy: a trusted proxy's visitors have limits of their own, and the
// scheme that it says.
func TestLinksBehindProxy(t *testing.T) {
	text := strings.Replace(linksOf("queue embedded %DIR%/queue"), "admin off",
		"admin off\nservers {\ntrusted_proxies static 127.0.0.1/32\n}", 1)
	e := startEdge(t, text)
	for n := range 31 {
		target := fmt.Sprintf("/go/summer?gclid=TeSt-Gclid_%02d", n)
		_, code := e.visit(target, "X-Forwarded-For", "203.0.113.7")
		if (code != "") != (n < 30) {
			t.Errorf("code %d is %q", n, code)
		}
	}
	e.code("/go/summer?gclid=TeSt-Gclid_30", "X-Forwarded-For", "203.0.113.8")
	plain := e.code("/go/summer")
	for scheme, own := range map[string]bool{"https": true, "http": false} {
		code := e.code("/go/summer", "Referer", scheme+"://bots.example.com/?gclid=TeSt-Gclid_40", "X-Forwarded-Proto", "https",
			"X-Forwarded-Host", "bots.example.com", "X-Forwarded-For", "203.0.113.9")
		if (code != plain) != own {
			t.Errorf("from %s: %s, without parameters %s", scheme, code, plain)
		}
	}
}
