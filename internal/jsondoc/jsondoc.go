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
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"unicode/utf8"
	"unsafe"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxDepth is how many levels of arrays and objects a body may have.
const MaxDepth = 200

// SyntaxError says where and why a body is not acceptable JSON.
type SyntaxError struct {
	Offset int64  // bytes from the start of the body
	Reason string // lower case, without the body's content where it may be long
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
	buf     bytes.Buffer
	dec     jsontext.Decoder
}

// entry is one value. Positions are offsets into the body.
type entry struct {
	key, keyEnd uint32 // the member's name without quotes; 0, 0 in an array
	start, end  uint32
	next        uint32 // index of the entry after this value and all that is in it
	kind        byte
	escaped     bool // the name has escapes
}

var decodeOptions = []jsontext.Options{
	jsontext.AllowDuplicateNames(true),
	// This lets lone surrogate escapes through; raw bytes that are not UTF-8
	// are refused by Parse itself.
	jsontext.AllowInvalidUTF8(true),
}

// Parse validates and indexes b, which must not change while the Doc's Nodes
// are in use. The error is a *SyntaxError; the Doc is empty then.
func (d *Doc) Parse(b []byte) error {
	d.body, d.entries = b, d.entries[:0]
	if err := d.parse(); err != nil {
		d.Reset()
		return err
	}
	return nil
}

// Reset forgets the body and keeps the memory of the index.
func (d *Doc) Reset() {
	if d.body == nil {
		return
	}
	d.body, d.entries, d.buf = nil, d.entries[:0], bytes.Buffer{}
	d.dec.Reset(&d.buf)
}

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
	d.buf = *bytes.NewBuffer(b)
	d.dec.Reset(&d.buf, decodeOptions...)
	var (
		depth    int
		pos      int // end of the token before
		named    bool
		name     entry // a member's name, waiting for its value
		inObject bool
		es       = d.entries
	)
	for {
		tok, err := d.dec.ReadToken()
		if err != nil {
			return syntaxError(err, len(b))
		}
		for b[pos] <= ' ' || b[pos] == ',' || b[pos] == ':' {
			pos++
		}
		start, end := pos, int(d.dec.InputOffset())
		pos = end
		kind := byte(tok.Kind())
		switch {
		case kind == '}' || kind == ']':
			depth--
			e := &es[d.open[depth]]
			e.end, e.next = uint32(end), uint32(len(es))
		case inObject && !named:
			named = true
			name = entry{key: uint32(start + 1), keyEnd: uint32(end - 1)}
			name.escaped = bytes.IndexByte(b[start+1:end-1], '\\') >= 0
			continue
		default:
			e := name
			e.start, e.end, e.kind = uint32(start), uint32(end), kind
			e.next = uint32(len(es) + 1)
			name, named = entry{}, false
			es = append(es, e)
			if kind == '{' || kind == '[' {
				if depth == MaxDepth {
					return &SyntaxError{Offset: int64(start), Reason: fmt.Sprintf("nested over %d levels", MaxDepth)}
				}
				d.open[depth] = uint32(len(es) - 1)
				depth++
			}
		}
		if depth == 0 {
			break
		}
		inObject = es[d.open[depth-1]].kind == '{'
	}
	d.entries = es
	for ; pos < len(b); pos++ {
		switch b[pos] {
		case ' ', '\t', '\r', '\n':
		default:
			return &SyntaxError{Offset: int64(pos), Reason: "data after the value"}
		}
	}
	return nil
}

func syntaxError(err error, size int) error {
	if serr, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		reason := "invalid JSON"
		if serr.Err != nil {
			reason = serr.Err.Error()
		}
		return &SyntaxError{Offset: serr.ByteOffset, Reason: reason}
	}
	if err == io.EOF {
		return &SyntaxError{Offset: int64(size), Reason: "empty body"}
	}
	return &SyntaxError{Offset: int64(size), Reason: err.Error()}
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
