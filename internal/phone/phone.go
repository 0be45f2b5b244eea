// Package phone has what telephone numbers have in common, however people write
// them. What a number is to a provider is normalize's to say.
package phone

import "strings"

// Digits keeps the digits of a number: 15550783881 of +1 555-078-3881.
func Digits(number string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, number)
}
