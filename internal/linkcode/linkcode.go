// Package linkcode makes the codes that links put into a chat's first message,
// and finds them in what people send. A code is nine random symbols and a check
// symbol, by which every wrong symbol and every swap of two is found out. It has
// at least a letter and a digit, so that no word and no number is one.
//
// It is pure, and a leaf: what a code stands for is a store's to know. Begin with
// [Draw] and [Find].
package linkcode

import (
	"crypto/rand"
	"strings"
)

// Alphabet has no symbols that are taken for another (0 and O, 1 and I, 2 and Z,
// 5 and S), and no vowels, so that no code spells a word. It has a prime number of
// them, which the check symbol needs.
const Alphabet = "346789BCDFGHJKMPQRTVWXY"

// Len is how many symbols a code has, its check symbol included.
const Len = 10

const (
	symbols = len(Alphabet)
	digits  = 6       // of the symbols, the first ones
	half    = Len / 2 // a code is shown in two halves
	fair    = 256 / symbols * symbols
)

// values are a code's symbols by their position in the alphabet.
type values [Len]uint8

// checks reports whether the values with their weights of 1 to 10 add up to a
// multiple of 23. With one wrong symbol, or two that changed places, they never do.
func (v *values) checks() bool {
	sum := 0
	for i, value := range v {
		sum += (i + 1) * int(value)
	}
	return sum%symbols == 0
}

// mixed reports whether there are letters and digits.
func (v *values) mixed() bool {
	letter, digit := false, false
	for _, value := range v {
		letter, digit = letter || value >= digits, digit || value < digits
	}
	return letter && digit
}

func (v *values) String() string {
	var code [Len]byte
	for i, value := range v {
		code[i] = Alphabet[value]
	}
	return string(code[:])
}

// Draw returns a new code, one of 1.68e12 that are equally likely.
func Draw() string {
	var v values
	for {
		v.draw()
		if v.mixed() {
			return v.String()
		}
	}
}

// draw fills in nine random symbols, and the one that makes them check.
func (v *values) draw() {
	sum := 0
	var b [1]byte
	for i := 0; i < Len-1; {
		_, _ = rand.Read(b[:]) // never fails: crypto/rand
		if int(b[0]) < fair {
			v[i] = b[0] % uint8(symbols)
			sum += (i + 1) * int(v[i])
			i++
		}
	}
	// 10 times 16 is -1 mod 23.
	v[Len-1] = uint8(16 * sum % symbols)
}

// Valid reports whether a text is a code as [Draw] makes them: ten symbols, in
// upper case, without a hyphen.
func Valid(code string) bool {
	if len(code) != Len {
		return false
	}
	var v values
	for i := range len(code) {
		at := strings.IndexByte(Alphabet, code[i])
		if at < 0 {
			return false
		}
		v[i] = uint8(at)
	}
	return v.mixed() && v.checks()
}

// Format is a code as people are shown it: K7QW3-MPDXR.
func Format(code string) string {
	if len(code) != Len {
		return code
	}
	return code[:half] + "-" + code[half:]
}
