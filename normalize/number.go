package normalize

import (
	"bytes"
	"strconv"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

// Bounds of a believable time: 2001 and 2100, in seconds. Meta's placeholders
// and zeros fall outside.
const (
	minTime = 1_000_000_000
	maxTime = 4_102_444_800
)

// millis is a time in UNIX milliseconds, 0 where there is none that makes
// sense. Providers give seconds or milliseconds, as a number or as a string;
// the magnitude tells which.
func millis(n jsondoc.Node) int64 {
	v, ok := n.Int()
	switch {
	case !ok:
		return 0
	case v >= minTime && v < maxTime:
		return v * 1000
	case v >= minTime*1000 && v < maxTime*1000:
		return v
	}
	return 0
}

// setTime fills the event's times from the provider's.
func (e *Event) setTime(t jsondoc.Node, ingestedAt int64) {
	e.IngestedAt, e.ReceivedAt = ingestedAt, ingestedAt
	if ms := millis(t); ms != 0 {
		e.ReceivedAt, e.HasProviderTime = ms, true
	}
}

// isNumber reports whether b is a number by JSON's grammar.
func isNumber(b []byte) bool {
	b = bytes.TrimPrefix(b, []byte("-"))
	rest, ok := digitsOf(b)
	if !ok || b[0] == '0' && len(b)-len(rest) > 1 {
		return false
	}
	if len(rest) > 0 && rest[0] == '.' {
		if rest, ok = digitsOf(rest[1:]); !ok {
			return false
		}
	}
	if len(rest) > 0 && rest[0]|0x20 == 'e' {
		rest = rest[1:]
		if len(rest) > 0 && (rest[0] == '+' || rest[0] == '-') {
			rest = rest[1:]
		}
		if rest, ok = digitsOf(rest); !ok {
			return false
		}
	}
	return len(rest) == 0
}

// digitsOf cuts the digits off the start; ok is false where there are none.
func digitsOf(b []byte) (rest []byte, ok bool) {
	i := 0
	for i < len(b) && '0' <= b[i] && b[i] <= '9' {
		i++
	}
	return b[i:], i > 0
}

// maxShift bounds the zeros that an exponent may unfold into.
const maxShift = 40

// appendShifted appends the JSON number n divided by 10^places, exactly and
// without an exponent: 25000 by 3 places is 25, 12345 is 12.345. ok is false
// for an exponent that no amount of money has.
func appendShifted(dst []byte, n Value, places int) (out []byte, ok bool) {
	mantissa, exp := []byte(n), 0
	if i := bytes.IndexAny(mantissa, "eE"); i >= 0 {
		v, err := strconv.Atoi(string(bytes.TrimPrefix(mantissa[i+1:], []byte("+"))))
		if err != nil || v > maxShift || v < -maxShift {
			return dst, false
		}
		mantissa, exp = mantissa[:i], v
	}
	negative := mantissa[0] == '-'
	if negative {
		mantissa = mantissa[1:]
	}
	whole, fraction, _ := bytes.Cut(mantissa, []byte("."))
	digits := append(append(make([]byte, 0, 64), whole...), fraction...)
	point := len(whole) + exp - places // where the point stands among the digits
	for point <= 0 {
		digits = append([]byte{'0'}, digits...)
		point++
	}
	for len(digits) < point {
		digits = append(digits, '0')
	}
	left := bytes.TrimLeft(digits[:point], "0")
	right := bytes.TrimRight(digits[point:], "0")
	if negative && len(left)+len(right) > 0 {
		dst = append(dst, '-')
	}
	if len(left) == 0 {
		dst = append(dst, '0')
	}
	dst = append(dst, left...)
	if len(right) > 0 {
		dst = append(append(dst, '.'), right...)
	}
	return dst, true
}
