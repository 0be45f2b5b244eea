package normalize

import (
	"encoding/json"
	"testing"
)

// TestVCard holds what the golden cards don't: broken lines, escapes, labels,
// versions.
func TestVCard(t *testing.T) {
	for _, c := range []struct{ card, want string }{
		{"", `{"phones":null,"name":null,"emails":null,"org":null,"addresses":null,"urls":null,"birthday":null}`},
		{"no card at all", `{"phones":null,"name":null,"emails":null,"org":null,"addresses":null,"urls":null,"birthday":null}`},
		{"FN:Ann\\, Lee\\;\\n2", `{"name":{"formatted_name":"Ann, ` +
			`Lee;\n2","first_name":null,"last_name":null,"middle_name":null,"prefix":null,"suffix":null}}`},
		{"N:Lee\\;x;Ann",
			`{"name":{"formatted_name":null,"first_name":"Ann","last_name":"Lee;x","middle_name":null,"prefix":null,"suffix":null}}`},
		{"N:a\\", `{"name":{"formatted_name":null,"first_name":null,"last_name":"a\\","middle_name":null,"prefix":null,"suffix":null}}`},
		{"TEL;type=CELL;waid=1555:+1\r\n  555", `{"phones":[{"phone":"+1 555","wa_id":"1555","type":"cell"}]}`},
		{"TEL;TYPE=\"voice,home\":1", `{"phones":[{"phone":"1","wa_id":null,"type":"home"}]}`},
		{"TEL;VALUE=uri;TYPE=work:tel:+1-555", `{"phones":[{"phone":"+1-555","wa_id":null,"type":"work"}]}`},
		{"a.TEL:1\nb.TEL:2\nb.X-ABLabel:Second\na.X-ABLabel:_$!<Main>!$_",
			`{"phones":[{"phone":"1","wa_id":null,"type":"main"},{"phone":"2","wa_id":null,"type":"second"}]}`},
		{"a.EMAIL;INTERNET:x@example.com\na.X-ABLABEL:Desk", `{"emails":[{"email":"x@example.com","type":"desk"}]}`},
		{"ORG:Acme", `{"org":{"company":"Acme"}}`},
		{"ORG:;", `{"org":null}`},
		{"URL:https://example.com/a:b\nURL:https://example.com", `{"urls":[{"url":"https://example.com/a:b"},{"url":"https://example.com"}]}`},
		{"ADR:;;;Oslo\nADR:;;\nADR;WORK:;;Main St.", `{"addresses":[{"city":"Oslo"},{"street":"Main St.","type":"work"}]}`},
		{"FN;X=\"a:b\":Ann",
			`{"name":{"formatted_name":"Ann","first_name":null,"last_name":null,"middle_name":null,"prefix":null,"suffix":null}}`},
		{"FN;ENCODING=QUOTED-PRINTABLE:Zo=C3=AB", `{"name":{"formatted_name":"Zoë","first_name":null,"last_name":null,"middle_name":null,` +
			`"prefix":null,"suffix":null}}`},
		{"BDAY:2000-01-31", `{"birthday":"2000-01-31"}`},
	} {
		node := node(t, `{"vcard":`+string(NewText(c.card))+`}`)
		var b Batch
		contact := b.vcard(node)
		got, want := map[string]any{}, map[string]any{}
		if err := json.Unmarshal(contact.appendJSON(nil), &got); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(c.want), &want); err != nil {
			t.Fatal(err)
		}
		for key, value := range want {
			g, _ := json.Marshal(got[key])
			w, _ := json.Marshal(value)
			if string(g) != string(w) {
				t.Errorf("%q: %s is %s, want %s", c.card, key, g, w)
			}
		}
	}
}
