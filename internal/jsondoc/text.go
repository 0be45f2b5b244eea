package jsondoc

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// Plain gives the content of a JSON string token that has no escapes, as a
// slice of the token. ok is false where there are escapes, or token is no
// string.
func Plain(token []byte) (content []byte, ok bool) {
	if len(token) < 2 || token[0] != '"' {
		return nil, false
	}
	c := token[1 : len(token)-1 : len(token)-1]
	return c, bytes.IndexByte(c, '\\') < 0
}

// AppendDecoded appends the content of a valid JSON string token, decoded to
// UTF-8. A lone surrogate becomes U+FFFD. What is no string appends nothing.
func AppendDecoded(dst, token []byte) []byte {
	if plain, ok := Plain(token); ok {
		return append(dst, plain...)
	} else if plain == nil {
		return dst
	}
	// The error only reports lone surrogates, which are replaced.
	dst, _ = jsontext.AppendUnquote(dst, token)
	return dst
}

func decodedEqual(token []byte, s string) bool {
	var buf [64]byte
	return string(AppendDecoded(buf[:0], token)) == s
}

// HasLoneSurrogate reports whether a valid JSON string token escapes half a
// surrogate pair, which is no character.
func HasLoneSurrogate(token []byte) bool {
	return loneSurrogate(token, 0) >= 0
}

// AppendSanitized appends a valid JSON string token with lone surrogates
// replaced by \ufffd.
func AppendSanitized(dst, token []byte) []byte {
	for from := 0; ; {
		i := loneSurrogate(token, from)
		if i < 0 {
			return append(dst, token[from:]...)
		}
		dst = append(append(dst, token[from:i]...), `\ufffd`...)
		from = i + 6
	}
}

// loneSurrogate is the position of the first escape of half a pair from there
// on, -1 for none. from must not be inside an escape.
func loneSurrogate(token []byte, from int) int {
	for i := from; i < len(token); {
		k := bytes.IndexByte(token[i:], '\\')
		if k < 0 {
			return -1
		}
		i += k
		if token[i+1] != 'u' {
			i += 2
			continue
		}
		switch c := surrogate(token[i:]); {
		case c == 0:
			i += 6
		case c == 'h' && surrogate(token[i+6:]) == 'l':
			i += 12
		default:
			return i
		}
	}
	return -1
}

// surrogate tells what stands at the start of b: the escape of a high
// surrogate 'h', of a low one 'l', or anything else 0.
func surrogate(b []byte) byte {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' || b[2]|0x20 != 'd' {
		return 0
	}
	switch b[3] | 0x20 {
	case '8', '9', 'a', 'b':
		return 'h'
	case 'c', 'd', 'e', 'f':
		return 'l'
	}
	return 0
}
