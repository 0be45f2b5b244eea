package pages

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// page is one that was read, with those that it overflows into.
type page struct {
	leaf  bool
	elems []Elem
}

// Elem is an element of a page: a key with its value, or with the page below it.
type Elem struct {
	Key, Value []byte
	bucket     bool
	child      uint64
}

// read reads a page and checks all that can be checked of it alone.
func (f *File) read(id uint64) (*page, error) {
	if id < 2 || id >= f.High {
		return nil, fmt.Errorf("there is no page %d", id)
	}
	b := make([]byte, f.PageSize)
	if err := f.readAt(b, id); err != nil {
		return nil, err
	}
	if got := order.Uint64(b); got != id {
		return nil, fmt.Errorf("it is no page: it says that it is page %d", got)
	}
	if more := uint64(order.Uint32(b[12:])); more > 0 {
		if more >= f.High-id {
			return nil, errors.New("it goes beyond the last page")
		}
		b = append(b, make([]byte, more*uint64(f.PageSize))...)
		if err := f.readAt(b[f.PageSize:], id+1); err != nil {
			return nil, err
		}
	}
	return parse(b)
}

func (f *File) readAt(b []byte, id uint64) error {
	if _, err := f.r.ReadAt(b, int64(id)*int64(f.PageSize)); err != nil {
		if errors.Is(err, io.EOF) {
			return errors.New("the file ends before it")
		}
		return err
	}
	return nil
}

// parse reads a branch or a leaf. Bbolt writes the elements, then each one's key and value
// right behind those of the one before: anything else is damage.
func parse(b []byte) (*page, error) {
	if len(b) < headSize {
		return nil, errors.New("it is too short")
	}
	p := &page{}
	switch flags := order.Uint16(b[8:]); flags {
	case leafFlag:
		p.leaf = true
	case branchFlag:
	default:
		return nil, fmt.Errorf("it is neither branch nor leaf (%#x)", flags)
	}
	const elemSize = 16 // of both kinds
	count := int(order.Uint16(b[10:]))
	next := headSize + count*elemSize
	if next > len(b) {
		return nil, fmt.Errorf("it cannot hold %d elements", count)
	}
	p.elems = make([]Elem, count)
	for i := range p.elems {
		at := headSize + i*elemSize
		var pos, ksize, vsize int
		e := &p.elems[i]
		if p.leaf {
			pos, ksize, vsize = int(order.Uint32(b[at+4:])), int(order.Uint32(b[at+8:])), int(order.Uint32(b[at+12:]))
			flags := order.Uint32(b[at:])
			if e.bucket = flags == bucketFlag; flags&^bucketFlag != 0 {
				return nil, fmt.Errorf("element %d has unknown flags %#x", i, flags)
			}
		} else {
			pos, ksize, e.child = int(order.Uint32(b[at:])), int(order.Uint32(b[at+4:])), order.Uint64(b[at+8:])
		}
		switch {
		case at+pos != next:
			return nil, fmt.Errorf("element %d does not begin where the one before ends", i)
		case ksize == 0 || ksize > len(b)-next || vsize > len(b)-next-ksize:
			return nil, fmt.Errorf("element %d goes beyond the page", i)
		}
		e.Key, e.Value = b[next:next+ksize:next+ksize], b[next+ksize:next+ksize+vsize:next+ksize+vsize]
		next += ksize + vsize
		if i > 0 && bytes.Compare(p.elems[i-1].Key, e.Key) >= 0 {
			return nil, fmt.Errorf("the keys of elements %d and %d are not in order", i-1, i)
		}
	}
	return p, nil
}
