package normalize

import (
	"bytes"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// formObject turns a form (application/x-www-form-urlencoded) into a JSON
// object of strings, in the order of the fields; a field that stands several
// times becomes an array, where it first stood. It is built in the arena.
// Invalid UTF-8 becomes U+FFFD. The error is a *SyntaxError: a form has fields,
// each with a name and an equals sign, and no other byte than a browser or
// Twilio would leave unescaped in a name, so that JSON or XML does not pass for
// one.
func (b *Batch) formObject(body []byte) (Value, error) {
	start := len(b.arena)
	var few [formFew]formField
	list := few[:0]
	var seen map[string]struct{}
	repeated := false
	for at := 0; at <= len(body); {
		end := bytes.IndexByte(body[at:], '&')
		if end < 0 {
			end = len(body) - at
		}
		pair := body[at : at+end]
		if len(pair) > 0 {
			sep := byte(',')
			if len(list) == 0 {
				sep = '{'
			}
			b.arena = append(b.arena, sep)
			f, err := b.formField(pair, at)
			if err != nil {
				b.arena = b.arena[:start]
				return nil, err
			}
			switch {
			case repeated:
			case len(list) < formFew:
				for i := range list {
					repeated = repeated || bytes.Equal(list[i].name, f.name)
				}
			default:
				if seen == nil {
					seen = make(map[string]struct{})
					for i := range list {
						seen[string(list[i].name)] = struct{}{}
					}
				}
				_, repeated = seen[string(f.name)]
				seen[string(f.name)] = struct{}{}
			}
			list = append(list, f)
			if !b.element() {
				return nil, nil
			}
		}
		at += end + 1
	}
	if len(list) == 0 {
		return nil, &SyntaxError{Reason: "no form: it has no fields"}
	}
	if repeated {
		b.arena = gathered(b.arena[:start], list)
	}
	b.arena = append(b.arena, '}')
	return b.built(start), nil
}

// formFew is up to how many fields repeated names are searched for one by one;
// Twilio sends about 30.
const formFew = 48

// formField is a field as two JSON strings in the arena.
type formField struct{ name, value Text }

// formField appends one field, "name":"value". at is where it stands in the body.
func (b *Batch) formField(pair []byte, at int) (f formField, err error) {
	equals := bytes.IndexByte(pair, '=')
	if equals < 0 {
		return f, &SyntaxError{Offset: int64(at), Reason: "no form: a field without an equals sign"}
	}
	if equals == 0 {
		return f, &SyntaxError{Offset: int64(at), Reason: "no form: a field without a name"}
	}
	for i, c := range pair[:equals] {
		if formBytes[c] == formForeign {
			return f, &SyntaxError{Offset: int64(at + i), Reason: "no form: a byte in a field's name that must be escaped"}
		}
	}
	if f.name, err = b.formText(pair[:equals], at); err != nil {
		return f, err
	}
	b.arena = append(b.arena, ':')
	f.value, err = b.formText(pair[equals+1:], at+equals+1)
	return f, err
}

// What a byte of a form is.
const (
	formPlain   = iota
	formEscape  // % and +
	formForeign // such as a form does not leave as it is
)

var formBytes = func() (kinds [256]byte) {
	for c := range kinds {
		if c <= ' ' || c >= utf8.RuneSelf {
			kinds[c] = formForeign
		}
	}
	for _, c := range "\"<>\\^`{|}" {
		kinds[c] = formForeign
	}
	kinds['%'], kinds['+'] = formEscape, formEscape
	return kinds
}()

// formText appends a name or value as a JSON string: + is a space, %41 an A.
func (b *Batch) formText(s []byte, at int) (Text, error) {
	start := len(b.arena)
	out := append(b.arena, '"')
	plain, done := true, 0
	for i := 0; i < len(s); i++ {
		switch formBytes[s[i]] {
		case formPlain:
			continue
		case formForeign:
			plain = false
			continue
		}
		out = append(out, s[done:i]...)
		c := byte(' ')
		if s[i] == '%' {
			if i+2 >= len(s) || unhex(s[i+1]) < 0 || unhex(s[i+2]) < 0 {
				return nil, &SyntaxError{Offset: int64(at + i), Reason: "no form: a percent sign without two hex digits"}
			}
			c = byte(unhex(s[i+1])<<4 | unhex(s[i+2]))
			i += 2
		}
		plain = plain && c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\'
		out = append(out, c)
		done = i + 1
	}
	out = append(out, s[done:]...)
	if plain {
		b.arena = append(out, '"')
		return b.built(start), nil
	}
	b.scratch = append(b.scratch[:0], out[start+1:]...)
	// The error only reports invalid UTF-8, which is replaced.
	b.arena, _ = jsontext.AppendQuote(out[:start], b.scratch)
	return b.built(start), nil
}

// gathered appends the fields as an object without its end, those of one name
// as an array. The fields' texts stand in the memory that dst will overwrite, so
// they are copied first.
func gathered(dst []byte, list []formField) []byte {
	at := make(map[string]int, len(list))
	var names []string
	var values [][]string
	for _, f := range list {
		name := string(f.name)
		i, ok := at[name]
		if !ok {
			i = len(names)
			at[name] = i
			names, values = append(names, name), append(values, nil)
		}
		values[i] = append(values[i], string(f.value))
	}
	for i, name := range names {
		sep := byte(',')
		if i == 0 {
			sep = '{'
		}
		dst = append(append(append(dst, sep), name...), ':')
		if len(values[i]) == 1 {
			dst = append(dst, values[i][0]...)
			continue
		}
		for j, v := range values[i] {
			sep := byte(',')
			if j == 0 {
				sep = '['
			}
			dst = append(append(dst, sep), v...)
		}
		dst = append(dst, ']')
	}
	return dst
}
