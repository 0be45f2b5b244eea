package linkcode

import (
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// spec finds a code as the documentation says it, a step after the other.
func spec(text string) string {
	text = specFold(text)
	tried := 0
	for at := 0; at < len(text); {
		if m := specCode.FindStringSubmatch(text[at:]); m != nil && (at == 0 || !specWord(text[:at])) {
			code := m[1] + m[2]
			if strings.ContainsAny(code, Alphabet[:digits]) && strings.ContainsAny(code, Alphabet[digits:]) {
				if tried++; tried > 20 {
					return ""
				}
				if Valid(code) {
					return code
				}
			}
		}
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
	return ""
}

func specFold(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, norm.NFKC.String(text))
	return strings.Map(specLatin, strings.ToUpper(text))
}

var specCode = regexp.MustCompile(`^([` + Alphabet + `]{5})[\p{Zs}\p{Pd}\x{2212}]?([` + Alphabet + `]{5})(?:$|[^0-9A-Z])`)

// specStop is neither a letter or digit nor a gap.
var specStop = regexp.MustCompile(`^[^0-9A-Z\p{Zs}\p{Pd}\x{2212}]+$`)

// specWord reports whether a text ends in a letter or digit.
func specWord(before string) bool {
	r, _ := utf8.DecodeLastRuneInString(before)
	return '0' <= r && r <= '9' || 'A' <= r && r <= 'Z'
}

func specLatin(r rune) rune {
	if twin, ok := specTwins[r]; ok {
		return twin
	}
	if unicode.Is(unicode.Nd, r) {
		zero := r
		for unicode.Is(unicode.Nd, zero-1) {
			zero--
		}
		return '0' + (r-zero)%10
	}
	return r
}

var specTwins = map[rune]rune{
	'В': 'B', 'С': 'C', 'Н': 'H', 'К': 'K', 'М': 'M', 'Р': 'P', 'Т': 'T', 'Х': 'X', 'У': 'Y', 'Ј': 'J', 'Ԛ': 'Q', 'Ԝ': 'W',
	'Β': 'B', 'Η': 'H', 'Κ': 'K', 'Μ': 'M', 'Ρ': 'P', 'Τ': 'T', 'Χ': 'X', 'Υ': 'Y', 'Ϳ': 'J',
}

// TestEveryCharacter has every character in a code, before it, behind it, and in its gap.
func TestEveryCharacter(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		if specStop.MatchString(specFold(string(r))) && !unicode.Is(unicode.M, r) { // a mark may be an accent
			if foldings().class(r) != stop {
				t.Errorf("%U is no stop", r)
			}
			continue
		}
		for _, text := range []string{
			string(r) + "K7QW3-MPDXR", "K7QW3-MPDXR" + string(r), "K7QW3" + string(r) + "MPDXR",
			"K7QW3-MPDX" + string(r), string(r) + "7QW3-MPDXR", "K" + string(r) + "QW3-MPDXR",
		} {
			got, _ := Find([]byte(text))
			if want := spec(text); got != want {
				t.Errorf("%U in %q: found %q, want %q", r, text, got, want)
			}
		}
	}
}

// FuzzFind compares with the specification.
func FuzzFind(f *testing.F) {
	for _, text := range []string{
		"Ref K7QW3-MPDXR. Hi!", "К7QW3–МРDХR", "k٧qw٣ mpdxr", "Ｋ７ＱＷ３－ＭＰＤＸＲ", "K7QW3-MPDXR\u0301", "\u200eK7QW3 K7QW3-MPDXR",
		"34678-7GHK4-WPQRM", "½K7QW3-MPDXR㎏", "ﷺ K7QW3MPDXR ﬁ", "K7QW3´MPDXR", "K7QW3-MPDXR\u00ad\u0301", "ſ7GHK4 WPQRM", "ﬅ7GHK4 WPQRM",
		"K7QW3MPDXRA\u0301", "K7QW3-MPDXRa\u0301b", "K7QW3-MPDXR㎏\u0301", "K7QW3A\u0301 K7QW3-MPDXR", "K7QW3-MPDXRAA\u0301",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > MaxText || !utf8.ValidString(text) {
			return
		}
		got, ok := Find([]byte(text))
		if want := spec(text); got != want || ok != (got != "") {
			t.Errorf("%q: found %q, want %q", text, got, want)
		}
	})
}
