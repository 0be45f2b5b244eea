package embedded

import (
	"bytes"
	"encoding/binary"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
)

// destination is a record of the bucket dests.
type destination struct {
	queue.Dest
	num     uint32
	backlog int
	dead    int
	state   queue.State
	changed bool
	gone    bool
}

const destVersion = 1

func destKey(d queue.Dest) []byte {
	key := append(make([]byte, 0, len(d.Tenant)+1+len(d.Name)), d.Tenant...)
	return append(append(key, 0), d.Name...)
}

func findDestination(tx *bolt.Tx, d queue.Dest) (*destination, error) {
	value := tx.Bucket(destsBucket).Get(destKey(d))
	if value == nil {
		return nil, nil
	}
	value, err := checked(destsBucket, destKey(d), value)
	if err != nil {
		return nil, err
	}
	found, err := decodeDestination(value)
	if err != nil {
		return nil, err
	}
	found.Dest = d
	return &found, nil
}

// eachDestination calls f for every destination, in the order of their tenants
// and names.
func eachDestination(tx *bolt.Tx, f func(*destination) error) error {
	return tx.Bucket(destsBucket).ForEach(func(key, value []byte) error {
		value, err := checked(destsBucket, key, value)
		if err != nil {
			return err
		}
		d, err := decodeDestination(value)
		if err != nil {
			return err
		}
		tenant, name, _ := bytes.Cut(key, []byte{0})
		d.Dest = queue.Dest{Tenant: string(tenant), Name: string(name)}
		return f(&d)
	})
}

// appendDestination appends a record: version, number, backlog, dead, state.
func appendDestination(dst []byte, d *destination) []byte {
	dst = append(dst, destVersion)
	dst = binary.AppendUvarint(dst, uint64(d.num))
	dst = binary.AppendUvarint(dst, uint64(max(d.backlog, 0)))
	dst = binary.AppendUvarint(dst, uint64(max(d.dead, 0)))
	return codec.AppendState(dst, &d.state)
}

func decodeDestination(b []byte) (destination, error) {
	r := codec.Reader{Rest: b}
	r.Version(destVersion)
	d := destination{num: uint32(r.Uvarint()), backlog: r.Count(), dead: r.Count()}
	if r.Err != nil {
		return destination{}, fmt.Errorf("decoding destination: %w", r.Err)
	}
	var err error
	d.state, err = codec.DecodeState(r.Rest)
	return d, err
}
