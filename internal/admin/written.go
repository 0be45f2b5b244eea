package admin

import (
	"slices"
	"strings"
	"unicode"

	"github.com/leadgate/leadgate/internal/phone"
)

// keysOf are the keys that a person may be stored under, however people wrote its number.
func keysOf(contact string) []string {
	keys := contactKeys(contact)
	for _, key := range contactKeys(meantContact(contact)) {
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// schemes are what programs write before a number or an id.
var schemes = []string{"whatsapp", "tel", "sms", "messenger", "instagram"}

// meantContact is a contact without what only its spelling has: blanks around it, marks that
// nobody sees and that come with what is copied from a chat, other dashes than a hyphen, a
// scheme, 00 for the plus, and what stands between the digits of a number without one.
func meantContact(contact string) string {
	contact = strings.TrimSpace(strings.Map(plain, contact))
	scheme, rest, ok := strings.Cut(contact, ":")
	if ok && slices.Contains(schemes, strings.ToLower(scheme)) {
		contact = strings.TrimSpace(rest)
	}
	digits := phone.Digits(contact)
	switch {
	case strings.Trim(contact, "0123456789+ ()-./") != "": // an id or an address
		return contact
	case strings.HasPrefix(digits, "00"):
		return "+" + digits[2:]
	case digits != contact:
		return "+" + digits
	}
	return contact
}

// plain is a character as it is typed, -1 for one that nobody sees.
func plain(r rune) rune {
	switch {
	case unicode.Is(unicode.Cf, r):
		return -1
	case unicode.Is(unicode.Pd, r):
		return '-'
	case unicode.Is(unicode.Zs, r):
		return ' '
	}
	return r
}
