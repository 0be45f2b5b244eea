package normalize

import (
	"bytes"
	"strings"
)

// PhoneFromWaID is the E.164 number (+15551234567) of a provider's WhatsApp id
// or of a number as a person would write it, "" for what is no phone: business
// scoped user ids, groups, channels, hidden ids, masked digits.
//
// A wa_id is not always the number. Two rules that the country's own numbering
// makes certain are applied: Brazilian mobiles get the ninth digit that old ids
// lack (landlines don't), Mexican ones lose the 1 that was dropped in 2019.
// Argentina's domestic 15 is written as the international 9; a missing 9 is
// never added, since the number may be a landline. Everything else stays as it
// is, and replies always go to the id, never to this number.
func PhoneFromWaID(waID string) string {
	var buf [24]byte
	out, ok := appendPhone(buf[:0], []byte(waID))
	if !ok {
		return ""
	}
	return string(out)
}

// Lengths of a number with its country code: E.164's longest, and the
// shortest of the smallest countries.
const (
	minDigits = 7
	maxDigits = 15
)

// appendPhone appends the E.164 of id with its plus.
func appendPhone(dst, id []byte) (out []byte, ok bool) {
	id = bytes.TrimPrefix(id, []byte("whatsapp:"))
	if i := bytes.IndexByte(id, '@'); i >= 0 {
		if server := string(id[i+1:]); server != "s.whatsapp.net" && server != "c.us" {
			return dst, false
		}
		id, _, _ = bytes.Cut(id[:i], []byte(":")) // the device
	}
	// Only a number that says so by its plus may be formatted: 1203630-16 is a
	// group, not a number with a dash.
	separators := " "
	if len(id) > 0 && id[0] == '+' {
		id, separators = id[1:], " -().\u00a0"
	}
	var buf [maxDigits]byte
	d := buf[:0]
	for _, r := range string(id) {
		switch {
		case '0' <= r && r <= '9':
			if len(d) == maxDigits {
				return dst, false
			}
			d = append(d, byte(r))
		case !strings.ContainsRune(separators, r):
			return dst, false
		}
	}
	if len(d) < minDigits || d[0] == '0' {
		return dst, false
	}
	return appendRepaired(append(dst, '+'), d), true
}

// appendRepaired appends the digits by the rules of the country.
func appendRepaired(dst, d []byte) []byte {
	switch {
	case len(d) == 12 && d[0] == '5' && d[1] == '5' && d[4] >= '6':
		return append(append(append(dst, d[:4]...), '9'), d[4:]...)
	case len(d) == 13 && string(d[:3]) == "521":
		return append(append(dst, "52"...), d[3:]...)
	case len(d) == 14 && string(d[:2]) == "54" && d[2] != '9':
		// 54, an area code of two (only 11), three or four digits, 15, and the
		// subscriber's number; the 15 can't stand in two places.
		at := 0
		switch long := d[2] == '2' || d[2] == '3'; {
		case string(d[2:6]) == "1115":
			at = 4
		case long && string(d[5:7]) == "15":
			at = 5
		case long && string(d[6:8]) == "15":
			at = 6
		}
		if at > 0 {
			return append(append(append(dst, "549"...), d[2:at]...), d[at+2:]...)
		}
	}
	return append(dst, d...)
}
