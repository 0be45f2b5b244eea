package caddymodule

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/freeport"
)

// dialog360Body is a message as 360dialog posts it, in Meta's format.
func dialog360Body(id string) []byte { return message(id, "15551234567", "Hi") }

// TestDialog360Signature checks the partner's signature alone, and beside a token:
// whatever is configured must fit.
func TestDialog360Signature(t *testing.T) {
	signed := func(secret string, body []byte) string {
		return strings.TrimPrefix(signature(secret, body), "sha256=")
	}
	for options, cases := range map[string][]struct {
		name      string
		signature func(body []byte) string
		token     string
		status    int
	}{
		"signature_secret old new\n signature_secret third": {
			{"old", func(b []byte) string { return signed("old", b) }, "", 200},
			{"new", func(b []byte) string { return signed("new", b) }, "", 200},
			{"third", func(b []byte) string { return signed("third", b) }, "", 200},
			{"with a prefix", func(b []byte) string { return "sha256=" + signed("new", b) }, "", 200},
			{"in upper case", func(b []byte) string { return strings.ToUpper(signed("new", b)) }, "", 200},
			{"of another body", func([]byte) string { return signed("new", []byte("x")) }, "", 401},
			{"other secret", func(b []byte) string { return signed("other", b) }, "", 401},
			{"empty secret", func(b []byte) string { return signed("", b) }, "", 401},
			{"cut short", func(b []byte) string { return signed("new", b)[:62] }, "", 401},
			{"no hex", func([]byte) string { return strings.Repeat("z", 64) }, "", 401},
			{"sha1 prefix", func(b []byte) string { return "sha1=" + signed("new", b) }, "", 401},
			{"none", nil, "", 401},
			{"a token alone", nil, "t", 401},
		},
		"signature_secret new\n token header X-Token t": {
			{"both", func(b []byte) string { return signed("new", b) }, "t", 200},
			{"signature alone", func(b []byte) string { return signed("new", b) }, "", 401},
			{"wrong token", func(b []byte) string { return signed("new", b) }, "x", 401},
			{"token alone", nil, "t", 401},
			{"wrong signature", func(b []byte) string { return signed("x", b) }, "t", 401},
		},
		"token header X-Token t": {
			{"token", nil, "t", 200},
			{"token with any signature", func([]byte) string { return "x" }, "t", 200},
			{"signature alone", func(b []byte) string { return signed("new", b) }, "", 401},
		},
	} {
		s := newSink(t)
		e := startEdge(t, otherSite("360dialog {\n "+options+"\n}", "forward "+s.URL))
		for i, c := range cases {
			body := dialog360Body(fmt.Sprint("wamid.", i))
			resp, answer := e.post("/webhooks/360dialog", body, func(r *http.Request) {
				r.Header.Del("X-Hub-Signature-256")
				if c.signature != nil {
					r.Header.Set("X-360dialog-Signature", c.signature(body))
				}
				if c.token != "" {
					r.Header.Set("X-Token", c.token)
				}
			})
			if resp.StatusCode != c.status || answer != "" {
				t.Errorf("%q, %s: %d %q, want %d", options, c.name, resp.StatusCode, answer, c.status)
			}
			if c.status == 200 {
				s.next(t)
			}
			s.expectNone(t)
		}
	}
}

// TestDialog360Raw passes the signature on to who wants the raw body, and `send`
// makes it.
func TestDialog360Raw(t *testing.T) {
	s := newSink(t)
	e := startEdge(t, otherSite("360dialog {\n signature_secret secret\n}", "forward "+s.URL+" {\n raw\n}"))
	body := dialog360Body("wamid.raw")
	if err := sendAs(t, e.url("/webhooks/x"), "360dialog", "secret", body); err != nil {
		t.Fatal(err)
	}
	d := s.next(t)
	if want := strings.TrimPrefix(signature("secret", body), "sha256="); d.header.Get("X-360dialog-Signature") != want ||
		string(d.body) != string(body) {
		t.Errorf("signature %q, want %q; body %s", d.header.Get("X-360dialog-Signature"), want, d.body)
	}
}

// TestDialog360Part signs each tenant's part of a body again, with the secret that
// the whole was signed with.
func TestDialog360Part(t *testing.T) {
	acme, globex := newSink(t), newSink(t)
	e := startEdge(t, otherSite("360dialog {\n signature_secret old new\n}", `
		tenant acme {
			match phone_number_id 111
			forward `+acme.URL+` {
				raw
			}
		}
		tenant globex {
			match phone_number_id 222
			forward `+globex.URL+` {
				raw
			}
		}`))
	one := func(number, id string) string {
		return entry(number, `"messages":[{"from":"15551234567","id":"`+id+`","timestamp":"1736535600","type":"text","text":{"body":"x"}}]`)
	}
	body := []byte(`{"object":"whatsapp_business_account","entry":[` + one("111", "wamid.a") + "," + one("222", "wamid.g") + `]}`)
	resp, _ := e.post("/webhooks/360dialog", body, func(r *http.Request) {
		r.Header.Del("X-Hub-Signature-256")
		r.Header.Set("X-360dialog-Signature", strings.TrimPrefix(signature("new", body), "sha256="))
	})
	if resp.StatusCode != 200 {
		t.Fatalf("%d", resp.StatusCode)
	}
	for s, has := range map[*sink][2]string{acme: {"wamid.a", "wamid.g"}, globex: {"wamid.g", "wamid.a"}} {
		d := s.next(t)
		if text := string(d.body); !strings.Contains(text, has[0]) || strings.Contains(text, has[1]) {
			t.Errorf("part: %s", text)
		}
		if want := strings.TrimPrefix(signature("new", d.body), "sha256="); d.header.Get("X-360dialog-Signature") != want {
			t.Errorf("signature %q, want %q", d.header.Get("X-360dialog-Signature"), want)
		}
	}
}

// TestProviderSecretsInJSON loads what the Caddyfile cannot say otherwise: both
// forms of a configuration verify the same.
func TestProviderSecretsInJSON(t *testing.T) {
	e := &edge{t: t, port: freeport.New(t), dir: t.TempDir()}
	for block, want := range map[string]string{
		"360dialog {\n signature_secret a b\n}": `{"name":"360dialog","signature_secret":["a","b"]}`,
		"twilio {\n shared_key SK1 a\n shared_key SK2 b\n public_url https://a.example\n}": `{"name":"twilio",` +
			`"public_url":"https://a.example","shared_key":[{"secret":"a","sid":"SK1"},{"secret":"b","sid":"SK2"}]}`,
	} {
		config, err := e.adapt(otherSite(block, "tenant acme"))
		if err != nil || !strings.Contains(string(config), `"provider":`+want) {
			t.Errorf("%s: %v\n%s", block, err, config)
		}
	}
	for block, says := range map[string]string{
		"360dialog":                                       "needs a token",
		"360dialog {\n signature_secret\n}":               "signature_secret needs a value",
		"360dialog {\n signature_secret \"\"\n}":          "empty value",
		"360dialog {\n secret x\n}":                       "write one of token, signature_secret",
		"twilio {\n shared_key SK1\n}":                    "shared_key takes the key's SID and its secret",
		"twilio {\n shared_key SK1 a b\n}":                "shared_key takes the key's SID and its secret",
		"twilio {\n public_url https://a.example\n}":      "needs an auth_token, a shared_key or a token",
		"twilio {\n shared_key SK1 {env.NOT_SET}\n}":      "shared_key",
		"360dialog {\n signature_secret {env.NOT_SET}\n}": "signature_secret",
	} {
		if err := e.load(otherSite(block, "tenant acme")); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", block, err)
		}
	}
}
