package google

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"
)

const hexHashLen = 2 * sha256.Size

// HashEmail is Google's hash of an e-mail address: without any white space, in lower
// case; at gmail.com and googlemail.com without the dots of the local part and all from
// its plus on; SHA-256 as lower-case hex. What already is 64 hex digits passes in lower
// case. ok is false for what is no address. It is not Meta's hash.
//
// Source: Data Manager API, formatting.
func HashEmail(email string) (hash string, ok bool) {
	email = strings.ToLower(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, email))
	if isHexHash(email) {
		return email, true
	}
	local, domain, found := strings.Cut(email, "@")
	if domain == "gmail.com" || domain == "googlemail.com" {
		local, _, _ = strings.Cut(local, "+")
		local = strings.ReplaceAll(local, ".", "")
	}
	if !found || local == "" || domain == "" || strings.Contains(domain, "@") {
		return "", false
	}
	return hash256([]byte(local + "@" + domain)), true
}

// HashPhone is Google's hash of a number with its country code: + and the digits alone,
// without leading zeros, SHA-256 as lower-case hex. What already is 64 hex digits passes
// in lower case. ok is false for what has too few digits or too many. It adds no country
// code. It is not Meta's hash, which has no plus.
//
// Source: Data Manager API, formatting.
func HashPhone(number string) (hash string, ok bool) {
	number = strings.TrimSpace(number)
	if isHexHash(number) {
		return strings.ToLower(number), true
	}
	var buf [20]byte
	phone := appendPhone(buf[:0], number)
	if phone == nil {
		return "", false
	}
	return hash256(phone), true
}

func hash256(s []byte) string {
	sum := sha256.Sum256(s)
	return hex.EncodeToString(sum[:])
}

// appendPhone appends a number as it is hashed; nil for what is none of 7 to 15 digits.
func appendPhone(dst []byte, number string) []byte {
	dst = append(dst, '+')
	for i := range len(number) {
		if c := number[i]; c >= '1' && c <= '9' || c == '0' && len(dst) > 1 {
			if len(dst) > 15 {
				return nil
			}
			dst = append(dst, c)
		}
	}
	if len(dst) < 8 {
		return nil
	}
	return dst
}

// appendPhones appends the identifiers of a customer's numbers: waPhone's, and where
// waId's digits differ (Brazil, Mexico) theirs too. Without a waPhone there is nothing:
// a waId alone may be no phone number.
func (f *facts) appendPhones(dst []byte, empty int) []byte {
	var a, b [20]byte
	phone := appendPhone(a[:0], f.touch.WaPhone)
	if phone == nil {
		return dst
	}
	dst = appendPhoneHash(dst, empty, phone)
	if digits(f.touch.WaID) { // a BSUID, "US." and an id, is no phone
		if id := appendPhone(b[:0], f.touch.WaID); id != nil && string(id) != string(phone) {
			dst = appendPhoneHash(dst, empty, id)
		}
	}
	return dst
}

func appendPhoneHash(dst []byte, empty int, phone []byte) []byte {
	sum := sha256.Sum256(phone)
	dst = hex.AppendEncode(appendIdentifier(dst, empty, "phoneNumber"), sum[:])
	return append(dst, `"}`...)
}

// hasMatchKey reports whether there is anything to find the person by.
func (f *facts) hasMatchKey() bool {
	var buf [20]byte
	return f.email != "" || appendPhone(buf[:0], f.touch.WaPhone) != nil
}
