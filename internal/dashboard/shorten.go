package dashboard

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/leadgate/leadgate/internal/phone"
)

// phoneMembers are the members that hold a contact's phone number, with
// whatever else a provider writes around it. In unified JSON and in the
// providers' own objects.
var phoneMembers = map[string]bool{
	"waPhone": true, "waId": true, "newWaId": true, "recipientId": true, // unified JSON
	"from": true, "to": true, "wa_id": true, "recipient_id": true, "participant": true, "phone": true, "phone_number": true, // Cloud API
	"recipient": true, "recipient_participant_id": true, "participant_recipient_id": true, // and its standby and groups
	"source": true, "destination": true, "dial_code": true, // Gupshup
	"chat_id": true, "author": true, // Whapi
	"From": true, "To": true, "WaId": true, // Twilio
}

var (
	// phoneLike is a number of at least 7 digits as people and programs write it.
	phoneLike = regexp.MustCompile(`\+?\d(?:[ ().-]{0,2}\d){6,}`)
	// surelyPhone is a phone number wherever it stands.
	surelyPhone = regexp.MustCompile(`(?:\+|%2[Bb]|[Ww]a[Ii]d=|wa\.me/)\d(?:[ ().-]{0,2}\d){6,}|\d{7,15}@(?:s\.whatsapp\.net|c\.us)`)
	// messageID is a WhatsApp message id: base64 with the contact's number in it.
	messageID = regexp.MustCompile(`wamid\.[0-9A-Za-z+/=_-]{16,}`)
)

// shortenPhones rewrites JSON, its members in their order, with the contacts'
// phone numbers shortened, also those inside message ids.
func shortenPhones(in []byte) ([]byte, error) {
	s := shortener{known: make(map[string]string)}
	return s.document(in)
}

func (s *shortener) document(in []byte) ([]byte, error) {
	loose := []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}
	dec := jsontext.NewDecoder(bytes.NewReader(in), loose...)
	var out bytes.Buffer
	enc := jsontext.NewEncoder(&out, loose...)
	names := []string{""} // of the member that is being read, one for each level
	for {
		tok, err := dec.ReadToken()
		if errors.Is(err, io.EOF) {
			return bytes.TrimSpace(out.Bytes()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading an event: %w", err)
		}
		kind, n := dec.StackIndex(dec.StackDepth())
		isName := kind == '{' && n%2 == 1
		switch tok.Kind() {
		case '{', '[':
			names = append(names, names[len(names)-1])
		case '}', ']':
			names = names[:len(names)-1]
		case '"':
			if isName {
				names[len(names)-1] = tok.String()
			} else {
				tok = jsontext.String(s.text(names[len(names)-1], tok.String()))
			}
		case '0':
			if digits := tok.String(); phoneMembers[names[len(names)-1]] && len(digits) >= 7 && phone.Digits(digits) == digits {
				tok = jsontext.String(s.text("phone", digits))
			}
		}
		if err := enc.WriteToken(tok); err != nil {
			return nil, fmt.Errorf("writing an event: %w", err)
		}
	}
}

// shortener remembers the numbers that it has seen, so that it finds them in
// texts and ids that come later: waPhone and waId stand first in unified JSON.
type shortener struct {
	known map[string]string

	looked int // how often it has asked known: what it costs
}

// How long the numbers are that are looked for in other texts: no country's are
// longer, and what is, is shortened where it stands.
const (
	shortestKnown = 7
	longestKnown  = 18
)

func (s *shortener) text(member, text string) string {
	text = messageID.ReplaceAllStringFunc(text, func(id string) string { return "wamid.…" + id[len(id)-8:] })
	pattern := surelyPhone
	if phoneMembers[member] {
		pattern = phoneLike
	}
	text = pattern.ReplaceAllStringFunc(text, func(found string) string {
		start := strings.IndexFunc(found, isDigit)
		if strings.HasPrefix(found, "%2") {
			start = len("%2B")
		}
		number, rest, jid := strings.Cut(found[start:], "@")
		digits := phone.Digits(number)
		short := shortNumber(digits)
		if len(digits) <= longestKnown {
			s.known[digits] = short
		}
		if jid {
			rest = "@" + rest
		}
		return found[:start] + short + rest
	})
	return s.shortenKnown(text)
}

// shortenKnown shortens the known numbers in a text: the longest one that begins
// at a digit. It asks for each digit a few times, however many are known.
func (s *shortener) shortenKnown(text string) string {
	if len(s.known) == 0 {
		return text
	}
	var out strings.Builder
	done := 0
	for at := 0; at < len(text); {
		digits := 0
		for digits < longestKnown && at+digits < len(text) && isDigit(rune(text[at+digits])) {
			digits++
		}
		n := digits
		for ; n >= shortestKnown; n-- {
			s.looked++
			if short, ok := s.known[text[at:at+n]]; ok {
				out.WriteString(text[done:at] + short)
				done = at + n
				break
			}
		}
		switch {
		case n >= shortestKnown:
			at += n
		case digits < shortestKnown:
			at += max(digits, 1) // too few for any
		default:
			at++
		}
	}
	if done == 0 {
		return text
	}
	out.WriteString(text[done:])
	return out.String()
}

func isDigit(c rune) bool { return c >= '0' && c <= '9' }

// shortNumber keeps of a number what tells contacts apart, more or less.
func shortNumber(digits string) string {
	keep := 4
	if len(digits) < 10 {
		keep = 2
	}
	return digits[:keep] + "…" + digits[len(digits)-2:]
}
