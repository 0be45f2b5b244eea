package inchat

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestAmount(t *testing.T) {
	for text, want := range map[string]string{
		"49": "49", "49,90": "49.90", "49.90": "49.90", "49,9": "49.9", "0,5": "0.5", "0": "0", "0.00": "0.00", "007": "7",
		"1.234,56": "1234.56", "1,234.56": "1234.56", "1.234.567": "1234567", "1,234,567": "1234567", "1.234.567,8": "1234567.8",
		"12.345,678": "12345.678", "1 234,56": "1234.56", "1\u00a0234,56": "1234.56", "1'234.56": "1234.56", "12 345": "12345",
		"49,90.": "49.90", "49,90,": "49.90", "49.": "49", "1,234.56.": "1234.56", " 49,90 ": "49.90", "49.9012": "49.9012",
		"1234,5": "1234.5", "1’234’567.50": "1234567.50",
	} {
		if got, ok := Amount(text); got != want || !ok {
			t.Errorf("%q is read as %q, %v, want %q", text, got, ok, want)
		}
	}
	for _, text := range []string{
		"1.234", "1,234", "1.234.", "0,500", "1234.567", "", ".", ",", ".50", ",50", "-5", "+5", "5-", "R$ 5", "5 €",
		"1.2.3", "1,23,456", "12,34,567.00",
		"1.234,567,8", "1,234.567.890", "1234,567.89", "0.234,56", "1..2", "1.,2", "1 23", "1  234", "1e3", "0x10", "٤٩", "١٢", "1.234 567,00",
		"1 234.567,00", "NaN", "1/2", "5 000 0", "abc", strings.Repeat("9", 41), "1'23", "1,234.5.6",
	} {
		if got, ok := Amount(text); ok {
			t.Errorf("%q is taken for %q", text, got)
		}
	}
}

// write writes an amount of so many hundredths in a style.
func write(hundredths int64, thousands, point string, decimals bool) string {
	whole := fmt.Sprint(hundredths / 100)
	var groups []string
	for len(whole) > 3 {
		groups, whole = append([]string{whole[len(whole)-3:]}, groups...), whole[:len(whole)-3]
	}
	text := strings.Join(append([]string{whole}, groups...), thousands)
	if decimals {
		text += fmt.Sprintf("%s%02d", point, hundredths%100)
	}
	return text
}

// TestAmountOfEveryStyle: whatever is written in a style is read as what it is, or, where the
// style cannot be told, not at all. It is never read as anything else.
func TestAmountOfEveryStyle(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		n := rng.Int64N([]int64{1000, 1e5, 1e7, 1e9, 1e12}[rng.IntN(5)])
		decimals := rng.IntN(3) > 0
		if !decimals {
			n -= n % 100
		}
		for _, style := range [][2]string{{".", ","}, {",", "."}, {"", ","}, {"", "."}, {" ", ","}, {"'", "."}, {"\u202f", ","}} {
			text := write(n, style[0], style[1], decimals)
			end := []string{"", ".", ",", " "}[rng.IntN(4)]
			got, ok := Amount(text + end)
			marks := strings.Count(text, ".") + strings.Count(text, ",")
			ambiguous := !decimals && marks == 1
			if ok == ambiguous {
				t.Fatalf("%q: %q, %v", text+end, got, ok)
			}
			if !ok {
				continue
			}
			value, _ := new(big.Rat).SetString(got)
			if value == nil || value.Cmp(big.NewRat(n, 100)) != 0 {
				t.Fatalf("%q is read as %s, and is %d hundredths", text+end, got, n)
			}
		}
	}
}
