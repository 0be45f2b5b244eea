package view

// The bounds of what a view keeps in memory.
const (
	MaxAhead      = 512      // events read ahead at a time, and ready at most
	smallestRead  = 64 << 10 // bytes
	maxFailed     = 100_000  // events of a destination that wait for a retry
	maxTracked    = 1 << 20  // events of a destination that wait for a retry or behind one
	allTracked    = 2 << 20  // the same of all destinations together
	alwaysTracked = 4096     // what a destination may track whatever the others do
)

// window is how much of a queue is in memory, and may be.
type window struct {
	bytes       int // of payloads not in flight
	maxBytes    int
	maxEntries  int
	meanPayload int // bytes
}

// SetWindow sets how many bytes of payloads may wait in memory.
func (v *View) SetWindow(bytes int) {
	if bytes != v.window.maxBytes {
		v.window.maxBytes = bytes
		v.window.maxEntries = min(max(bytes/4096, 16), MaxAhead)
	}
}

// MayRead reports whether there may be more to read, and room for it.
func (v *View) MayRead() bool {
	if v.exhausted || v.window.bytes >= v.window.maxBytes || v.Failing() >= maxFailed {
		return false
	}
	return v.tracked < alwaysTracked || v.tracked < maxTracked && v.all.Load() < allTracked
}

// Low reports whether what is ready will soon not keep the senders busy.
func (v *View) Low() bool {
	if v.settings.Batch > 1 {
		return v.ready.Len() < v.settings.Batch
	}
	return v.ready.Len() < max(4*v.settings.Concurrency, v.window.maxEntries/4)
}
