package embedded

import (
	"fmt"
	"os"

	bolt "go.etcd.io/bbolt"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/embedded/disk"
)

// Deletes need pages too: bbolt never writes over a page in use. So the file
// always has some that its disk has already given: appends must leave this
// much, deletes may use it. A full store can so be drained, on a full disk and
// after a restart.
const (
	spaceReserve = 3 << 20 // what appends leave
	spaceStep    = 1 << 20 // asked of the disk at a time, while it has it
)

// space knows how far the file's blocks are really there.
type space struct {
	file *os.File
	end  int64 // up to here the disk has given blocks; 0 = not known yet
	give func(f *os.File, from, to int64) error
}

func (s *space) attach(f *os.File) {
	s.file, s.end = f, 0
	if s.give == nil {
		s.give = disk.Allocate
	}
}

// room makes sure that a transaction which brings need bytes leaves the
// reserve: need are the bytes that all of the transaction may take so far,
// nodes the pages that it has changed. The writer alone calls it.
func (s *space) room(db *bolt.DB, tx *bolt.Tx, need int64, nodes int) error {
	used := tx.Size()
	s.end = max(s.end, used)
	// What the last transaction freed is free by now, since no reader holds it.
	// The pages that were changed go there; so do large values, if they find a
	// gap, on which nothing is built.
	free := freePages(db) * pageSize
	need += max(int64(nodes)*pageSize-free, 0) + 512<<10
	want := used + need + spaceReserve
	if want <= s.end {
		return nil
	}
	err := s.give(s.file, s.end, want+spaceStep)
	if err == nil {
		s.end = want + spaceStep
		return nil
	}
	if disk.IsFull(err) {
		if err = s.give(s.file, s.end, want); err == nil {
			s.end = want
			return nil
		}
	}
	if !disk.IsFull(err) {
		// A file system that can't: then the write itself shows what is wrong.
		return nil
	}
	// The disk gives no more. What was drained lies free within the file.
	if free+s.end-used >= 2*need+spaceReserve {
		return nil
	}
	return fmt.Errorf("%w: %w", queue.ErrFull, err)
}

// left is how much the transaction may write by the blocks that are there.
func (s *space) left(db *bolt.DB, tx *bolt.Tx) int64 {
	return max(s.end-tx.Size(), 0) + freePages(db)*pageSize
}

// groupSize is about what a group takes on disk, at worst.
func groupSize(g *queue.Group) int64 {
	size := int64(64 + 256*len(g.Counters))
	for i := range g.Events {
		size += 64
		for k := range g.Events[i].Clicks {
			size += 3*int64(len(g.Events[i].Clicks[k].Data)) + 512
		}
		if ev := &g.Events[i]; ev.Claim != "" {
			size += 2048 + 64*int64(len(ev.Aliases)+len(ev.Former))
		}
	}
	for i := range g.Notes {
		size += 1024 + int64(len(g.Notes[i].Data)+len(g.Notes[i].Outcome))
	}
	for i := range g.Payloads {
		size += onPages(int64(len(g.Payloads[i])) + 256)
	}
	return size + int64(len(g.Jobs))*512
}

// onPages is what a record of n bytes takes in the file: a small one shares its
// page, of which the end is left free.
func onPages(n int64) int64 {
	if n <= pageSize/4 {
		return n + n/4
	}
	return (n + pageSize - 1) / pageSize * pageSize
}
