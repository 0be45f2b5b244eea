package caddymodule

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/leadgate/leadgate/capi/capitest"
	"github.com/leadgate/leadgate/internal/media/mediatest"
)

// saleWords are a business's rules: a sentence for a sale, a cart, a button.
const saleWords = `
		convert Purchase {
			on message echo
			text "pedido confirmado" "order confirmed"
			pattern "(?i)total:? *R\$ *(?P<value>[0-9.,]{1,20})"
			currency BRL
		}
		convert InitiateCheckout {
			on order
		}
		convert QualifiedLead {
			on reply btn_visit
		}
`

// TestSaidInTheChat: the contact of an ad says the words, and Meta and who wants conversions
// are told of a sale, once; the metrics say what became of what else was said.
func TestSaidInTheChat(t *testing.T) {
	meta, s := capitest.New(t), newSink(t)
	config := strings.Replace(conversionsSite(meta, s), "		tenant acme\n", "		tenant acme\n"+saleWords, 1)
	e := startEdge(t, strings.Replace(config, "\trespond ", "\troute /metrics {\n\t\tmetrics\n\t}\n\trespond ", 1))
	e.post("/webhooks/meta", click("wamid.lead", "5531987654321", "Aff-sale"))
	for _, m := range [][3]string{
		{"wamid.1", "5531987654321", "Pedido confirmado! Total: R$ 1.234,56."},
		{"wamid.1", "5531987654321", "Pedido confirmado! Total: R$ 1.234,56."},
		{"wamid.2", "5531987654321", "Pedido confirmado! Total: R$ 1.234."}, {"wamid.3", "15551234567", "order confirmed, total R$ 5"},
	} {
		e.post("/webhooks/meta", message(m[0], m[1], m[2]))
	}
	accepted := acceptedEvents(t, meta, 2) // in either order: the lead and the sale are of two groups
	sale := accepted[slices.IndexFunc(accepted, func(ev map[string]any) bool { return ev["event_name"] != "LeadSubmitted" })]
	custom := sale["custom_data"].(map[string]any)
	if sale["event_name"] != "Purchase" || custom["value"] != 1234.56 || custom["currency"] != "BRL" || custom["ctwa_clid"] != "Aff-sale" {
		t.Errorf("sale: %v", sale)
	}
	told := 0
	for range 5 { // four messages and the conversion
		if d := s.next(t); d.event["kind"] == "conversion" {
			told++
			if d.event["id"] != sale["event_id"] || d.event["waPhone"] != "+5531987654321" {
				t.Errorf("event: %s", d.body)
			}
		}
	}
	if told != 1 {
		t.Errorf("%d conversions were forwarded", told)
	}
	_, text, _ := mediatest.Fetch(t, http.MethodGet, e.url("/metrics"))
	metrics := string(text)
	for _, outcome := range []string{"queued", "invalid", "no_click"} {
		line := fmt.Sprintf(`leadgate_in_chat_total{event_name="Purchase",outcome=%q,tenant="acme"} `, outcome)
		if !strings.Contains(metrics, line) {
			t.Errorf("there is no %s", line)
		}
	}
}

// TestMistakesInConvert are named with file and line, or fail the load.
func TestMistakesInConvert(t *testing.T) {
	const capi = "capi {\n dataset 1\n access_token x\n }\n"
	for body, says := range map[string]string{
		capi + "convert {\n text x\n }":                                       "convert needs a value",
		capi + "convert Lead {\n }":                                           "on message needs a text or a pattern",
		capi + "convert Lead {\n on echo\n }":                                 "on echo needs a text or a pattern",
		capi + "convert Lead {\n on letters\n text x\n }":                     "on 'letters' is unknown: write message, echo, order,",
		capi + "convert Purchase {\n text x\n pattern (?P<value>x)\n }":       "a Purchase needs a currency",
		capi + "convert Lead {\n pattern (\n }":                               "pattern: error parsing regexp",
		capi + "convert Lead {\n pattern (?P<total>x)\n }":                    "the group 'total' is unknown: write value, currency or order",
		capi + "convert Lead {\n text x\n currency Reais\n }":                 "currency 'Reais' is no currency of ISO 4217",
		capi + "convert Sold {\n text x\n }":                                  `tenant acme: convert Sold: the event name "Sold" is none`,
		"forward http://127.0.0.1:9/\nconvert Lead {\n text x\n }":            "convert Lead: tenant acme has neither capi nor google",
		"convert Lead {\n text x\n }":                                         "convert Lead stands in a leadgate block without a destination",
		capi + "convert Lead {\n text x\n pattern a b\n }":                    "pattern takes one value, not 2: write it in quotes",
		capi + "convert Lead {\n text x\n text \"\"\n }":                      "text has an empty value",
		capi + "convert Lead {\n on reply\n }":                                "on reply needs the ids or payloads of the buttons",
		capi + "convert Purchase {\n text x\n pattern .\n currency EUR\n }\n": "",
	} {
		err := validate(t, site("tenant acme\n"+body))
		if says == "" && err != nil || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
			t.Errorf("%s\n%v, want %s", body, err, says)
		}
	}
}

// TestConvertOnSeveralLines: what stands on another line than reply is no id of a button.
func TestConvertOnSeveralLines(t *testing.T) {
	for lines, want := range map[string]string{
		"on reply a\non echo":                     "echo reply a",
		"on echo\non reply a b":                   "echo reply a b",
		"on reply a\non message reply b\non flow": "message flow reply a b",
		"on message\non echo":                     "message echo",
		"on reply reply":                          "reply reply",
	} {
		var c InChat
		d := caddyfile.NewTestDispenser("convert Lead {\n" + lines + "\ntext x\n}")
		d.Next()
		if err := c.parse(d); err != nil {
			t.Errorf("%s: %v", lines, err)
		}
		if got := strings.Join(c.On, " "); got != want {
			t.Errorf("%s: %s, want %s", lines, got, want)
		}
	}
}

// TestNormalizeWithConfig shows which rule fires, and with what.
func TestNormalizeWithConfig(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(dir, "Caddyfile")
	text := "http://127.0.0.1:8080 {\n leadgate /x {\n provider meta {\n app_secret a\n verify_token b\n }\n tenant acme {\n" +
		"match phone_number_id 106540352242922\n" +
		"capi {\n dataset 1\n access_token x\n }\n" + saleWords + "\n}\n}\n}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]string{
		"order confirmed: total R$ 49,90":  `"value":49.90`,
		"order confirmed: total R$ 1.234":  `"error":"the amount cannot be read exactly"`,
		"how much is it, and total R$ 5?":  "",
		"PEDIDO CONFIRMADO, Total: R$ 5.0": `"value":5.0`,
	} {
		file := filepath.Join(dir, "webhook.json")
		if err := os.WriteFile(file, message("wamid.1", "15551234567", body), 0o600); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(mustCLI(t, "normalize", "--config", config, file)), "\n")
		var event, fired map[string]any
		if err := json.Unmarshal([]byte(lines[0]), &event); err != nil || event["tenantId"] != "acme" {
			t.Fatalf("%s: %v, %s", body, err, lines[0])
		}
		if want == "" {
			if strings.Contains(strings.Join(lines, "\n"), `"convert"`) {
				t.Errorf("%s: %s", body, lines)
			}
			continue
		}
		if len(lines) < 2 || !strings.Contains(lines[1], want) || json.Unmarshal([]byte(lines[1]), &fired) != nil ||
			fired["convert"] != "Purchase" || fired["tenant"] != "acme" || fired["eventId"] != event["id"] {
			t.Errorf("%s: %s", body, lines)
		}
	}
	if out, err := cli(t, "normalize", "--config", config, "--provider", "whapi", filepath.Join(dir, "webhook.json")); err == nil {
		t.Errorf("a provider that the configuration lacks: %s", out)
	}
}
