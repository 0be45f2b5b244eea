package normalize

import (
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"hash"
	"strconv"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

// The keys of events, as the contract's "id" lists them. They are built in the
// arena; a single plain text is its own key.

func (b *Batch) textKey(t Text) []byte {
	if plain, ok := jsondoc.Plain(t); ok {
		return plain
	}
	start := len(b.arena)
	b.arena = t.Append(b.arena)
	return b.built(start)
}

// messageKey is the message id. An edit or a revoke that carries the original's
// id, and a message without one, is known by who, when and what.
func (b *Batch) messageKey(e *Event, sender, recipient Text) []byte {
	if e.Message.ID != nil {
		return b.textKey(e.Message.ID)
	}
	start := len(b.arena)
	b.arena = append(sender.Append(b.arena), '\n')
	b.arena = append(recipient.Append(b.arena), '\n')
	return b.timeAndHash(start, e)
}

// statusKey is message and state, in a group with the participant; without a
// message user, state and watermark, or, where one of them is missing, user,
// state, time and content.
func (b *Batch) statusKey(e *Event, participant Text) []byte {
	s := e.Status
	start := len(b.arena)
	switch {
	case s.MessageID != nil:
		b.arena = append(s.MessageID.Append(b.arena), '\n')
		b.arena = s.State.Append(b.arena)
		if participant != nil {
			b.arena = participant.Append(append(b.arena, '\n'))
		}
		return b.built(start)
	case s.Watermark != 0 && (e.UserID != nil || e.WaID != nil):
		b.arena = append(e.AppendContactKey(b.arena), '\n')
		b.arena = append(s.State.Append(b.arena), '\n')
		b.arena = strconv.AppendInt(b.arena, s.Watermark, 10)
		return b.built(start)
	}
	b.arena = append(e.AppendContactKey(b.arena), '\n')
	b.arena = append(s.State.Append(b.arena), '\n')
	return b.timeAndHash(start, e)
}

func (b *Batch) automaticKey(e *Event, messageID Text) []byte {
	start := len(b.arena)
	b.arena = append(messageID.Append(b.arena), '\n')
	b.arena = e.AutomaticEvent.EventName.Append(b.arena)
	if messageID == nil {
		b.arena = append(b.arena, '\n')
		return b.timeAndHash(start, e)
	}
	return b.built(start)
}

// timeAndHash ends a key with the provider's time, empty where it gave none (a
// redelivery would carry another one of ours), and the hash of the raw object.
func (b *Batch) timeAndHash(start int, e *Event) []byte {
	if e.HasProviderTime {
		b.arena = strconv.AppendInt(b.arena, e.ReceivedAt, 10)
	}
	b.arena = append(b.arena, '\n')
	sum := sha256.Sum256(e.Raw)
	b.arena = hex.AppendEncode(b.arena, sum[:])
	return b.built(start)
}

// accountKey is the hash of the entry's id, its time and the raw object.
func (b *Batch) accountKey(entry jsondoc.Node, raw Value) []byte {
	parts := b.entryOf(entry)
	if len(parts.hashed) > 0 {
		return b.hashKey(&parts.hashed, nil, nil, raw)
	}
	return b.hashKey(&parts.hashed, b.text(parts.id), b.text(parts.time), raw)
}

// noticeKey is the same for providers that have no entries: id is what the events
// of a webhook have in common, at what happened.
func (b *Batch) noticeKey(e *Event, id, at Text) []byte {
	var once []byte
	hashed := &once
	if at == nil {
		hashed = &b.source.hashed
	}
	return b.hashKey(hashed, id, at, e.Raw)
}

// hashKey is the hash of two texts and the raw object. hashed keeps the state of
// the hash after two long texts for further events with them; it is empty before.
func (b *Batch) hashKey(hashed *[]byte, id, at Text, raw Value) []byte {
	if b.sha == nil {
		b.sha = sha256.New().(stateHash)
	}
	if len(*hashed) == 0 || b.sha.UnmarshalBinary(*hashed) != nil {
		b.sha.Reset()
		b.scratch = append(id.Append(b.scratch[:0]), '\n')
		b.scratch = append(at.Append(b.scratch), '\n')
		b.sha.Write(b.scratch)
		if len(b.scratch) > longTexts {
			*hashed, _ = b.sha.AppendBinary((*hashed)[:0]) // SHA-256 gives no error
		}
	}
	b.sha.Write(raw)
	b.scratch = b.sha.Sum(b.scratch[:0])
	start := len(b.arena)
	b.arena = hex.AppendEncode(b.arena, b.scratch)
	return b.built(start)
}

// longTexts is from how many bytes on the texts of an account's key are hashed
// once for all events that have them.
const longTexts = 1 << 10

// stateHash is a hash whose state can be kept.
type stateHash interface {
	hash.Hash
	encoding.BinaryAppender
	encoding.BinaryUnmarshaler
}
