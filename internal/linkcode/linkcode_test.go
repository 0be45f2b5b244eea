package linkcode

import (
	"strings"
	"testing"
)

func TestVectors(t *testing.T) {
	for _, shown := range []string{"K7QW3-MPDXR", "7GHK4-WPQRM"} {
		code := strings.ReplaceAll(shown, "-", "")
		if !Valid(code) || Format(code) != shown {
			t.Errorf("%s: valid %v, shown as %s", code, Valid(code), Format(code))
		}
	}
	for _, text := range []string{
		"", "K7QW3MPDX", "K7QW3MPDXRR", "K7QW3-MPDXR", "k7qw3mpdxr", "K7QW3MPDXT", "K7QW3MPDX0", "K7QW3MPDXЯ",
		lettersAlone, digitsAlone,
	} {
		if Valid(text) {
			t.Errorf("%q is valid", text)
		}
	}
}

// Both of these check.
var lettersAlone, digitsAlone = completed("BCDFGHJKM", digits, len(Alphabet)), completed("346789346", 0, digits)

// completed is a text with the check symbol, the text's last symbol changed until
// that is one of these symbols.
func completed(text string, from, to int) string {
	for last := from; last < to; last++ {
		for check := from; check < to; check++ {
			var v values
			for i := range text[:Len-2] {
				v[i] = uint8(strings.IndexByte(Alphabet, text[i]))
			}
			v[Len-2], v[Len-1] = uint8(last), uint8(check)
			if v.checks() {
				return v.String()
			}
		}
	}
	panic("none checks")
}

// TestDrawn draws codes, all different, and makes every mistake in them that one
// symbol or two changed places are.
func TestDrawn(t *testing.T) {
	seen := make(map[string]bool)
	for range 1000 {
		code := Draw()
		if !Valid(code) || seen[code] {
			t.Fatalf("%s: valid %v, drawn before %v", code, Valid(code), seen[code])
		}
		seen[code] = true
		if found, ok := Find([]byte(Format(code))); !ok || found != code {
			t.Fatalf("%s: found %q, %v", code, found, ok)
		}
		for i := range code {
			for _, symbol := range Alphabet {
				if wrong := code[:i] + string(symbol) + code[i+1:]; wrong != code {
					damaged(t, wrong)
				}
			}
			for j := range i {
				wrong := []byte(code)
				if wrong[i], wrong[j] = wrong[j], wrong[i]; string(wrong) != code {
					damaged(t, string(wrong))
				}
			}
		}
	}
}

func damaged(t *testing.T, wrong string) {
	t.Helper()
	if Valid(wrong) {
		t.Fatalf("%s is valid", wrong)
	}
	if found, ok := Find([]byte(Format(wrong))); ok {
		t.Fatalf("%s: found %s", wrong, found)
	}
}

// TestDrawsEvenly draws every symbol in every place.
func TestDrawsEvenly(t *testing.T) {
	var counts [Len][len(Alphabet)]int
	for range 23_000 {
		for i, symbol := range []byte(Draw()) {
			counts[i][strings.IndexByte(Alphabet, symbol)]++
		}
	}
	for i := range counts {
		for value, n := range counts[i] {
			// A thousand on average, digits a little more often: seven deviations off.
			if n < 750 || n > 1350 {
				t.Errorf("symbol %d was %c %d times", i+1, Alphabet[value], n)
			}
		}
	}
}
