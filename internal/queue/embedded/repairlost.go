package embedded

import (
	"maps"
	"strings"
)

// lose notes an entry or a dead letter that was there and cannot be read, or an alias.
func (r *repair) lose(bucket, key []byte) {
	r.unnamed = r.unnamed || string(bucket) == string(aliasBucket)
	if kind, _ := kindOf(bucket); kind == entryBucket || kind == deadBucket {
		r.lost[string(bucket)+string(key)] = true
	}
}

// regain notes that a record was written anew or removed later, so that it is not lost; all
// of a bucket where there is no key.
func (r *repair) regain(bucket, key []byte) {
	if key != nil {
		delete(r.lost, string(bucket)+string(key))
		return
	}
	maps.DeleteFunc(r.lost, func(name string, _ bool) bool { return strings.HasPrefix(name, string(bucket)) })
}

// lostOf is how many records of a destination are lost.
func (r *repair) lostOf(num uint32) (n int) {
	for name := range r.lost {
		if _, of := kindOf([]byte(name[:5])); of == num {
			n++
		}
	}
	return n
}
