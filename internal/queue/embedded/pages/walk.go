package pages

import (
	"bytes"
	"errors"
	"fmt"
)

// Visitor is told what a walk finds. What it is lent is its to keep. An error of one of
// its methods ends the walk.
type Visitor interface {
	// Bucket begins a bucket, which has a sequence; its pairs follow, in order.
	Bucket(name []byte, sequence uint64) error
	Pair(bucket, key, value []byte) error
	// Bad is called for what cannot be read.
	Bad(Bad) error
}

// Bad is a part of the tree that cannot be read.
type Bad struct {
	Page   uint64
	Bucket []byte // nil in the root
	// Of the keys that are lost with it: the first may be at From, the end is before To.
	// Nil is no bound.
	From, To []byte
	Err      error
}

func (b Bad) Error() string {
	if b.Bucket == nil {
		return fmt.Sprintf("page %d, of the list of buckets: %s", b.Page, b.Err)
	}
	return fmt.Sprintf("page %d, of bucket %q: %s", b.Page, b.Bucket, b.Err)
}

// maxDepth is more than a tree of any file has.
const maxDepth = 32

// Walk goes through all buckets, which stand side by side.
func (f *File) Walk(v Visitor) error { return f.WalkOnly("", v) }

// WalkOnly goes through one bucket, or through all if its name is empty.
func (f *File) WalkOnly(bucket string, v Visitor) error {
	f.only = bucket
	f.reachable = make([]uint64, min(f.High, uint64(f.size)/uint64(f.PageSize)+2)/64+1)
	return f.tree(v, Bad{Page: f.Root}, 0)
}

// tree walks what lies below a page. at is where the walk is.
func (f *File) tree(v Visitor, at Bad, depth int) error {
	p, err := f.visit(at, depth)
	if err != nil {
		at.Err = err
		return v.Bad(at)
	}
	if p.leaf {
		return f.leaf(v, at, p)
	}
	for i := range p.elems {
		e, below := &p.elems[i], at
		below.Page, below.From = e.child, e.Key
		if i == 0 {
			below.From = at.From
		}
		if i+1 < len(p.elems) {
			below.To = p.elems[i+1].Key
		}
		if err := f.tree(v, below, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// visit reads a page that no walk was at yet.
func (f *File) visit(at Bad, depth int) (*page, error) {
	p, err := f.read(at.Page)
	if err != nil {
		return nil, err
	}
	word, bit := at.Page/64, uint64(1)<<(at.Page%64)
	switch {
	case depth > maxDepth:
		return nil, errors.New("the tree is too deep")
	case f.reachable[word]&bit != 0:
		return nil, errors.New("it stands in two places")
	case len(p.elems) == 0 && (!p.leaf || depth > 0):
		return nil, errors.New("it is empty")
	}
	f.reachable[word] |= bit
	if len(p.elems) > 0 && (at.From != nil && bytes.Compare(p.elems[0].Key, at.From) < 0 ||
		at.To != nil && bytes.Compare(p.elems[len(p.elems)-1].Key, at.To) >= 0) {
		return nil, errors.New("its keys are not those that belong there")
	}
	return p, nil
}

func (f *File) leaf(v Visitor, at Bad, p *page) error {
	for i := range p.elems {
		e := &p.elems[i]
		var err error
		switch {
		case at.Bucket == nil && e.bucket && f.only != "" && string(e.Key) != f.only:
		case at.Bucket == nil && e.bucket:
			err = f.bucket(v, at.Page, e)
		case at.Bucket != nil && !e.bucket:
			err = v.Pair(at.Bucket, e.Key, e.Value)
		default:
			at.Err = fmt.Errorf("element %d is none that belongs there", i)
			err = v.Bad(at)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// bucket walks the bucket of an element: in its value stand the page, 0 for one that lies
// in the value too, and the sequence.
func (f *File) bucket(v Visitor, page uint64, e *Elem) error {
	at := Bad{Page: page, Bucket: e.Key}
	if len(e.Value) < headSize {
		at.Err = errors.New("what it says of the bucket is cut")
		return v.Bad(at)
	}
	root, sequence := order.Uint64(e.Value), order.Uint64(e.Value[8:])
	if err := v.Bucket(e.Key, sequence); err != nil {
		return err
	}
	if root != 0 {
		at.Page = root
		return f.tree(v, at, 0)
	}
	p, err := parse(e.Value[headSize:])
	if err == nil && !p.leaf {
		err = errors.New("what lies in it is no leaf")
	}
	if err != nil {
		at.Err = err
		return v.Bad(at)
	}
	return f.leaf(v, at, p)
}

// Scan calls visit with the pairs of every leaf that lies anywhere in the file, in use
// once or now, and was not reached by the last walk. Which bucket they are of is not
// known.
func (f *File) Scan(visit func(page uint64, elems []Elem)) {
	last := uint64(f.size) / uint64(f.PageSize)
	for id := uint64(2); id < last; id++ {
		if word := id / 64; word < uint64(len(f.reachable)) && f.reachable[word]&(1<<(id%64)) != 0 {
			continue
		}
		high := f.High
		f.High = max(f.High, last)
		p, err := f.read(id)
		f.High = high
		if err == nil && p.leaf && len(p.elems) > 0 && !p.elems[0].bucket {
			visit(id, p.elems)
		}
	}
}
