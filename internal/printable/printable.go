// Package printable makes text fit to be shown: foreign text without what moves a
// terminal's cursor ([Text], [Line], [Writer]), texts and cells as wide as a table
// has room ([Wrap], [Fit], [Age], [Time]), and phone numbers and URLs without what
// is nobody's business ([HidePhones], [URL]). It is a leaf.
package printable

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode/utf8"
)

// control reports whether a character moves the cursor, sets the terminal, or turns
// the text around it: C0, DEL and C1 controls, and those of the bidirectional
// algorithm (Trojan Source, CVE-2021-42574).
func control(r rune) bool {
	switch {
	case r < ' ', r >= 0x7f && r <= 0x9f, // C0, DEL, C1
		r == 0x061c, r == 0x200e, r == 0x200f, // ALM, LRM, RLM
		r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069: // embeddings, overrides, isolates
		return true
	}
	return false
}

// Text is s with its controls as \u001b, but for tabs and line ends, and with
// U+FFFD for what is no UTF-8. JSON stays the same JSON.
func Text(s string) string { return escaped(s, "\t\n") }

// Line is s on one line: tabs and line ends are spaces, other controls escaped.
func Line(s string) string {
	if clean(s, "") {
		return s
	}
	return escaped(spaces.Replace(s), "")
}

var spaces = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ", "\t", " ")

func clean(s, but string) bool {
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if (c < ' ' || c == 0x7f) && strings.IndexByte(but, c) < 0 {
				return false
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if control(r) || r == utf8.RuneError && n == 1 {
			return false
		}
		i += n
	}
	return true
}

func escaped(s, but string) string {
	if clean(s, but) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	for _, r := range s { // what is no UTF-8 comes as U+FFFD
		if control(r) && !strings.ContainsRune(but, r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Writer writes what Text makes of what is written to it. Flush ends it. It is
// safe for concurrent use.
type Writer struct {
	W io.Writer

	mu   sync.Mutex
	rest []byte // the beginning of a character whose end is still to come
}

// Write implements io.Writer.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := p
	if len(w.rest) > 0 {
		text = append(w.rest, p...)
	}
	whole := len(text)
	for i := 1; i < utf8.UTFMax && i <= len(text); i++ {
		if at := len(text) - i; utf8.RuneStart(text[at]) {
			if !utf8.FullRune(text[at:]) {
				whole = at
			}
			break
		}
	}
	rest := append([]byte(nil), text[whole:]...)
	if _, err := io.WriteString(w.W, Text(string(text[:whole]))); err != nil {
		return 0, err
	}
	w.rest = rest
	return len(p), nil
}

// Flush writes what is left, which is no whole character.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.rest) == 0 {
		return nil
	}
	_, err := io.WriteString(w.W, Text(string(w.rest)))
	w.rest = nil
	return err
}
