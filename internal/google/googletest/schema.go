package googletest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// shape is what a member of a request may be.
type shape struct {
	kind    byte // as jsontext: '{' '[' '"' '0' 't'
	members map[string]*shape
	of      *shape   // of a list
	words   []string // of an enum
}

func object(members map[string]*shape) *shape { return &shape{kind: '{', members: members} }
func list(of *shape) *shape                   { return &shape{kind: '[', of: of} }
func enum(words ...string) *shape             { return &shape{kind: '"', words: words} }

var (
	text    = &shape{kind: '"'}
	numeric = &shape{kind: '0'}
	truth   = &shape{kind: 't'}

	grant   = enum("CONSENT_GRANTED", "CONSENT_DENIED")
	consent = object(map[string]*shape{"adUserData": grant, "adPersonalization": grant})
	account = object(map[string]*shape{"accountType": enum("GOOGLE_ADS", "DISPLAY_VIDEO_PARTNER", "DISPLAY_VIDEO_ADVERTISER", "DATA_PARTNER",
		"GOOGLE_ANALYTICS_PROPERTY"), "accountId": text, "product": text})

	event = object(map[string]*shape{
		"eventTimestamp": text, "lastUpdatedTimestamp": text, "transactionId": text, "currency": text, "conversionValue": numeric,
		"eventSource":           enum("WEB", "APP", "IN_STORE", "PHONE", "MESSAGE", "OTHER"),
		"destinationReferences": list(text),
		"adIdentifiers":         object(map[string]*shape{"gclid": text, "gbraid": text, "wbraid": text}),
		"userData": object(map[string]*shape{"userIdentifiers": list(object(map[string]*shape{"emailAddress": text, "phoneNumber": text,
			"address": object(map[string]*shape{"givenName": text, "familyName": text, "regionCode": text, "postalCode": text})}))}),
		"consent": consent,
	})
	request = object(map[string]*shape{
		"destinations": list(object(map[string]*shape{"reference": text, "operatingAccount": account, "loginAccount": account,
			"linkedAccount": account, "productDestinationId": text})),
		"events": list(event), "consent": consent, "validateOnly": truth, "encoding": enum("HEX", "BASE64"),
	})
)

// strict checks that a body is one JSON object of a request's shape: no name twice, no
// null, no member that is not known, nothing after it. A mistake in an event names it.
func strict(body []byte) *Error {
	d := jsontext.NewDecoder(bytes.NewReader(body))
	if d.PeekKind() != '{' {
		return refuse("Invalid JSON payload received: the body is no object")
	}
	if fail := request.check(d, ""); fail != nil {
		return fail
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return refuse("Invalid JSON payload received: there is something after the object")
	}
	return nil
}

// kinds are what JSON has, in words.
var kinds = map[byte]string{'n': "null", 't': "a boolean", '"': "a string", '0': "a number", '{': "an object", '[': "a list"}

func (s *shape) check(d *jsontext.Decoder, path string) *Error {
	wrong := func(reason, format string, args ...any) *Error {
		return &Error{Message: "Invalid JSON payload received. " + fmt.Sprintf(format, args...) + " at '" + path + "'",
			Violations: []Violation{{Field: path, Description: "Invalid JSON payload received. " + fmt.Sprintf(format, args...), Reason: reason}}}
	}
	kind := byte(d.PeekKind())
	if kind == 'f' {
		kind = 't'
	}
	if kind != s.kind {
		if _, err := d.ReadToken(); err != nil {
			return refuse("Invalid JSON payload received: %v", err)
		}
		return wrong("", "%s instead of %s", kinds[kind], kinds[s.kind])
	}
	t, err := d.ReadToken()
	if err != nil {
		return refuse("Invalid JSON payload received: %v", err)
	}
	switch {
	case s.words != nil && !slices.Contains(s.words, t.String()):
		return wrong("INVALID_ENUM_VALUE", "%q is no value of the enum", t.String())
	case s.kind == '[':
		for i := 0; d.PeekKind() != ']'; i++ {
			if fail := s.of.check(d, fmt.Sprintf("%s[%d]", path, i)); fail != nil {
				return fail
			}
		}
		_, err = d.ReadToken()
	case s.kind == '{':
		for d.PeekKind() != '}' {
			name, err := d.ReadToken()
			if err != nil {
				return refuse("Invalid JSON payload received: %v", err)
			}
			member, known := s.members[name.String()]
			if !known {
				return wrong("", "Unknown name %q: Cannot find field.", name.String())
			}
			if fail := member.check(d, strings.TrimPrefix(path+"."+snake(name.String()), ".")); fail != nil {
				return fail
			}
		}
		_, err = d.ReadToken()
	}
	if err != nil {
		return refuse("Invalid JSON payload received: %v", err)
	}
	return nil
}

// snake is a camelCase name as Google writes it in errors.
func snake(name string) string {
	var b strings.Builder
	for _, r := range name {
		if r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// The request, of a body that strict takes.
type (
	ingestRequest struct {
		Destinations []destination     `json:"destinations"`
		Events       []json.RawMessage `json:"events"`
		Consent      consents          `json:"consent"`
		ValidateOnly bool              `json:"validateOnly"`
		Encoding     string            `json:"encoding"`
	}
	destination struct {
		Reference            string      `json:"reference,omitempty"`
		OperatingAccount     adsAccount  `json:"operatingAccount"`
		LoginAccount         *adsAccount `json:"loginAccount,omitempty"`
		LinkedAccount        *adsAccount `json:"linkedAccount,omitempty"`
		ProductDestinationID string      `json:"productDestinationId"`
	}
	adsAccount struct {
		AccountType string `json:"accountType"`
		AccountID   string `json:"accountId"`
		Product     string `json:"product,omitempty"`
	}
	consents struct {
		AdUserData, AdPersonalization string
	}
	ingestEvent struct {
		EventTimestamp, EventSource, TransactionID, Currency string
		ConversionValue                                      *json.Number
		DestinationReferences                                []string
		AdIdentifiers                                        map[string]string
		UserData                                             *struct {
			UserIdentifiers []map[string]json.RawMessage
		}
		Consent consents
	}
)
