// Package jsondoc reads a JSON body in one strict pass that validates and
// indexes it, and offers tolerant accessors over the index.
//
// Webhooks are loose: keys are missing, ids are numbers or strings, new types
// come every quarter. So the pass is strict about JSON (RFC 8259, valid UTF-8,
// nothing after the value, at most MaxDepth levels), and the accessors are
// tolerant about content: every method works on a Node that is missing or of
// another kind and then gives the zero answer.
//
// Two leniencies, because Meta needs them: duplicate keys are accepted, and the
// first counts; escapes of lone surrogates (\ud83d) are accepted, since Meta
// truncates headlines in the middle of an emoji.
package jsondoc

import (
	"fmt"
	"math"
	"unicode/utf8"
	"unsafe"
)

// MaxDepth is how many levels of arrays and objects a body may have.
const MaxDepth = 200

// SyntaxError says where and why a body is not acceptable JSON.
type SyntaxError struct {
	Offset int64  // bytes from the start of the body
	Reason string // lower case; it quotes nothing of the body
}

// Error gives the reason and the position.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s at byte %d", e.Reason, e.Offset)
}

// Doc is an indexed JSON body. The zero value is ready; a Doc may be used again
// and then allocates nothing. Its Nodes are valid until the next Parse.
type Doc struct {
	body    []byte
	entries []entry
	open    [MaxDepth]uint32 // the containers that the pass is in

	found map[member]uint32 // where Get found what it looked for among many
	steps int               // how many members Get has looked at
}

// entry is one value. Positions are offsets into the body.
type entry struct {
	key, keyEnd uint32 // the member's name without quotes; 0, 0 in an array
	start, end  uint32
	next        uint32 // index of the entry after this value and all that is in it
	kind        byte
	escaped     bool // the name has escapes
	surrogates  bool // a string with escapes of surrogates, in pairs or alone
}

// Parse validates and indexes b, which must not change while the Doc's Nodes
// are in use. The error is a *SyntaxError; the Doc is empty then.
func (d *Doc) Parse(b []byte) error {
	d.body, d.entries, d.found, d.steps = b, d.entries[:0], nil, 0
	if err := d.parse(); err != nil {
		d.Reset()
		return err
	}
	return nil
}

// Holds reports whether the Doc is the index of these very bytes.
func (d *Doc) Holds(b []byte) bool {
	return len(d.entries) > 0 && len(b) == len(d.body) && len(b) > 0 && &b[0] == &d.body[0]
}

// Reset forgets the body and keeps the memory of the index.
func (d *Doc) Reset() {
	d.body, d.entries, d.found = nil, d.entries[:0], nil
}

// Steps is how many members Get has looked at since Parse: a measure of what
// reading costs that is the same on every machine.
func (d *Doc) Steps() int { return d.steps }

// Cap is the memory of the index in bytes, so that a pool can drop a Doc that
// an unusually large body has blown up.
func (d *Doc) Cap() int { return cap(d.entries) * int(unsafe.Sizeof(entry{})) }

func (d *Doc) parse() error {
	b := d.body
	if int64(len(b)) > math.MaxInt32 {
		return &SyntaxError{Offset: math.MaxInt32, Reason: "body longer than 2 GiB"}
	}
	if !utf8.Valid(b) {
		return &SyntaxError{Offset: int64(validPrefix(b)), Reason: "invalid UTF-8"}
	}
	return d.index(b)
}

// index is the pass itself. It is our own, since the kept parsers that give
// offsets take longer for a webhook than all the rest of its way (see
// BenchmarkParse); FuzzParse holds it to encoding/json.
func (d *Doc) index(b []byte) error {
	es := d.entries // not through the pointer, which costs a fifth of the pass
	defer func() { d.entries = es }()
	pos, depth := space(b, 0), 0
	var e entry // the value to come, with its name if it is a member
	for {
		if pos == len(b) {
			return unexpected(b, pos)
		}
		e.start, e.next, e.kind = uint32(pos), uint32(len(es)+1), b[pos]
		if c := b[pos]; c == '{' || c == '[' {
			if depth == MaxDepth {
				return &SyntaxError{Offset: int64(pos), Reason: fmt.Sprintf("nested over %d levels", MaxDepth)}
			}
			d.open[depth] = uint32(len(es))
			depth++
			es = append(es, e)
			pos = space(b, pos+1)
			if pos == len(b) || b[pos] != closing(c) {
				var ok bool
				if e, pos, ok = name(b, pos, c); !ok {
					return unexpected(b, pos)
				}
				continue
			}
		} else {
			var end int
			var ok bool
			switch {
			case c == '"':
				var found escapes
				end, found, ok = quoted(b, pos)
				e.surrogates = found&surrogates != 0
			case c == '-' || '0' <= c && c <= '9':
				end, ok = number(b, pos)
				e.kind = '0'
			default:
				end, ok = word(b, pos)
			}
			if !ok {
				return unexpected(b, end)
			}
			pos, e.end = end, uint32(end)
			es = append(es, e)
		}
		// A value has ended, and all containers that end with it.
		for {
			if pos = space(b, pos); depth == 0 {
				if pos < len(b) {
					return &SyntaxError{Offset: int64(pos), Reason: "data after the value"}
				}
				return nil
			}
			if pos == len(b) {
				return unexpected(b, pos)
			}
			in := &es[d.open[depth-1]]
			if b[pos] == ',' {
				var ok bool
				if e, pos, ok = name(b, space(b, pos+1), in.kind); !ok {
					return unexpected(b, pos)
				}
				break
			}
			if b[pos] != closing(in.kind) {
				return unexpected(b, pos)
			}
			pos++
			in.end, in.next = uint32(pos), uint32(len(es))
			depth--
		}
	}
}

func unexpected(b []byte, pos int) error {
	if pos >= len(b) {
		return &SyntaxError{Offset: int64(len(b)), Reason: "unexpected end"}
	}
	return &SyntaxError{Offset: int64(pos), Reason: "unexpected byte"}
}

// validPrefix is the length of the longest prefix that is valid UTF-8.
func validPrefix(b []byte) int {
	n := 0
	for n < len(b) {
		r, size := utf8.DecodeRune(b[n:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		n += size
	}
	return n
}

// Root is the body's value; missing when nothing was parsed.
func (d *Doc) Root() Node {
	if len(d.entries) == 0 {
		return Node{}
	}
	return Node{d: d, i: 0, end: uint32(len(d.entries))}
}
