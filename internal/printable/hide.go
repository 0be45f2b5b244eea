package printable

import (
	"net/url"
	"strings"
)

// HidePhones leaves the last four of seven or more digits in a row, so that no
// table shows a phone number in full.
func HidePhones(text string) string {
	const shortest, kept = 7, 4
	b := []byte(text)
	for i := 0; i < len(b); {
		n := 0
		for i+n < len(b) && b[i+n] >= '0' && b[i+n] <= '9' {
			n++
		}
		if n >= shortest {
			for j := i; j < i+n-kept; j++ {
				b[j] = '*'
			}
		}
		i += max(n, 1)
	}
	return string(b)
}

// URL shows a URL without what may be secret in it.
func URL(text string) string {
	if u, err := url.Parse(text); err == nil {
		u.User, u.RawQuery, u.ForceQuery, u.Fragment = nil, "", false, ""
		return u.String()
	}
	text, _, _ = strings.Cut(text, "?")
	return text
}
