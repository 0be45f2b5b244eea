// Package money is exact amounts: decimals that are never floats, and the currencies of
// ISO 4217. Begin with [Parse]. It is a leaf.
package money

import (
	"bytes"
	"math/big"
	"strconv"
)

// Decimal is an exact decimal number: digits × 10^exp, without leading or
// trailing zeros in digits; zero has no digits.
type Decimal struct {
	neg    bool
	digits []byte
	exp    int
}

// What an amount of money may have. Far beyond any, and small enough that no
// exponent blows up the body.
const (
	maxDigits = 30
	maxExp    = 30
)

// Parse reads a JSON number, or the same without quotes. ok is false for
// anything else and for numbers beyond the limits above.
func Parse(s []byte) (d Decimal, ok bool) {
	if len(s) > 4*maxDigits {
		return d, false
	}
	if len(s) > 0 && s[0] == '-' {
		d.neg, s = true, s[1:]
	}
	if i := bytes.IndexAny(s, "eE"); i >= 0 {
		e := s[i+1:]
		if len(e) > 0 && e[0] == '+' {
			e = e[1:]
			if len(e) > 0 && e[0] == '-' {
				return d, false
			}
		}
		v, err := strconv.Atoi(string(e))
		if err != nil || v > 1000 || v < -1000 {
			return d, false
		}
		d.exp, s = v, s[:i]
	}
	whole, frac, point := bytes.Cut(s, []byte{'.'})
	if len(whole) == 0 || point && len(frac) == 0 || !allDigits(whole) || !allDigits(frac) || len(whole) > 1 && whole[0] == '0' {
		return d, false
	}
	d.digits = whole
	if point {
		d.digits = append(append(make([]byte, 0, len(whole)+len(frac)), whole...), frac...)
		d.exp -= len(frac)
	}
	d.trim()
	return d, len(d.digits) <= maxDigits && d.exp >= -maxExp && d.exp+len(d.digits) <= maxExp
}

func allDigits(s []byte) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

func (d *Decimal) trim() {
	d.digits = bytes.TrimLeft(d.digits, "0")
	for n := len(d.digits); n > 0 && d.digits[n-1] == '0'; n-- {
		d.digits = d.digits[:n-1]
		d.exp++
	}
	if len(d.digits) == 0 {
		d.neg, d.exp = false, 0
	}
}

// Negative reports whether the number is below zero.
func (d Decimal) Negative() bool { return d.neg }

// Append writes the number without an exponent and without needless zeros: the
// same number always gives the same text.
func (d Decimal) Append(dst []byte) []byte {
	if d.neg {
		dst = append(dst, '-')
	}
	point := len(d.digits) + d.exp // how many digits stand before the point
	if point <= 0 {
		dst = append(dst, '0')
	} else {
		dst = append(dst, d.digits[:min(point, len(d.digits))]...)
		for range d.exp {
			dst = append(dst, '0')
		}
	}
	if d.exp < 0 {
		dst = append(dst, '.')
		for range -point {
			dst = append(dst, '0')
		}
		dst = append(dst, d.digits[max(point, 0):]...)
	}
	return dst
}

// Scale gives d × 1000 ÷ divisor, exactly: the value of an automatic event in
// the unified JSON is already the webhook's ÷ 1000. The divisor's only prime
// factors are 2 and 5, see [FiniteDivisor], so that the result is finite.
func (d Decimal) Scale(divisor int64) Decimal {
	d.exp += 3
	for divisor%10 == 0 {
		divisor /= 10
		d.exp--
	}
	if divisor == 1 || len(d.digits) == 0 {
		return d
	}
	// ÷ 2 is × 5 ÷ 10, and the other way round.
	factor := int64(2)
	other := int64(5)
	if divisor%5 == 0 {
		factor, other = 5, 2
	}
	v, _ := new(big.Int).SetString(string(d.digits), 10)
	for ; divisor > 1; divisor /= factor {
		v.Mul(v, big.NewInt(other))
		d.exp--
	}
	d.digits = v.Append(nil, 10)
	d.trim()
	return d
}

// FiniteDivisor reports whether every division by n has a finite decimal result.
func FiniteDivisor(n int64) bool {
	if n <= 0 {
		return false
	}
	for n%2 == 0 {
		n /= 2
	}
	for n%5 == 0 {
		n /= 5
	}
	return n == 1
}
