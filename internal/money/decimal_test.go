package money

import (
	"encoding/json"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

func TestDecimal(t *testing.T) {
	for in, want := range map[string]string{
		"0": "0", "-0": "0", "0.000": "0", "25": "25", "25.0": "25", "12.50": "12.5", "0.05": "0.05", "1e2": "100", "1.5E+1": "15",
		"1e-3": "0.001", "100": "100", "-3.10": "-3.1", "0e9": "0", "123456789012345678901234567890": "123456789012345678901234567890",
	} {
		d, ok := Parse([]byte(in))
		if got := string(d.Append(nil)); !ok || got != want {
			t.Errorf("%s is %s (%v), want %s", in, got, ok, want)
		}
	}
	for _, in := range []string{"", "-", ".", "1.", ".5", "1e", "e5", "1e+-5", "1.2.3", "01", "+1", "1,5", "0x1", "NaN", "1e999", "1e-31",
		"1e30",
		"1234567890123456789012345678901", strings.Repeat("0", 500), " 1", "1 "} {
		if d, ok := Parse([]byte(in)); ok {
			t.Errorf("%q is taken for %s", in, d.Append(nil))
		}
	}
}

// Whatever the number and the divisor, the result is value × 1000 ÷ divisor,
// exactly, as math/big has it, and a JSON number.
func TestDecimalScaleIsExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	divisors := []int64{1, 2, 4, 5, 8, 10, 16, 20, 25, 50, 100, 125, 200, 1000, 1024, 3125, 10000, 1000000}
	for range 20000 {
		in := strconv.FormatInt(rng.Int64N(1e12), 10)
		if n := rng.IntN(7); n > 0 {
			in += "." + strconv.Itoa(rng.IntN([]int{1, 10, 100, 1000, 1e4, 1e5, 1e6}[n]))
		}
		if rng.IntN(4) == 0 {
			in += "e" + strconv.Itoa(rng.IntN(9)-4)
		}
		divisor := divisors[rng.IntN(len(divisors))]
		d, ok := Parse([]byte(in))
		if !ok {
			t.Fatalf("%s is refused", in)
		}
		out := d.Scale(divisor).Append(nil)
		if !json.Valid(out) || strings.ContainsAny(string(out), "eE") {
			t.Fatalf("%s becomes %s", in, out)
		}
		want, _ := new(big.Rat).SetString(in)
		want.Mul(want, big.NewRat(1000, divisor))
		got, _ := new(big.Rat).SetString(string(out))
		if got.Cmp(want) != 0 {
			t.Fatalf("%s × 1000 ÷ %d = %s, want %s", in, divisor, out, want.FloatString(20))
		}
		if again, ok := Parse(out); ok && string(again.Append(nil)) != string(out) {
			t.Fatalf("%s has two forms, %s is the other", out, again.Append(nil))
		}
	}
}

func TestFiniteDivisor(t *testing.T) {
	for n, want := range map[int64]bool{1: true, 1000: true, 8: true, 3125: true, 640: true, 3: false, 7: false, 60: false, 0: false,
		-10: false} {
		if FiniteDivisor(n) != want {
			t.Errorf("%d: %v", n, !want)
		}
	}
}
