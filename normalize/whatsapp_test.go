package normalize

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

var update = flag.Bool("update", false, "write the golden files anew")

// ingested is when the tests' edge took every webhook.
const ingested = 1736535600412

// normalized runs Meta, encodes for the tenant acme, and checks what holds for
// every event: it validates, and its raw is a piece of the body itself.
func normalized(t testing.TB, b *Batch, body []byte) [][]byte {
	t.Helper()
	if err := Meta(b, body, ingested); err != nil {
		t.Fatal(err)
	}
	var out [][]byte
	for i := range b.Events {
		e := &b.Events[i]
		e.SetTenant("acme")
		event, attribution := e.AppendJSON(nil)
		if string(event[attribution:attribution+4]) != "null" {
			t.Fatalf("attribution is at %.20s", event[attribution:])
		}
		validate(t, event)
		// raw may hold half a character as the provider cut it, the rest may not.
		if jsondoc.HasLoneSurrogate(event[:attribution]) {
			t.Fatalf("half a surrogate pair: %s", event[:attribution])
		}
		if !within(e.Raw, body) && !ofSeveral(e) || cap(e.Raw) != len(e.Raw) {
			t.Fatalf("raw is no slice of the body of its own: %s", e.Raw)
		}
		out = append(out, event)
	}
	return out
}

// ofSeveral reports whether an event is about one of several messages of a status:
// of their ids its raw has the one.
func ofSeveral(e *Event) bool {
	var doc jsondoc.Doc
	if e.Kind != KindStatus || doc.Parse(e.Raw) != nil {
		return false
	}
	var has func(n jsondoc.Node) bool
	has = func(n jsondoc.Node) bool {
		for _, ids := range []jsondoc.Node{n.Get("mids"), n.Get("mid")} {
			if ids.Kind() == '[' && ids.Len() == 1 {
				return true
			}
		}
		return slices.ContainsFunc(children(n), has)
	}
	return has(doc.Root())
}

// within reports whether part is a slice of whole.
func within(part, whole []byte) bool {
	for i := range whole {
		if len(part) > 0 && &whole[i] == &part[0] {
			return i+len(part) <= len(whole)
		}
	}
	return false
}

// TestGoldenWhatsApp compares every payload of testdata/whatsapp with the events
// beside it. `go test ./normalize -update` writes them anew: read the diff.
func TestGoldenWhatsApp(t *testing.T) { golden(t, "testdata/whatsapp") }

func golden(t *testing.T, folder string) {
	for name, body := range payloads(t, folder) {
		t.Run(name, func(t *testing.T) {
			var b Batch
			compareGolden(t, filepath.Join(folder, name+".golden.json"), normalized(t, &b, body)...)
		})
	}
}

// compareGolden compares events with those of a file.
func compareGolden(t *testing.T, path string, events ...[]byte) {
	t.Helper()
	list := append([]byte{'['}, bytes.Join(events, []byte{','})...)
	var got bytes.Buffer
	if err := json.Indent(&got, append(list, ']', '\n'), "", "  "); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("the events are not those of %s; got\n%s", path, got.Bytes())
	}
}

// TestCorpusWhatsApp runs bodies that none of us wrote: LEADGATE_CORPUS is a
// folder with a whatsapp folder of them.
func TestCorpusWhatsApp(t *testing.T) {
	corpus := os.Getenv("LEADGATE_CORPUS")
	if corpus == "" {
		t.Skip("LEADGATE_CORPUS IS NOT SET: the bodies found in public repositories were NOT tried")
	}
	files, err := filepath.Glob(filepath.Join(corpus, "whatsapp", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %s/whatsapp: %v", corpus, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			checkAll(t, body)
		})
	}
}

// checkAll normalizes a body twice and counts: every element that should be an
// event is one, in order, with the same id both times.
func checkAll(t testing.TB, body []byte) {
	t.Helper()
	var b Batch
	events := normalized(t, &b, body)
	var ids []ID
	for i := range b.Events {
		ids = append(ids, b.Events[i].ID())
	}
	var kinds []Kind
	for i := range b.Events {
		kinds = append(kinds, b.Events[i].Kind)
	}
	if want := expected(t, body); !equal(kinds, want) {
		t.Errorf("kinds %v, want %v", kinds, want)
	}
	b.Reset()
	again := bytes.Clone(body)
	if err := Meta(&b, again, ingested+5000); err != nil {
		t.Fatal(err)
	}
	if len(b.Events) != len(ids) {
		t.Fatalf("%d events, then %d", len(ids), len(b.Events))
	}
	for i := range b.Events {
		e := &b.Events[i]
		e.SetTenant("acme")
		if e.ID() != ids[i] {
			t.Errorf("event %d has the id %s, then %s: %s", i, ids[i], e.ID(), events[i])
		}
	}
}

func equal(a, b []Kind) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// expected counts, by a reading of its own, what a body must become.
func expected(t testing.TB, body []byte) (kinds []Kind) {
	t.Helper()
	var d jsondoc.Doc
	if err := d.Parse(body); err != nil {
		t.Fatal(err)
	}
	root := d.Root()
	entries := root.Get("entry")
	object := root.Get("object")
	if object.String() == "page" || object.String() == "instagram" {
		return expectedOfPages(root)
	}
	cloud := object.String() == "whatsapp_business_account" || !object.Exists() && entries.First().Get("changes").Kind() == '['
	if !cloud {
		return expectedOfUnknown(entries)
	}
	if entries.Kind() != '[' {
		return []Kind{KindAccount}
	}
	for _, entry := range elements(entries) {
		changes := entry.Get("changes")
		if changes.Kind() != '[' || changes.Len() == 0 {
			if !nothingIn(entry) {
				kinds = append(kinds, KindAccount)
			}
			continue
		}
		for _, c := range elements(changes) {
			kinds = append(kinds, expectedOfChange(c)...)
		}
	}
	return kinds
}

// nothingIn reports whether an entry has lists, and all are empty.
func nothingIn(entry jsondoc.Node) bool {
	empty, something := 0, 0
	for _, m := range children(entry) {
		switch key := string(m.Key()); {
		case entry.Kind() != '{':
			something++
		case key == "id" || key == "time" || key == "uid" || key == "hop_context":
		case m.Kind() == 'n' || m.Kind() == '[' && m.Len() == 0:
			empty++
		default:
			something++
		}
	}
	return empty > 0 && something == 0
}

// expectedOfUnknown reads a body of an unknown object: by changes if that is all
// there is.
func expectedOfUnknown(entries jsondoc.Node) (kinds []Kind) {
	byChange, other := false, false
	for _, entry := range children(entries) {
		list := entry.Get("changes")
		byChange = byChange || entries.Kind() == '[' && list.Kind() == '['
		if list.Kind() != '[' || list.Len() == 0 {
			other = other || !nothingIn(entry)
			continue
		}
		for range elements(list) {
			kinds = append(kinds, KindAccount)
		}
	}
	if !byChange || other {
		return []Kind{KindAccount}
	}
	return kinds
}

func expectedOfChange(change jsondoc.Node) (kinds []Kind) {
	switch change.Get("field").String() {
	case "", "messages", "automatic_events", "message_echoes", "smb_message_echoes", "standby":
	default:
		if expectedOfNothing(change.Get("value")) {
			return nil
		}
		return []Kind{KindAccount}
	}
	value := change.Get("value")
	kinds, lists, rest, whole := expectedOfValue(value)
	if value.Kind() != '{' || !whole || len(kinds) == 0 && (rest || !lists) {
		kinds = append(kinds, KindAccount)
	}
	return kinds
}

// TestMetaEmptyLists: lists with nothing in them are no event, whatever the field.
func TestMetaEmptyLists(t *testing.T) {
	const number = `"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550783881","phone_number_id":"106540352242922"},`
	for _, c := range []struct {
		field, value string
		events       int
	}{
		{"calls", number + `"calls":[]`, 0},
		{"history", number + `"history":[]`, 0},
		{"smb_app_state_sync", number + `"state_sync":[]`, 0},
		{"user_preferences", number + `"contacts":[],"user_preferences":[]`, 0},
		{"group_lifecycle_update", number + `"groups":[]`, 0},
		{"new_field", `"news":[],"more":null`, 0},
		{"calls", number + `"calls":[{"id":"wacid.1"}]`, 1},
		{"new_field", number + `"news":[],"more":1`, 1},
		{"new_field", `"messaging_product":"whatsapp"`, 1},
	} {
		body := `{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"field":"` + c.field + `","value":{` +
			c.value + `}}]}]}`
		for name, normalize := range map[string]func(*Batch, []byte, int64) error{"meta": Meta, "gupshup": Gupshup, "360dialog": Dialog360} {
			var b Batch
			if err := normalize(&b, []byte(body), ingested); err != nil || len(b.Events) != c.events {
				t.Errorf("%s: %s: %d events, want %d, %v", name, body, len(b.Events), c.events, err)
			}
		}
	}
}

// expectedOfNothing reports whether there are lists, and nothing in them.
func expectedOfNothing(value jsondoc.Node) bool {
	lists, rest := false, false
	for m := value.First(); value.Kind() == '{' && m.Exists(); m = m.Next() {
		key := string(m.Key())
		if key != "metadata" && key != "messaging_product" && key != "contacts" {
			lists = lists || m.Kind() == '['
			rest = rest || m.Kind() != 'n' && (m.Kind() != '[' || m.Len() > 0)
		}
	}
	return lists && !rest
}

// expectedOfValue says besides whether there are lists, whether there is
// something else, and whether all of the lists is understood.
func expectedOfValue(value jsondoc.Node) (kinds []Kind, lists, rest, whole bool) {
	of := map[string]Kind{"messages": KindMessage, "statuses": KindStatus, "message_echoes": KindEcho, "automatic_events": KindAutomaticEvent}
	seen := map[string]bool{}
	whole = true
	for m := value.First(); value.Kind() == '{' && m.Exists(); m = m.Next() {
		key := string(m.Key())
		kind, known := of[key]
		emptyList := m.Kind() == '[' && m.Len() == 0
		lists = lists || known || key == "standby" || key != "contacts" && key != "metadata" && key != "messaging_product" &&
			key != "conversation_context" && emptyList
		switch {
		case key == "metadata" || key == "messaging_product":
		case key == "contacts":
			rest = rest || m.Kind() != 'n' && !emptyList
		case key == "conversation_context":
			rest = rest || m.Kind() == '{'
		case key == "standby" && m.Kind() == '{':
			inner, _, innerRest, innerWhole := expectedOfValue(m)
			kinds = append(kinds, inner...)
			rest, whole = rest || innerRest, whole && innerWhole
		case key == "standby":
			whole = whole && m.Kind() == 'n'
		case known && m.Kind() == '[' && !seen[key]:
			seen[key] = true
			for _, el := range elements(m) {
				if el.Kind() == '{' {
					kinds = append(kinds, kind)
				} else {
					whole = false
				}
			}
		case known:
			whole = whole && m.Kind() == 'n'
		case !emptyList:
			rest, whole = rest || m.Kind() != 'n', whole && m.Kind() != '['
		}
	}
	return kinds, lists, rest, whole
}

// FuzzMeta: whatever comes, the output validates, raw is a piece of the body,
// ids are stable and nothing is lost.
func FuzzMeta(f *testing.F) {
	files, err := filepath.Glob("testdata/whatsapp/*.json")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, ".golden.json") {
			continue
		}
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var b Batch
		if err := Meta(&b, body, ingested); err != nil {
			if len(b.Events) != 0 {
				t.Fatalf("%d events and %v", len(b.Events), err)
			}
			return
		}
		checkAll(t, body)
	})
}
