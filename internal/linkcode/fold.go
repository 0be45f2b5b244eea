package linkcode

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// class is what a character is to who looks for a code: below other the value of
// the symbol that it is.
type class uint8

const (
	other   class = iota + class(symbols) // a Latin letter or digit that is no symbol
	gap                                   // a space, hyphen or dash
	stop                                  // anything else
	nothing                               // a format character
	wider                                 // several characters, when folded; in ascii: not in it
)

// ascii are the classes of bytes.
var ascii = func() (table [256]class) {
	for c := range table {
		table[c] = wider
		if c < utf8.RuneSelf {
			table[c] = classOf(rune(c))
		}
	}
	return table
}()

// classOf is the class of a character that NFKC leaves as it is.
func classOf(r rune) class {
	switch {
	case unicode.Is(unicode.Cf, r):
		return nothing
	case unicode.Is(unicode.Zs, r), unicode.Is(unicode.Pd, r), r == minus:
		return gap
	}
	r = latin(unicode.ToUpper(r))
	if at := strings.IndexRune(Alphabet, r); at >= 0 {
		return class(at)
	}
	if '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' {
		return other
	}
	return stop
}

const minus = '\u2212'

// The Cyrillic and Greek letters that look like symbols, and those.
const (
	twins  = "ВСНКМРТХУЈԚԜ" + "ΒΗΚΜΡΤΧΥͿ"
	twinOf = "BCHKMPTXYJQW" + "BHKMPTXYJ"
)

// latin is the Latin twin of a letter, or the digit of a digit of any script.
func latin(r rune) rune {
	if r < utf8.RuneSelf {
		return r
	}
	at := 0
	for _, twin := range twins {
		if twin == r {
			return rune(twinOf[at])
		}
		at++
	}
	// Digits stand together in tens, from zero on.
	for _, digits := range unicode.Nd.R16 {
		if lo := rune(digits.Lo); lo <= r && r <= rune(digits.Hi) {
			return '0' + (r-lo)%10
		}
	}
	for _, digits := range unicode.Nd.R32 {
		if lo := rune(digits.Lo); lo <= r && r <= rune(digits.Hi) {
			return '0' + (r-lo)%10
		}
	}
	return r
}

// folding is a table of the classes of all characters.
type folding struct {
	page    [(unicode.MaxRune + 1) >> pageBits]uint8 // of a character; 0 has stops alone
	pages   [][1 << pageBits]class
	several map[rune][]class // of those that NFKC writes as several
	digits  skim
}

const pageBits = 7

func (f *folding) class(r rune) class { return f.pages[f.page[r>>pageBits]][r&(1<<pageBits-1)] }

// foldings is made when it is first needed, in a millisecond or two.
var foldings = sync.OnceValue(func() *folding {
	f := &folding{pages: make([][1 << pageBits]class, 1), several: make(map[rune][]class)}
	for i := range f.pages[0] {
		f.pages[0][i] = stop
	}
	for _, part := range folded {
		for r := part[0]; r <= part[1]; r++ {
			if k := f.fold(r); k != stop {
				f.set(r, k)
			}
		}
	}
	return f
})

// folded are the parts of Unicode in which characters may be something else than a
// stop: all but what has Chinese and Korean characters and what nobody uses.
var folded = [...][2]rune{{0, 0x33ff}, {0xa000, 0xabff}, {0xf900, 0x1ffff}, {0xe0000, 0xe0fff}}

// fold is the class of a character; where it is several they are noted.
func (f *folding) fold(r rune) class {
	text := norm.NFKC.String(string(r))
	if utf8.RuneCountInString(text) == 1 {
		first, _ := utf8.DecodeRuneInString(text)
		return classOf(first)
	}
	var list []class
	for _, r := range text {
		if k := classOf(r); k != nothing {
			list = append(list, k)
		}
	}
	for _, k := range list {
		if k != stop {
			f.several[r] = list
			return wider
		}
	}
	return stop
}

func (f *folding) set(r rune, k class) {
	page := &f.page[r>>pageBits]
	if *page == 0 {
		*page = uint8(len(f.pages))
		f.pages = append(f.pages, f.pages[0])
	}
	f.pages[*page][r&(1<<pageBits-1)] = k
	if k < digits || k == wider {
		f.digits.add(r)
	}
}
