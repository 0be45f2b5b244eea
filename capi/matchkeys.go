package capi

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// hexHashLen is the length of a SHA-256 in hex, Meta's form of a match key.
const hexHashLen = 2 * sha256.Size

// HashEmail is Meta's match key `em`: white space around it cut, lower case,
// SHA-256 as lower-case hex. What already is 64 hex digits passes in lower
// case. ok is false for what is no e-mail address.
//
// Source: Meta, Customer information parameters; capi-param-builder's test
// vectors.
func HashEmail(email string) (hash string, ok bool) {
	email = strings.ToLower(strings.TrimSpace(email))
	if isHexHash([]byte(email)) {
		return email, true
	}
	local, domain, found := strings.Cut(email, "@")
	if !found || local == "" || domain == "" || strings.ContainsAny(email, " \t\r\n") || strings.Contains(domain, "@") {
		return "", false
	}
	return string(appendHash(nil, []byte(email))), true
}

// HashPhone is Meta's match key `ph` of a number with its country code: digits
// only, without leading zeros, SHA-256 as lower-case hex. What already is 64
// hex digits passes in lower case. ok is false where no digit is left. It adds
// no country code: a national number gives a hash that matches nobody.
func HashPhone(phone string) (hash string, ok bool) {
	phone = strings.TrimSpace(phone)
	if isHexHash([]byte(phone)) {
		return strings.ToLower(phone), true
	}
	b := appendPhoneHash(nil, []byte(phone))
	return string(b), len(b) > 0
}

// HashExternalID is Meta's match key `external_id`: the id in lower case,
// without white space, SHA-256 as lower-case hex. What already is 64 hex digits
// passes in lower case. ok is false for an empty id.
func HashExternalID(id string) (hash string, ok bool) {
	id = strings.ToLower(strings.Join(strings.Fields(id), ""))
	if id == "" {
		return "", false
	}
	if isHexHash([]byte(id)) {
		return id, true
	}
	return string(appendHash(nil, []byte(id))), true
}

// appendPhones appends the `ph` list of a customer, [] without its brackets:
// the hash of waPhone's digits and, where waId's digits differ (Brazil,
// Mexico), theirs too. Without a waPhone there is nothing: a waId alone may be
// no phone number.
func appendPhones(dst, waPhone, waID []byte) []byte {
	var a, b [32]byte
	phone := phoneDigits(a[:0], waPhone)
	if len(phone) == 0 {
		return dst
	}
	dst = append(appendHash(append(dst, '"'), phone), '"')
	if len(waID) > 2 && waID[2] == '.' { // a BSUID, "US." and an id: no phone
		return dst
	}
	if id := phoneDigits(b[:0], waID); len(id) > 0 && string(id) != string(phone) && len(id) <= 15 {
		dst = append(appendHash(append(dst, `,"`...), id), '"')
	}
	return dst
}

func appendPhoneHash(dst, phone []byte) []byte {
	var buf [32]byte
	digits := phoneDigits(buf[:0], phone)
	if len(digits) == 0 {
		return dst
	}
	return appendHash(dst, digits)
}

// phoneDigits appends the digits of s without leading zeros.
func phoneDigits(dst, s []byte) []byte {
	for _, c := range s {
		if c >= '1' && c <= '9' || c == '0' && len(dst) > 0 {
			dst = append(dst, c)
		}
	}
	return dst
}

func appendHash(dst, s []byte) []byte {
	sum := sha256.Sum256(s)
	return hex.AppendEncode(dst, sum[:])
}

func isHexHash(s []byte) bool {
	if len(s) != hexHashLen {
		return false
	}
	for _, c := range s {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
			return false
		}
	}
	return true
}
