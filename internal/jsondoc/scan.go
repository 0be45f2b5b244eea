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
	end, e.escaped, ok = quoted(b, pos)
	if !ok {
		return e, end, false
	}
	e.key, e.keyEnd = uint32(pos+1), uint32(end-1)
	if end = space(b, end); end == len(b) || b[end] != ':' {
		return e, end, false
	}
	return e, space(b, end+1), true
}

// scalar reads a string, a number or a word.
func scalar(b []byte, pos int) (end int, ok bool) {
	switch b[pos] {
	case '"':
		end, _, ok = quoted(b, pos)
		return end, ok
	case 't':
		return word(b, pos, "true")
	case 'f':
		return word(b, pos, "false")
	case 'n':
		return word(b, pos, "null")
	}
	return number(b, pos)
}

func word(b []byte, pos int, w string) (end int, ok bool) {
	for i := range len(w) {
		if pos+i == len(b) || b[pos+i] != w[i] {
			return pos + i, false
		}
	}
	return pos + len(w), true
}

// plain tells the bytes that stand for themselves in a string.
var plain = func() (t [256]bool) {
	for c := range t {
		t[c] = c >= ' ' && c != '"' && c != '\\'
	}
	return t
}()

func quoted(b []byte, pos int) (end int, escaped, ok bool) {
	for i := pos + 1; ; i++ {
		for i < len(b) && plain[b[i]] {
			i++
		}
		switch {
		case i == len(b):
			return i, escaped, false
		case b[i] == '"':
			return i + 1, escaped, true
		case b[i] != '\\':
			return i, escaped, false // a control character
		}
		escaped = true
		if i++; i == len(b) {
			return i, escaped, false
		}
		switch b[i] {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		case 'u':
			for range 4 {
				if i++; i == len(b) || !isHex(b[i]) {
					return i, escaped, false
				}
			}
		default:
			return i, escaped, false
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
