package inchat

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/normalize"
)

const at = 1736535600000

// must compiles rules.
func must(t testing.TB, list ...Settings) (rs Rules) {
	t.Helper()
	for _, s := range list {
		r, err := Compile(s)
		if err != nil {
			t.Fatal(err)
		}
		rs = append(rs, r)
	}
	return rs
}

// message is one of WhatsApp's, with a text.
func message(text string) *normalize.Event {
	return &normalize.Event{
		Kind: normalize.KindMessage, Channel: normalize.ChannelWhatsApp, WaPhone: normalize.NewText("+15551234567"),
		WaID: normalize.NewText("15551234567"), ReceivedAt: at,
		Message: &normalize.Message{ID: normalize.NewText("wamid.1"), Type: "text", Text: normalize.NewText(text)},
	}
}

func edit(ev *normalize.Event, f func(*normalize.Event)) *normalize.Event {
	f(ev)
	return ev
}

func echo(text string) *normalize.Event {
	return edit(message(text), func(ev *normalize.Event) { ev.Kind = normalize.KindEcho })
}

// button is the press of one.
func button(id, payload string) *normalize.Event {
	return edit(message("Visit"), func(ev *normalize.Event) {
		i := &normalize.Interactive{Title: normalize.NewText("Visit")}
		if id != "" {
			i.ID = normalize.NewText(id)
		}
		if payload != "" {
			i.Payload = normalize.NewText(payload)
		}
		ev.Message.Type, ev.Message.Interactive = "interactive", i
	})
}

// cart is an order with lines "quantity price currency".
func cart(lines ...string) *normalize.Event {
	return edit(message(""), func(ev *normalize.Event) {
		ev.Message.Type, ev.Message.Text, ev.Message.Order = "order", nil, &normalize.Order{}
		for n, line := range lines {
			f := strings.Fields(line)
			ev.Message.Order.Items = append(ev.Message.Order.Items, normalize.OrderItem{
				ProductRetailerID: normalize.NewText(fmt.Sprintf("sku-%d", n)), Quantity: normalize.Value(f[0]), ItemPrice: normalize.Value(f[1]),
				Currency: normalize.NewText(f[2]),
			})
		}
	})
}

func flow(response string) *normalize.Event {
	return edit(message(""), func(ev *normalize.Event) {
		ev.Message.Type, ev.Message.Text = "interactive", nil
		ev.Message.Interactive = &normalize.Interactive{NfmReply: &normalize.NfmReply{ResponseJSON: normalize.NewText(response)}}
	})
}

var (
	confirmed = Settings{
		Name: "Purchase", On: []string{"echo"}, Text: []string{"Pedido Confirmado", "order confirmed"},
		Pattern: `(?i)total:? *R\$ *(?P<value>[0-9.,]+)`, Currency: "BRL",
	}
	checkout = Settings{Name: "InitiateCheckout", On: []string{"order"}}
	visit    = Settings{Name: "QualifiedLead", On: []string{"reply", "btn_visit", "btn_tour"}}
	filled   = Settings{Name: "Lead", On: []string{"flow"}}
	numbered = Settings{Name: "Purchase", Pattern: `#(?P<order>\S+) (?P<value>\S+) (?P<currency>\S+)`}
	wanted   = Settings{Name: "QualifiedLead", Text: []string{"quero comprar"}}
)

// TestRead: which events fire a rule, and with what.
func TestRead(t *testing.T) {
	all := []Settings{confirmed, checkout, visit, filled, wanted}
	group := func(ev *normalize.Event) { ev.GroupID = normalize.NewText("123@g.us") }
	for _, c := range []struct {
		name  string
		rules []Settings
		ev    *normalize.Event
		want  string // "<name> <value> <currency> <order>" each, "!" for one that cannot be read
	}{
		{"an echo", all, echo("Pedido confirmado! Total: R$ 1.234,56."), "Purchase 1234.56 BRL"},
		{"case and accents", all, echo("PÉDIDÒ  çonfirmâdo\ntotal R$49,90"), "Purchase 49.90 BRL"},
		{"decomposed accents", all, echo("pe\u0301dido confirmado total R$ 5"), "Purchase 5 BRL"},
		{"the other text", all, echo("Order confirmed, TOTAL: R$ 49"), "Purchase 49 BRL"},
		{"by the customer", all, message("Pedido confirmado, total R$ 49"), ""},
		{"no text", all, echo("total R$ 49"), ""},
		{"no pattern", all, echo("Pedido confirmado"), ""},
		{"a thousand or thousandths", all, echo("Pedido confirmado, total R$ 1.234"), "Purchase !"},
		{"standby", all, edit(echo("Pedido confirmado, total R$ 49"), func(ev *normalize.Event) {
			ev.RawLastEventType = normalize.NewText("standby")
		}), "Purchase 49 BRL"},
		{"a caption", all, edit(echo(""), func(ev *normalize.Event) {
			ev.Message.Text, ev.Message.Caption = nil, normalize.NewText("Pedido confirmado, total R$ 7,50")
		}), "Purchase 7.50 BRL"},
		{"an edit", all, edit(echo("Pedido confirmado, total R$ 49"), func(ev *normalize.Event) { ev.Message.Type = "edit" }), ""},
		{"forwarded", all, edit(echo("Pedido confirmado, total R$ 49"), func(ev *normalize.Event) { ev.Message.Forwarded = true }), ""},
		{"often forwarded", all, edit(message("Quero comprar"), func(ev *normalize.Event) { ev.Message.FrequentlyForwarded = true }), ""},
		{"a group", all, edit(message("quero comprar"), group), ""},
		{"a group's cart", all, edit(cart("1 5 EUR"), group), ""},
		{"a group's button", all, edit(button("btn_visit", ""), group), ""},
		{"a forwarded cart", all, edit(cart("1 5 EUR"), func(ev *normalize.Event) { ev.Message.Forwarded = true }), ""},
		{"a status", all, &normalize.Event{Kind: normalize.KindStatus}, ""},
		{"a message", all, message("Eu QUERO comprar já"), "QualifiedLead"},
		{"the default is both", all, echo("Quero comprar"), "QualifiedLead"},
		{"a cart", all, cart("2 12.50 EUR", "1 0.1 EUR"), "InitiateCheckout 25.1 EUR"},
		{"a cart of two currencies", all, cart("2 12.50 EUR", "1 1 USD"), "InitiateCheckout !"},
		{"a cart with a price below 0", all, cart("2 -1 EUR"), "InitiateCheckout !"},
		{"a cart without a price", all, cart("2 null EUR"), "InitiateCheckout !"},
		{"an empty cart", all, cart(), "InitiateCheckout !"},
		{"a cart is no message with a text", []Settings{wanted}, cart("1 1 EUR"), ""},
		{"a button", all, button("btn_visit", ""), "QualifiedLead"},
		{"a payload", all, button("", "btn_tour"), "QualifiedLead"},
		{"Whapi's button", all, button("ButtonsV3:btn_visit", ""), "QualifiedLead"},
		{"Whapi's row", all, button("ListV3:btn_tour", ""), "QualifiedLead"},
		{"Whapi's id as it comes", []Settings{{Name: "Lead", On: []string{"reply", "ListV3:a"}}}, button("ListV3:a", ""), "Lead"},
		{"another prefix", all, button("V3:btn_visit", ""), ""},
		{"another button", all, button("BTN_VISIT", "x"), ""},
		{"a flow", all, flow(`{"plan":"gold"}`), "Lead"},
		{"a flow's answer", []Settings{{Name: "Lead", On: []string{"flow"}, Text: []string{`"plan":"gold"`}}}, flow(`{"plan":"gold"}`), "Lead"},
		{"a flow's answer is no message", []Settings{{Name: "Lead", Text: []string{"gold"}}, {Name: "Purchase", Pattern: `gold (?P<value>\d+)`,
			Currency: "EUR"}}, flow(`{"plan":"gold 5"}`), ""},
		{"another answer", []Settings{{Name: "Lead", On: []string{"flow"}, Text: []string{`"plan":"gold"`}}}, flow(`{"plan":"tin"}`), ""},
		{"all groups", []Settings{numbered}, message("#A-17 1,250.00 usd"), "Purchase 1250.00 USD A-17"},
		{"no currency", []Settings{numbered}, message("#A-17 5 US$"), "Purchase !"},
		{"once a name", []Settings{numbered, confirmed, {Name: "Purchase", Text: []string{"#"}, Currency: "EUR"}}, message("#1 5 EUR"),
			"Purchase 5 EUR 1"},
		{"the next rule that can be read",
			[]Settings{numbered, {Name: "Purchase", Pattern: `(?P<value>\d+)$`, Currency: "EUR"}}, message("#1 x EUR 5"), "Purchase 5 EUR"},
		{"two names", []Settings{numbered, wanted}, message("quero comprar #1 5 EUR"), "Purchase 5 EUR 1, QualifiedLead"},
	} {
		var got []string
		for _, f := range must(t, c.rules...).Read(c.ev, at, new(Reader)) {
			line := f.Rule.Name
			if f.Item == nil {
				got = append(got, line+" !")
				continue
			}
			var item struct {
				EventName, WaPhone, MessageID, Channel, Currency, OrderID string
				Value                                                     json.Number
				EventTime                                                 int64
				Contents                                                  []any
			}
			if err := json.Unmarshal(f.Item, &item); err != nil {
				t.Fatalf("%s: %v: %s", c.name, err, f.Item)
			}
			if item.EventName != f.Rule.Name || item.WaPhone != "+15551234567" || item.MessageID != "wamid.1" || item.Channel != "whatsapp" ||
				item.EventTime != at || (item.Contents != nil) != (c.ev.Message.Order != nil) {
				t.Errorf("%s: %s", c.name, f.Item)
			}
			got = append(got, strings.TrimSpace(strings.Join(strings.Fields(line+" "+item.Value.String()+" "+item.Currency+" "+item.OrderID), " ")))
		}
		if text := strings.Join(got, ", "); text != c.want {
			t.Errorf("%s: %q, want %q", c.name, text, c.want)
		}
	}
}

// TestTimeOfTheFuture: what a message says of the future is now.
func TestTimeOfTheFuture(t *testing.T) {
	fired := must(t, wanted).Read(message("quero comprar"), at-1, new(Reader))
	if len(fired) != 1 || !strings.Contains(string(fired[0].Item), fmt.Sprintf(`"eventTime":%d`, at-1)) {
		t.Errorf("%s", fired[0].Item)
	}
}

// TestMistakes: what can't be meant is refused with a sentence.
func TestMistakes(t *testing.T) {
	for says, s := range map[string]Settings{
		"convert needs the name":                        {Text: []string{"x"}},
		"on message needs a text or a pattern":          {Name: "Lead"},
		"on echo needs a text or a pattern":             {Name: "Lead", On: []string{"echo", "order"}},
		"on reply needs the ids":                        {Name: "Lead", On: []string{"reply"}},
		"on reply has an empty id":                      {Name: "Lead", On: []string{"reply", " "}},
		"on 'mesage' is unknown: write message, echo":   {Name: "Lead", On: []string{"mesage"}},
		"a Purchase needs a currency":                   {Name: "Purchase", Pattern: `(?P<value>\d+)`},
		"currency 'R$' is no currency of ISO 4217":      {Name: "Purchase", Pattern: `(?P<value>\d+)`, Currency: "R$"},
		"pattern: error parsing regexp":                 {Name: "Lead", Pattern: `(`},
		"pattern: the group 'amount' is unknown: write": {Name: "Lead", Pattern: `(?P<amount>\d+)`},
		"has no letter: it would stand in every":        {Name: "Lead", Text: []string{"\u0301"}},
		"pattern: the group value stands twice":         {Name: "Lead", Pattern: `(?P<value>a)(?P<value>b)`},
	} {
		if _, err := Compile(s); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: %v, want %s", s, err, says)
		}
	}
	for _, s := range []Settings{
		{Name: "Purchase", On: []string{"order"}}, {Name: "Purchase", On: []string{"order", "message"}, Pattern: `(?P<value>\d+)`},
		{Name: "Lead", On: []string{"reply"}, Text: []string{"yes"}}, {Name: "Purchase", Pattern: `(?P<value>\d+) (?P<currency>\w+)`},
	} {
		if r, err := Compile(s); err != nil || r.Warning() != "" {
			t.Errorf("%+v: %v, %v", s, err, r)
		}
	}
	if r := must(t, Settings{Name: "Purchase", Text: []string{"paid"}, Currency: "EUR"})[0]; r.Warning() == "" {
		t.Error("a purchase without a value is loaded without a word")
	}
}

// FuzzRead: whatever is said, what comes of it is an item with an exact amount, or none.
func FuzzRead(f *testing.F) {
	rules := must(f, confirmed, numbered, wanted)
	for _, text := range []string{"Pedido confirmado total: R$ 1.234,56", "#A 5 EUR", "QUERO COMPRAR", "\xff\xed\xa0\x80",
		"#\x00 1,2 EUR", "İstanbul ß"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var m Reader
		for _, ev := range []*normalize.Event{message(text), echo(text)} {
			for _, fired := range rules.Read(ev, at, &m) {
				if (fired.Item == nil) != (fired.Problem != "") || fired.Item != nil && !json.Valid(fired.Item) {
					t.Errorf("%q: %s, %s", text, fired.Item, fired.Problem)
				}
			}
		}
		if number, ok := Amount(text); ok {
			if !json.Valid([]byte(number)) || strings.ContainsAny(number, "eE-") {
				t.Errorf("%q is read as %s", text, number)
			}
			if got, want := strings.TrimLeft(keepDigits(number), "0"), strings.TrimLeft(keepDigits(text), "0"); got != want {
				t.Errorf("%q is read as %s", text, number)
			}
		}
	})
}

func keepDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// BenchmarkNothingSaid is what a message costs on which no rule fires.
func BenchmarkNothingSaid(b *testing.B) {
	rules := must(b, confirmed, checkout, visit, filled, wanted)
	ev := message("Olá! Gostaria de saber mais sobre os planos de vocês, e se fazem entregas no sábado. Obrigada")
	var m Reader
	b.ReportAllocs()
	for b.Loop() {
		if rules.Read(ev, at, &m) != nil {
			b.Fatal("it fires")
		}
	}
}
