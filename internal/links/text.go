package links

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Placeholder is where the code stands in a link's text.
const Placeholder = "{code}"

// brackets are those that a code may stand in, by their closing one.
var brackets = map[rune]rune{')': '(', ']': '[', '）': '（', '］': '［', '】': '【', '〕': '〔', '》': '《', '>': '<', '»': '«'}

// withCode is a text with the code.
func withCode(text, code string) string { return strings.ReplaceAll(text, Placeholder, code) }

// withoutCode is a text for who gets no code: without the bracket that holds the
// placeholder, or else without its sentence. It may be empty.
func withoutCode(text string) string {
	for {
		at := strings.Index(text, Placeholder)
		if at < 0 {
			return text
		}
		from, to := bracketAround(text, at)
		if to == 0 {
			from, to = sentenceAround(text, at)
		}
		text = joined(text[:from], text[to:])
	}
}

// bracketAround is the innermost bracket around the placeholder at at, from its
// opening to behind its closing one; to is 0 where there is none.
func bracketAround(text string, at int) (from, to int) {
	var open []rune // closed again behind the placeholder, and so not around it
	for i, r := range text[at:] {
		i += at
		opening, closes := brackets[r]
		switch {
		case isOpening(r):
			open = append(open, r)
		case !closes:
		case len(open) > 0 && open[len(open)-1] == opening:
			open = open[:len(open)-1]
		default:
			if from := openedBefore(text[:at], opening, r); from >= 0 {
				return from, i + utf8.RuneLen(r)
			}
		}
	}
	return 0, 0
}

func isOpening(r rune) bool {
	for _, opening := range brackets {
		if r == opening {
			return true
		}
	}
	return false
}

// openedBefore is where the last opening bracket stands that text does not close, -1
// if none does.
func openedBefore(text string, opening, closing rune) int {
	closed := 0
	for i := len(text); i > 0; {
		r, size := utf8.DecodeLastRuneInString(text[:i])
		i -= size
		switch {
		case r == closing:
			closed++
		case r == opening && closed == 0:
			return i
		case r == opening:
			closed--
		}
	}
	return -1
}

// sentenceAround is the sentence of the placeholder at at, with its full stop.
func sentenceAround(text string, at int) (from, to int) {
	to = len(text)
	for i, r := range text {
		end := i + utf8.RuneLen(r)
		switch {
		case !endsSentence(text, i, r):
		case end <= at:
			from = end
		case i > at:
			return from, end
		}
	}
	return from, to
}

// endsSentence reports whether the rune at i ends a sentence: a mark before a space or
// the end, a line's end, or a full stop of a script that has no spaces. Of marks that
// stand side by side the last one does.
func endsSentence(text string, i int, r rune) bool {
	next, _ := utf8.DecodeRuneInString(text[i+utf8.RuneLen(r):])
	last := i+utf8.RuneLen(r) == len(text)
	switch r {
	case '\n':
		return true
	case '。', '！', '？', '．':
		return last || !strings.ContainsRune("。！？．", next)
	case '!', '?', '…', '।', '؟', '۔', '։', '።':
		return last || unicode.IsSpace(next)
	case '.':
		return last || unicode.IsSpace(next) && !isAbbreviated(text, i)
	}
	return false
}

// abbreviations are words before a code whose full stop ends no sentence.
var abbreviations = map[string]bool{
	"ref": true, "réf": true, "no": true, "nr": true, "nº": true, "num": true, "núm": true, "id": true, "art": true,
	"cod": true, "cód": true, "kod": true, "code": true, "ord": true,
}

// isAbbreviated reports whether the full stop at i is that of a word, so that the
// sentence goes on: with a letter that no sentence begins with, or with the code.
func isAbbreviated(text string, i int) bool {
	rest := strings.TrimLeftFunc(text[i+1:], unicode.IsSpace)
	next, _ := utf8.DecodeRuneInString(rest)
	word := strings.ToLower(text[len(strings.TrimRightFunc(text[:i], unicode.IsLetter)):i])
	return unicode.IsLower(next) || strings.HasPrefix(rest, Placeholder) && abbreviations[word]
}

// joined puts two parts together, between which something was left out.
func joined(before, after string) string {
	left, right := strings.TrimRightFunc(before, unicode.IsSpace), strings.TrimLeftFunc(after, unicode.IsSpace)
	next, _ := utf8.DecodeRuneInString(right)
	switch {
	case left == "" || right == "":
		return left + right
	case strings.ContainsRune(before[len(left):], '\n') || strings.ContainsRune(after[:len(after)-len(right)], '\n'):
		return left + "\n" + right
	case len(left) == len(before) && len(right) == len(after), strings.ContainsRune(".,;:!?…。、，！？।؟۔", next):
		return left + right
	}
	return left + " " + right
}
