package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/edgetest"
	"github.com/leadgate/leadgate/internal/linkcode"
)

// chat is a link of a unified event, and what the contact's attribution says of links.
type chat struct {
	WaID string
	Link *struct {
		Name, Code, Source string
		ClickedAt          *int64
		Shared             bool
		Params             map[string]string
	}
	UTM         struct{ Campaign *string }
	Message     struct{ ID, Text string }
	Attribution *struct {
		FirstClick, LastClick struct{ Link *struct{ Code string } }
	}
}

// crm keeps the chats that it is told of, by message id, and raw webhooks.
type crm struct {
	*httptest.Server

	mu    sync.Mutex
	chats map[string]chat
	raw   []string
}

func newCRM(t *testing.T) *crm {
	c := &crm{chats: make(map[string]chat)}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		c.mu.Lock()
		defer c.mu.Unlock()
		if r.URL.Path == "/raw" {
			c.raw = append(c.raw, string(body))
			return
		}
		var got chat
		if err != nil || json.Unmarshal(body, &got) != nil {
			t.Errorf("%v: %s", err, body)
		}
		c.chats[got.Message.ID] = got
	}))
	t.Cleanup(c.Close)
	return c
}

// get waits for what the CRM is told of a message.
func (c *crm) get(t *testing.T, id string) (got chat) {
	t.Helper()
	edgetest.Until(t, id+" is delivered", func() (ok bool) {
		c.mu.Lock()
		defer c.mu.Unlock()
		got, ok = c.chats[id]
		return ok
	})
	return got
}

// says is a webhook with a text message of now.
func says(id, from, text string) []byte {
	return edgetest.Webhook(fmt.Sprintf(`"contacts":[{"profile":{"name":"Maria"},"wa_id":%q}],"messages":[{"from":%q,"id":%q,`+
		`"timestamp":"%d","type":"text","text":{"body":%q}}]`, from, from, id, time.Now().Unix(), text))
}

func (e *edge) mustPost(t *testing.T, body []byte) {
	t.Helper()
	if status, err := e.post(body); err != nil || status != http.StatusOK {
		t.Fatalf("%d, %v\n%s", status, err, e.Said())
	}
}

// TestFromClickToChat follows clicks on a link into the chat: one contact has each, also
// when many say its code at once, when what it said comes again, and after kill -9.
func TestFromClickToChat(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			global, server := store(t)
			c := newCRM(t)
			e := &edge{edgetest.New(t)}
			e.Configure(e.Caddyfile(global, "", edgetest.MetaBlock("tenant acme\nforward "+c.URL+"/ {\n name crm\n}\nforward "+c.URL+
				"/raw {\n name raw\n raw\n}")+"\nleadgate_link /go/* {\n tenant acme\n link summer {\n to whatsapp +15550783881\n"+
				"text \"Ref {code}. Hi! I would like to know more\"\n}\n}"))
			e.Start()
			shown := linkcode.Format(e.mustVisit(t, "?gclid=TeSt-Gclid_1&utm_campaign=june"))

			first := says("wamid.first", "15551230001", "ref "+strings.ToLower(shown)+" hello")
			e.mustPost(t, first)
			got := c.get(t, "wamid.first")
			if l := got.Link; l == nil || l.Name != "summer" || l.Code != shown || l.Shared || l.ClickedAt == nil || l.Source != "google" ||
				l.Params["gclid"] != "TeSt-Gclid_1" || l.Params["utm_campaign"] != "june" {
				t.Errorf("link %+v", l)
			}
			if got.UTM.Campaign == nil || *got.UTM.Campaign != "june" || !strings.HasPrefix(got.Message.Text, "ref "+strings.ToLower(shown)) {
				t.Errorf("%+v", got)
			}
			if a := got.Attribution; a == nil || a.FirstClick.Link == nil || a.FirstClick.Link.Code != shown {
				t.Errorf("attribution %+v", a)
			}
			edgetest.Until(t, "the webhook is delivered as it came", func() bool {
				c.mu.Lock()
				defer c.mu.Unlock()
				return slices.Contains(c.raw, string(first))
			})
			e.checkRace(t, c, linkcode.Format(e.mustVisit(t, "?gclid=TeSt-Gclid_2&utm_campaign=june")))

			e.Kill()
			if server != nil {
				server.Kill()
				if e.Start(); e.refuses(t, says("wamid.down", "15551230009", "Ref "+shown)) {
					server.Restart()
				}
			} else {
				e.Start()
			}
			edgetest.Until(t, "what came before is known", func() bool {
				status, err := e.post(first)
				return err == nil && status == http.StatusOK
			})
			e.mustPost(t, says("wamid.other", "15551230002", "Ref "+shown))
			if l := c.get(t, "wamid.other").Link; l == nil || !l.Shared || l.ClickedAt != nil || l.Params["gclid"] != "" ||
				l.Params["utm_campaign"] != "june" {
				t.Errorf("another contact has %+v", l)
			}
			e.mustPost(t, says("wamid.again", "15551230001", shown))
			if l := c.get(t, "wamid.again").Link; l == nil || l.Shared || l.Params["gclid"] == "" {
				t.Errorf("its own contact has %+v", l)
			}
			e.checkFigures(t)
			e.Do(http.MethodPost, "/leadgate/contacts/erase", `{"tenant":"acme","contact":"+15551230001"}`, nil)
			e.mustPost(t, says("wamid.late", "15551230003", "Ref "+shown))
			if l := c.get(t, "wamid.late").Link; l != nil {
				t.Errorf("an erased contact's code is %+v", l)
			}
		})
	}
}

// refuses reports whether a webhook is refused, as it must be while the store is down.
func (e *edge) refuses(t *testing.T, body []byte) bool {
	t.Helper()
	if status, err := e.post(body); err != nil || status != http.StatusServiceUnavailable {
		t.Errorf("while the store is down: %d, %v", status, err)
	}
	return true
}

// checkRace has many contacts say one code at once: one of them has it.
func (e *edge) checkRace(t *testing.T, c *crm, shown string) {
	t.Helper()
	const contacts = 16
	var wg sync.WaitGroup
	for n := range contacts {
		wg.Go(func() {
			body := says(fmt.Sprint("wamid.race.", n), fmt.Sprint("155512310", 10+n), "Ref "+shown)
			if status, err := e.post(body); err != nil || status != http.StatusOK {
				t.Errorf("%d, %v", status, err)
			}
		})
	}
	wg.Wait()
	owners := 0
	for n := range contacts {
		switch l := c.get(t, fmt.Sprint("wamid.race.", n)).Link; {
		case l == nil || l.Code != shown || l.Shared != (l.Params["gclid"] == ""):
			t.Errorf("contact %d has %+v", n, l)
		case !l.Shared:
			owners++
		}
	}
	if owners != 1 {
		t.Errorf("%d contacts have the click", owners)
	}
}

// checkFigures finds a row of the link: each contact's code once.
func (e *edge) checkFigures(t *testing.T) {
	t.Helper()
	var rows []struct {
		Link             *string
		AdID             *string
		Clicks, Contacts int
	}
	e.Do(http.MethodGet, "/leadgate/ads?tenant=acme", "", &rows)
	if len(rows) != 1 || rows[0].Link == nil || *rows[0].Link != "summer" || rows[0].AdID != nil || rows[0].Clicks != 18 ||
		rows[0].Contacts != 18 {
		t.Errorf("figures %+v", rows)
	}
}
