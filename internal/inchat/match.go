package inchat

import (
	"bytes"
	"regexp"
	"unicode"
	"unicode/utf8"
)

// match is where a rule's pattern stands in what was said; the zero value is that of a rule
// without one.
type match struct {
	text []byte
	at   []int // where the groups begin and end, as regexp has them
}

// find finds the pattern in a text with plain blanks: a program writes R$ 49,90 with one that
// keeps it on a line, and nobody sees which it is. A pattern that names such a blank is found,
// too.
func find(pattern *regexp.Regexp, text []byte) (match, bool) {
	plain := text
	for _, blank := range blanks {
		if bytes.Contains(plain, blank) {
			plain = bytes.ReplaceAll(plain, blank, []byte(" "))
		}
	}
	at := pattern.FindSubmatchIndex(plain)
	if at == nil && len(plain) < len(text) {
		plain, at = text, pattern.FindSubmatchIndex(text)
	}
	return match{plain, at}, at != nil
}

// blanks are those that stand in amounts, beside the plain one.
var blanks = [][]byte{[]byte("\u00a0"), []byte("\u202f"), []byte("\u2009")}

// group is where a group of the pattern stands; not ok where it stands for nothing.
func (m *match) group(i int) (start, end int, ok bool) {
	if i <= 0 || 2*i+1 >= len(m.at) || m.at[2*i] < 0 {
		return 0, 0, false
	}
	return m.at[2*i], m.at[2*i+1], true
}

// words is what a group stands for, without blanks around it.
func (m *match) words(i int) string {
	start, end, _ := m.group(i)
	return string(bytes.TrimSpace(m.text[start:end]))
}

// cut reports whether an amount is a part of a longer one that is written there: of 1 234,56
// and 1'234.56 a pattern of digits, points and commas finds the 1. The digits of the order's
// id beside it are no part of it.
func (m *match) cut(value, order int) bool {
	start, end, _ := m.group(value)
	amount := bytes.TrimLeftFunc(m.text[start:end], unicode.IsSpace)
	start = end - len(amount)
	amount = bytes.TrimRightFunc(amount, func(r rune) bool { return unicode.IsSpace(r) || r == '.' || r == ',' })
	end = start + len(amount)
	before, after := m.text[max(0, start-maxBefore):start], m.text[end:]
	if from, to, ok := m.group(order); ok {
		if to <= start && !bytes.ContainsAny(m.text[to:start], "0123456789") {
			before = nil
		}
		if from >= end && !bytes.ContainsAny(m.text[end:from], "0123456789") {
			after = nil
		}
	}
	return begun.Match(before) || goesOn.Match(after) ||
		groupBefore.Match(before) && group.Match(amount) || groupFollows.Match(after) && groups.Match(amount)
}

// maxBefore is how much before an amount is looked at: some characters.
const maxBefore = 4 * utf8.UTFMax

var (
	// begun is the end of what stands before a part of a number: its other digits, a minus.
	begun = regexp.MustCompile(`(?:\p{Nd}[.,'’]?|(?:^|[^\pL\p{Nd}])[-−])$`)
	// goesOn is what stands behind a part of a number: more digits, one letter (10k, 1.5e3,
	// 3x49), or a word for a thousand.
	goesOn = regexp.MustCompile(`^(?:[.,'’]?\p{Nd}|[A-Za-z](?:\PL|$)|(?i: ?mil(?:\PL|$)))`)
	// groupBefore are digits and a blank before a group of three; groupFollows is such a group
	// behind a blank, where groups are the thousands.
	groupBefore  = regexp.MustCompile(`\p{Nd}[ \x{a0}\x{202f}\x{2009}]$`)
	group        = regexp.MustCompile(`^\d{3}(?:\D|$)`)
	groupFollows = regexp.MustCompile(`^[ \x{a0}\x{202f}\x{2009}]\p{Nd}{3}(?:\P{Nd}|$)`)
	groups       = regexp.MustCompile(`^\d{1,3}(?:[ '’\x{a0}\x{202f}\x{2009}]\d{3})*$`)
)
