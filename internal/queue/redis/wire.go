package redis

import (
	"encoding/base64"
	"encoding/binary"
	"math"

	"github.com/leadgate/leadgate/internal/queue/codec"
)

// The wire: what [packer] packs and lua/append*.lua unpacks.
//
// What is small of a group goes into its manifest, and the manifests of all groups of
// a call into one argument, which the script takes apart: an argument of its own costs
// Redis more than a number inside one. The script reads with these formats of Lua's
// struct.unpack, in which > is big-endian; B, H and I4 are unsigned numbers of 1, 2
// and 4 bytes, d is a float of 8, and c0 is a text as long as the number before it
// says. Times and durations are in ms, indexes begin at 1.
//
// The call:
//
//	>ddddHHHHHHI4I4Hc0I4  now, largest backlog, how long clicks are remembered, how long ids are;
//	                      the first of the buckets that are days, how many of them are; how many buckets, destinations, bundles,
//	                      blocks, groups and contact keys there are; the note ('' = none) and the part that is stored under it
//	>Hc0                  of each bucket: its key
//	>I4I4Hc0              of each destination: how many dead letters it keeps (0 = all), how many jobs it gets, its name
//	>HH                   of each bundle: its destination, the block that it refers to (0 = none)
//
// Each manifest:
//
//	>I4B                  its length, these 5 bytes included; 0 = general, 1 = plain, 2 = plain with a click or counters
//
// A general one:
//
//	>I4I4I4I4I4I4         how many payloads, events, jobs, counters, claims and notes there are
//	>Bc0HBBc0             of each event: its id in decimal, its bucket, later; its seal's id ('' = none)
//	>HB                   with a seal: the seal's bucket, later
//	>BB                   how many contact keys it has; how many clicks, at most 3, plus 4 times how many of the keys, the last ones,
//	                      are of a former identity
//	>I4c0                 with contact keys: its message's key
//	>dBI4c0               of each click: when it was, its kind, itself
//	>I4Hc0Hc0             of each claim: its event, the code, the hashed names of the event's contact
//	>HHI4I4c0I4c0I4I4I4   of each job: its bundle (0 = none), destination and payload; its header; its death record ('' = it is queued);
//	                      its first event (0 = one that is new), how many more it has, how many once keys
//	>I4                   of each of these events: its index
//	>BdHc0I4c0            of each once key: its use, for how long it is known, its hash, and itself in clear
//	>Hc0Hc0I4I4c0dBI4Hc0d of each counter: its day; key, line feed and field; what is added; the text it is set to ('' = none);
//	                      how long the day lives; when it counts, and of which event or job; its once key's hash ('' = none), for how long
//	>BI4Hc0c16dHc0Hc0     of each note: for which outcome, of which event or job; its contact's key; its id, when it was, data, outcome
//
// A plain one, of one event, of jobs with nothing special and of counters that need no
// job, which nearly every webhook is:
//
//	>BBc0HBBI4c0H         how many payloads there are (1 or 0); id, bucket, later; how many contact keys; its message's key; how many jobs
//	>HH                   of each job: its bundle (0 = none), its destination
//	>I4c0                 without a bundle: its header
//	>BH                   of kind 2: how many clicks and counters
//	>dBI4c0               of each click: when it was, its kind, itself
//	>BHc0Hc0I4I4c0d       of each counter: when it counts; day, key and field, what is added, text, how long the day lives
//
// A bucket is where an older Leadgate would have an event's id, and later is in how
// many hours the id's window begins: see [oldBuckets]. The jobs of a bundle are its
// entries, in their order; what a bundle holds is no payload of its group.
//
// The answer has a line for each group:
//
//   - it is stored; then a digit per event (1 = new), and a letter per job
//     (Q = queued, D = duplicate, O = dead for want of room, X = dead as asked)
//     !reason  it was refused
//     ?        it was refused, since a code is not its contact's to claim
//
// or is one of these alone:
//
//	=        a destination has no room for a bundle: make the call again without bundles
//	-        the note is gone
//	~answer  the part was stored before, and this was the answer
const (
	generalManifest = 0
	plainManifest   = 1
	clickManifest   = 2

	answerStored   = "+"
	answerRefused  = "!"
	answerClaimed  = "?"
	answerUnbundle = "="
	answerGone     = "-"
	answerBefore   = "~"
)

// appendFloat writes d.
func appendFloat(b []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(b, math.Float64bits(float64(n)))
}

// appendIndex writes H.
func appendIndex(b []byte, n int) []byte { return binary.BigEndian.AppendUint16(b, uint16(n)) }

// appendCount writes I4.
func appendCount(b []byte, n int) []byte { return binary.BigEndian.AppendUint32(b, uint32(n)) }

// appendShort writes Hc0.
func appendShort(b []byte, s string) []byte { return append(appendIndex(b, len(s)), s...) }

// appendLong writes I4c0.
func appendLong(b []byte, s string) []byte { return append(appendCount(b, len(s)), s...) }

// appendMeasured writes I4c0, of what write appends.
func appendMeasured(b []byte, write func([]byte) []byte) []byte {
	at := len(b)
	b = write(appendCount(b, 0))
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4))
	return b
}

// appendHash writes a hash as it stands in a key's name, as Hc0.
func appendHash(b []byte, h codec.KeyHash) []byte {
	b = appendIndex(b, base64.RawURLEncoding.EncodedLen(len(h)))
	return base64.RawURLEncoding.AppendEncode(b, h[:])
}

// measured takes I4c0 from b.
func measured(b []byte) (s, rest []byte, err error) {
	if len(b) < 4 {
		return nil, nil, codec.ErrShort
	}
	n := binary.BigEndian.Uint32(b)
	if b = b[4:]; uint64(n) > uint64(len(b)) {
		return nil, nil, codec.ErrShort
	}
	return b[:n], b[n:], nil
}
