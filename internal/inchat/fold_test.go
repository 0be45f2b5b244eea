package inchat

import (
	"testing"

	"golang.org/x/text/unicode/norm"
)

func TestFold(t *testing.T) {
	for text, want := range map[string]string{
		"Pedido CONFIRMADO": "pedido confirmado", "ÀÉÎÕÜ çñ": "aeiou cn", "Straße STRASSE": "strasse strasse", "a \t\n\u00a0\u3000 b": "a b",
		"ΟΔΟΣ οδος οδός": "οδοσ οδοσ οδοσ", "İstanbul ısı": "istanbul isi", "Ｏｒｄｅｒ №１": "order no1", "Łódź Ærø": "lodz aero",
		"订单确认": "订单确认", "ор\u200bдер": "ордер", "Й": "и", "\xff": "\ufffd", "": "", " x ": " x ",
	} {
		if got := string(appendFolded(nil, []byte(text))); got != want {
			t.Errorf("%q is folded to %q, want %q", text, got, want)
		}
		if got := string(appendFolded(nil, norm.NFD.Bytes([]byte(text)))); got != want {
			t.Errorf("%q, decomposed, is folded to %q, want %q", text, got, want)
		}
	}
}
