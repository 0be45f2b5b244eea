package jsondoc

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func parse(t testing.TB, s string) Node {
	t.Helper()
	var d Doc
	if err := d.Parse([]byte(s)); err != nil {
		t.Fatalf("parsing %s: %v", s, err)
	}
	return d.Root()
}

func TestAccessors(t *testing.T) {
	root := parse(t, " {\"a\" : [1, -2.50, \"x\\ny\", true, false, null, {}, []] , \"\\u0062\":{\"c\":\"17\"},\"a\":0,\"\":5, \"e\":\"\"}\n")
	a := root.Get("a")
	if a.Kind() != '[' || a.Len() != 8 {
		t.Fatalf("a: kind %q, len %d: the first of two members of the same name counts", a.Kind(), a.Len())
	}
	var kinds, raws []string
	for c := a.First(); c.Exists(); c = c.Next() {
		kinds = append(kinds, string(c.Kind()))
		raws = append(raws, string(c.Raw()))
		if c.Key() != nil {
			t.Errorf("an element has the key %q", c.Key())
		}
	}
	if got := strings.Join(kinds, ""); got != `00"tfn{[` {
		t.Errorf("kinds %s", got)
	}
	if want := []string{"1", "-2.50", `"x\ny"`, "true", "false", "null", "{}", "[]"}; !slices.Equal(raws, want) {
		t.Errorf("raws %q, want %q", raws, want)
	}
	if s := a.First().Next().Next().String(); s != "x\ny" {
		t.Errorf("string %q", s)
	}
	if s := a.First().Next().String(); s != "-2.50" {
		t.Errorf("number as string %q", s)
	}
	if v, ok := root.Get("b").Get("c").Int(); v != 17 || !ok {
		t.Errorf("b.c = %d, %v", v, ok)
	}
	var keys []string
	for m := root.First(); m.Exists(); m = m.Next() {
		keys = append(keys, string(m.Key()))
	}
	if want := []string{"a", "b", "a", "", "e"}; !slices.Equal(keys, want) {
		t.Errorf("keys %q, want %q", keys, want)
	}
	if v, ok := root.Get("").Int(); v != 5 || !ok {
		t.Errorf("empty name: %d, %v", v, ok)
	}
	if raw := root.Get("b").Raw(); string(raw) != `{"c":"17"}` || cap(raw) != len(raw) {
		t.Errorf("raw %s, cap %d", raw, cap(raw))
	}
}

func TestMissing(t *testing.T) {
	root := parse(t, `{"n":null,"s":"x"}`)
	for _, n := range []Node{{}, root.Get("none"), root.Get("s").Get("x"), root.Get("none").Get("x"), root.Get("s").First(), root.Next()} {
		v, ok := n.Int()
		if n.Exists() || n.Kind() != 0 || n.Raw() != nil || n.String() != "" || v != 0 || ok || n.Key() != nil || n.Len() != 0 ||
			n.First().Exists() || n.Next().Exists() || n.Get("x").Exists() {
			t.Errorf("%+v is not missing", n)
		}
	}
	if n := root.Get("n"); !n.Exists() || n.Kind() != 'n' {
		t.Errorf("null does not exist")
	}
	var d Doc
	if d.Root().Exists() {
		t.Errorf("an empty Doc has a root")
	}
}

func TestInt(t *testing.T) {
	for in, want := range map[string]int64{"0": 0, "-7": -7, `"1736535600"`: 1736535600, "1736535600": 1736535600, "1.5e3": 1500, "5.0": 5,
		"999999999999999999": 999999999999999999, `"-3"`: -3} {
		if v, ok := parse(t, in).Int(); v != want || !ok {
			t.Errorf("%s = %d, %v, want %d", in, v, ok, want)
		}
	}
	for _, in := range []string{`""`, `"-"`, `"1.5"`, "1.5", "1e300", "99999999999999999999", `"1 "`, "true", "{}", `"0x1"`, `"\u0031"`} {
		if v, ok := parse(t, in).Int(); ok {
			t.Errorf("%s = %d", in, v)
		}
	}
}

func TestSyntaxErrors(t *testing.T) {
	deep := strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth)
	parse(t, deep)
	parse(t, strings.Repeat(`{"a":`, MaxDepth)+"1"+strings.Repeat("}", MaxDepth))
	for _, c := range []struct {
		in     string
		offset int64
		reason string
	}{
		{"", 0, ""},
		{"  ", 2, ""},
		{"{", 1, ""},
		{`{"a":1,}`, 7, ""},
		{`{"a" 1}`, 5, ""},
		{`[1 2]`, 3, ""},
		{`{"a":"b` + "\xff" + `"}`, 7, "UTF-8"},
		{"{} x", 3, "after"},
		{"{}{}", 2, "after"},
		{"[" + deep + "]", MaxDepth, "levels"},
		{"\"a\nb\"", 2, ""},
		{"01", 1, ""},
		{"nul", 3, ""},
		{"\ufeff{}", 0, ""},
		{`["\x"]`, 3, ""},
	} {
		var d Doc
		err := d.Parse([]byte(c.in))
		serr, ok := errors.AsType[*SyntaxError](err)
		if !ok {
			t.Errorf("%.30q: error %v", c.in, err)
			continue
		}
		if serr.Offset != c.offset || !strings.Contains(serr.Reason, c.reason) {
			t.Errorf("%.30q: %v, want offset %d, reason %q", c.in, serr, c.offset, c.reason)
		}
		if d.Root().Exists() {
			t.Errorf("%.30q: a root after an error", c.in)
		}
	}
}

func TestStrings(t *testing.T) {
	for _, c := range []struct{ token, decoded, sanitized string }{
		{`""`, "", `""`},
		{`"abc"`, "abc", `"abc"`},
		{`"caf\u00e9 \/ x"`, "café / x", `"caf\u00e9 \/ x"`},
		{`"\ud83d\ude00"`, "😀", `"\ud83d\ude00"`},
		{`"\uD83D\uDE00!"`, "😀!", `"\uD83D\uDE00!"`},
		{`"50% \ud83d"`, "50% \ufffd", `"50% \ufffd"`},
		{`"\ude00\ud83d"`, "\ufffd\ufffd", `"\ufffd\ufffd"`},
		{`"\ud83d\ud83d\ude00"`, "\ufffd😀", `"\ufffd\ud83d\ude00"`},
		{`"\ud83dx\\ud83d"`, "\ufffdx\\ud83d", `"\ufffdx\\ud83d"`},
		{`"\ud83d\n"`, "\ufffd\n", `"\ufffd\n"`},
		{`"\u0000\b\f\t\r\"\\"`, "\x00\b\f\t\r\"\\", `"\u0000\b\f\t\r\"\\"`},
	} {
		n := parse(t, c.token)
		if got := n.String(); got != c.decoded {
			t.Errorf("%s decodes to %q, want %q", c.token, got, c.decoded)
		}
		if got := AppendSanitized([]byte("x"), []byte(c.token)); string(got) != "x"+c.sanitized {
			t.Errorf("%s sanitizes to %s, want %s", c.token, got[1:], c.sanitized)
		}
		if got := HasLoneSurrogate([]byte(c.token)); got != (c.token != c.sanitized) {
			t.Errorf("%s: lone surrogate %v", c.token, got)
		}
	}
	if got := AppendDecoded([]byte("x"), []byte("12")); string(got) != "x" {
		t.Errorf("a number decodes to %q", got)
	}
}

func TestReuseDoesNotAllocate(t *testing.T) {
	body := []byte(`{"entry":[{"id":"1","changes":[{"value":{"messages":[{"text":{"body":"caf\u00e9"},"from":"15551234567"}]}}]}]}`)
	var d Doc
	allocs := testing.AllocsPerRun(100, func() {
		if err := d.Parse(body); err != nil {
			t.Fatal(err)
		}
		m := d.Root().Get("entry").First().Get("changes").First().Get("value").Get("messages").First()
		if !m.Get("from").Exists() || m.Get("fr\u00f6m").Exists() {
			t.Fatal("wrong member")
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations for each body", allocs)
	}
}

// FuzzParse compares with encoding/json: the same bodies are accepted, and the
// index says the same as a decoded tree.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "{}", "[]", "null", `"\ud83d"`, `{"a":[1,2.5e-3,{"b":"\u00e9\/"}],"a":true}`, "[[[]]]", `{"a":1,}`, "1 2",
		"-", "\xff", `{"\u0061":"\ud83d\ude00"}`, " [ ] ", strings.Repeat("[", 201)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		orig := bytes.Clone(b)
		var d Doc
		err := d.Parse(b)
		want := json.Valid(b) && utf8.Valid(b) && depth(b) <= MaxDepth
		if (err == nil) != want {
			t.Fatalf("Parse: %v; encoding/json: %v", err, want)
		}
		if !bytes.Equal(b, orig) {
			t.Fatal("the body was changed")
		}
		if err != nil {
			if serr, ok := errors.AsType[*SyntaxError](err); !ok || serr.Offset < 0 || serr.Offset > int64(len(b)) {
				t.Fatalf("error %#v", err)
			}
			return
		}
		dec := json.NewDecoder(bytes.NewReader(b))
		dec.UseNumber()
		compare(t, dec, d.Root())
	})
}

// compare walks the token stream of encoding/json beside the index.
func compare(t *testing.T, dec *json.Decoder, n Node) {
	tok, err := dec.Token()
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(n.Raw()) {
		t.Fatalf("raw %q", n.Raw())
	}
	switch tok := tok.(type) {
	case json.Delim:
		if n.Kind() != byte(tok) {
			t.Fatalf("kind %q, want %q", n.Kind(), tok)
		}
		for c := n.First(); c.Exists(); c = c.Next() {
			if tok == '{' {
				name, err := dec.Token()
				if err != nil || name != string(c.Key()) {
					t.Fatalf("name %q, want %q (%v)", c.Key(), name, err)
				}
				if got := n.Get(string(c.Key())); !got.Exists() || got.i > c.i {
					t.Fatalf("Get(%q) does not find the first", c.Key())
				}
			}
			compare(t, dec, c)
		}
		if end, err := dec.Token(); err != nil || end != tok+2 {
			t.Fatalf("%v instead of the end of %v (%v)", end, tok, err)
		}
	case string:
		if n.Kind() != '"' || n.String() != tok {
			t.Fatalf("string %q, want %q", n.String(), tok)
		}
		clean := AppendSanitized(nil, n.Raw())
		if HasLoneSurrogate(clean) || string(AppendDecoded(nil, clean)) != tok {
			t.Fatalf("%s sanitized is %s", n.Raw(), clean)
		}
	case json.Number:
		if n.Kind() != '0' || n.String() != string(tok) {
			t.Fatalf("number %q, want %q", n.String(), tok)
		}
	case bool:
		if (n.Kind() == 't') != tok || (n.Kind() == 'f') == tok {
			t.Fatalf("kind %q, want %v", n.Kind(), tok)
		}
	case nil:
		if n.Kind() != 'n' {
			t.Fatalf("kind %q, want null", n.Kind())
		}
	}
}

// depth is the deepest nesting of a valid JSON text.
func depth(b []byte) int {
	deepest, now, inString := 0, 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			now++
			deepest = max(deepest, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return deepest
}
