package jsondoc

// The tokens of JSON (RFC 8259). A scanner returns where the token ends, or
// where it goes wrong.

func space(b []byte, pos int) int {
	for pos < len(b) && b[pos] <= ' ' && (b[pos] == ' ' || b[pos] == '\n' || b[pos] == '\r' || b[pos] == '\t') {
		pos++
	}
	return pos
}

// closing is what ends an array or an object: in ASCII two after its beginning.
func closing(opening byte) byte { return opening + 2 }

// name reads a member's name and its colon where in is an object, and goes on
// to the value.
func name(b []byte, pos int, in byte) (e entry, end int, ok bool) {
	if in != '{' {
		return e, pos, true
	}
	if pos == len(b) || b[pos] != '"' {
		return e, pos, false
	}
	end, found, ok := quoted(b, pos)
	if !ok {
		return e, end, false
	}
	e.escaped = found != 0
	e.key, e.keyEnd = uint32(pos+1), uint32(end-1)
	if end = space(b, end); end == len(b) || b[end] != ':' {
		return e, end, false
	}
	return e, space(b, end+1), true
}

// word reads true, false or null.
func word(b []byte, pos int) (end int, ok bool) {
	w := "null"
	switch b[pos] {
	case 't':
		w = "true"
	case 'f':
		w = "false"
	}
	for i := range len(w) {
		if pos+i == len(b) || b[pos+i] != w[i] {
			return pos + i, false
		}
	}
	return pos + len(w), true
}

// escapes says which escapes a string has.
type escapes uint8

const (
	anyEscape escapes = 1 << iota
	surrogates
)

// plain tells the bytes that stand for themselves in a string.
var plain = func() (t [256]bool) {
	for c := range t {
		t[c] = c >= ' ' && c != '"' && c != '\\'
	}
	return t
}()

func quoted(b []byte, pos int) (end int, found escapes, ok bool) {
	for i := pos + 1; ; i++ {
		for i < len(b) && plain[b[i]] {
			i++
		}
		switch {
		case i == len(b):
			return i, found, false
		case b[i] == '"':
			return i + 1, found, true
		case b[i] != '\\':
			return i, found, false // a control character
		}
		found |= anyEscape
		if i++; i == len(b) {
			return i, found, false
		}
		switch b[i] {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		case 'u':
			if i+2 < len(b) && b[i+1]|0x20 == 'd' && b[i+2] >= '8' {
				found |= surrogates
			}
			for range 4 {
				if i++; i == len(b) || !isHex(b[i]) {
					return i, found, false
				}
			}
		default:
			return i, found, false
		}
	}
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

func number(b []byte, i int) (end int, ok bool) {
	if b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if i, ok = digits(b, i); !ok {
		return i, false
	}
	if i < len(b) && b[i] == '.' {
		if i, ok = digits(b, i+1); !ok {
			return i, false
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		if i++; i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if i, ok = digits(b, i); !ok {
			return i, false
		}
	}
	return i, true
}

func digits(b []byte, i int) (end int, ok bool) {
	from := i
	for i < len(b) && '0' <= b[i] && b[i] <= '9' {
		i++
	}
	return i, i > from
}
