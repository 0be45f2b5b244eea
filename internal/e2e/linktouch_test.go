package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/edgetest"
	"github.com/leadgate/leadgate/internal/linkcode"
)

// linkEvent is what a destination gets of a message with a link's code.
type linkEvent struct {
	Message struct{ Text string }
	Link    *linkOf
	UTM     struct{ Source *string }

	Attribution *struct{ LastClick struct{ Link *linkOf } }
}

type linkOf struct {
	Name, Code string
	ClickedAt  *int64
	Shared     bool
	Source     *string
	Params     map[string]string
}

// TestLinkToEvent goes the whole way on both queues: a visit, kill -9, the message with
// its code, and the event that a CRM gets; and what another contact gets of the code.
func TestLinkToEvent(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			got := make(chan linkEvent, 10)
			crm := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var ev linkEvent
				body, err := io.ReadAll(r.Body)
				if err == nil {
					err = json.Unmarshal(body, &ev)
				}
				if err != nil {
					w.WriteHeader(http.StatusBadRequest)
					return
				}
				got <- ev
			}))
			t.Cleanup(crm.Close)
			global, _ := store(t)
			e := newLinkEdge(t, global, crm.URL)
			began := time.Now().UnixMilli()
			code := linkcode.Format(e.mustVisit(t, "?gclid=TeSt-Gclid_1&utm_source=newsletter"))
			printed := linkcode.Format(e.mustVisit(t, "/Q"))
			e.Kill()
			e.Start()
			say := func(id, from, text string) linkEvent {
				t.Helper()
				body := edgetest.Webhook(fmt.Sprintf(`"contacts":[{"profile":{"name":"Maria"},"wa_id":%q}],"messages":[{"from":%q,"id":%q,`+
					`"timestamp":"%d","type":"text","text":{"body":%q}}]`, from, from, id, time.Now().Unix(), text))
				edgetest.Until(t, "a 200", func() bool { status, err := e.post(body); return err == nil && status == http.StatusOK })
				select {
				case ev := <-got:
					return ev
				case <-time.After(edgetest.GiveUp):
					t.Fatal("nothing was delivered")
					return linkEvent{}
				}
			}
			text := "Ref " + code + ". Hi! I would like to know more"
			ev := say("wamid.1", "15551234567", text)
			if l := ev.Link; l == nil || l.Name != "summer" || l.Code != code || l.Shared || l.ClickedAt == nil || *l.ClickedAt < began ||
				l.Source == nil || *l.Source != "google" || l.Params["gclid"] != "TeSt-Gclid_1" || l.Params["utm_source"] != "newsletter" {
				t.Errorf("link %+v", ev.Link)
			}
			if ev.Message.Text != text || ev.UTM.Source == nil || *ev.UTM.Source != "newsletter" {
				t.Errorf("%+v", ev)
			}
			if a := ev.Attribution; a == nil || a.LastClick.Link == nil || a.LastClick.Link.Code != code {
				t.Errorf("attribution %+v", a)
			}
			if l := say("wamid.2", "15557654321", text).Link; l == nil || l.Name != "summer" || !l.Shared || l.ClickedAt != nil ||
				l.Params["gclid"] != "" || l.Params["utm_source"] != "newsletter" {
				t.Errorf("another contact's link %+v", l)
			}
			if l := say("wamid.3", "15557654321", "("+printed+")").Link; l == nil || l.Shared || l.ClickedAt != nil || l.Source != nil ||
				l.Params["medium"] != "print" || len(l.Params) != 1 {
				t.Errorf("the printed link %+v", l)
			}
			e.mustVisit(t, "")
			e.End() // what it has counted is stored
			e.Start()
			if ev := say("wamid.4", "15551234567", "Thank you"); ev.Link != nil || ev.Attribution == nil {
				t.Errorf("a message without a code %+v", ev)
			}
			var figures []struct {
				Link           *string
				Visits, Clicks int
			}
			e.Do(http.MethodGet, "/leadgate/ads?tenant=acme", "", &figures)
			visits := 0
			for _, row := range figures {
				visits += row.Visits
			}
			if len(figures) == 0 || figures[0].Link == nil || *figures[0].Link != "summer" || visits < 1 || figures[len(figures)-1].Clicks != 3 {
				t.Errorf("figures %+v", figures)
			}
		})
	}
}
