// Package pages reads a bbolt file without bbolt: by reading, not by a memory map, and
// believing nothing that stands in it. Bbolt itself has a checksum of its meta pages
// alone; what else is damaged it finds by panics and faults, some of them in goroutines
// where nobody can catch them. So a file is looked at here before bbolt opens it, and
// saved from here if bbolt can't.
//
// Begin with [Open], then [File.Walk] goes through all that can be reached, and
// [File.Scan] through all leaves that lie anywhere in the file. Damage is handed to the
// caller, who stops or goes on.
//
// The format is that of bbolt 1.3 to 1.5 (internal/common/page.go, meta.go): pages with a
// head of 16 bytes, and behind it elements whose keys and values lie one behind the other.
package pages

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

const (
	headSize = 16
	metaSize = 64

	branchFlag = 0x01
	leafFlag   = 0x02
	metaFlag   = 0x04

	bucketFlag = 0x01 // of an element: its value is a bucket

	magic   = 0xED0CDAED
	version = 2
)

// order is the machine's, as bbolt writes.
var order = binary.NativeEndian

// Meta is what a meta page says.
type Meta struct {
	PageSize int
	Root     uint64 // the page of the root bucket
	High     uint64 // no page has this number or a higher one
	Txid     uint64
}

// File is a bbolt file of which at least one meta page is whole.
type File struct {
	Meta      // the newest one
	r         io.ReaderAt
	size      int64
	metas     [2]*Meta
	metaErrs  [2]error
	only      string   // the bucket that is walked; "" for all
	reachable []uint64 // a bit for each page that a walk was at
}

// Open reads the meta pages of a file of so many bytes, whose pages have pageSize bytes
// unless it says otherwise. The error is that neither is whole.
func Open(r io.ReaderAt, size int64, pageSize int) (*File, error) {
	f := &File{r: r, size: size}
	f.metas[0], f.metaErrs[0] = readMeta(r, 0, 0)
	if f.metas[0] != nil {
		pageSize = f.metas[0].PageSize
	}
	f.metas[1], f.metaErrs[1] = readMeta(r, int64(pageSize), 1)
	for _, m := range f.metas {
		if m != nil && (f.PageSize == 0 || m.Txid > f.Txid) {
			f.Meta = *m
		}
	}
	if f.PageSize == 0 {
		return nil, fmt.Errorf("neither of its two meta pages can be read: page 0: %w; page 1: %w", f.metaErrs[0], f.metaErrs[1])
	}
	return f, nil
}

// Whole reports what is wrong with the meta pages, and with the file's length. Both meta
// pages must be whole, and of two commits one behind the other: with the newest one damaged
// bbolt would go on from the commit before.
func (f *File) Whole() error {
	for i, err := range f.metaErrs {
		if err != nil {
			return fmt.Errorf("page %d: %w", i, err)
		}
	}
	if a, b := f.metas[0].Txid, f.metas[1].Txid; a != b+1 && b != a+1 {
		return fmt.Errorf("its meta pages are of commits %d and %d, which don't follow each other", a, b)
	}
	if need := int64(f.High) * int64(f.PageSize); f.size < need {
		return fmt.Errorf("it is cut: it has %d bytes of %d", f.size, need)
	}
	return nil
}

func readMeta(r io.ReaderAt, at int64, number uint64) (*Meta, error) {
	var b [headSize + metaSize]byte
	if _, err := r.ReadAt(b[:], at); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("the file ends before it")
		}
		return nil, err
	}
	meta := b[headSize:]
	sum := fnv.New64a()
	_, _ = sum.Write(meta[:metaSize-8])
	m := &Meta{
		PageSize: int(order.Uint32(meta[8:])), Root: order.Uint64(meta[16:]),
		High: order.Uint64(meta[40:]), Txid: order.Uint64(meta[48:]),
	}
	switch {
	case order.Uint64(b[:]) != number || order.Uint16(b[8:]) != metaFlag:
		return nil, errors.New("it is no meta page")
	case order.Uint32(meta) != magic || order.Uint32(meta[4:]) != version:
		return nil, errors.New("it is no meta page of bbolt")
	case order.Uint64(meta[metaSize-8:]) != sum.Sum64():
		return nil, errors.New("its checksum is wrong")
	case m.PageSize < 1<<10 || m.PageSize > 1<<16 || m.PageSize&(m.PageSize-1) != 0:
		return nil, fmt.Errorf("it says that pages have %d bytes", m.PageSize)
	}
	return m, nil
}
