package capi_test

import (
	"fmt"
	"testing"

	"github.com/leadgate/leadgate/capi"
)

// TestStrings: no value makes a Stringer panic, and what has a name has one of its own.
func TestStrings(t *testing.T) {
	for name, of := range map[string]func(n uint8) fmt.Stringer{
		"Fate":       func(n uint8) fmt.Stringer { return capi.Fate(n) },
		"ErrorClass": func(n uint8) fmt.Stringer { return capi.ErrorClass(n) },
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
}
