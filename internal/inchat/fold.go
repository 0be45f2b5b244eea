package inchat

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// appendFolded appends a text without what does not count: case, accents, and how wide a
// blank is.
func appendFolded(dst, text []byte) []byte {
	for len(text) > 0 {
		r, n := rune(text[0]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(text)
		}
		if int(r) < len(latin) && latin[r] != " " {
			dst = append(dst, latin[r]...)
		} else {
			dst = appendDecomposed(dst, text[:n])
		}
		text = text[n:]
	}
	return dst
}

// latin is what becomes of the Latin letters, which nearly all messages are written in.
var latin = func() (table [0x250]string) {
	for r := range table {
		table[r] = string(appendDecomposed(nil, utf8.AppendRune(nil, rune(r))))
	}
	return table
}()

// appendDecomposed appends one character.
func appendDecomposed(dst, char []byte) []byte {
	if char[0] < utf8.RuneSelf {
		return appendRune(dst, rune(char[0]))
	}
	var room [64]byte
	for decomposed := norm.NFKD.Append(room[:0], char...); len(decomposed) > 0; {
		r, n := utf8.DecodeRune(decomposed)
		dst, decomposed = appendRune(dst, r), decomposed[n:]
	}
	return dst
}

// appendRune appends a character that is decomposed.
func appendRune(dst []byte, r rune) []byte {
	switch {
	case 'a' <= r && r <= 'z' || '0' <= r && r <= '9':
		return append(dst, byte(r))
	case 'A' <= r && r <= 'Z':
		return append(dst, byte(r)+'a'-'A')
	case r <= ' ' || unicode.IsSpace(r):
		if len(dst) > 0 && dst[len(dst)-1] == ' ' {
			return dst
		}
		return append(dst, ' ')
	case r < utf8.RuneSelf:
		return append(dst, byte(r))
	case unicode.In(r, unicode.Mn, unicode.Cf): // accents, and what is not seen
		return dst
	}
	if plain, ok := strokes[r]; ok {
		return append(dst, plain...)
	}
	return utf8.AppendRune(dst, unicode.ToLower(unicode.ToUpper(r)))
}

// strokes are letters that do not decompose, and what people write for them.
var strokes = map[rune]string{
	'ß': "ss", 'ẞ': "ss", 'ø': "o", 'Ø': "o", 'ł': "l", 'Ł': "l", 'đ': "d", 'Đ': "d", 'æ': "ae", 'Æ': "ae", 'œ': "oe", 'Œ': "oe", 'ı': "i",
}
