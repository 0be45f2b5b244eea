package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/edgetest"
	"github.com/leadgate/leadgate/internal/leadfake"
)

// TestLeadErased: answers in dead letters go with the person, by whichever name they are erased;
// others' stay.
func TestLeadErased(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			global, _ := store(t)
			e, desk, fake, _ := newLeadEdge(t, global, "")
			desk.answer(http.StatusBadRequest)
			ids := leadIDs(0, 4)
			for i, id := range ids {
				lead := leadfake.Sample(id, time.Now())
				lead.Fields[1].Values, lead.Fields[2].Values = []string{fmt.Sprintf("+1555123000%d", i)}, []string{fmt.Sprintf("p%d@example.com", i)}
				fake.Add(lead)
			}
			e.mustPost(t, leadgen(ids...))
			edgetest.Until(t, "the desk refuses them", func() bool { return e.Destinations()["crm"].Dead == len(ids) })
			for i, by := range []string{ids[0], "+15551230001", "P2@example.com"} {
				e.Do(http.MethodPost, "/leadgate/contacts/erase", `{"tenant":"acme","contact":"`+by+`"}`, nil)
				_, letters := e.Ask(http.MethodGet, "/leadgate/dead?destination=crm", "", "")
				if strings.Contains(string(letters), ids[i]) || !strings.Contains(string(letters), ids[3]) {
					t.Errorf("erased by %s: %s", by, letters)
				}
			}
			if n := e.Destinations()["crm"].Dead; n != 1 {
				t.Errorf("%d dead letters", n)
			}
		})
	}
}

// TestLeadErasedUnread: a lead that waits for a token is not read any more when it is erased by its
// id, by a webhook that comes again either, nor after kill -9; others are. Of what is no lead's id
// nothing is kept.
func TestLeadErasedUnread(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			global, _ := store(t)
			e, desk, fake, _ := newLeadEdge(t, global, "")
			ids := leadIDs(0, 3)
			for _, id := range ids {
				fake.Add(leadfake.Sample(id, time.Now()))
			}
			fake.SetToken("new")
			e.mustPost(t, leadgen(ids...))
			edgetest.Until(t, "the token is dead", func() bool { return e.Destinations()["acme-leads"].State == "parked" })
			for _, c := range []struct {
				contact string
				count   int
			}{{"l:" + ids[0], 1}, {ids[0], 0}, {ids[1], 1}, {"238512345678999777", 0}, {"15551234567", 0}} {
				var said struct{ Count int }
				e.Do(http.MethodPost, "/leadgate/contacts/erase", `{"tenant":"acme","contact":"`+c.contact+`"}`, &said)
				if said.Count != c.count {
					t.Errorf("erased %s: %d, want %d", c.contact, said.Count, c.count)
				}
			}
			e.Kill()
			e.Start()
			e.mustPost(t, leadgen(ids...))
			e.setToken(t, "new")
			e.Do(http.MethodPost, "/leadgate/destinations/acme-leads/resume", "", nil)
			desk.onceEach(t, ids[2:])
			edgetest.Until(t, "nothing waits", func() bool {
				d := e.Destinations()
				return d["acme-leads"].Backlog == 0 && d["crm"].Backlog == 0
			})
			for _, id := range ids[:2] {
				if len(desk.got(id)) != 0 || fake.Asked(id) != 0 {
					t.Errorf("lead %s is read %d times, and forwarded %d", id, fake.Asked(id), len(desk.got(id)))
				}
			}
		})
	}
}
