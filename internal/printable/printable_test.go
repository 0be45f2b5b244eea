package printable

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"": "",
		"plain, ünïcödé 👩‍👩‍👧 שלום": "plain, ünïcödé 👩‍👩‍👧 שלום", // a joiner is no control
		"a\tb\nc":                             "a\tb\nc",
		"a\rb":                                `a\u000db`,
		"\x1b[31mred\x1b[0m":                  `\u001b[31mred\u001b[0m`,
		"\x1b]0;title\x07":                    `\u001b]0;title\u0007`,
		"\x00\x08\x7f":                        `\u0000\u0008\u007f`,
		"\u0080\u009b31m\u009f":               `\u0080\u009b31m\u009f`,
		"\x9b31m":                             "\ufffd31m", // the same in one byte
		"\u061c\u200e\u200f":                  `\u061c\u200e\u200f`,
		"\u202a\u202b\u202c\u202d\u202e evil": `\u202a\u202b\u202c\u202d\u202e evil`,
		"\u2066\u2067\u2068\u2069":            `\u2066\u2067\u2068\u2069`,
		"\u00a0\u200d\u2029\u2065\u206a":      "\u00a0\u200d\u2029\u2065\u206a",
		"\xff\xfe":                            "\ufffd\ufffd",
	} {
		if got := Text(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"a":                 "a",
		"a\tb\nc\r\nd\re":   "a b c d e",
		"a\n\x1b[2J\u202eb": `a \u001b[2J\u202eb`,
		"\u0085":            `\u0085`,
	} {
		if got := Line(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// TestWriter cuts a text at every place, and in single bytes.
func TestWriter(t *testing.T) {
	const text = "{\"a\":\"é 👩 \u009b \u202e \x7f\"}\n"
	for cut := range len(text) {
		var out bytes.Buffer
		w := &Writer{W: &out}
		for _, part := range []string{text[:cut], text[cut:]} {
			if n, err := w.Write([]byte(part)); n != len(part) || err != nil {
				t.Fatal(n, err)
			}
		}
		if err := w.Flush(); err != nil || out.String() != Text(text) {
			t.Errorf("cut at %d: %q, %v", cut, out.String(), err)
		}
	}
	var out bytes.Buffer
	w := &Writer{W: &out}
	for i := range len(text) {
		if _, err := w.Write([]byte{text[i]}); err != nil {
			t.Fatal(err)
		}
	}
	if out.String() != Text(text) {
		t.Errorf("byte by byte: %q", out.String())
	}
	out.Reset()
	_, _ = w.Write([]byte("a\xc3"))
	if err := w.Flush(); err != nil || out.String() != "a\ufffd" {
		t.Errorf("%q, %v", out.String(), err)
	}
}

func FuzzText(f *testing.F) {
	f.Add("a\x1b\u202e\xff", 2)
	f.Fuzz(func(t *testing.T, s string, cut int) {
		got := Text(s)
		if strings.ContainsFunc(got, func(r rune) bool { return control(r) && r != '\n' && r != '\t' }) || !utf8.ValidString(got) {
			t.Fatalf("%q", got)
		}
		if Text(got) != got {
			t.Fatalf("twice: %q", got)
		}
		var out bytes.Buffer
		w := &Writer{W: &out}
		cut = min(max(cut, 0), len(s))
		_, _ = w.Write([]byte(s[:cut]))
		_, _ = w.Write([]byte(s[cut:]))
		if err := w.Flush(); err != nil || utf8.ValidString(s) && out.String() != got {
			t.Fatalf("%q, %q", out.String(), got)
		}
		// Of JSON it changes how the text is written, not the text.
		quoted, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var back, want string
		if json.Unmarshal(quoted, &want) != nil || json.Unmarshal([]byte(Text(string(quoted))), &back) != nil || back != want {
			t.Fatalf("%q, %q", back, want)
		}
	})
}
