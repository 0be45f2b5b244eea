package inchat

import (
	"strings"

	"github.com/leadgate/leadgate/internal/money"
)

// maxAmount is the longest amount that is read, in bytes.
const maxAmount = 40

// Amount reads an amount as people write it, in either style: 49.90 and 49,90, 1,234.56 and
// 1.234,56, 1 234,56 and 1'234.56. ok is false where it could be two amounts, as 1.234 could,
// or is none. A point or comma at the end is the sentence's. number is a JSON number.
func Amount(text string) (number string, ok bool) {
	text = strings.TrimSpace(strings.TrimRight(strings.TrimSpace(text), ".,"))
	if text == "" || len(text) > maxAmount {
		return "", false
	}
	text = narrow.Replace(text)
	whole, fraction, ok := split(text)
	if !ok {
		return "", false
	}
	number = strings.TrimLeft(whole, "0")
	if number == "" {
		number = "0"
	}
	if fraction != "" {
		number += "." + fraction
	}
	_, ok = money.Parse([]byte(number))
	return number, ok
}

// narrow are the blanks and apostrophes that stand between thousands.
var narrow = strings.NewReplacer("\u00a0", " ", "\u202f", " ", "\u2009", " ", "’", "'")

// split takes an amount apart at its decimal separator, without those of thousands.
func split(text string) (whole, fraction string, ok bool) {
	last := strings.LastIndexAny(text, ".,")
	if last < 0 {
		whole, ok = ungrouped(text)
		return whole, "", ok
	}
	mark := text[last : last+1]
	before, after := text[:last], text[last+1:]
	others := strings.ContainsAny(before, ".,' ")
	switch {
	case !digits(after):
		return "", "", false
	case !others && len(after) == 3:
		return "", "", false // a thousand, or thousandths
	case strings.Contains(before, mark):
		whole, ok = ungrouped(text) // it stands between thousands alone
		return whole, "", ok
	}
	whole, ok = ungrouped(before)
	return whole, after, ok
}

// ungrouped is a whole number without the marks between its thousands, which are all the
// same.
func ungrouped(text string) (string, bool) {
	at := strings.IndexAny(text, ".,' ")
	if at < 0 {
		return text, digits(text)
	}
	groups := strings.Split(text, text[at:at+1])
	if len(groups[0]) > 3 || groups[0] == "" || groups[0][0] == '0' {
		return "", false
	}
	for i, group := range groups {
		if !digits(group) || i > 0 && len(group) != 3 {
			return "", false
		}
	}
	return strings.Join(groups, ""), true
}

func digits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}
