package ads

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"

	"github.com/leadgate/leadgate/internal/queue"
)

// A value is counted exactly, as a whole number of units of 10^-scale. Values
// of up to valueScale decimals share that scale; a number that is too large for
// one counter is cut into pieces of valueDigits digits with scales of their own.
const (
	valueScale  = 2
	valueDigits = 9 // 10^valueDigits = queue.MaxAdd
)

// value counts an amount of money: a decimal number without an exponent, as the
// Conversions API gets it.
func (c *Counter) value(currency, text string, j int) {
	whole, fraction, _ := strings.Cut(text, ".")
	for len(fraction) < valueScale {
		fraction += "0"
	}
	digits := whole + fraction
	for scale := len(fraction); digits != ""; scale -= valueDigits {
		cut := max(len(digits)-valueDigits, 0)
		n, err := strconv.ParseInt(digits[cut:], 10, 64)
		if err != nil || n < 0 {
			return
		}
		if n > 0 {
			c.add(fieldValue+currency+" "+strconv.Itoa(scale), n, queue.WhenQueued, j)
		}
		digits = digits[:cut]
	}
}

// addValue adds what value counted: n units of 10^-scale.
func addValue(sum *big.Rat, n int64, scale int) *big.Rat {
	if sum == nil {
		sum = new(big.Rat)
	}
	if scale < -maxScale || scale > maxScale {
		return sum
	}
	if scale == valueScale { // nearly all
		return sum.Add(sum, new(big.Rat).SetFrac64(n, 100))
	}
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(scale, -scale))), nil)
	part := new(big.Rat).SetInt64(n)
	if scale >= 0 {
		part.Quo(part, new(big.Rat).SetInt(unit))
	} else {
		part.Mul(part, new(big.Rat).SetInt(unit))
	}
	return sum.Add(sum, part)
}

// maxScale is beyond what any amount that Meta takes needs.
const maxScale = 60

// ratioScale is how many decimals of a cost or a return are shown.
const ratioScale = 4

// decimal is a number without needless zeros, rounded, half away from zero.
func decimal(n *big.Rat, scale int) json.Number {
	text := n.FloatString(scale)
	return json.Number(strings.TrimSuffix(strings.TrimRight(text, "0"), "."))
}

// amounts is the sums as they are shown.
func (s sums) amounts() Amounts {
	shown := make(Amounts, len(s))
	for currency, sum := range s {
		if sum.Sign() != 0 {
			shown[currency] = decimal(sum, maxScale)
		}
	}
	return shown
}

// divided adds what one of n cost; there is none of nothing.
func (a Amounts) divided(currency string, cost *big.Rat, n int64) {
	if n > 0 && cost.Sign() != 0 {
		a[currency] = decimal(new(big.Rat).Quo(cost, new(big.Rat).SetInt64(n)), ratioScale)
	}
}
