package normalize

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

var schema = sync.OnceValue(func() *jsonschema.Schema {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema))
	if err != nil {
		panic(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("unified.schema.json", doc); err != nil {
		panic(err)
	}
	return c.MustCompile("unified.schema.json")
})

// validate checks an encoded event against the schema.
func validate(t testing.TB, event []byte) {
	t.Helper()
	if !utf8.Valid(event) {
		t.Fatalf("invalid UTF-8: %q", event)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(event))
	if err != nil {
		t.Fatalf("unified JSON: %v\n%s", err, event)
	}
	if err := schema().Validate(doc); err != nil {
		t.Fatalf("%v\n%s", err, event)
	}
}

// TestGoTypesMatchSchema fills every field of an Event and of all that it
// points to with a value of its own. Each value must be in the output, so no
// field is forgotten, and the output must validate, where every key is required
// and no other allowed, so no key is without a field.
func TestGoTypesMatchSchema(t *testing.T) {
	f := filler{}
	var e Event
	f.fill(reflect.ValueOf(&e).Elem(), "Event")
	f.fill(reflect.ValueOf(e.Account.RoutingIDs()).Elem(), "RoutingIDs")
	f.fill(reflect.ValueOf(e.OtherNames()).Elem(), "OtherNames")
	e.Channel, e.Message.Type = ChannelWhatsApp, "text"
	e.Message.SHA256, e.WaPhone = Text(`"`+strings.Repeat("ab", 32)+`"`), Text(`"+15551234567"`)
	kinds := map[Kind]func(*Event){
		KindMessage:        func(e *Event) { e.Status, e.AutomaticEvent, e.Conversion, e.Lead = nil, nil, nil, nil },
		KindStatus:         func(e *Event) { e.Message, e.AutomaticEvent, e.Conversion, e.Lead = nil, nil, nil, nil },
		KindAutomaticEvent: func(e *Event) { e.Message, e.Status, e.Conversion, e.Lead = nil, nil, nil, nil },
		KindConversion:     func(e *Event) { e.Message, e.Status, e.AutomaticEvent, e.Lead = nil, nil, nil, nil },
		KindLead:           func(e *Event) { e.Message, e.Status, e.AutomaticEvent, e.Conversion = nil, nil, nil, nil },
	}
	var all strings.Builder
	for kind, clean := range kinds {
		one := e
		one.Kind = kind
		if kind != KindMessage {
			one.Referral, one.UTM, one.Ad, one.ReplyUntil, one.Link = nil, nil, nil, 0, nil
		}
		clean(&one)
		one.SetTenant(e.TenantID)
		out, attribution := one.AppendJSON(nil)
		validate(t, out)
		if got := string(out[attribution-len(`"attribution":`) : attribution+4]); got != `"attribution":null` {
			t.Errorf("attribution is at %q", got)
		}
		all.Write(out)
	}
	unseen := map[string]bool{ // not part of the unified JSON, or replaced above
		"RoutingIDs.AppID": true, "RoutingIDs.AccountSID": true, "RoutingIDs.RecipientID": true, "RoutingIDs.EntryID": true,
		"OtherNames.ParentUserID": true, "OtherNames.Former": true,
		"Event.Message.Type": true, "Event.Message.SHA256": true, "Event.WaPhone": true,
	}
	for path, value := range f {
		if got := strings.Contains(all.String(), value); got == unseen[path] {
			t.Errorf("%s = %s in the output: %v", path, value, got)
		}
	}
	if len(f) < 110 {
		t.Errorf("only %d fields were filled", len(f))
	}
}

// filler gives every leaf a value of its own and remembers it by path.
type filler map[string]string

func (f filler) fill(v reflect.Value, path string) {
	n := 100000 + len(f)
	switch v.Interface().(type) {
	case Text:
		f[path] = fmt.Sprintf(`"t%d"`, n)
		v.SetBytes([]byte(f[path]))
		return
	case Value:
		f[path] = fmt.Sprint(n)
		switch path[strings.LastIndexByte(path, '.')+1:] {
		case "Org", "Conversion", "ConversationContext", "Raw":
			f[path] = fmt.Sprintf(`{"v":%d}`, n)
		case "Link":
			f[path] = fmt.Sprintf(`{"name":"l%d","code":"K7QW3-MPDXR","clickedAt":%d,"shared":false,"source":null,"params":{}}`, n, n)
		case "Answers":
			f[path] = fmt.Sprintf(`[{"name":"a%d","values":["x"]}]`, n)
		case "Disclaimers":
			f[path] = fmt.Sprintf(`[{"checkbox_key":"d%d","is_checked":"1"}]`, n)
		case "Address", "URLs":
			f[path] = fmt.Sprintf(`[%d]`, n)
		}
		v.SetBytes([]byte(f[path]))
		return
	case Bool, Kind, Channel:
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if name := v.Type().Field(i); name.IsExported() {
				f.fill(v.Field(i), path+"."+name.Name)
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem(), path)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		f.fill(v.Index(0), path)
	case reflect.String:
		f[path] = fmt.Sprintf("s%d", n)
		v.SetString(f[path])
	case reflect.Int64:
		f[path] = fmt.Sprint(n)
		v.SetInt(int64(n))
	case reflect.Bool:
		v.SetBool(true)
	default:
		panic("a field of kind " + v.Kind().String() + " at " + path)
	}
}

// TestSchemaIsStrict: a key too many or too few, or a message of a status, must
// not validate, or the other tests prove nothing.
func TestSchemaIsStrict(t *testing.T) {
	var e Event
	e.Kind, e.Channel, e.Provider = KindAccount, ChannelWhatsApp, ProviderMeta
	e.Raw = Value(`{}`)
	e.SetTenant("acme")
	good, _ := e.AppendJSON(nil)
	validate(t, good)
	for _, edit := range [][2]string{
		{`"waId":null,`, ``},
		{`"waId":null,`, `"waId":null,"extra":1,`},
		{`"wabaId":null,`, ``},
		{`"kind":"account"`, `"kind":"other"`},
		{`"kind":"account"`, `"kind":"message"`},
		{`"status":null`, `"status":{"messageId":null,"gsId":null,"state":null,"recipientId":null,"watermark":null,"errors":null,` +
			`"callbackData":null}`},
		{`"waPhone":null`, `"waPhone":"15551234567"`},
		{`"replyUntil":null`, `"replyUntil":1736535600000`},
	} {
		bad := strings.Replace(string(good), edit[0], edit[1], 1)
		if bad == string(good) {
			t.Fatalf("%s is not in %s", edit[0], good)
		}
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(bad))
		if err != nil {
			t.Fatal(err)
		}
		if schema().Validate(doc) == nil {
			t.Errorf("validates: %s", bad)
		}
	}
}

// TestKeyOrder compares the order of the keys with the contract's.
func TestKeyOrder(t *testing.T) {
	var e Event
	e.Kind, e.Raw = KindAccount, Value(`{}`)
	out, _ := e.AppendJSON(nil)
	dec := json.NewDecoder(bytes.NewReader(out))
	var keys []string
	depth := 0
	for {
		tok, err := dec.Token()
		if err != nil {
			break
		}
		switch tok := tok.(type) {
		case json.Delim:
			if tok == '{' || tok == '[' {
				depth++
			} else {
				depth--
			}
		case string:
			if depth == 1 {
				keys = append(keys, tok)
				if !dec.More() {
					break
				}
				var skip json.RawMessage
				if err := dec.Decode(&skip); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	want := "id tenantId kind channel provider account waPhone waId userId username groupId profileName rawLastEventType rawVersion " +
		"receivedAt ingestedAt replyUntil message referral utm ad conversation status automaticEvent conversion conversationContext " +
		"link lead attribution raw"
	if got := strings.Join(keys, " "); got != want {
		t.Errorf("keys %s\nwant %s", got, want)
	}
}
