// Package heap keeps Go's collector from running too often for a small process,
// and gives memory back when a burst is over. Both are of the whole process,
// whatever else runs in it. It knows nothing of Leadgate.
package heap

import "sync"

// Ballast is 16 MB of memory that is never touched, and so never resident. An edge's live
// heap is about 10 MB, so that Go's collector would run each time that another
// 10 MB were allocated, up to forty times a second under load: 12 % of the CPU.
// With ballast it runs each time that another 26 MB were. GOGC and GOMEMLIMIT
// still say what they say; this only lifts the floor that GOGC is reckoned from.
var Ballast = sync.OnceValue(func() []byte { return make([]byte, 16<<20) })
