package linkcode

import "unicode/utf8"

// A code has a digit, and most texts have none, or not before their end: that is
// seen by a look at their bytes.

// skim finds the characters that may be a digit of a code, when folded.
type skim struct {
	leads [256]lead
	// Of characters of two bytes, by the first, and of three, by the first two: a
	// bit for each last byte.
	two   [1 << 5]uint64
	three [1 << 10]uint64
}

// lead is what a byte says of the character that it begins.
type lead uint8

const (
	none    lead = iota // no digit; likewise the bytes behind the first
	digit               // it is a digit
	ofTwo               // it has two bytes, and may be a digit
	ofThree             // three
	ofFour              // four
	unknown             // it is none of ASCII, of which alone the table is
)

// narrow is the table of ASCII.
var narrow = func() (table [256]lead) {
	for c := range table {
		switch {
		case c >= utf8.RuneSelf:
			table[c] = unknown
		case ascii[c] < digits:
			table[c] = digit
		}
	}
	return table
}()

// add says that a character may be a digit.
func (s *skim) add(r rune) {
	b := []byte(string(r))
	bit := uint64(1) << (b[len(b)-1] & 63)
	switch len(b) {
	case 1:
		s.leads[b[0]] = digit
	case 2:
		s.leads[b[0]] = ofTwo
		s.two[b[0]&31] |= bit
	case 3:
		s.leads[b[0]] = ofThree
		s.three[int(b[0]&15)<<6|int(b[1]&63)] |= bit
	case 4:
		s.leads[b[0]] = ofFour
	}
}

// firstDigit is where the first character of a text begins that may be a digit, -1
// if there is none.
func firstDigit(text []byte) int {
	leads := &narrow
	var f *folding
	for i := range len(text) {
		k := leads[text[i]]
		if k == none {
			continue
		}
		if k == unknown {
			f = foldings()
			leads = &f.digits.leads
			k = leads[text[i]]
		}
		switch k {
		case digit:
			return i
		case ofTwo:
			if i+1 < len(text) && f.digits.two[text[i]&31]>>(text[i+1]&63)&1 != 0 {
				return i
			}
		case ofThree:
			if i+2 < len(text) && f.digits.three[int(text[i]&15)<<6|int(text[i+1]&63)]>>(text[i+2]&63)&1 != 0 {
				return i
			}
		case ofFour:
			r, _ := utf8.DecodeRune(text[i:])
			if k := f.class(r); k < digits || k == wider {
				return i
			}
		}
	}
	return -1
}

// back is a place in a text so far before at that a code with its first digit at
// that place begins behind it, and whatever stands there is no half of one.
func back(text []byte, at int) int {
	for n := 0; n < Len+2 && at > 0; {
		r, size := utf8.DecodeLastRune(text[:at])
		at -= size
		if r < utf8.RuneSelf || foldings().class(r) != nothing {
			n++
		}
	}
	return at
}
