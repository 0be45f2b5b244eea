package admin

import (
	"slices"
	"testing"

	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/normalize"
)

// TestHoweverWritten: a person is found by its number however people and programs write it, and
// what is no number is left as it is.
func TestHoweverWritten(t *testing.T) {
	is := func(id string) string { return clicks.Contact(normalize.ChannelWhatsApp, id) }
	for _, written := range []string{
		"5511987654321", "+5511987654321", "+55 11 98765-4321", "+55 (11) 98765.4321", "whatsapp:+5511987654321", "WhatsApp: 5511987654321",
		"tel:+55-11-98765-4321", "005511987654321", "00 55 11 98765-4321", "55-11-98765-4321", "(55) 11 98765/4321", " +5511987654321\n",
		"\u202a+55 11 98765-4321\u202c", "+55\u00a011\u00a098765\u20114321", "+55 11 98765–4321", "5511987654321@s.whatsapp.net",
		"551187654321",
	} {
		if keys := keysOf(written); !slices.Contains(keys, is("5511987654321")) {
			t.Errorf("%q is not found: %q", written, keys)
		}
	}
	for _, id := range []string{"US.13491208655302741918", "24718931837430021", "abc-1", "5511987654321"} {
		if keys := keysOf(id); !slices.Contains(keys, is(id)) {
			t.Errorf("%q is not found: %q", id, keys)
		}
	}
	for _, other := range []string{"US.55-11-98765-4321", "0 55 11 98765-4321", "11 98765-4321"} {
		if keys := keysOf(other); slices.Contains(keys, is("5511987654321")) {
			t.Errorf("%q is taken for another", other)
		}
	}
}
