package linkcode

import (
	"bytes"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	// MaxText is how much of a text is searched, in bytes.
	MaxText = 4096
	// maxCandidates is how many candidates of a text are tried: of those that mean
	// something else one in 23 has a right check symbol.
	maxCandidates = 20
)

// Find returns the first code of a text: ten symbols with no letter or digit before
// or behind them, the halves together or apart by one space, hyphen or dash, of
// which the check symbol is right. The text is read as if it were folded, see
// folding: in any case, as NFKC writes it, without format characters, with foreign
// digits and letters that look alike made Latin. What is damaged is no code. Of the
// text MaxText bytes are searched.
//
// For a text without a code it allocates nothing.
func Find(text []byte) (code string, ok bool) {
	limit := len(text)
	if limit > MaxText {
		for limit = MaxText; !utf8.RuneStart(text[limit]); {
			limit--
		}
	}
	at := firstDigit(text[:limit])
	if at < 0 {
		return "", false // as most texts
	}
	f := finder{text: text}
	if f.search(back(text, at), limit) || f.stops(limit) && f.end(stop) {
		return f.code.String(), true
	}
	return "", false
}

// finder is on its way through a text. A word is what letters and digits stand
// together, of whatever alphabet they are made Latin from.
type finder struct {
	text []byte
	word values // the classes of its first letters and digits
	n    int    // how many it has so far
	last int    // where in the text its last one begins

	first [half]uint8 // the word before, of five symbols,
	apart bool        // where there is such a word, and one gap behind it

	tried int // candidates
	code  values
}

// search reads the text from i up to a limit, and reports whether a code is found. A code
// at the limit is not, as long as its word has not ended.
func (f *finder) search(i, limit int) bool {
	text := f.text[:limit]
	for i < len(text) {
		k := ascii[text[i]]
		switch {
		case k <= other:
			i = f.letters(i, limit)
		case k <= stop:
			if f.end(k) {
				return true
			}
			i++
		default:
			r, size := utf8.DecodeRune(text[i:])
			if f.rune(r, i) {
				return true
			}
			i += size
		}
	}
	return false
}

// letters adds the letters and digits of ASCII from i on to the word, and returns
// where they end.
func (f *finder) letters(i, limit int) int {
	text := f.text[:limit]
	end := i + 1
	for end < len(text) && ascii[text[end]] <= other {
		end++
	}
	n := f.n + end - i
	if f.n == 0 && n != half && n != Len && end < len(text) && ascii[text[end]] <= stop {
		f.apart = false // most words are no part of a code by their length alone
		return end
	}
	for at := f.n; at < min(n, Len); at++ {
		f.word[at] = uint8(ascii[text[i+at-f.n]])
	}
	f.n, f.last = n, end-1
	return end
}

// rune reads a character that is none of ASCII.
func (f *finder) rune(r rune, at int) (found bool) {
	switch k := foldings().class(r); k {
	case nothing:
		return false
	case wider:
		for _, k := range foldings().several[r] {
			if f.one(k, at) {
				return true
			}
		}
		return false
	default:
		return f.one(k, at)
	}
}

// one makes the word longer, or ends it.
func (f *finder) one(k class, at int) (found bool) {
	if k > other {
		return f.end(k)
	}
	if f.n < Len {
		f.word[f.n] = uint8(k)
	}
	f.n++
	f.last = at
	return false
}

// end ends the word with a gap or a stop, if there is one, and reports whether a
// code ends with it.
func (f *finder) end(k class) bool {
	n, before := f.n, f.apart
	f.n, f.apart = 0, false
	switch n {
	case half, Len:
		if !f.symbolic(n) || k == stop && f.accented() {
			return false
		}
	case half + 1, Len + 1:
		n-- // the last letter is the stop, if an accent makes another one of it
		if !f.symbolic(n) || k != stop || !f.accented() {
			return false
		}
	default:
		return false
	}
	if n == Len {
		f.code = f.word
		return f.try()
	}
	if before {
		copy(f.code[:half], f.first[:])
		copy(f.code[half:], f.word[:half])
		if f.try() {
			return true
		}
	}
	copy(f.first[:], f.word[:half])
	f.apart = k == gap
	return false
}

// symbolic reports whether the word's first n letters and digits are symbols.
func (f *finder) symbolic(n int) bool {
	for _, value := range f.word[:n] {
		if class(value) == other {
			return false
		}
	}
	return true
}

// try reports whether a candidate is a code.
func (f *finder) try() bool {
	if f.tried == maxCandidates || !f.code.mixed() {
		return false
	}
	f.tried++
	return f.code.checks()
}

// accented reports whether an accent behind the word's last letter makes another
// letter of it.
func (f *finder) accented() bool {
	_, size := utf8.DecodeRune(f.text[f.last:])
	next := f.last + size
	if next == len(f.text) || f.text[next] < utf8.RuneSelf {
		return false
	}
	rest := f.text[f.last:min(next+64, len(f.text))] // no letter has more accents
	return !bytes.HasPrefix(norm.NFKC.Bytes(rest), norm.NFKC.Bytes(f.text[f.last:next]))
}

// stops reports whether a word that reaches the limit ends there.
func (f *finder) stops(limit int) bool {
	for limit < len(f.text) {
		r, size := utf8.DecodeRune(f.text[limit:])
		k := foldings().class(r)
		if k == wider {
			k = foldings().several[r][0]
		}
		if k != nothing {
			return k > other
		}
		limit += size
	}
	return true
}
