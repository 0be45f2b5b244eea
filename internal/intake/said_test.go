package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/destination/dataset"
	"github.com/leadgate/leadgate/internal/inchat"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/memory"
	"github.com/leadgate/leadgate/normalize"
)

// saleRule is a business's own words for a sale.
var saleRule = inchat.Settings{
	Name: "Purchase", Text: []string{"pedido confirmado"}, Pattern: `R\$ *(?P<value>[0-9.,]+)(?: #(?P<order>\w+))?`, Currency: "BRL",
}

// sellingTenant is a tenant with a dataset, a rule, and a destination that wants conversions.
func sellingTenant(t *testing.T, rules ...inchat.Settings) (*Block, *memory.Queue) {
	t.Helper()
	b := testBlock("meta")
	tenant := b.addTenant(t, "acme", "", events("crm", normalize.KindConversion), &destination.Destination{
		Dest: queue.Dest{Name: "meta"}, Planner: &dataset.Planner{Settings: capi.Settings{Dataset: "1", AccessToken: "x"}},
	})
	for _, s := range rules {
		rule, err := inchat.Compile(s)
		if err != nil {
			t.Fatal(err)
		}
		tenant.Rules = append(tenant.Rules, rule)
	}
	return b, testStore(b)
}

// echoed is a message of the business to a customer.
func echoed(to, id, text string) string {
	quoted, _ := json.Marshal(text)
	return strings.Replace(entry("111", fmt.Sprintf(
		`"message_echoes":[{"from":"15550783881","to":%q,"id":%q,"timestamp":"1736535600","type":"text","text":{"body":%s}}]`,
		to, id, quoted)), `"field":"messages"`, `"field":"smb_message_echoes"`, 1)
}

// take stores a webhook.
func (b *Block) take(t *testing.T, q Store, body string) {
	t.Helper()
	w, r := b.read(t, body)
	if _, err := b.Store(t.Context(), q, w, r); err != nil {
		t.Fatal(err)
	}
	w.Release()
}

// reported are the entries of a destination: of the dataset as "<name> <value> <orderId>".
func reported(t *testing.T, q *memory.Queue, name string) (list []string) {
	t.Helper()
	drain := q.Drain(queue.Dest{Tenant: "acme", Name: name}, func() {})
	defer drain.Close()
	entries, err := drain.Read(t.Context(), queue.Pos{}, 99, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for i := range entries {
		var ev struct {
			Kind       string
			ReceivedAt int64
			Conversion *struct {
				EventName, OrderID string
				Value              json.Number
			}
		}
		if err := json.Unmarshal(entries[i].Payload, &ev); err != nil {
			t.Fatal(err)
		}
		if ev.Conversion == nil {
			list = append(list, ev.Kind)
			continue
		}
		if ev.Kind != "conversion" || ev.ReceivedAt != 1736535600000 {
			t.Errorf("%s", entries[i].Payload)
		}
		list = append(list, strings.TrimSpace(ev.Conversion.EventName+" "+ev.Conversion.Value.String()+" "+ev.Conversion.OrderID))
	}
	return list
}

// TestSaid: a sentence in the chat of a contact with a touch is a sale, once, whoever says
// it, and is an event for those who want conversions.
func TestSaid(t *testing.T) {
	clicked := whatsapp(click("111", "wamid.click"))
	sold := said("15551234567", "wamid.2", "pedido confirmado R$ 5")
	both := whatsapp(click("111", "wamid.both"))
	for _, c := range []struct {
		name   string
		bodies []string
		want   string // what Meta is told, beside the lead
	}{
		{"by the business", []string{clicked, whatsapp(echoed("15551234567", "wamid.2", "Pedido confirmado, R$ 49,90"))}, "Purchase 49.90"},
		{"by the customer", []string{clicked, whatsapp(said("15551234567", "wamid.2", "pedido confirmado R$ 5"))}, "Purchase 5"},
		{"twice", []string{clicked, whatsapp(said("15551234567", "wamid.2", "pedido confirmado R$ 5")),
			whatsapp(said("15551234567", "wamid.2", "pedido confirmado R$ 5"))}, "Purchase 5"},
		{"in two messages", []string{clicked, whatsapp(said("15551234567", "wamid.2", "pedido confirmado R$ 5")),
			whatsapp(said("15551234567", "wamid.3", "pedido confirmado R$ 5"))}, "Purchase 5, Purchase 5"},
		{"of one order", []string{clicked, whatsapp(said("15551234567", "wamid.2", "pedido confirmado R$ 5 #17")),
			whatsapp(echoed("15551234567", "wamid.3", "pedido confirmado R$ 5 #17"))}, "Purchase 5 17"},
		{"without a touch", []string{whatsapp(said("15551234567", "wamid.2", "pedido confirmado R$ 5"))}, ""},
		{"of somebody else", []string{clicked, whatsapp(said("15559999999", "wamid.2", "pedido confirmado R$ 5"))}, ""},
		{"not to be read", []string{clicked, whatsapp(said("15551234567", "wamid.2", "pedido confirmado R$ 1.234"))}, ""},
		{"something else", []string{clicked, whatsapp(said("15551234567", "wamid.2", "pedido cancelado R$ 5"))}, ""},
		{"in the click's own message", []string{strings.Replace(both, `"body":"x"`, `"body":"pedido confirmado R$ 5"`, 1)}, "Purchase 5"},
		{"with the click in one webhook", []string{whatsapp(click("111", "wamid.click"), sold)}, "Purchase 5"},
		{"before the click in one webhook", []string{whatsapp(sold, click("111", "wamid.click"))}, ""},
	} {
		b, q := sellingTenant(t, saleRule)
		for _, body := range c.bodies {
			b.take(t, q, body)
		}
		var sales []string
		for _, what := range reported(t, q, "meta") {
			if what != "message" { // the lead
				sales = append(sales, what)
			}
		}
		got, toCRM := strings.Join(sales, ", "), strings.Join(reported(t, q, "crm"), ", ")
		if got != c.want || toCRM != c.want {
			t.Errorf("%s: Meta is told %q, the CRM %q, want %q", c.name, got, toCRM, c.want)
		}
	}
}

// looking is a store that counts, and may fail, looks at clicks.
type looking struct {
	*memory.Queue
	looks int
	fails error
}

func (l *looking) Clicks(ctx context.Context, tenant string, keys []string) ([]queue.Clicks, error) {
	if l.looks++; l.fails != nil {
		return nil, l.fails
	}
	return l.Queue.Clicks(ctx, tenant, keys)
}

// TestSaidLooksOnce: the store is asked only when a rule fires; where it fails nothing is
// stored, so that the provider comes again.
func TestSaidLooksOnce(t *testing.T) {
	b, q := sellingTenant(t, saleRule)
	store := &looking{Queue: q}
	b.take(t, store, whatsapp(said("15551234567", "wamid.1", "bom dia")))
	if store.looks != 0 {
		t.Errorf("%d looks for a message that says nothing", store.looks)
	}
	b.take(t, store, whatsapp(click("111", "wamid.click")))
	b.take(t, store, whatsapp(said("15551234567", "wamid.2", "pedido confirmado R$ 5")))
	if store.looks != 1 {
		t.Errorf("%d looks for a sale", store.looks)
	}
	store.looks = 0
	b.take(t, store, whatsapp(
		said("15551234567", "wamid.4", "pedido confirmado R$ 7"), said("15559999999", "wamid.5", "pedido confirmado R$ 8"),
	))
	if store.looks != 1 {
		t.Errorf("%d looks for the sales of a webhook", store.looks)
	}
	store.fails = queue.ErrUnavailable
	w, r := b.read(t, whatsapp(said("15551234567", "wamid.3", "pedido confirmado R$ 6")))
	if _, err := b.Store(t.Context(), store, w, r); !errors.Is(err, queue.ErrUnavailable) {
		t.Errorf("stored without the contact's clicks: %v", err)
	}
	store.fails = nil
	b.take(t, store, whatsapp(said("15551234567", "wamid.3", "pedido confirmado R$ 6")))
	if got := strings.Join(reported(t, q, "crm"), ", "); got != "Purchase 5, Purchase 7, Purchase 6" {
		t.Errorf("told %q", got)
	}
}

// TestSaidByLink: the touch of the message's own link counts, for a ledger that takes it.
func TestSaidByLink(t *testing.T) {
	b, q := linkStore(t, "meta")
	tenant := b.Router.Direct
	rule, err := inchat.Compile(inchat.Settings{Name: "Lead", On: []string{"message"}, Text: []string{"quero"}})
	if err != nil {
		t.Fatal(err)
	}
	tenant.Rules = inchat.Rules{rule}
	ledger := &googleLedger{Planner: dataset.Planner{Settings: capi.Settings{Dataset: "1", AccessToken: "x"}}}
	tenant.Destinations = append(tenant.Destinations, &destination.Destination{
		Dest: queue.Dest{Tenant: "acme", Name: "gads"}, Planner: ledger,
	})
	b.take(t, q, whatsapp(said("1555000001", "wamid.1", "Quero! "+shownClick)))
	if got := reported(t, q, "gads"); len(got) != 1 || got[0] != "Lead" {
		t.Errorf("told %q", got)
	}
}
