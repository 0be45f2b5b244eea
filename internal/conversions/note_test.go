package conversions

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/journey"
	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/queue"
)

// TestNotedWhateverIsPosted: an item that says something strange is noted as far as that can
// be kept, and takes nothing from those beside it.
func TestNotedWhateverIsPosted(t *testing.T) {
	long := strings.Repeat("<\x01é", 4000)
	text := func(s string) string {
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for name, c := range map[string]struct{ item, want string }{
		"a word for a value":     {`"value":"true","currency":"USD"`, "invalid Purchase USD"},
		"nothing for a value":    {`"value":"null","currency":"USD"`, "invalid Purchase USD"},
		"an object for a value":  {`"value":"{}","currency":"USD"`, "invalid Purchase USD"},
		"a text for a value":     {`"value":"\"5\"","currency":"USD"`, "invalid Purchase USD"},
		"a list for a value":     {`"value":[],"currency":"USD"`, "invalid Purchase USD"},
		"a comma in a value":     {`"value":"1,5","currency":"USD"`, "invalid Purchase USD"},
		"below zero":             {`"value":-1.50,"currency":"usd"`, "invalid Purchase USD -1.50"},
		"no currency":            {`"value":"9.90"`, "invalid Purchase 9.90"},
		"a very long value":      {`"value":` + strings.Repeat("9", 4000) + `,"currency":"USD"`, "invalid Purchase USD"},
		"a very long currency":   {`"value":1,"currency":` + text(long), "invalid Purchase <"},
		"a very long order's id": {`"value":1,"currency":"USD","orderId":` + text(long) + `,"no such":1`, "invalid Purchase USD 1"},
		"a very long key":        {`"value":1,"currency":"USD",` + text(long) + `:1`, "invalid Purchase USD 1"},
		"a currency of another":  {`"value":1,"currency":12`, "invalid Purchase"},
	} {
		t.Run(name, func(t *testing.T) {
			b := openBooks(t, "clid:A", meta())
			var doc jsondoc.Doc
			items, _, err := itemsOf(&doc, []byte(
				`[{"eventName":"QualifiedLead","userId":"US.1"},{"eventName":"Purchase","waPhone":"+15551234567",`+c.item+`}]`))
			if err != nil {
				t.Fatal(err)
			}
			got, err := b.accept(items)
			if err != nil {
				t.Fatal(err)
			}
			if got[0].Status != Queued || got[1].Status != Invalid {
				t.Errorf("answers %s, %s", got[0].Status, got[1].Status)
			}
			if told := told(t, b.store, "whatsapp:15551234567"); len(told) != 1 || !strings.HasPrefix(told[0], c.want) {
				t.Errorf("told: %q, want %s", told, c.want)
			}
			if told := told(t, b.store, "whatsapp:US.1"); len(told) != 1 || told[0] != "sent QualifiedLead" {
				t.Errorf("told of the one beside it: %q", told)
			}
		})
	}
}

// TestNotedInFull: the newest hundred are shown, though each says why it is reported to nobody.
func TestNotedInFull(t *testing.T) {
	b := openBooks(t, "", meta(), &ledger{names: "Purchase"})
	for n := range queue.MaxNotes + 10 {
		b.post(t, fmt.Sprintf(`{"eventName":"Purchase","waPhone":"+15551234567","value":1234567.89,"currency":"USD","orderId":"%d"}`, n))
	}
	if told := told(t, b.store, "whatsapp:15551234567"); len(told) != queue.MaxNotes {
		t.Errorf("%d are told", len(told))
	}
}

// TestNotedOfWhom: what is reported to nobody is noted of whom it names, beside a message or
// a click that is not known, too; and what is reported of an address alone, of the address.
func TestNotedOfWhom(t *testing.T) {
	const sold = `,"eventName":"Purchase","value":5,"currency":"EUR"`
	hash, _ := capi.HashEmail("maria@example.com")
	for item, c := range map[string]struct{ of, want string }{
		`"waPhone":"+15551234567"`:                               {"whatsapp:15551234567", "no_click"},
		`"messageId":"wamid.9","waPhone":"+15551234567"`:         {"whatsapp:15551234567", "no_click"},
		`"ctwaClid":"Z","userId":"PS1","channel":"messenger"`:    {"messenger:PS1", "no_click"},
		`"ctwaClid":"Z","waPhone":"5551234","waId":"5551234567"`: {"whatsapp:5551234567", "no_click"},
		`"messageId":"wamid.9","email":" Maria@example.com"`:     {clicks.EmailKey(hash), "sent"},
		`"email":"maria@example.com","orderId":"1"`:              {clicks.EmailKey(hash), "sent"},
		`"email":"maria@example.com","order":"1"`:                {clicks.EmailKey(hash), "invalid"},
	} {
		b := openBooks(t, "", meta(), &ledger{names: "Purchase", unclicked: strings.Contains(item, "email")})
		b.post(t, "{"+item+sold+"}")
		if told := told(t, b.store, c.of); len(told) != 1 || told[0] != c.want+" Purchase EUR 5" {
			t.Errorf("%s: told %q, want %s", item, told, c.want)
		}
	}
}

// TestNotedSaid: what a chat says in vain is noted of who says it.
func TestNotedSaid(t *testing.T) {
	const who = "whatsapp:15551234567"
	b := openBooks(t, "", meta())
	group := queue.Group{Tenant: "acme", Events: []queue.Event{{ID: queue.ID{9}, Contact: who}}}
	p := Plan{Tenant: "acme", Destinations: b.Destinations, Remember: b.Remember, Now: b.Now(), Group: &group}
	p.AddSaid(&Said{
		Name: "Purchase", JSON: []byte(`{"eventName":"Purchase","messageId":"wamid.9","waPhone":"+15551234567","value":5,"currency":"EUR"}`),
		Keys: []string{who},
	}, make([]queue.Clicks, 1))
	for range 2 {
		if r := b.store.Append(t.Context(), []queue.Group{group})[0]; r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	if told := told(t, b.store, who); len(told) != 1 || told[0] != "no_click Purchase EUR 5" {
		t.Errorf("told %q", told)
	}
}

// told is what a contact's journal says, the newest first: outcome, name, currency, value.
func told(t *testing.T, store journey.Store, key string) (lines []string) {
	t.Helper()
	j, err := journey.Show(t.Context(), store, "acme", "", []string{key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range j.Events {
		ev := &j.Events[i]
		line := string(ev.Outcome) + " " + str(ev.Name)
		if ev.Currency != nil {
			line += " " + *ev.Currency
		}
		if ev.Value != nil {
			line += " " + ev.Value.String()
		}
		lines = append(lines, line)
	}
	return lines
}
