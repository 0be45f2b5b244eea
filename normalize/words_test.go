package normalize

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// bodyWith is a body with a word at its place, and what an event of it has
// become of the word: a kind, or a message's type.
func bodyWith(place Place, word string) (body string, became func(*Event) string) {
	kind := func(e *Event) string { return e.Kind.String() }
	messageType := func(e *Event) string {
		if e.Message == nil {
			return e.Kind.String()
		}
		return e.Message.Type
	}
	cloud := func(field, value string) string {
		return fmt.Sprintf(`{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":%q,"value":%s}]}]}`, field, value)
	}
	page := func(members string) string { return `{"object":"page","entry":[{"id":"9",` + members + `}]}` }
	message := func(members string) string {
		return cloud("messages", `{"messages":[{"id":"w","from":"15551234567",`+members+`}]}`)
	}
	switch place {
	case PlaceObject:
		return fmt.Sprintf(`{"object":%q,"entry":[{"id":"1","changes":[{"field":"messages","value":{"x":1}}]}]}`, word), kind
	case PlaceEntry:
		return page(`"messaging":[{"message":{"text":"x"}}],` + fmt.Sprintf(`%q:{}`, word)), kind
	case PlaceField:
		return cloud(word, `{"x":1}`), kind
	case PlacePageField:
		return page(fmt.Sprintf(`"changes":[{"field":%q,"value":{"id":"1"}}]`, word)), kind
	case PlaceList:
		return cloud("messages", fmt.Sprintf(`{%q:[{"id":"1"}]}`, word)), kind
	case PlaceMessage:
		return message(fmt.Sprintf(`"type":%q,%q:{}`, word, word)), messageType
	case PlaceSystem:
		return message(fmt.Sprintf(`"type":"system","system":{"type":%q}`, word)), messageType
	case PlaceInteractive:
		return message(fmt.Sprintf(`"type":"interactive","interactive":{"type":%q}`, word)), messageType
	case PlaceStatus:
		return cloud("messages", fmt.Sprintf(`{"statuses":[{"id":"w","status":%q}]}`, word)), kind
	case PlaceAttachment:
		return page(fmt.Sprintf(`"messaging":[{"message":{"mid":"m","attachments":[{"type":%q}]}}]`, word)), messageType
	case PlaceItem:
		return page(fmt.Sprintf(`"messaging":[{%q:{"ref":"1"}}]`, word)), kind
	}
	panic(place)
}

// TestWords: every word of the list becomes what the list says, and none is
// unknown; any other word in the same place is told of.
func TestWords(t *testing.T) {
	places := make(map[Place]bool)
	for key, group := range knownWords {
		places[key.place] = true
		if group.source == "" || !strings.ContainsAny(group.source, "0123456789") {
			t.Errorf("%s %s: the source %q has no date", key.place, key.word, group.source)
		}
		body, became := bodyWith(key.place, key.word)
		var b Batch
		if err := Meta(&b, []byte(body), ingested); err != nil {
			t.Fatal(err)
		}
		if len(b.Unknown()) > 0 {
			t.Errorf("%s %s is unknown: %v", key.place, key.word, b.Unknown())
		}
		switch group.becomes {
		case "their own", "nothing", "conversationContext":
		default:
			if len(b.Events) == 0 || became(&b.Events[0]) != group.becomes {
				t.Errorf("%s %s becomes %v, not %s: %s", key.place, key.word, b.Events, group.becomes, body)
			}
		}
	}
	for place := PlaceObject; int(place) < len(placeNames); place++ {
		if !places[place] {
			t.Errorf("no word is known of the place %s", place)
		}
		body, _ := bodyWith(place, "brand_new")
		var b Batch
		if err := Meta(&b, []byte(body), ingested); err != nil {
			t.Fatal(err)
		}
		want := []UnknownWord{{ProviderMeta, place, "brand_new"}}
		if !slices.Equal(b.Unknown(), want) {
			t.Errorf("%s: %v, want %v", place, b.Unknown(), want)
		}
		if b.Reset(); len(b.Unknown()) != 0 {
			t.Errorf("%s: still %v", place, b.Unknown())
		}
	}
}

// TestWordsOnce: no word stands twice in one place.
func TestWordsOnce(t *testing.T) {
	seen := make(map[wordKey]bool)
	for _, group := range metaWords {
		for word := range strings.FieldsSeq(group.words) {
			if key := (wordKey{group.place, word}); seen[key] {
				t.Errorf("%s %s stands twice", group.place, word)
			} else {
				seen[key] = true
			}
		}
	}
}

// TestWordsOfPayloads: what our own payloads have is known, but for those that
// are there to be unknown.
func TestWordsOfPayloads(t *testing.T) {
	unknown := map[string]bool{
		"unknown-field": true, "unknown-type": true, "unknown-item": true, "interactive-unknown": true, "attachment-unknown": true,
		"empty-beside-something": true, "standby-odd": true, "odd-shapes": true, "attachments-odd": true, "nothing-in-it": true,
		"not-an-object":  true,
		"unknown-change": true, "unknown-object": true,
	}
	for _, folder := range []string{"testdata/whatsapp", "testdata/messenger", "testdata/instagram"} {
		bodies := payloads(t, folder)
		for _, name := range slices.Sorted(maps.Keys(bodies)) {
			var b Batch
			if err := Meta(&b, bodies[name], ingested); err != nil {
				t.Fatal(err)
			}
			if len(b.Unknown()) > 0 && !unknown[name] {
				t.Errorf("%s/%s: %v", folder, name, b.Unknown())
			}
		}
	}
}

// TestUnknownWordsAreBounded: a word is shown short and without control
// characters, each once, and not many of a body.
func TestUnknownWordsAreBounded(t *testing.T) {
	for given, want := range map[string]string{
		"caf\u00e9":                  `caf\u00e9`,
		`a\n\u001b[31mb`:             `a\n\x1b[31mb`,
		strings.Repeat("x", 100):     strings.Repeat("x", maxWord) + "...",
		strings.Repeat("\u00e9", 40): strings.Repeat(`\u00e9`, maxWord/6) + "...",
	} {
		body := `{"object":"page","entry":[{"id":"9","messaging":[{"message":{"attachments":[{"type":"` + given + `"},{"type":"` + given +
			`"}]}}]}]}`
		var b Batch
		if err := Meta(&b, []byte(body), ingested); err != nil {
			t.Fatal(err)
		}
		if u := b.Unknown(); len(u) != 1 || u[0].Word != want {
			t.Errorf("%q: %v, want %q", given, u, want)
		}
	}
	var list strings.Builder
	for i := range 100 {
		fmt.Fprintf(&list, `{"type":"new%d"},`, i)
	}
	var b Batch
	body := `{"object":"page","entry":[{"id":"9","messaging":[{"message":{"attachments":[` + strings.TrimSuffix(list.String(), ",") + `]}}]}]}`
	if err := Meta(&b, []byte(body), ingested); err != nil {
		t.Fatal(err)
	}
	if len(b.Unknown()) != maxUnknown {
		t.Errorf("%d unknown words of one body", len(b.Unknown()))
	}
}
