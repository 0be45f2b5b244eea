package journey

import (
	"encoding/json"
	"errors"
	"slices"

	"github.com/leadgate/leadgate/internal/queue/codec"
)

// noted is a note's Data. What is of another version than these is not shown.
//
// Version 2 is a byte 2, kind, name, destination, value and currency. A text is its place in
// words, from 1 on, in a byte; or 0, its length and itself. Version 1 is JSON.
type noted struct {
	Version     int         `json:"v"`
	Kind        string      `json:"kind"`
	Name        string      `json:"name"`
	Destination string      `json:"to"`
	Value       json.Number `json:"value"`
	Currency    string      `json:"cur"`
}

const version = 2

// words are texts that many notes have. What is stored counts on their places: add behind.
var words = []string{
	"", KindLead, KindAutomatic, KindConversion,
	"Purchase", "LeadSubmitted", "InitiateCheckout", "AddToCart", "ViewContent", "OrderCreated", "OrderShipped", "OrderDelivered",
	"OrderCanceled", "OrderReturned", "CartAbandoned", "QualifiedLead", "RatingProvided", "ReviewProvided", "Lead",
	"USD", "EUR", "BRL", "INR", "IDR", "MXN", "COP", "ARS", "CLP", "PEN", "GBP", "TRY", "ZAR", "NGN", "JPY", "KWD", "AED", "SAR",
}

func appendWord(dst []byte, text string) []byte {
	if i := slices.Index(words, text); i >= 0 {
		return append(dst, byte(i+1))
	}
	return codec.AppendText(append(dst, 0), text)
}

func readWord(r *codec.Reader) string {
	switch i := int(r.Byte()); {
	case r.Err != nil:
		return ""
	case i == 0:
		return r.Text()
	case i <= len(words):
		return words[i-1]
	}
	r.Fail(errors.New("word is unknown"))
	return ""
}

func (n *noted) encode() []byte {
	dst := append(make([]byte, 0, 16+len(n.Name)+len(n.Destination)+len(n.Value)), version)
	for _, text := range [...]string{n.Kind, n.Name, n.Destination, string(n.Value), n.Currency} {
		dst = appendWord(dst, text)
	}
	return dst
}

func readNoted(b []byte) (n noted, ok bool) {
	if len(b) > 0 && b[0] == '{' {
		ok = json.Unmarshal(b, &n) == nil && n.Version == 1
		return n, ok
	}
	r := codec.Reader{Rest: b}
	r.Version(version)
	n = noted{version, readWord(&r), readWord(&r), readWord(&r), json.Number(readWord(&r)), readWord(&r)}
	return n, r.Err == nil && len(r.Rest) == 0 && (n.Value == "" || isNumber(string(n.Value)))
}

// ending is a note's Outcome: a byte, and the reason. Beside version 1 of Data it may be JSON.
type ending struct {
	Outcome Outcome `json:"is"`
	Reason  string  `json:"why"`
}

// outcomes stand in a byte as their places, from 1 on: add behind.
var outcomes = []Outcome{Sent, Delivered, Duplicate, NoClick, Invalid, Dead}

func (e *ending) encode() []byte {
	return append([]byte{byte(slices.Index(outcomes, e.Outcome) + 1)}, e.Reason...)
}

func readEnding(b []byte) (e ending, ok bool) {
	switch {
	case len(b) == 0:
		return e, false
	case b[0] == '{':
		ok = json.Unmarshal(b, &e) == nil
		return e, ok
	case b[0] == 0 || int(b[0]) > len(outcomes):
		return e, false
	}
	return ending{outcomes[b[0]-1], string(b[1:])}, true
}
