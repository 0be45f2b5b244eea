package caddymodule

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNormalizeKeepsRaw: what `normalize` prints as raw is what the provider sent,
// byte for byte, but for line breaks.
func TestNormalizeKeepsRaw(t *testing.T) {
	const odd = `{ "id" : "wamid.a",  "from":"15551234567", "x":1.50e+01, "y":"\/\u00e9 <&>", "x":2 ,"type":"text","text":{"body":"Hi"} }`
	broken := strings.ReplaceAll(odd, " ,", "\r\n\t,\n")
	flat := strings.NewReplacer("\r", " ", "\n", " ").Replace(broken)
	change := func(el string) string {
		return `{"entry":[{"id":"1","changes":[{"field":"messages","value":{"messages":[` + el + `]}}]}],"object":"whatsapp_business_account"}`
	}
	gupshup := `{ "app":"DemoApp" , "type":"message","payload":{"id":"wamid.a","type":"text","payload":{"text":"\/"} } }`
	for _, c := range []struct{ provider, body, raw string }{
		{"meta", change(odd), odd},
		{"meta", change(broken), flat},
		{"meta", "{ \"object\" : \"other\" }", "{ \"object\" : \"other\" }"},
		{"360dialog", `{"messages": [` + odd + ` ]}`, odd},
		{"gupshup", gupshup, gupshup},
		{"gupshup", change(broken), flat},
		{"whapi", `{"messages":[` + odd + `]}`, odd},
	} {
		file := filepath.Join(t.TempDir(), "webhook.json")
		if err := os.WriteFile(file, []byte(c.body), 0o600); err != nil {
			t.Fatal(err)
		}
		out := mustCLI(t, "normalize", "--provider", c.provider, file)
		if strings.Count(out, "\n") != 1 {
			t.Errorf("%s: %d lines", c.provider, strings.Count(out, "\n"))
		}
		var event struct{ Raw json.RawMessage }
		if err := json.Unmarshal([]byte(out), &event); err != nil || string(event.Raw) != c.raw {
			t.Errorf("%s: %v\n got %s\nwant %s", c.provider, err, event.Raw, c.raw)
		}
	}
}
