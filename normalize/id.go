package normalize

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
)

// ID is an event's id, a UUID of version 5: the same for a redelivery, and for
// the same message by another provider. It is also what duplicates are known by.
type ID [16]byte

// namespace is the v5 of the URL namespace and
// https://github.com/leadgate/leadgate: ed605042-7667-539c-b710-2df987f22277.
var namespace = ID{0xed, 0x60, 0x50, 0x42, 0x76, 0x67, 0x53, 0x9c, 0xb7, 0x10, 0x2d, 0xf9, 0x87, 0xf2, 0x22, 0x77}

// String returns the usual form, e70210fe-620f-555d-bc02-bd88cd34dabc.
func (id ID) String() string { return string(id.append(make([]byte, 0, 36))) }

// AppendText appends the usual form; the error is always nil.
func (id ID) AppendText(b []byte) ([]byte, error) { return id.append(b), nil }

func (id ID) append(b []byte) []byte {
	b = append(hex.AppendEncode(b, id[0:4]), '-')
	b = append(hex.AppendEncode(b, id[4:6]), '-')
	b = append(hex.AppendEncode(b, id[6:8]), '-')
	b = append(hex.AppendEncode(b, id[8:10]), '-')
	return hex.AppendEncode(b, id[10:16])
}

// newID is the v5 of what follows the 16 bytes of the namespace in name.
func newID(name []byte) (id ID) {
	sum := sha1.Sum(name)
	copy(id[:], sum[:])
	id[6] = id[6]&0x0f | 0x50
	id[8] = id[8]&0x3f | 0x80
	return id
}

// RawID is the id of a request that is passed on as it came: the v5 of the hex
// SHA-256 of its body.
func RawID(body []byte) ID {
	sum := sha256.Sum256(body)
	var buf [16 + 64]byte
	return newID(hex.AppendEncode(append(buf[:0], namespace[:]...), sum[:]))
}

// SetTenant says whose event it is, and so what its id is: the v5 of tenant,
// channel, kind and the event's key, joined by line feeds.
func (e *Event) SetTenant(tenant string) {
	e.TenantID = tenant
	var buf [384]byte
	b := append(buf[:0], namespace[:]...)
	b = append(append(b, tenant...), '\n')
	b = append(append(b, e.Channel.String()...), '\n')
	b = append(append(b, e.Kind.String()...), '\n')
	if len(e.key) == 0 { // a guest provider that calls no SetKey
		sum := sha256.Sum256(e.Raw)
		e.key = hex.AppendEncode(nil, sum[:])
	}
	e.id = newID(append(b, e.key...))
}

// ID is the event's id, known once SetTenant was called.
func (e *Event) ID() ID { return e.id }

// SetKey says what makes the event itself within its tenant, channel and kind:
// a message's id, for example. The parts are joined by line feeds. Provider
// modules call it once for every event; see the contract for the parts. An
// event without a key is known by its raw JSON.
func (e *Event) SetKey(parts ...string) {
	var key []byte
	for i, p := range parts {
		if i > 0 {
			key = append(key, '\n')
		}
		key = append(key, p...)
	}
	e.key = key
}

// Key is what makes the event itself within its tenant, channel and kind; see
// SetKey.
func (e *Event) Key() []byte { return e.key }

// ContactKey is the contact whose events stay in order: the user id, else the
// WhatsApp id, decoded; "" where neither is known.
func (e *Event) ContactKey() string { return string(e.AppendContactKey(nil)) }

// AppendContactKey appends the ContactKey.
func (e *Event) AppendContactKey(dst []byte) []byte {
	if e.UserID != nil {
		return e.UserID.Append(dst)
	}
	return e.WaID.Append(dst)
}
