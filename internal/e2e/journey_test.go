package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/capi/capitest"
	"github.com/leadgate/leadgate/internal/edgetest"
	"github.com/leadgate/leadgate/internal/journey"
)

// told is a contact's journey, a line an event, the newest first.
func (e *edge) told(contact string) (lines []string, touches int) {
	var j journey.Journey
	e.Do(http.MethodPost, "/leadgate/contacts/show", fmt.Sprintf(`{"tenant":"acme","contact":%q}`, contact), &j)
	for i := range j.Events {
		ev := &j.Events[i]
		line := ev.Kind + " " + string(ev.Outcome)
		for _, s := range []*string{ev.Name, ev.Destination, ev.Currency} {
			if s != nil {
				line += " " + *s
			}
		}
		if ev.Value != nil {
			line += " " + ev.Value.String()
		}
		if ev.Reason != nil {
			line += ": " + *ev.Reason
		}
		lines = append(lines, line)
	}
	return lines, len(j.Touches)
}

// TestJourney: what was reported of a contact, and what came of it, is shown over kill -9,
// repetitions, a dead letter and its replay, until the contact is erased; on both queues.
func TestJourney(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			global, _ := store(t)
			meta := capitest.New(t)
			e := &edge{edgetest.New(t)}
			e.Configure(e.Caddyfile(global, "", edgetest.MetaBlock("tenant acme\ncapi {\n name ads\n dataset 1\n access_token x\n linger 10ms\n"+
				" endpoint "+meta.URL()+"\n}\n"+
				"convert QualifiedLead {\n text \"I will take it\"\n pattern \"for (?P<value>[0-9.,]+) (?P<currency>EUR)\"\n}")+
				"\nleadgate_conversions /conversions {\n tenant acme\n token word\n}"))
			e.Start()
			now := time.Now().UnixMilli()
			journeyOf(t, e, meta, now)
		})
	}
}

func journeyOf(t *testing.T, e *edge, meta *capitest.Server, now int64) {
	const contact = "+15551234567"
	until := func(what string, want ...string) {
		t.Helper()
		var got []string
		defer func() {
			if t.Failed() {
				t.Logf("told:\n%s", strings.Join(got, "\n"))
			}
		}()
		edgetest.Until(t, what, func() bool {
			got, _ = e.told(contact)
			return strings.Join(got, "\n") == strings.Join(want, "\n")
		})
	}
	sell := func(item string) string {
		t.Helper()
		var answer struct{ Results []struct{ Status string } }
		edgetest.Until(t, "an answer to "+item, func() bool {
			req, err := http.NewRequest(http.MethodPost, e.Site+"/conversions", strings.NewReader(item))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer word")
			resp, err := edgetest.Client.Do(req)
			if err != nil {
				return false
			}
			defer resp.Body.Close()
			return json.NewDecoder(resp.Body).Decode(&answer) == nil && len(answer.Results) > 0
		})
		return answer.Results[0].Status
	}
	item := func(name, order, more string, ago time.Duration) string {
		return fmt.Sprintf(`{"eventName":%q,"waPhone":"+15551234567","orderId":%q,"eventTime":%d%s}`, name, order, now-ago.Milliseconds(), more)
	}
	const lead, first = "lead delivered LeadSubmitted ads", "conversion delivered Purchase ads USD 12.5"

	if status := sell(item("Purchase", "0", `,"value":"9.90","currency":"USD"`, 50*time.Minute)); status != "no_click" {
		t.Fatalf("a stranger's sale is %s", status)
	}
	stranger := "conversion no_click Purchase USD 9.90: no ad click of this contact is stored"
	until("the stranger's sale is told", stranger)
	if lines, touches := e.told("+15557654321"); len(lines)+touches > 0 {
		t.Errorf("who is unknown has %v, %d touches", lines, touches)
	}

	e.mustPost(t, clickAt("wamid.1", "15551234567", now-40*60_000))
	until("the lead is told", lead, stranger)
	for _, written := range []string{" 001 (555) 123-4567", "tel:+1-555-123-4567", "1-555-123-4567"} {
		if lines, touches := e.told(written); len(lines) != 2 || touches != 1 {
			t.Errorf("%q has %v, %d touches", written, lines, touches)
		}
	}
	if _, touches := e.told("15551234567"); touches != 1 {
		t.Errorf("%d touches", touches)
	}
	sell(item("Purchase", "1", `,"value":12.50,"currency":"USD"`, 30*time.Minute))
	until("the sale is told", first, lead, stranger)
	for range 2 {
		if status := sell(item("Purchase", "1", `,"value":12.50,"currency":"USD"`, 30*time.Minute)); status != "duplicate" {
			t.Errorf("the same sale is %s", status)
		}
	}
	e.Kill()
	e.Start()
	if status := sell(item("Purchase", "2", `,"value":"1,5","currency":"USD"`, 20*time.Minute)); status != "invalid" {
		t.Errorf("a wrong value is %s", status)
	}
	got, _ := e.told(contact)
	if len(got) != 5 || !strings.HasPrefix(got[0], "conversion invalid Purchase USD: ") ||
		!strings.Contains(strings.Join(got[1:3], "|"), "conversion duplicate Purchase ads USD 12.5") || got[4] != stranger {
		t.Fatalf("after a kill:\n%s", strings.Join(got, "\n"))
	}
	before := got

	meta.Script(1, capitest.Answer{Status: http.StatusBadRequest, Body: `{"error":{"message":"Invalid parameter","type":"OAuthException",` +
		`"code":100,"error_subcode":2804003,"fbtrace_id":"A"}}`})
	sell(item("QualifiedLead", "3", "", 10*time.Minute))
	edgetest.Until(t, "the dead letter is told", func() bool {
		got, _ = e.told(contact)
		return len(got) == 6 && strings.HasPrefix(got[0], "conversion dead QualifiedLead ads: ") && strings.Contains(got[0], "100/2804003")
	})
	e.Kill()
	e.Start()
	e.Do(http.MethodPost, "/leadgate/dead/replay", `{"destination":"ads","all":true}`, nil)
	until("the replayed one is told", append([]string{"conversion delivered QualifiedLead ads"}, before...)...)

	e.mustPost(t, says("wamid.2", "15551234567", "I will take it, for 1.234 EUR"))
	edgetest.Until(t, "what cannot be read exactly is told", func() bool {
		got, _ = e.told(contact)
		return len(got) == 7 && strings.HasPrefix(got[0], "conversion invalid QualifiedLead: ")
	})
	e.Do(http.MethodPost, "/leadgate/contacts/erase", `{"tenant":"acme","contact":"`+contact+`"}`, nil)
	if lines, touches := e.told(contact); len(lines)+touches > 0 {
		t.Errorf("after it was erased the contact has %v, %d touches", lines, touches)
	}
}

// clickAt is a webhook with a message that an ad brought at a time, in ms.
func clickAt(id, from string, at int64) []byte {
	return edgetest.Webhook(fmt.Sprintf(`"contacts":[{"wa_id":%q}],"messages":[{"from":%q,"id":%q,"timestamp":"%d","type":"text",`+
		`"text":{"body":"Hi"},"referral":{"source_id":"120210000000000001","source_type":"ad","headline":"Sale","ctwa_clid":"Aff-1"}}]`,
		from, from, id, at/1000))
}
