package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
)

// A webhook that goes to several destinations is stored once. Its header and payload
// stand in the bucket shared, under a number and behind how many refer to it, and what stands in the destinations'
// queues is a reference, which moves as a record does: to the dead letters and back, to
// another destination. How many references of a number are gone stands in the bucket
// spent, and with the last one both go.

// reference is a record that stands for a shared one.
type reference struct {
	format queue.Format
	number uint64
	uses   uint64 // how many references were made
	skip   int    // with own: where the payload begins in the shared record
	own    []byte // a header, if it is another than the shared one
}

// refVersion tells a reference from a record, which begins with its header's version.
const refVersion = 0x80

// appendReference appends a reference: version, format, number, uses; and, with a header
// of its own, skip and the header.
func appendReference(dst []byte, r *reference) []byte {
	dst = append(dst, refVersion, byte(r.format))
	dst = binary.AppendUvarint(dst, r.number)
	dst = binary.AppendUvarint(dst, r.uses)
	if r.own == nil {
		return dst
	}
	return append(binary.AppendUvarint(dst, uint64(r.skip)), r.own...)
}

func isReference(record []byte) bool { return len(record) > 0 && record[0] == refVersion }

// readReference reads what appendReference wrote.
func readReference(record []byte) (ref reference, err error) {
	r := codec.Reader{Rest: record}
	r.Version(refVersion)
	ref = reference{format: queue.Format(r.Byte()), number: r.Uvarint(), uses: r.Uvarint()}
	if len(r.Rest) > 0 {
		ref.skip = r.Count()
		ref.own = r.Rest
	}
	if r.Err != nil {
		return reference{}, fmt.Errorf("decoding reference: %w", r.Err)
	}
	return ref, nil
}

// formatOf is the format of what a record holds or refers to.
func formatOf(record []byte) queue.Format {
	if isReference(record) && len(record) > 1 {
		return queue.Format(record[1])
	}
	return codec.Format(record)
}

// content is what a record holds or refers to, lent.
type content struct {
	head []byte // a header, and after it the payload if that is nil
	body []byte
}

func (c *content) size() int { return len(c.head) + len(c.body) }

// decode copies the header, and lends the payload.
func (c *content) decode() (queue.Header, []byte, error) {
	h, rest, err := codec.DecodeHeader(c.head)
	if c.body != nil {
		rest = codec.OrNil(c.body)
	}
	return h, rest, err
}

var errNotShared = errors.New("what it shares with others is not there: the file is damaged")

// content finds what a record holds or refers to.
func (t *txn) content(record []byte) (content, error) {
	if !isReference(record) {
		return content{head: record}, nil
	}
	ref, err := readReference(record)
	if err != nil {
		return content{}, err
	}
	var buf [8]byte
	key := binary.BigEndian.AppendUint64(buf[:0], ref.number)
	whole, err := checked(sharedBucket, key, t.table(sharedBucket).get(key))
	if err != nil {
		return content{}, err
	}
	_, n := binary.Uvarint(whole)
	switch {
	case n <= 0 || ref.skip > len(whole)-n:
		return content{}, fmt.Errorf("record %d: %w", ref.number, errNotShared)
	case ref.own == nil:
		return content{head: whole[n:]}, nil
	}
	return content{head: ref.own, body: whole[n+ref.skip:]}, nil
}

// checkedContent is content of a value of an entries' bucket.
func (t *txn) checkedContent(bucket, key, value []byte) (content, error) {
	record, err := checked(bucket, key, value)
	if err != nil {
		return content{}, err
	}
	return t.content(record)
}

// release gives up a record that was taken out of the file for good.
func (t *txn) release(record []byte) error {
	if !isReference(record) {
		return nil
	}
	ref, err := readReference(record)
	if err != nil {
		return err
	}
	shared, spent := t.table(sharedBucket), t.table(spentBucket)
	var buf [8]byte
	key := binary.BigEndian.AppendUint64(buf[:0], ref.number)
	gone, _ := binary.Uvarint(spent.get(key)) // 0 without
	if gone++; gone < ref.uses {
		var count [binary.MaxVarintLen64]byte
		return t.put(spent, key, binary.AppendUvarint(count[:0], gone))
	}
	if gone > 1 {
		if err := t.delete(spent, key); err != nil {
			return err
		}
	}
	if value := shared.get(key); value != nil {
		t.bytes -= cost(unstamped(value))
	}
	return t.delete(shared, key)
}

// sharing is what append shares of a payload.
type sharing struct {
	jobs   int // that carry it, and are stored
	number uint64
	header []byte // of the first one, in value
	value  []byte // uses, and header and payload of the first one; nil where there is but one
}

// addShared stores what a group shares.
func (t *txn) addShared() error {
	last := uint64(0)
	b := t.table(sharedBucket)
	for i := range t.draft.shared {
		s := &t.draft.shared[i]
		if s.value == nil {
			continue
		}
		last = s.number
		t.bytes += cost(s.value)
		if err := t.putStamped(b, sequence(s.number), s.value); err != nil {
			return err
		}
	}
	if last == 0 {
		return nil
	}
	return t.counted(b, last)
}
