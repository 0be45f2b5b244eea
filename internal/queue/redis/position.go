package redis

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/leadgate/leadgate/internal/queue"
)

// streamID and parseStreamID turn positions into Redis stream ids and back.
func streamID(p queue.Pos) string {
	return strconv.FormatUint(p.Ms, 10) + "-" + strconv.FormatUint(p.Seq, 10)
}

func parseStreamID(s string) (queue.Pos, error) {
	ms, seq, ok := strings.Cut(s, "-")
	m, err1 := strconv.ParseUint(ms, 10, 64)
	n, err2 := strconv.ParseUint(seq, 10, 64)
	if !ok || err1 != nil || err2 != nil {
		return queue.Pos{}, fmt.Errorf("reading stream id: %q is none", s)
	}
	return queue.Pos{Ms: m, Seq: n}, nil
}

// An entry's position is its stream id, and in the last bits of Seq its number in its
// bundle, from 1; 0 = it is in none. Redis counts Seq from 0 in each millisecond, so
// there is room.
const partBits = 8

func entryPos(id queue.Pos, part int) queue.Pos {
	return queue.Pos{Ms: id.Ms, Seq: id.Seq<<partBits | uint64(part)}
}

// entryOf takes an entry's position apart: its stream id, and its number in its bundle.
func entryOf(p queue.Pos) (id queue.Pos, part int) {
	return queue.Pos{Ms: p.Ms, Seq: p.Seq >> partBits}, int(p.Seq & (1<<partBits - 1))
}

// retryField and parseRetryField name entries in the hash of retries.
func retryField(p queue.Pos) string {
	id, part := entryOf(p)
	if part == 0 {
		return streamID(id)
	}
	return streamID(id) + "-" + strconv.Itoa(part)
}

func parseRetryField(s string) (queue.Pos, error) {
	if strings.Count(s, "-") < 2 {
		id, err := parseStreamID(s)
		return entryPos(id, 0), err
	}
	i := strings.LastIndexByte(s, '-')
	id, err := parseStreamID(s[:i])
	part, partErr := strconv.ParseUint(s[i+1:], 10, partBits)
	if err == nil && partErr != nil {
		err = fmt.Errorf("reading entry: %q is none", s)
	}
	return entryPos(id, int(part)), err
}

// deadID and parseDeadID name dead letters: the length of the tenant's name, since
// names may hold dots, the tenant, the destination and the stream id, the latter
// in hex of a fixed width. No shell expands such an id, and no flag begins like it.
func deadID(d queue.Dest, p queue.Pos) string {
	return fmt.Sprintf("%d.%s.%s.%012x%08x", len(d.Tenant), d.Tenant, d.Name, p.Ms, p.Seq)
}

func parseDeadID(id string) (d queue.Dest, p queue.Pos, ok bool) {
	count, rest, _ := strings.Cut(id, ".")
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n >= len(rest) || rest[n] != '.' {
		return queue.Dest{}, queue.Pos{}, false
	}
	tenant, rest := rest[:n], rest[n+1:]
	dot := strings.LastIndexByte(rest, '.')
	if dot < 0 || len(rest)-dot-1 < 20 {
		return queue.Dest{}, queue.Pos{}, false
	}
	pos := rest[dot+1:]
	ms, err1 := strconv.ParseUint(pos[:12], 16, 64)
	seq, err2 := strconv.ParseUint(pos[12:], 16, 64)
	return queue.Dest{Tenant: tenant, Name: rest[:dot]}, queue.Pos{Ms: ms, Seq: seq}, err1 == nil && err2 == nil
}
