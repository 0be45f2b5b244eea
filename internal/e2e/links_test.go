package e2e

import (
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/edgetest"
	"github.com/leadgate/leadgate/internal/linkcode"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

const browser = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 " +
	"Mobile/15E148 Safari/604.1"

// newLinkEdge starts an edge with a block of webhooks and one of links.
func newLinkEdge(t *testing.T, global, crm string) *edge {
	t.Helper()
	e := &edge{edgetest.New(t)}
	e.Configure(e.Caddyfile(global, "", edgetest.MetaBlock("tenant acme\nforward "+crm+" {\n name crm\n}")+`
	leadgate_link /go/* {
		tenant acme
		link summer {
			to whatsapp +15550783881
			text "Ref {code}. Hi! I would like to know more"
		}
	}`))
	e.Start()
	return e
}

// visitor follows nothing, and keeps its connections.
var visitor = &http.Client{
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Transport:     &http.Transport{MaxIdleConnsPerHost: 16},
}

var codeInURL = regexp.MustCompile(`[346789BCDFGHJKMPQRTVWXY]{5}-[346789BCDFGHJKMPQRTVWXY]{5}`)

// visit asks for the link, and returns the code that it leads to the chat with, "" for
// none.
func (e *edge) visit(query, agent string) (string, error) {
	req, err := http.NewRequest(http.MethodGet, e.Site+"/go/summer"+query, nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("User-Agent", agent)
	resp, err := visitor.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	to := resp.Header.Get("Location")
	code := strings.ReplaceAll(codeInURL.FindString(to), "-", "")
	if resp.StatusCode != http.StatusFound || !strings.HasPrefix(to, "https://wa.me/15550783881?text=") ||
		!strings.HasSuffix(to, "Hi%21%20I%20would%20like%20to%20know%20more") || code != "" && !linkcode.Valid(code) {
		return "", fmt.Errorf("%d %q", resp.StatusCode, to)
	}
	return code, nil
}

func (e *edge) mustVisit(t *testing.T, query string) string {
	t.Helper()
	code, err := e.visit(query, browser)
	if err != nil || code == "" {
		t.Fatalf("%s: no code: %v\n%s", query, err, e.Said())
	}
	return code
}

// TestLinksSurvive kills an edge with kill -9, and finds the codes that it gave out.
func TestLinksSurvive(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			global, server := store(t)
			e := newLinkEdge(t, global, "http://127.0.0.1:9/")
			codes := map[string]string{}
			queries := []string{"", "?utm_source=newsletter", "/Q"}
			for n := range 20 {
				queries = append(queries, "?utm_source=google&gclid=TeSt-Gclid_"+strconv.Itoa(n))
			}
			seen := map[string]bool{}
			for _, query := range queries {
				codes[query] = e.mustVisit(t, query)
				if seen[codes[query]] {
					t.Errorf("%s has another's code", query)
				}
				seen[codes[query]] = true
			}
			for range 2 {
				e.Kill()
				if server != nil {
					server.Kill()
					server.Restart()
				}
				e.Start()
				for query, code := range codes {
					var again string
					edgetest.Until(t, "the store is back", func() bool { again, _ = e.visit(query, browser); return again != "" })
					if again != code {
						t.Errorf("%s has the code %s, then %s", query, code, again)
					}
				}
			}
		})
	}
}

// TestLinksFlooded: a hundred thousand visits of a bot leave nothing in the store, and
// ten thousand of one address the 30 codes of a minute; who was there before still has his.
func TestLinksFlooded(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			global, server := store(t)
			e := newLinkEdge(t, global, "http://127.0.0.1:9/")
			static, before := e.mustVisit(t, ""), e.stored(t, server)
			if given := e.flood(t, 100_000, "facebookexternalhit/1.1"); given != 0 {
				t.Errorf("a bot got %d codes", given)
			}
			// An edge's own notes, of what it has the right to, come and go.
			slack := int64(8)
			if server == nil {
				slack = 64 << 10
			}
			if after := e.stored(t, server); after > before+slack {
				t.Errorf("a bot left %d", after-before)
			}
			first := e.mustVisit(t, "?gclid=TeSt-Gclid_first")
			began := time.Now()
			given := e.flood(t, 10_000, browser)
			if minutes := int64(time.Since(began)/time.Minute) + 2; given > 30*minutes || given < 29 {
				t.Errorf("one address got %d codes in %d minutes", given, minutes)
			}
			if again := e.mustVisit(t, "?gclid=TeSt-Gclid_first"); again != first {
				t.Errorf("the visit before has the code %s, then %s", first, again)
			}
			if again := e.mustVisit(t, ""); again != static {
				t.Errorf("the link has the code %s, then %s", static, again)
			}
		})
	}
}

// flood visits the link with so many ids, and counts the codes that it gets.
func (e *edge) flood(t *testing.T, visits int64, agent string) int64 {
	t.Helper()
	const callers = 8
	var given, next atomic.Int64
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for n := next.Add(1); n <= visits; n = next.Add(1) {
				code, err := e.visit(fmt.Sprintf("?gclid=TeSt-Gclid_%06d", n), agent)
				if err != nil {
					t.Error(err)
					return
				}
				if code != "" {
					given.Add(1)
				}
			}
		})
	}
	wg.Wait()
	return given.Load()
}

// stored is how much a store holds: keys of Redis, or bytes of the queue's folder.
func (e *edge) stored(t *testing.T, server *redistest.Server) (n int64) {
	t.Helper()
	if server != nil {
		return server.Do("DBSIZE").(int64)
	}
	err := filepath.WalkDir(filepath.Join(e.Dir, "queue"), func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			n += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
