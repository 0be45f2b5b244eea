package normalize

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

// NewText is the Text of a Go string, "" included. Invalid UTF-8 becomes
// U+FFFD.
func NewText(s string) Text {
	// The error only reports the invalid UTF-8 that is replaced.
	b, _ := jsontext.AppendQuote(make([]byte, 0, len(s)+2), s)
	return b
}

// String is the decoded text, "" for an unknown one.
func (t Text) String() string {
	if plain, ok := jsondoc.Plain(t); ok {
		return string(plain)
	}
	return string(t.Append(nil))
}

// Append appends the decoded text.
func (t Text) Append(dst []byte) []byte { return jsondoc.AppendDecoded(dst, t) }

// AppendJSON appends the text as a JSON value: a string, or null.
func (t Text) AppendJSON(dst []byte) []byte {
	if t == nil {
		return append(dst, "null"...)
	}
	return append(dst, t...)
}

// AppendJSON appends the value, or null.
func (v Value) AppendJSON(dst []byte) []byte {
	if v == nil {
		return append(dst, "null"...)
	}
	return append(dst, v...)
}

// first is the first text that is known.
func first(texts ...Text) Text {
	for _, t := range texts {
		if t != nil {
			return t
		}
	}
	return nil
}
