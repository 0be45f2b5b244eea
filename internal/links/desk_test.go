package links

import (
	"context"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/leadgate/leadgate/internal/linkcode"
	"github.com/leadgate/leadgate/internal/queue"
)

const phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) " +
	"Version/18.5 Mobile/15E148 Safari/604.1"

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
		return queue.Code{}, false, queue.ErrTooManyCodes
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
	t     testing.TB
	store *kept
	logs  *observer.ObservedLogs

	mu  sync.Mutex
	now time.Time
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	d := &desk{t: t, store: &kept{rows: map[string]queue.Code{}}, logs: logs, now: time.UnixMilli(1_790_000_000_000)}
	d.Server = &Server{
		Visited: func(string) {},
		Tenant:  "acme", Params: []string{"audience"}, Claim: 7 * 24 * time.Hour,
		Open:   func(context.Context) (Store, func(), error) { return d.store, func() {}, nil },
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

// bare is where the link leads to without a code.
const bare = "https://wa.me/15550783881?text=Hi%21%20I%20would%20like%20to%20know%20more"

func (d *desk) wantNone(target string, headers ...string) {
	d.t.Helper()
	resp := d.get(target, headers...)
	if resp.StatusCode != http.StatusFound || resp.Header.Get("Location") != bare {
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
