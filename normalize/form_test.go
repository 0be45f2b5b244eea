package normalize

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

// checkRaw compares the object with the form as net/url reads it.
func checkRaw(t testing.TB, raw Value, body []byte) {
	t.Helper()
	// To net/url a semicolon is an error, to forms a byte like any other.
	want, err := url.ParseQuery(strings.ReplaceAll(string(body), ";", "%3B"))
	if err != nil {
		t.Fatalf("accepted what is no form: %v: %q", err, body)
	}
	fields := make(map[string]any)
	if err := json.Unmarshal(raw, &fields); err != nil {
		t.Fatalf("raw: %v: %s", err, raw)
	}
	given := make(map[string]any)
	for name, values := range want {
		name = strings.ToValidUTF8(name, "\ufffd")
		list, _ := given[name].([]any)
		for _, v := range values {
			list = append(list, strings.ToValidUTF8(v, "\ufffd"))
		}
		given[name] = list
	}
	for name, list := range given {
		if list := list.([]any); len(list) == 1 {
			given[name] = list[0]
		}
	}
	valid := true // several bytes of invalid UTF-8 may make one U+FFFD or more
	for name, values := range want {
		valid = valid && name == strings.ToValidUTF8(name, "") && strings.Join(values, "") == strings.ToValidUTF8(strings.Join(values, ""), "")
	}
	if valid && !reflect.DeepEqual(fields, given) {
		t.Fatalf("raw is %v, the form %v", fields, given)
	}
	if !valid && len(fields) > len(given) {
		t.Fatalf("raw has %d fields, the form %d", len(fields), len(given))
	}
}

func TestTwilioSyntaxError(t *testing.T) {
	for body, offset := range map[string]int64{
		"":                               0,
		"&&":                             0,
		"Body":                           0,
		"A=1&Body":                       4,
		"A=1&=x":                         4,
		"A=%4":                           2,
		"A=1&B=12%zz":                    8,
		"A%=1":                           1,
		`{"From":"x?a=b"}`:               0,
		`<Response a="1"/>`:              0,
		"A=1&B C=1":                      5,
		"{\"messages\":[]}":              0,
		"Na\u00efve=1":                   2,
		strings.Repeat("a=1&", 60) + "%": 240,
	} {
		var b Batch
		b.Add()
		err := Twilio(&b, []byte(body), ingested)
		serr, ok := errors.AsType[*SyntaxError](err)
		if !ok || serr.Offset != offset || len(b.Events) != 1 {
			t.Errorf("%q: %v and %d events, want offset %d", body, err, len(b.Events), offset)
		}
	}
}

// TestFormManyFields: more fields than are compared one by one, with one that
// repeats among them.
func TestFormManyFields(t *testing.T) {
	var form strings.Builder
	for i := range 3 * formFew {
		form.WriteString("Field" + string(rune('A'+i%26)) + strings.Repeat("x", i/26) + "=1&")
	}
	var b Batch
	twilioEvent(t, &b, []byte(form.String()))
	form.WriteString("FieldAxx=2")
	b.Reset()
	twilioEvent(t, &b, []byte(form.String()))
	if !bytes.Contains(b.Events[0].Raw, []byte(`"FieldAxx":["1","2"]`)) {
		t.Errorf("raw %s", b.Events[0].Raw)
	}
}
