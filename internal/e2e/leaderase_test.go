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
