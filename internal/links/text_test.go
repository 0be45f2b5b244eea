package links

import (
	"testing"
	"unicode/utf8"
)

func TestTextWithoutCode(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"Ref {code}. Hi! I would like to know more", "Hi! I would like to know more"},
		{"Hi! I would like to know more. (Ref {code})", "Hi! I would like to know more."},
		{"Hi! I would like to know more (Ref {code}).", "Hi! I would like to know more."},
		{"Hi (Ref {code}) there!", "Hi there!"},
		{"Hi! [Ref: {code}] Please call (soon)", "Hi! Please call (soon)"},
		{"Hi (as seen (in print, {code}) today)", "Hi (as seen today)"},
		{"Hi (now) {code} (then)", ""},
		{"Hi! Ref {code}", "Hi!"},
		{"Hi. {code}", "Hi."},
		{"Hello! Ref. {code}. Call me", "Hello! Call me"},
		{"Hello! Ref. no. {code}", "Hello!"},
		{"Ref {code}\nHi!\nCall me", "Hi!\nCall me"},
		{"Hi!\nRef {code}\nCall me", "Hi!\nCall me"},
		{"Hi, I saw bots.example.com on 1.5. today! Is it open?! Ref {code}?", "Hi, I saw bots.example.com on 1.5. today! Is it open?!"},
		{"Hi... Ref {code}... Bye", "Hi... Bye"},
		{"你好（参考 {code}）谢谢", "你好谢谢"},
		{"你好。参考 {code}。谢谢", "你好。谢谢"},
		{"नमस्ते। संदर्भ {code}। धन्यवाद", "नमस्ते। धन्यवाद"},
		{"مرحبا! مرجع {code}؟ شكرا", "مرحبا! شكرا"},
		{"{code}", ""},
		{"Ref {code}", ""},
		{"Ref {code}. Hi! Again {code}", "Hi!"},
		{"No code", "No code"},
	} {
		if got := withoutCode(c.text); got != c.want {
			t.Errorf("%q without its code is %q, want %q", c.text, got, c.want)
		}
	}
}

// FuzzTextWithoutCode: whatever the text, no placeholder is left, and nothing but what
// was there.
func FuzzTextWithoutCode(f *testing.F) {
	for _, text := range []string{"Ref {code}. Hi!", "a ((({code}", ")){code}((", "x\n{code}{code}", "（{code}）.", "{co({code})de}"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return // no configuration has it
		}
		got := withoutCode(text)
		if len(got) > len(text) || withCode(got, "X") != got {
			t.Errorf("%q without its code is %q", text, got)
		}
	})
}
