package intake

import (
	"hash/maphash"
	"sync"
)

// SeenClicks remembers which click ids were written to the log, so that each is once,
// whatever else it comes with: it is said again by what Meta detects in the chat, and by a
// message of the same click. The zero value remembers none.
type SeenClicks struct {
	mu            sync.Mutex
	recent, older map[uint64]struct{}
}

// maxSeenClicks is how many are remembered at least, of the latest; some 16 bytes each.
const maxSeenClicks = 1 << 14

var clickSeed = maphash.MakeSeed()

// first reports whether a click id of a tenant was not seen before.
func (s *SeenClicks) first(tenant, clid string) bool {
	if s == nil {
		return true
	}
	key := maphash.Comparable(clickSeed, [2]string{tenant, clid})
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.recent[key]; ok {
		return false
	}
	_, ok := s.older[key]
	if s.recent == nil || len(s.recent) >= maxSeenClicks {
		s.recent, s.older = make(map[uint64]struct{}), s.recent
	}
	s.recent[key] = struct{}{}
	return !ok
}
