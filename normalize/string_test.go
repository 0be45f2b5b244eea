package normalize_test

import (
	"fmt"
	"testing"

	"github.com/leadgate/leadgate/normalize"
)

// TestStrings: no value makes a Stringer panic, and what has a name has one of its own.
func TestStrings(t *testing.T) {
	for name, of := range map[string]func(n uint8) fmt.Stringer{
		"Kind":    func(n uint8) fmt.Stringer { return normalize.Kind(n) },
		"Channel": func(n uint8) fmt.Stringer { return normalize.Channel(n) },
		"Place":   func(n uint8) fmt.Stringer { return normalize.Place(n) },
	} {
		seen := map[string]int{}
		for n := range 256 {
			seen[of(uint8(n)).String()]++
		}
		for text, n := range seen {
			if text != "" && n > 1 || text == "" && n < 200 {
				t.Errorf("%s: %d values are %q", name, n, text)
			}
		}
	}
	for _, text := range []fmt.Stringer{normalize.Text(nil), normalize.Text(`"`), normalize.Text("x"), normalize.Text(`"a\`),
		normalize.Text(`"\"`), normalize.ID{}} {
		_ = text.String()
	}
}
