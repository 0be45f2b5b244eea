package attack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// mutator makes webhooks that a provider would never send of such as it does.
type mutator struct {
	*rand.Rand
	bodies [][]byte
	keys   []string
	made   int
}

// payloadTimes are the payloads' times, in seconds or milliseconds.
var payloadTimes = regexp.MustCompile(`\b1736\d{6}`)

// newMutator reads the payloads of these folders.
func newMutator(t *testing.T, seed uint64, folders []string) *mutator {
	t.Helper()
	m := &mutator{Rand: rand.New(rand.NewPCG(seed, 1))}
	keys := make(map[string]bool)
	today := strconv.AppendInt(nil, time.Now().Unix(), 10) // Meta takes no older conversions
	for _, folder := range folders {
		files, err := filepath.Glob("../../normalize/testdata/" + folder + "/*")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.Contains(file, ".golden.") {
				continue
			}
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			body = payloadTimes.ReplaceAll(body, today)
			m.bodies = append(m.bodies, body)
			var doc any
			if json.Unmarshal(body, &doc) == nil {
				gather(doc, keys)
			}
		}
	}
	if len(m.bodies) == 0 {
		t.Fatalf("%v: no payloads", folders)
	}
	m.keys = slices.Sorted(maps.Keys(keys))
	return m
}

func gather(doc any, keys map[string]bool) {
	switch doc := doc.(type) {
	case map[string]any:
		for k, v := range doc {
			keys[k] = true
			gather(v, keys)
		}
	case []any:
		for _, v := range doc {
			gather(v, keys)
		}
	}
}

// next is another body: of some payload, changed once or more.
func (m *mutator) next() []byte {
	body := m.fresh(m.bodies[m.IntN(len(m.bodies))])
	var doc any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	switch {
	case decoder.Decode(&doc) != nil:
		body = m.form(body)
	case m.IntN(4) > 0:
		for range 1 + m.IntN(4) {
			doc = m.change(doc, 0)
		}
		if changed, err := json.Marshal(doc); err == nil {
			body = changed
		}
	}
	if m.IntN(3) == 0 {
		body = m.tear(body)
	}
	return body
}

// fresh is a payload with other ids of its messages, so that it is no duplicate.
func (m *mutator) fresh(body []byte) []byte {
	m.made++
	serial := fmt.Sprintf("%08x", m.made)
	for _, id := range []string{"wamid.", `"m_`, "p.text.", "YhN."} {
		body = bytes.ReplaceAll(body, []byte(id), []byte(id+serial))
	}
	return bytes.ReplaceAll(body, []byte("SM0a1b2c3d"), []byte("SM"+serial))
}

// odd are values where others are expected. No phone number of a customer's is in
// them: where it came from decides whether it may be logged.
var odd = []any{
	nil, true, false, 0, -1, 1.5, json.Number("1e400"), json.Number("-0"), json.Number("18446744073709551616"),
	json.Number(strings.Repeat("9", 400)),
	"", " ", "0", "null", "-1", "NaN", "\x00", "\u202e\u2066", "\U0001F600", "\x1b[2J\x1b]0;owned\a", "\r\nX-Injected: 1\r\n", "{env.HOME}",
	"{file./etc/passwd}",
	"../../etc/passwd", "%00%n%s", "<script>alert(1)</script>", "=cmd()", "http://169.254.169.254/latest", strings.Repeat("x", 70_000),
	strings.Repeat("é", 3000),
	[]any{}, []any{nil}, []any{[]any{[]any{}}}, map[string]any{}, map[string]any{"": map[string]any{}}, map[string]any{"id": nil},
}

// odd is one of them, the document's own.
func (m *mutator) odd() any { return own(odd[m.IntN(len(odd))]) }

// own copies what holds other values.
func own(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, member := range v {
			out[k] = own(member)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, element := range v {
			out[i] = own(element)
		}
		return out
	}
	return v
}

// change changes one value somewhere in a document.
func (m *mutator) change(doc any, depth int) any {
	here := m.IntN(4) == 0 && depth > 0
	switch doc := doc.(type) {
	case map[string]any:
		if len(doc) == 0 || here {
			return m.replaced(doc)
		}
		names := slices.Sorted(maps.Keys(doc))
		name := names[m.IntN(len(names))]
		switch m.IntN(8) {
		case 0:
			delete(doc, name)
		case 1: // a value under another's name
			other := names[m.IntN(len(names))]
			doc[name], doc[other] = doc[other], doc[name]
		case 2:
			doc[m.keys[m.IntN(len(m.keys))]] = m.odd()
		default:
			doc[name] = m.change(doc[name], depth+1)
		}
		return doc
	case []any:
		if len(doc) == 0 || here {
			return m.replaced(doc)
		}
		i := m.IntN(len(doc))
		switch m.IntN(8) {
		case 0:
			return slices.Delete(doc, i, i+1)
		case 1:
			return append(doc, doc[i])
		case 2:
			return slices.Repeat(doc[i:i+1], m.IntN(40))
		case 3:
			return append(doc, m.odd())
		}
		doc[i] = m.change(doc[i], depth+1)
		return doc
	}
	return m.replaced(doc)
}

// replaced is something else in place of a value.
func (m *mutator) replaced(v any) any {
	switch m.IntN(8) {
	case 0:
		return []any{v}
	case 1:
		return map[string]any{m.keys[m.IntN(len(m.keys))]: v}
	case 2:
		for range m.IntN(250) {
			v = []any{v}
		}
		return v
	case 3:
		if s, ok := v.(string); ok {
			return json.Number(map[bool]string{true: "0", false: "7"}[s == ""])
		}
		return fmt.Sprint(v)
	}
	return m.odd()
}

// pieces are bytes that parsers trip over.
var pieces = []string{
	"\xff\xfe", "\xef\xbb\xbf", "\x00", "\xc0\x80", "\xed\xa0\x80", `\ud800`, `\udc00\ud800`, `\u0000`, `"`, `\`, "{", "}", "[", "]", ",", ":",
	"//", "/**/",
	`"id":1,`, `"entry":[],`, `"object":"page",`, `"messages":[{}],`, `"metadata":{"phone_number_id":"1"},`, "\n", "\r", "NaN", "1e999",
	"-", "+", "&", "=", "%", "%zz", ";",
}

// tear changes bytes, whatever they mean.
func (m *mutator) tear(body []byte) []byte {
	body = slices.Clone(body) // the payload stays
	for range 1 + m.IntN(3) {
		if len(body) == 0 {
			return body
		}
		i := m.IntN(len(body))
		j := min(len(body), i+m.IntN(40))
		switch m.IntN(6) {
		case 0:
			body[i] ^= 1 << m.IntN(8)
		case 1:
			body = slices.Delete(body, i, j)
		case 2:
			body = slices.Insert(body, j, bytes.Clone(body[i:j])...)
		case 3:
			body = body[:i]
		default:
			body = slices.Insert(body, i, []byte(pieces[m.IntN(len(pieces))])...)
		}
	}
	return body
}

// form changes the fields of a form.
func (m *mutator) form(body []byte) []byte {
	form, err := url.ParseQuery(string(body))
	if err != nil || len(form) == 0 {
		return body
	}
	names := sortedKeys(form)
	for range 1 + m.IntN(4) {
		name := names[m.IntN(len(names))]
		value, _ := m.odd().(string)
		switch m.IntN(5) {
		case 0:
			form.Del(name)
		case 1:
			form.Add(name, value)
		case 2:
			form.Set(names[m.IntN(len(names))]+value[:min(len(value), 10)], value)
		default:
			form.Set(name, value)
		}
	}
	return []byte(form.Encode())
}
