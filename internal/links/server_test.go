package links

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/linkcode"
)

func TestTargets(t *testing.T) {
	d := newDesk(t)
	code := func(link string) string { return linkcode.Format(d.wantCode("/go/" + link)) }
	for link, want := range map[string]string{
		"summer": "https://wa.me/15550783881?text=Ref%20{code}.%20Hi%21%20I%20would%20like%20to%20know%20more",
		"m":      "https://m.me/acme.page?ref=lg-{code}",
		"ig":     "https://ig.me/m/acme_shop?ref=lg-{code}",
		"tg":     "https://t.me/acme_bot?start=lg-{code}",
	} {
		want = strings.ReplaceAll(want, "{code}", code(link))
		if got := d.get("/go/" + link).Header.Get("Location"); got != want {
			t.Errorf("%s leads to %s, want %s", link, got, want)
		}
		bare, _, _ := strings.Cut(want, "?")
		if got, _, _ := strings.Cut(d.do(http.MethodHead, "/go/"+link).Header.Get("Location"), "?text="); got != bare {
			t.Errorf("%s without a code leads to %s, want %s", link, got, bare)
		}
	}
}

// TestNobody: what is no visit gets the chat, and leaves nothing.
func TestNobody(t *testing.T) {
	d := newDesk(t)
	const target = "/go/summer?gclid=TeSt-Gclid"
	for _, agent := range []string{
		"", " ", "WhatsApp/2.23.20.0 A", "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
		"TelegramBot (like TwitterBot)",
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "curl/8.5.0", "Go-http-client/1.1",
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/140.0.0.0 Safari/537.36",
	} {
		d.wantNone(target, "User-Agent", agent)
	}
	for _, dest := range []string{"image", "empty", "iframe", "script"} {
		d.wantNone(target, "Sec-Fetch-Dest", dest)
	}
	if resp := d.do(http.MethodHead, target); resp.StatusCode != http.StatusFound || resp.ContentLength != 0 || codeIn(resp) != "" {
		t.Errorf("HEAD: %d %v", resp.StatusCode, resp.Header)
	}
	for _, h := range [][2]string{
		{"Sec-Purpose", "prefetch"}, {"Sec-Purpose", "prefetch;prerender"}, {"Sec-Purpose", "prefetch;anonymous-client-ip"},
		{"Purpose", "prefetch"}, {"X-Moz", "prefetch"}, {"X-Purpose", "preview"},
	} {
		if resp := d.get(target, h[0], h[1]); resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Location") != "" {
			t.Errorf("%s: %s is answered %d", h[0], h[1], resp.StatusCode)
		}
	}
	for _, path := range []string{"/go/", "/go", "/go/winter", "/go/winter/q", "/go/summer/more", "/go/summer/q/q", "/go/sum"} {
		if resp := d.get(path); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s is answered %d", path, resp.StatusCode)
		}
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		if resp := d.do(method, target); resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s is answered %d", method, resp.StatusCode)
		}
	}
	if n := len(d.store.all()); n != 0 || d.store.asked != 0 {
		t.Errorf("%d rows are stored, and the store was asked %d times", n, d.store.asked)
	}
	for _, agent := range []string{
		phone + " [FBAN/FBIOS;FBAV/500.0]", phone + " Instagram 300.0", phone + " musical_ly_34 BytedanceWebview", phone + " Line/14.0",
		phone + " MicroMessenger/8.0", phone + " WhatsApp/2.24",
	} {
		d.wantCode(target, "User-Agent", agent, "Sec-Fetch-Dest", "document")
	}
}

// TestPage: a page with one button, in which nothing of the request stands.
func TestPage(t *testing.T) {
	d := newDesk(t)
	const target = "/go/page?gclid=TeSt-Gclid&utm_source=%3Cscript%3E"
	body := func(method, agent string) (*http.Response, string) {
		r := httptest.NewRequest(method, "https://bots.example.com"+target, nil)
		r.Header.Set("User-Agent", agent)
		w := httptest.NewRecorder()
		d.ServeHTTP(w, r)
		return w.Result(), w.Body.String()
	}
	resp, page := body(http.MethodGet, phone)
	code := inLocation.FindString(page)
	stored, _ := d.row(strings.ReplaceAll(code, "-", ""))
	for _, want := range []string{
		`<a href="https://wa.me/15550783881?text=Hi%20%26%20%3Cb%3Ebye%3C%2Fb%3E%21%20%28Ref%20` + code + `%29"`,
		"Hi &amp; &lt;b&gt;bye&lt;/b&gt;! (Ref " + code + ")", "WhatsApp", "… 3881",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %s:\n%s", want, page)
		}
	}
	for _, no := range []string{"<script", "TeSt", "15550783881<", "http-equiv", "src="} {
		if strings.Contains(page, no) {
			t.Errorf("the page has %s", no)
		}
	}
	if resp.StatusCode != http.StatusOK || !strings.Contains(resp.Header.Get("Content-Security-Policy"), "default-src 'none'") ||
		!strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") || stored.Claim == 0 {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
	for _, c := range [][2]string{{http.MethodGet, "WhatsApp/2.23.20.0 A"}, {http.MethodHead, phone}} {
		resp, page := body(c[0], c[1])
		if resp.StatusCode != http.StatusOK || inLocation.MatchString(page) ||
			!strings.Contains(page, "?text=Hi%20%26%20%3Cb%3Ebye%3C%2Fb%3E%21\"") {
			t.Errorf("%s %s: %d %s", c[0], c[1], resp.StatusCode, page)
		}
	}
}

func TestCheck(t *testing.T) {
	for target, wrong := range map[Target]bool{
		{"whatsapp", "+15550783881"}: false, {"whatsapp", "15550783881"}: true, {"whatsapp", "+05550783881"}: true, {"whatsapp", "+1555"}: true,
		{"whatsapp", "+1 555 078 3881"}: true, {"whatsapp", ""}: true, {"messenger", "acme.page"}: false, {"messenger", "a/b"}: true,
		{"instagram", "acme_shop"}: false, {"instagram", "@acme"}: true, {"telegram", "acme_bot"}: false, {"telegram", "acme?start=x"}: true,
		{"sms", "+15550783881"}: true, {"", ""}: true,
	} {
		if err := target.Check(true); (err != nil) != wrong {
			t.Errorf("%v: %v", target, err)
		}
	}
	for name, wrong := range map[string]bool{
		"audience": false, "Creative.id-2": false, "": true, "a b": true, "gclid": true, "utm_source": true, "consent": true,
		"Gclid": true, "sccid": true, "CONSENT": true,
		strings.Repeat("x", 65): true,
	} {
		if problem := CheckParam(name); (problem != "") != wrong {
			t.Errorf("%q: %s", name, problem)
		}
	}
}
