// Package heap keeps Go's collector from running too often for a small process,
// and gives memory back when a burst is over. Both are of the whole process,
// whatever else runs in it: [HoldBallast] from its first call on, a [Trimmer] from
// its start to its stop. It knows nothing of Leadgate.
package heap

import "sync/atomic"

// ballastSize is how much ballast there is, in bytes.
const ballastSize = 16 << 20

var ballast atomic.Pointer[[ballastSize]byte]

// HoldBallast allocates memory that is never touched, and so never resident, and
// keeps it until the process ends. An edge's live heap is about 10 MB, so that Go's
// collector would run each time that another 10 MB were allocated, up to forty times
// a second under load: 12 % of the CPU. With ballast it runs each time that another
// 26 MB were. GOGC and GOMEMLIMIT still say what they say; this only lifts the floor
// that GOGC is reckoned from.
func HoldBallast() {
	if ballast.Load() == nil {
		ballast.CompareAndSwap(nil, new([ballastSize]byte))
	}
}

// held is how much ballast is held, in bytes.
func held() uint64 {
	if ballast.Load() == nil {
		return 0
	}
	return ballastSize
}
