package normalize

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// sweepParsers read the JSON of a folder of testdata.
var sweepParsers = map[string]func(*Batch, []byte, int64) error{
	"whatsapp": Meta, "messenger": Meta, "instagram": Meta, "gupshup": Gupshup, "360dialog": Dialog360,
	"whapi": func(b *Batch, body []byte, at int64) error { return WhapiAs(b, body, "", at) },
}

// TestSweep makes every list of every payload longer, alone and while an object
// of the payload has very many members, and compares what reading costs at n, 2n
// and 4n: the members that were looked at, and the bytes that were allocated for
// one of the body (they come in powers of two, so that differences tell little).
func TestSweep(t *testing.T) {
	const n = 24
	seen := make(map[string]bool)
	for folder, parse := range sweepParsers {
		for _, file := range jsonFiles(t, folder) {
			var doc any
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if json.Unmarshal(body, &doc) != nil {
				continue // a broken one
			}
			var lists, objects []path
			walk(doc, nil, func(p path, v any) {
				switch v := v.(type) {
				case []any:
					if len(v) > 0 && len(p) > 0 {
						lists = append(lists, p)
					}
				case map[string]any:
					objects = append(objects, p)
				}
			})
			for _, list := range lists {
				for _, object := range append([]path{{"none"}}, objects...) {
					if len(object) >= len(list) && slices.Equal(object[:len(list)], list) {
						continue // of each element its own: the body itself would grow by the square
					}
					if key := folder + list.shape() + object.shape(); seen[key] {
						continue
					} else {
						seen[key] = true
					}
					one := sweepCost(t, parse, doc, list, object, n)
					two, four := sweepCost(t, parse, doc, list, object, 2*n), sweepCost(t, parse, doc, list, object, 4*n)
					if first, second := two[0]-one[0], four[0]-two[0]; second > 3*first+100_000 {
						t.Errorf("%s, list %v, object %v: looks at %.0f, %.0f, %.0f members", file, list, object, one[0], two[0], four[0])
					}
					if four[1] > 2*one[1]+10 {
						t.Errorf("%s, list %v, object %v: allocates %.1f, %.1f, %.1f bytes for one of the body", file, list, object, one[1], two[1], four[1])
					}
				}
			}
		}
	}
	if len(seen) < 100 {
		t.Errorf("only %d shapes were found", len(seen))
	}
}

func jsonFiles(t *testing.T, folder string) []string {
	files, err := filepath.Glob("testdata/" + folder + "/*.json")
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(files, func(f string) bool { return strings.HasSuffix(f, ".golden.json") })
}

// sweepCost is the cost of a payload with n more elements in the list and, if
// that is one, 40n more members before those of the object.
func sweepCost(t *testing.T, parse func(*Batch, []byte, int64) error, doc any, list, object path, n int) (cost [2]float64) {
	doc = changed(doc, list, func(v any) any {
		elements := v.([]any)
		return append(slices.Repeat(elements[:1], n), elements...)
	})
	if len(object) == 0 || object[0] != "none" {
		doc = changed(doc, object, func(v any) any {
			members := maps.Clone(v.(map[string]any))
			for i := range 40 * n {
				members[fmt.Sprintf("!%06d", i)] = 1 // sorts before the others
			}
			return members
		})
	}
	body, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	cost[1] = math.Inf(1)
	for range 2 { // another goroutine may allocate meanwhile
		var b Batch
		b.Limit(1000, 16*len(body)) // as the edge bounds it by max_body
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := parse(&b, body, ingested); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		cost[0], cost[1] = float64(b.doc.Steps()+b.nested.Steps()), min(cost[1], float64(after.TotalAlloc-before.TotalAlloc))
	}
	cost[1] /= float64(len(body))
	return cost
}

// path leads to a value of a JSON document by names and indexes.
type path []any

// shape is a path without the indexes.
func (p path) shape() string {
	var b strings.Builder
	for _, k := range p {
		if name, ok := k.(string); ok {
			b.WriteString("/" + name)
		} else {
			b.WriteString("/#")
		}
	}
	return b.String() + ";"
}

func walk(v any, at path, visit func(path, any)) {
	visit(at, v)
	at = slices.Clip(at)
	switch v := v.(type) {
	case map[string]any:
		for k, c := range v {
			walk(c, append(at, k), visit)
		}
	case []any:
		for i, c := range v {
			walk(c, append(at, i), visit)
		}
	}
}

// changed is a document with another value at a path; the rest is shared. In a
// list the elements that are equal are the same one, so all of them change.
func changed(v any, at path, change func(any) any) any {
	if len(at) == 0 {
		return change(v)
	}
	switch k := at[0].(type) {
	case string:
		out := maps.Clone(v.(map[string]any))
		out[k] = changed(out[k], at[1:], change)
		return out
	default:
		out := slices.Clone(v.([]any))
		out[k.(int)] = changed(out[k.(int)], at[1:], change)
		return out
	}
}

// TestSweepText is for what is no JSON: forms, cards, URLs, texts.
func TestSweepText(t *testing.T) {
	card := func(text string) []byte {
		quoted, _ := json.Marshal(text)
		return fmt.Appendf(nil, `{"messages":[{"id":"m","from_me":false,"type":"contact","chat_id":"15551234567@s.whatsapp.net",`+
			`"timestamp":1736535600,"contact":{"name":"x","vcard":%s}}],"channel_id":"C"}`, quoted)
	}
	inURL := func(text string) []byte {
		return fmt.Appendf(nil, `{"messages":[{"from":"15551234567","id":"m","timestamp":"1736535600","type":"text","text":{"body":"x"},`+
			`"referral":{"source_url":%q}}]}`, "https://a.example/?"+text)
	}
	twilio := func(text string) []byte { return []byte("From=a&" + text + "&z=1") }
	for name, c := range map[string]struct {
		parse func(*Batch, []byte, int64) error
		body  func(text string) []byte
		units []string
	}{
		"form": {Twilio, twilio, []string{"a=1&", "%d=1&", "MediaUrl%d=x&", "a=%%41&", "a=+&", "b=\xff&", "&"}},
		"vCard": {sweepParsers["whapi"], card, []string{"TEL:1\n", "item%d.TEL:1\nitem%d.X-ABLabel:a\n", "N:a;b\n", " x", "\n x", "ADR:;;a;b\n",
			"URL:x\n", "TEL;a;b", ";type=x", "\\n", "=41", "\"", ":", "FN;ENCODING=QUOTED-PRINTABLE:=41\n"}},
		"URL": {Dialog360, inURL, []string{"utm_source=x&", "a=1&", "%%41", "ad_id=&", "?", "#", "+"}},
	} {
		for _, unit := range c.units {
			cost := func(n int) float64 {
				var text bytes.Buffer
				for i := range n {
					fmt.Fprint(&text, strings.ReplaceAll(strings.ReplaceAll(unit, "%d", fmt.Sprint(i)), "%%", "%"))
				}
				body := c.body(text.String())
				least := math.Inf(1) // for one byte of the body
				for range 2 {
					var b Batch
					var before, after runtime.MemStats
					runtime.ReadMemStats(&before)
					_ = c.parse(&b, body, ingested) // some are no forms
					runtime.ReadMemStats(&after)
					least = min(least, float64(after.TotalAlloc-before.TotalAlloc)/float64(len(body)))
				}
				return least
			}
			if one, four := cost(500), cost(2000); four > 2*one+10 {
				t.Errorf("%s of %q: %.1f, then %.1f bytes for one of the body", name, unit, one, four)
			}
		}
	}
}
