package linkcode

import (
	"strings"
	"testing"
)

const want = "K7QW3MPDXR"

// TestFound has the code in what people and their keyboards make of it.
func TestFound(t *testing.T) {
	for _, text := range []string{
		"K7QW3-MPDXR", "Ref K7QW3-MPDXR. Hi! I would like to know more", "ref k7qw3-mpdxr", "K7qW3MpDxR", "(K7QW3 MPDXR)",
		"K7QW3\u2010MPDXR", "K7QW3\u2011MPDXR", "K7QW3\u2012MPDXR", "K7QW3\u2013MPDXR", "K7QW3\u2014MPDXR", "K7QW3\u2212MPDXR",
		"K7QW3\uff0dMPDXR", "K7QW3\u00a0MPDXR", "K7QW3\u3000MPDXR", "K7QW3\u202fMPDXR",
		"*K7QW3-MPDXR*", "_K7QW3-MPDXR_", "\"K7QW3-MPDXR\"", "#K7QW3-MPDXR", "https://x.example/?c=K7QW3MPDXR&d=1", "lg-K7QW3MPDXR",
		"Ação K7QW3-MPDXR está ótimo", "नमस्ते K7QW3-MPDXR जी", "Код:K7QW3-MPDXR", "ссылкаK7QW3-MPDXRё", "代码K7QW3-MPDXR谢谢", "👍K7QW3-MPDXR👍",
		// format characters
		"\u200eK7QW3-MPDXR\u200f", "K7\u200bQW3-\u2060MPDXR", "\u2068K7QW3\u2069-MPD\u200cXR", "K7QW3\u00adMPDXR", "\ufeffK7QW3-MPDXR",
		"K7QW3-MPDX\U000e0041R",
		// digits of other scripts: Arabic, Persian, Devanagari, Bengali, Thai, full width, mathematical
		"K٧QW٣-MPDXR", "K۷QW۳-MPDXR", "K७QW३-MPDXR", "K৭QW৩-MPDXR", "K๗QW๓-MPDXR", "Ｋ７ＱＷ３－ＭＰＤＸＲ", "𝐊𝟕𝐐𝐖𝟑-𝐌𝐏𝐃𝐗𝐑", "ⓚ⑦ⓠⓦ③-ⓜⓟⓓⓧⓡ",
		// look-alikes: Cyrillic, Greek
		"К7QW3-МРDХR", "к7qw3-мрdхr", "Κ7QW3-ΜΡDΧR", "K7QԜ3-MPDXR", "К7ԚW3-MPDXR",
		// before and behind other things
		"K7QW3 K7QW3-MPDXR", "K7QW3-MPDXR MPDXR", "AB123-CD456 K7QW3-MPDXR", "K7QW3-MPDXT K7QW3-MPDXR", "K7QW3  K7QW3 MPDXR",
		"K7QW3-MPDXR\n\nSent from my phone", "0 K7QW3MPDXR 0", "K7QW3-MPDXR\ufe0f", "\u0301K7QW3-MPDXR", "K7QW3-MPDXR\u200d\u0301",
		strings.Repeat("BCDFG HJKMP BCDFGHJKMP; 34678 98764; ", 50) + want,
	} {
		if got, ok := Find([]byte(text)); !ok || got != want {
			t.Errorf("%q: found %q, %v", text, got, ok)
		}
	}
}

// TestNotFound has no code, however much there is like one.
func TestNotFound(t *testing.T) {
	for _, text := range []string{
		"", "-", "Hi! I would like to know more", "+1 555 078 38 81", "K7QW3-MPDX", "K7QW3-MPDXRR", "K7QW-3MPDXR", "K7QW3M-PDXR",
		"K7QW3--MPDXR", "K7QW3  MPDXR", "K7QW3 -MPDXR", "K7QW3\nMPDXR", "K7QW3\tMPDXR", "K7QW3_MPDXR", "K7QW3.MPDXR", "K7QW3MPDXR5",
		"AK7QW3MPDXR", "0K7QW3-MPDXR", "K7QW3-MPDXR0", "K7QW3-MPDXRe", "ΤK7QW3-MPDXR", "K7QW3-MPDXR٣", "K7QW3-MPDXRａ", "¼K7QW3-MPDXR",
		"K7QW3-MPDXR\u0301", "K7QW3-MPDX\u0301R", "К7QW3-MPDXR\u0301", "ⅨK7QW3-MPDXR", "K7 QW3MPDXR", "K7QW3-MP DXR",
		"K7QW3-MPDXT", "7KQW3-MPDXR", "O7QW3-MPDXR", "K7QW3-\xffMPDXR",
		lettersAlone, Format(lettersAlone), digitsAlone, Format(digitsAlone), digitsAlone[:5] + " " + digitsAlone[5:],
	} {
		if got, ok := Find([]byte(text)); ok {
			t.Errorf("%q: found %q", text, got)
		}
	}
}

// TestFirst finds the first of several, whatever is like one before.
func TestFirst(t *testing.T) {
	for text, want := range map[string]string{
		"7GHK4WPQRM K7QW3-MPDXR": "7GHK4WPQRM",
		"K7QW3-MPDXR 7GHK4WPQRM": "K7QW3MPDXR",
		"34678-7GHK4-WPQRM":      "7GHK4WPQRM",
	} {
		if got, _ := Find([]byte(text)); got != want {
			t.Errorf("%q: found %q", text, got)
		}
	}
}

// TestLimits tries so many candidates, and reads so far, and no further.
func TestLimits(t *testing.T) {
	wrong := strings.Repeat("K7QW3MPDXT ", maxCandidates-1)
	for text, ok := range map[string]bool{
		wrong + want:               true,
		wrong + wrong[:11] + want:  false,
		before(MaxText-Len) + want: true, before(MaxText-Len) + want + " and more": true, before(MaxText-Len) + want + "\u200e": true,
		before(MaxText-Len) + want + "A": false, before(MaxText-Len) + want + "é": true, before(MaxText-Len) + want + "e\u0301": false,
		before(MaxText-Len) + want + "\u200eA": false, before(MaxText-Len) + want + "\u00bd": false, before(MaxText-Len) + want + "\u00b4": true,
		before(MaxText-Len+1) + want: false, before(MaxText-Len+1) + want + " ": false,
		before(MaxText-Len-1) + want + "éA": true, before(MaxText-Len-1) + want + "\u200eA": false,
	} {
		if _, found := Find([]byte(text)); found != ok {
			t.Errorf("…%q: found %v", text[max(0, len(text)-40):], found)
		}
	}
}

func before(n int) string { return strings.Repeat(".", n) }
