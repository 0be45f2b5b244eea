package pages

import "io"

// Any is a file of which no meta page is whole: it has no root, but may have leaves and
// what was a root once.
func Any(r io.ReaderAt, size int64, pageSize int) *File {
	return &File{Meta: Meta{PageSize: pageSize, High: uint64(size) / uint64(pageSize)}, r: r, size: size}
}

// At is the file with another page as its root.
func (f *File) At(root uint64) *File {
	at := &File{Meta: f.Meta, r: f.r, size: f.size}
	at.Root, at.High = root, max(f.High, uint64(f.size)/uint64(f.PageSize))
	return at
}

// Roots are the pages, of this commit and of earlier ones, that are or were the list of
// all buckets: one leaf, in which a bucket of that name stands.
func (f *File) Roots(bucket string) (roots []uint64) {
	all := f.At(0)
	for id := uint64(2); id < all.High; id++ {
		p, err := all.read(id)
		if err != nil || !p.leaf {
			continue
		}
		for i := range p.elems {
			if e := &p.elems[i]; e.bucket && string(e.Key) == bucket {
				roots = append(roots, id)
				break
			}
		}
	}
	return roots
}
