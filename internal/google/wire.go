package google

import (
	"bytes"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/leadgate/leadgate/internal/money"
)

// append writes the event; hashed reports whether hashes stand in it.
func (f *facts) append(dst []byte, s *Settings) (out []byte, hashed bool) {
	dst = append(dst, `{"eventTimestamp":"`...)
	dst = time.UnixMilli(f.at).UTC().AppendFormat(dst, timestamp(f.at))
	dst = append(append(append(dst, `","eventSource":"`...), s.eventSource()...), '"')
	dst = appendString(append(dst, `,"transactionId":`...), f.id)
	if name, id := f.touch.click(); id != "" {
		dst = append(append(append(dst, `,"adIdentifiers":{"`...), name...), `":`...)
		dst = append(appendString(dst, id), '}')
	}
	if !s.NoMatchKeys {
		before := len(dst)
		dst = append(dst, `,"userData":{"userIdentifiers":[`...)
		empty := len(dst)
		dst = f.appendPhones(dst, empty)
		if f.email != "" {
			dst = append(appendIdentifier(dst, empty, "emailAddress"), f.email...)
			dst = append(dst, `"}`...)
		}
		if hashed = len(dst) > empty; hashed {
			dst = append(dst, `]}`...)
		} else {
			dst = dst[:before]
		}
	}
	if f.hasValue {
		code, _ := money.Currency(f.currency) // checked
		dst = f.value.Append(append(dst, `,"conversionValue":`...))
		dst = append(append(append(dst, `,"currency":"`...), code...), '"')
	}
	return append(f.consent.append(dst), '}'), hashed
}

// timestamp is the form of a time of RFC 3339, with milliseconds where it has some.
func timestamp(ms int64) string {
	if ms%1000 != 0 {
		return "2006-01-02T15:04:05.000Z07:00"
	}
	return time.RFC3339
}

// click is the id that is sent, and its name: Google wants one, by this order.
func (t *Touch) click() (name, id string) {
	switch {
	case t.GCLID != "":
		return "gclid", t.GCLID
	case t.GBRAID != "":
		return "gbraid", t.GBRAID
	case t.WBRAID != "":
		return "wbraid", t.WBRAID
	}
	return "", ""
}

func (c Consent) append(dst []byte) []byte {
	if c == (Consent{}) {
		return dst
	}
	dst = append(dst, `,"consent":{`...)
	empty := len(dst)
	for _, part := range [...]struct{ name, value string }{
		{`"adUserData":"`, c.AdUserData.wire()}, {`"adPersonalization":"`, c.AdPersonalization.wire()},
	} {
		if part.value == "" {
			continue
		}
		if len(dst) > empty {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, part.name...), part.value...), '"')
	}
	return append(dst, '}')
}

// appendIdentifier begins an identifier, after a comma unless it is the first.
func appendIdentifier(dst []byte, empty int, name string) []byte {
	if len(dst) > empty {
		dst = append(dst, ',')
	}
	return append(append(append(dst, `{"`...), name...), `":"`...)
}

func appendString(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			// The error only reports invalid UTF-8, which is replaced.
			dst, _ = jsontext.AppendQuote(dst, s)
			return dst
		}
	}
	return append(append(append(dst, '"'), s...), '"')
}

// appendRequest appends the body of a request for one conversion action: the events at
// those places, as they are.
func appendRequest(dst []byte, s *Settings, action string, events []Event, at []int, validateOnly bool) []byte {
	dst = append(dst, `{"destinations":[{"operatingAccount":{"accountType":"GOOGLE_ADS","accountId":"`...)
	dst = append(append(dst, s.Account...), `"}`...)
	if s.LoginAccount != "" && s.LoginAccount != s.Account {
		dst = append(dst, `,"loginAccount":{"accountType":"GOOGLE_ADS","accountId":"`...)
		dst = append(append(dst, s.LoginAccount...), `"}`...)
	}
	dst = appendString(append(dst, `,"productDestinationId":`...), action)
	dst = append(dst, `}]`...)
	for _, i := range at {
		if events[i].Hashed {
			dst = append(dst, `,"encoding":"HEX"`...)
			break
		}
	}
	if validateOnly {
		dst = append(dst, `,"validateOnly":true`...)
	}
	dst = append(dst, `,"events":[`...)
	for n, i := range at {
		if n > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, events[i].Body...)
	}
	return append(dst, `]}`...)
}

// isHexHash reports whether s is a SHA-256 in hex.
func isHexHash(s string) bool {
	return len(s) == hexHashLen && len(bytes.Trim([]byte(s), "0123456789abcdefABCDEF")) == 0
}
