package links

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/leadgate/leadgate/internal/linkcode"
	"github.com/leadgate/leadgate/internal/queue"
)

const phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"

// kept is a store in memory.
type kept struct {
	mu    sync.Mutex
	rows  map[string]queue.Code // by their keys
	err   error
	most  int           // rows of one Of; 0 = no limit
	stuck chan struct{} // not nil: nothing is stored before it is closed
	asked int
}

func (k *kept) PutCode(_ context.Context, tenant string, c queue.Code) (queue.Code, bool, error) {
	if k.stuck != nil {
		<-k.stuck
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked++
	if k.err != nil {
		return queue.Code{}, false, k.err
	}
	if err := c.Validate(tenant); err != nil {
		return queue.Code{}, false, err
	}
	if row, ok := k.rows[c.Key]; ok {
		return row, false, nil
	}
	of := 0
	for _, row := range k.rows {
		if row.Code == c.Code {
			return queue.Code{}, false, queue.ErrCodeTaken
		}
		if c.Of != "" && row.Of == c.Of {
			of++
		}
	}
	if k.most > 0 && of >= k.most {
		return queue.Code{}, false, queue.ErrFull
	}
	k.rows[c.Key] = c
	return c, true, nil
}

func (k *kept) all() (rows []queue.Code) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, row := range k.rows {
		rows = append(rows, row)
	}
	return rows
}

// desk is a server, its store and its clock.
type desk struct {
	*Server
	t     *testing.T
	store *kept
	logs  *observer.ObservedLogs

	mu  sync.Mutex
	now time.Time
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	d := &desk{t: t, store: &kept{rows: map[string]queue.Code{}}, logs: logs, now: time.UnixMilli(1_790_000_000_000)}
	d.Server = &Server{
		Tenant: "acme", Params: []string{"audience"}, Claim: 7 * 24 * time.Hour,
		Open:   func() (Store, func(), error) { return d.store, func() {}, nil },
		Limits: NewLimits(d.clock), Now: d.clock, Logger: zap.New(core),
		Client: func(r *http.Request) string { return r.Header.Get("Test-Address") },
		Origin: func(r *http.Request) (string, string) { return "https", r.Host },
		Links: map[string]*Link{
			"summer": {Name: "summer", To: Target{"whatsapp", "+15550783881"}, Text: "Ref {code}. Hi! I would like to know more"},
			"page":   {Name: "page", To: Target{"whatsapp", "+15550783881"}, Text: "Hi & <b>bye</b>! (Ref {code})", Page: true},
			"m":      {Name: "m", To: Target{"messenger", "acme.page"}},
			"ig":     {Name: "ig", To: Target{"instagram", "acme_shop"}},
			"tg":     {Name: "tg", To: Target{"telegram", "acme_bot"}},
		},
	}
	return d
}

func (d *desk) clock() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

func (d *desk) later(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = d.now.Add(by)
}

// get visits a link as a phone does.
func (d *desk) get(target string, headers ...string) *http.Response {
	return d.do(http.MethodGet, target, headers...)
}

func (d *desk) do(method, target string, headers ...string) *http.Response {
	d.t.Helper()
	r := httptest.NewRequest(method, "https://bots.example.com"+target, nil)
	r.Header.Set("User-Agent", phone)
	r.Header.Set("Test-Address", "203.0.113.7")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	resp := w.Result()
	for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"} {
		if got := resp.Header.Get(name); got != want {
			d.t.Errorf("%s %s: %s is %q", method, target, name, got)
		}
	}
	if len(resp.Cookies()) > 0 {
		d.t.Errorf("%s %s sets a cookie", method, target)
	}
	return resp
}

var inLocation = regexp.MustCompile(`[346789BCDFGHJKMPQRTVWXY]{5}-[346789BCDFGHJKMPQRTVWXY]{5}`)

// codeIn is the code in where an answer leads to, "" for none.
func codeIn(resp *http.Response) string {
	code := inLocation.FindString(resp.Header.Get("Location"))
	return strings.ReplaceAll(code, "-", "")
}

// code visits a link and wants a code.
func (d *desk) wantCode(target string, headers ...string) string {
	d.t.Helper()
	code := codeIn(d.get(target, headers...))
	if !linkcode.Valid(code) {
		d.t.Fatalf("GET %s %q: no code, but %q", target, headers, code)
	}
	return code
}

func (d *desk) wantNone(target string, headers ...string) {
	d.t.Helper()
	resp := d.get(target, headers...)
	if resp.StatusCode != http.StatusFound || resp.Header.Get("Location") != "https://wa.me/15550783881?text=Hi%21%20I%20would%20like%20to%20know%20more" {
		d.t.Fatalf("GET %s %q: %d %q", target, headers, resp.StatusCode, resp.Header.Get("Location"))
	}
}

// row is what is stored of a code.
func (d *desk) row(code string) (queue.Code, Row) {
	d.t.Helper()
	for _, stored := range d.store.all() {
		if stored.Code == code {
			row, err := ParseRow(stored.Data)
			if err != nil {
				d.t.Fatal(err)
			}
			return stored, *row
		}
	}
	d.t.Fatalf("code %s is not stored", code)
	return queue.Code{}, Row{}
}

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

// TestTiers: what a visit brings makes the code that it gets.
func TestTiers(t *testing.T) {
	d := newDesk(t)
	static := d.wantCode("/go/summer")
	if stored, row := d.row(static); stored.Claim != 0 || stored.Of != "" || row.Tier != Static || row.ClickedAt != nil || row.Source != nil {
		t.Errorf("static: %+v %s", stored, stored.Data)
	}
	if again := d.wantCode("/GO/Summer/?unknown=1&consent=1&gclid=short"); again != static {
		t.Errorf("a visit without parameters has the code %s, then %s", static, again)
	}
	campaign := d.wantCode("/go/summer?utm_source=Newsletter&utm_campaign=%C3%A9t%C3%A9&audience=vip&creative=a")
	stored, row := d.row(campaign)
	want := Row{Link: "summer", Tier: Campaign, Source: pointer("other"), IDs: map[string]string{},
		Campaign: map[string]string{"utm_source": "Newsletter", "utm_campaign": "été", "audience": "vip"}}
	if stored.Claim != 0 || stored.Of != "summer" || asJSON(t, row) != asJSON(t, want) {
		t.Errorf("campaign: %+v %s", stored, stored.Data)
	}
	if again := d.wantCode("/go/summer?audience=vip&utm_campaign=%C3%A9t%C3%A9&utm_source=Newsletter"); again != campaign {
		t.Error("the same set has another code")
	}
	click := d.wantCode("/go/summer?gclid=TeSt-Gclid_1.~&utm_source=newsletter&fbclid=IwAR_1234567&consent=granted")
	stored, row = d.row(click)
	at := d.now.UnixMilli()
	want = Row{Link: "summer", Tier: Click, ClickedAt: &at, Source: pointer("google"), Consent: pointer("granted"),
		Campaign: map[string]string{"utm_source": "newsletter"},
		IDs:      map[string]string{"gclid": "TeSt-Gclid_1.~", "fbclid": "IwAR_1234567"}}
	if stored.Claim != 7*24*time.Hour || stored.Of != "" || stored.At != at || asJSON(t, row) != asJSON(t, want) {
		t.Errorf("click: %+v %s", stored, stored.Data)
	}
	d.later(time.Hour)
	if again := d.wantCode("/go/summer?fbclid=IwAR_1234567&gclid=TeSt-Gclid_1.~&utm_source=other"); again != click {
		t.Error("a reload has another code")
	}
	if other := d.wantCode("/go/summer?fbclid=IwAR_1234567&gclid=test-gclid_1.~"); other == click {
		t.Error("an id in another case has the same code")
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestPrinted: a QR code's path names the link in capitals, and says so.
func TestPrinted(t *testing.T) {
	d := newDesk(t)
	d.Links["q"] = &Link{Name: "q", To: Target{"telegram", "acme_bot"}}
	if _, row := d.row(d.wantCode("/GO/SUMMER/Q")); row.Tier != Campaign || row.Campaign["medium"] != "print" || len(row.Campaign) != 1 {
		t.Errorf("printed: %+v", row)
	}
	if _, row := d.row(d.wantCode("/go/summer?medium=print")); row.Tier != Static {
		t.Errorf("the query's medium is kept: %+v", row)
	}
	if _, row := d.row(d.wantCode("/go/Q")); row.Link != "q" || row.Tier != Static {
		t.Errorf("a link named q: %+v", row)
	}
}

// TestReferer: a button's link has no parameters, and the page of the same origin on
// which it stands has.
func TestReferer(t *testing.T) {
	const query = "gclid=TeSt-Gclid&utm_source=google&utm_medium=cpc"
	for referer, want := range map[string]Tier{
		"https://bots.example.com/landing?" + query:      Click,
		"https://BOTS.example.com:443/?" + query:         Click,
		"http://bots.example.com/landing?" + query:       Static,
		"https://www.example.com/landing?" + query:       Static,
		"https://bots.example.com:8443/landing?" + query: Static,
		"https://bots.example.com/landing":               Static,
		"%":                                              Static,
	} {
		d := newDesk(t)
		if _, row := d.row(d.wantCode("/go/summer", "Referer", referer)); row.Tier != want {
			t.Errorf("of %s: %+v", referer, row)
		}
	}
	d := newDesk(t)
	_, row := d.row(d.wantCode("/go/summer?utm_medium=button", "Referer", "https://bots.example.com/landing?"+query))
	if row.Campaign["utm_medium"] != "button" || row.Campaign["utm_source"] != "google" || row.IDs["gclid"] != "TeSt-Gclid" {
		t.Errorf("the query's own do not come first: %+v", row)
	}
	_, row = d.row(d.wantCode("/go/summer", "Referer", "https://bots.example.com/landing?consent=denied&"+query))
	if row.Tier != Campaign {
		t.Errorf("the page's consent is not asked: %+v", row)
	}
}

// TestConsent: who does not want to be told apart is not.
func TestConsent(t *testing.T) {
	for query, want := range map[string]string{
		"":                               "click",
		"&consent=1":                     "click granted",
		"&consent=Granted":               "click granted",
		"&consent=0":                     "campaign",
		"&consent=denied":                "campaign",
		"&consent=DENIED":                "campaign",
		"&consent=perhaps":               "campaign",
		"&consent=":                      "campaign",
		"&consent=granted&consent=0":     "campaign",
		"&consent=granted\x00Sec-GPC: 1": "campaign",
		"\x00Sec-GPC: 1":                 "campaign",
		"\x00Sec-GPC: 0":                 "click",
	} {
		d := newDesk(t)
		query, header, _ := strings.Cut(query, "\x00")
		name, value, _ := strings.Cut(header, ": ")
		target := "/go/summer?gclid=TeSt-Gclid&utm_source=google" + query
		headers := []string{}
		if name != "" {
			headers = append(headers, name, value)
		}
		_, row := d.row(d.wantCode(target, headers...))
		got := string(row.Tier)
		if row.Consent != nil {
			got += " " + *row.Consent
		}
		if got != want {
			t.Errorf("%s %s: %s, want %s", query, header, got, want)
		}
		if row.Tier != Click && strings.Contains(asJSON(t, row), "TeSt") {
			t.Errorf("%s %s: the id is kept: %+v", query, header, row)
		}
	}
}

// TestShapes: what is no id or no text is left out, whole.
func TestShapes(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	for query, want := range map[string]string{
		"gclid=" + long(7):                       "",
		"gclid=" + long(8):                       "gclid",
		"gclid=" + long(512):                     "gclid",
		"gclid=" + long(513):                     "",
		"gclid=abc%20defgh":                      "",
		"gclid=%3Cscript%3E":                     "",
		"GCLID=abcdefgh":                         "",
		"ScCid=abcdefgh&sccid=xxxxxxxx":          "ScCid",
		"utm_source=" + long(200):                "utm_source",
		"utm_source=" + long(201):                "",
		"utm_source=" + strings.Repeat("é", 200): "utm_source",
		"utm_source=%00":                         "",
		"utm_source=a%0Ab":                       "",
		"utm_source=%C2%85x":                     "",
		"utm_source=%E2%80%AEx":                  "",
		"utm_source=%FFx":                        "",
		"utm_source=+&utm_medium=x":              "utm_medium",
		"utm_source=first&utm_source=second":     "utm_source",
		"creative=x&name=y":                      "",
		"audience=%D7%90%F0%9F%98%80":            "audience",
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		v := read([]url.Values{values}, []string{"audience"}, true)
		got := ""
		for name := range v.campaign {
			got += name
		}
		for name := range v.ids {
			got += name
		}
		if got != want {
			t.Errorf("%.40s: %q is kept, want %q", query, got, want)
		}
	}
	all := url.Values{}
	for _, id := range clickIDs {
		all.Set(id.name, long(512))
	}
	for _, name := range campaignNames {
		all.Set(name, long(200))
	}
	v, size := read([]url.Values{all}, nil, true), 0
	for _, m := range []map[string]string{v.ids, v.campaign} {
		for name, value := range m {
			size += len(name) + len(value)
		}
	}
	if size > maxAll || size < maxAll-len("utm_source_platform")-512 || v.ids["gclid"] == "" {
		t.Errorf("%d bytes are kept of all", size)
	}
}

func TestSources(t *testing.T) {
	for query, want := range map[string]string{
		"": "", "utm_medium=x": "",
		"gclid=abcdefgh&fbclid=abcdefgh":     "google",
		"gbraid=abcdefgh":                    "google",
		"wbraid=abcdefgh":                    "google",
		"fbclid=abcdefgh&ttclid=abcdefgh":    "tiktok",
		"fbclid=abcdefgh&msclkid=abcdefgh":   "microsoft",
		"fbclid=abcdefgh&twclid=abcdefgh":    "x",
		"fbclid=abcdefgh&li_fat_id=abcdefgh": "linkedin",
		"fbclid=abcdefgh&ScCid=abcdefgh":     "snapchat",
		"fbclid=abcdefgh&epik=abcdefgh":      "pinterest",
		"fbclid=abcdefgh&rdt_cid=abcdefgh":   "other",
		"fbclid=abcdefgh&utm_source=google":  "meta",
		"utm_source=Google":                  "google",
		"utm_source=fb":                      "meta",
		"utm_source=ig":                      "meta",
		"utm_source=l.instagram.com":         "meta",
		"utm_source=TikTok":                  "tiktok",
		"utm_source=bing":                    "microsoft",
		"utm_source=linkedin":                "linkedin",
		"utm_source=twitter":                 "x",
		"utm_source=snapchat":                "snapchat",
		"utm_source=pinterest":               "pinterest",
		"utm_source=newsletter":              "other",
	} {
		values, _ := url.ParseQuery(query)
		v := read([]url.Values{values}, nil, true)
		if got := v.source(); got != want {
			t.Errorf("%s comes from %q, want %q", query, got, want)
		}
	}
}

// TestShared: who did not click gets the campaign only.
func TestShared(t *testing.T) {
	at := int64(1790000000000)
	row := Row{Link: "summer", Tier: Click, ClickedAt: &at, Source: pointer("google"),
		Campaign: map[string]string{"utm_source": "google"}, IDs: map[string]string{"gclid": "TeSt-Gclid"}}
	data := asJSON(t, row)
	read, err := ParseRow([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := asJSON(t, read.Event("K7QW3-MPDXR", false)), `{"name":"summer","code":"K7QW3-MPDXR","clickedAt":1790000000000,"shared":false,`+
		`"source":"google","params":{"gclid":"TeSt-Gclid","utm_source":"google"}}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := asJSON(t, read.Event("K7QW3-MPDXR", true)), `{"name":"summer","code":"K7QW3-MPDXR","clickedAt":null,"shared":true,`+
		`"source":"google","params":{"utm_source":"google"}}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if !read.OfGoogle() || (&Row{IDs: map[string]string{"fbclid": "x"}}).OfGoogle() {
		t.Error("Google's click is not told from others")
	}
	row = Row{Link: "summer", Tier: Static}
	if got, want := asJSON(t, row.Event("K7QW3-MPDXR", true)), `{"name":"summer","code":"K7QW3-MPDXR","clickedAt":null,"shared":false,`+
		`"source":null,"params":{}}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if _, err := ParseRow([]byte("[")); err == nil {
		t.Error("no JSON is read")
	}
}

// TestNobody: what is no visit gets the chat, and leaves nothing.
func TestNobody(t *testing.T) {
	d := newDesk(t)
	const target = "/go/summer?gclid=TeSt-Gclid"
	for _, agent := range []string{
		"", " ", "WhatsApp/2.23.20.0 A", "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "TelegramBot (like TwitterBot)",
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "curl/8.5.0", "Go-http-client/1.1",
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/140.0.0.0 Safari/537.36",
	} {
		d.wantNone(target, "User-Agent", agent)
	}
	for _, dest := range []string{"image", "empty", "iframe", "script"} {
		d.wantNone(target, "Sec-Fetch-Dest", dest)
	}
	if resp := d.do(http.MethodHead, target); resp.StatusCode != http.StatusFound || resp.ContentLength > 0 || codeIn(resp) != "" {
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

// TestLimits: an address makes 30 codes a minute, and a link has 600; what is there
// already stays to be had.
func TestLimits(t *testing.T) {
	d := newDesk(t)
	gclid := func(n int) string { return "/go/summer?gclid=TeSt-Gclid-" + strconv.Itoa(n) }
	first := d.wantCode(gclid(0))
	for n := range perAddress - 1 {
		d.wantCode(gclid(0)) // no new one
		d.wantCode(gclid(1 + n))
	}
	for range 1000 {
		d.wantNone(gclid(perAddress))
		d.wantNone("/go/summer?utm_source=google")
	}
	if again := d.wantCode(gclid(0)); again != first {
		t.Error("beyond the limit a reload has another code")
	}
	d.wantCode("/go/summer")
	d.wantNone("/go/summer?gclid=another-one", "Test-Address", "::ffff:203.0.113.7")
	d.wantCode("/go/summer?gclid=another-one", "Test-Address", "203.0.113.8")
	if n := len(d.store.all()); n != perAddress+2 {
		t.Errorf("%d rows are stored", n)
	}
	if d.logs.Len() != 1 || strings.Contains(asJSON(t, d.logs.All()), "203.0.113") {
		t.Errorf("it is logged as %+v", d.logs.All())
	}
	d.later(minute)
	d.wantCode(gclid(perAddress))

	// Of IPv6 a customer has 64 bits.
	for n := range perAddress {
		d.wantCode(gclid(100+n), "Test-Address", "2001:db8:1:2::"+strconv.Itoa(n+1))
	}
	d.wantNone(gclid(200), "Test-Address", "2001:db8:1:2:ffff::1")
	d.wantCode(gclid(200), "Test-Address", "2001:db8:1:3::1")

	d.later(minute)
	for n := range perLink {
		d.wantCode(gclid(1000+n), "Test-Address", "10.0.0."+strconv.Itoa(n/perAddress))
	}
	d.wantNone(gclid(5000), "Test-Address", "10.0.1.1")
	d.wantCode(gclid(1000), "Test-Address", "10.0.1.1")
	d.wantCode("/go/m?gclid=TeSt-Gclid", "Test-Address", "10.0.1.1")
	if n := len(d.Limits.count); n > 2+perLink/perAddress+1 {
		t.Errorf("%d are counted", n)
	}
	d.later(2 * minute)
	d.wantCode(gclid(5000))
	if n := len(d.Limits.count); n != 2 {
		t.Errorf("%d are counted when a minute is over", n)
	}
}

// TestCrowded: beyond the sets that a link may have, a visit is the link's own.
func TestCrowded(t *testing.T) {
	d := newDesk(t)
	d.store.most = 2
	d.wantCode("/go/summer?utm_source=a")
	b := d.wantCode("/go/summer?utm_source=b")
	if c, static := d.wantCode("/go/summer?utm_source=c"), d.wantCode("/go/summer"); c != static {
		t.Error("a set too many is not the link's own")
	}
	if again := d.wantCode("/go/summer?utm_source=b"); again != b {
		t.Error("a set that is there has another code")
	}
	d.wantCode("/go/summer?gclid=TeSt-Gclid")
}

// TestStoreFails: whatever the store does, a visitor reaches the chat.
func TestStoreFails(t *testing.T) {
	d := newDesk(t)
	for _, err := range []error{errors.New("down"), queue.ErrFull, queue.ErrUnavailable, queue.ErrCodeTaken} {
		d.store.err = err
		for _, query := range []string{"", "?utm_source=x", "?gclid=TeSt-Gclid"} {
			d.wantNone("/go/summer" + query)
		}
	}
	d.Open = func() (Store, func(), error) { return nil, nil, errors.New("locked") }
	d.wantNone("/go/summer?gclid=TeSt-Gclid")
	if n := d.logs.Len(); n != 2 { // what is full is another thing
		t.Errorf("%d lines are logged: %+v", n, d.logs.All())
	}
}

// TestStoreHangs: a store that answers nobody keeps no visitor, and only so many calls.
func TestStoreHangs(t *testing.T) {
	d := newDesk(t)
	d.store.stuck = make(chan struct{})
	var wait sync.WaitGroup
	for n := range maxAsking + 100 {
		wait.Go(func() { d.wantNone("/go/summer?gclid=TeSt-Gclid-" + strconv.Itoa(n)) })
	}
	wait.Wait()
	if n := d.asking.n.Load(); n != maxAsking {
		t.Errorf("%d calls wait for the store", n)
	}
	d.later(minute)
	close(d.store.stuck)
	for deadline := time.Now().Add(20 * time.Second); d.asking.n.Load() > 0; {
		if time.Now().After(deadline) {
			t.Fatal("calls stay")
		}
		time.Sleep(time.Millisecond)
	}
	d.wantCode("/go/summer?gclid=TeSt-Gclid-x", "Test-Address", "203.0.113.9")
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
		if resp.StatusCode != http.StatusOK || inLocation.MatchString(page) || !strings.Contains(page, "?text=Hi%20%26%20%3Cb%3Ebye%3C%2Fb%3E%21\"") {
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
		"audience": false, "Creative.id-2": false, "": true, "a b": true, "gclid": true, "utm_source": true, "consent": true, strings.Repeat("x", 65): true,
	} {
		if problem := CheckParam(name); (problem != "") != wrong {
			t.Errorf("%q: %s", name, problem)
		}
	}
}
