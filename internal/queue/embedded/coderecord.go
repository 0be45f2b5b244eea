package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
)

const codeVersion = 1

// codeRow is what is stored of a link's code. Key is the hash of what it was drawn for.
type codeRow struct {
	queue.Code
	tenant string
	key    codec.KeyHash
	till   int64 // ms: when it is gone; 0 = never
}

// codeKey is where a code's row stands, drawnKey the hash of what it was drawn for.
func codeKey(tenant, code string) codec.KeyHash { return codec.HashKey(tenant, "code\n"+code) }
func drawnKey(tenant, key string) codec.KeyHash { return codec.HashKey(tenant, "code for\n"+key) }

func (c *codeRow) place() codec.KeyHash { return codeKey(c.tenant, c.Code.Code) }

func (c *codeRow) gone(now int64) bool { return c == nil || c.till != 0 && c.till <= now }

// waits reports whether somebody may still claim it, or could have.
func (c *codeRow) waits() bool { return c.Claim > 0 && c.Owner == "" }

// appendCode appends a row: version, code, tenant, key, what it is counted by, when it was
// drawn, how long it may be claimed (ms), when it is gone, its owner's names, data.
func appendCode(dst []byte, c *codeRow) []byte {
	dst = codec.AppendText(codec.AppendText(append(dst, codeVersion), c.Code.Code), c.tenant)
	dst = codec.AppendText(append(dst, c.key[:]...), c.Of)
	dst = binary.AppendVarint(dst, c.At)
	dst = binary.AppendVarint(dst, c.Claim.Milliseconds())
	dst = binary.AppendVarint(dst, c.till)
	return codec.AppendText(codec.AppendText(dst, c.Owner), c.Data)
}

// decodeCode reads what appendCode wrote. Data is a slice of b.
func decodeCode(b []byte) (*codeRow, error) {
	r := codec.Reader{Rest: b}
	r.Version(codeVersion)
	c := &codeRow{}
	c.Code.Code, c.tenant = r.Text(), r.Text()
	copy(c.key[:], r.Take(uint64(len(c.key))))
	c.Of, c.At, c.Claim = r.Text(), r.Varint(), r.Milliseconds()
	c.till, c.Owner, c.Data = r.Varint(), r.Text(), r.Bytes()
	if c.till < 0 || len(c.Owner)%len(c.key) != 0 {
		r.Fail(errShape)
	}
	if r.Err != nil {
		return nil, fmt.Errorf("decoding code: %w", r.Err)
	}
	return c, nil
}

// What the index of codes has, by the first byte of the key:
//
//	k  what it was drawn for → where its row stands
//	x  when it is gone, where its row stands → nothing
//	u  tenant, when it is gone, code → nothing, while nobody has claimed it
//	o  name, where the row stands → nothing, of each name of who has claimed it
//	n  tenant and what it is counted by → how many there are, or tenant → how many nobody has claimed
const (
	drawnIndex   = 'k'
	goneIndex    = 'x'
	waitingIndex = 'u'
	ownerIndex   = 'o'
	countIndex   = 'n'
)

func indexKey(kind byte, parts ...[]byte) []byte {
	key := append(make([]byte, 0, 64), kind)
	for _, p := range parts {
		key = append(key, p...)
	}
	return key
}

func ms(at int64) []byte { return sequence(uint64(max(at, 0))) }

// indexed calls f with each key that a row has in the index, but for the counts, and
// what stands there.
func (c *codeRow) indexed(f func(key, value []byte) error) error {
	place := c.place()
	if err := f(indexKey(drawnIndex, c.key[:]), place[:]); err != nil || c.Claim == 0 {
		return err
	}
	if err := f(indexKey(goneIndex, ms(c.till), place[:]), nil); err != nil {
		return err
	}
	if c.waits() {
		return f(waitingKey(c.tenant, c.till, c.Code.Code), nil)
	}
	for name := []byte(c.Owner); len(name) >= len(place); name = name[len(place):] {
		if err := f(indexKey(ownerIndex, name[:len(place)], place[:]), nil); err != nil {
			return err
		}
	}
	return nil
}

func waitingKey(tenant string, till int64, code string) []byte {
	t := codec.HashKey(tenant, "")
	return indexKey(waitingIndex, t[:], ms(till), []byte(code))
}

// counted is the key of the count that a row is in, nil for none.
func (c *codeRow) counted() []byte {
	switch {
	case c.waits():
		return waitingCount(c.tenant)
	case c.Claim == 0 && c.Of != "":
		return ofCount(c.tenant, c.Of)
	}
	return nil
}

func waitingCount(tenant string) []byte {
	t := codec.HashKey(tenant, "")
	return indexKey(countIndex, t[:])
}

func ofCount(tenant, of string) []byte {
	t := codec.HashKey(tenant, "code of\n"+of)
	return indexKey(countIndex, t[:])
}

// checkCode says what is wrong with a row.
func checkCode(key, record []byte) error {
	row, err := decodeCode(record)
	if err != nil {
		return err
	}
	if place := row.place(); string(place[:]) != string(key) {
		return errors.New("it is another code's")
	}
	return nil
}

// checkCodeIndex says what is wrong with a pair of the index.
func checkCodeIndex(key, value []byte) error {
	const hash = len(codec.KeyHash{})
	length, holds := 0, 0
	if len(key) > 0 {
		switch key[0] {
		case drawnIndex:
			length, holds = 1+hash, hash
		case goneIndex:
			length = 1 + 8 + hash
		case waitingIndex:
			length = max(len(key), 1+hash+8+1)
		case ownerIndex:
			length = 1 + 2*hash
		case countIndex:
			length, holds = 1+hash, 8
		}
	}
	if length == 0 || len(key) != length || len(value) != holds {
		return errShape
	}
	return nil
}

// codeSum finds out whether the index of codes is that of their rows: what each row has
// in it is added as a number that looks random, what is there is taken off, and in the end
// nothing must be left.
type codeSum struct{ left uint64 }

// add adds a pair of either bucket, which was checked.
func (s *codeSum) add(bucket, key, value []byte) error {
	switch string(bucket) {
	case string(codesBucket):
		row, err := decodeCode(unstamped(value))
		if err != nil {
			return err
		}
		if count := row.counted(); count != nil {
			s.left += pairSum(count, nil)
		}
		return row.indexed(func(key, value []byte) error { s.left += pairSum(key, value); return nil })
	case string(codesIndex):
		if key[0] == countIndex {
			s.left -= number(value) * pairSum(key, nil)
		} else {
			s.left -= pairSum(key, value)
		}
	}
	return nil
}

func pairSum(key, value []byte) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(key)
	_, _ = h.Write(value)
	return scattered(h.Sum64())
}

func (s *codeSum) compare() error {
	if s.left != 0 {
		return errors.New("what leads to the codes of links is not what is stored of them")
	}
	return nil
}
