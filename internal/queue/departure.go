package queue

// Departure is the note, durable before a request leaves, that entries are on their way
// to where they cannot be told from what came before. What stands in a departure and is
// still in the queue is in doubt: it may have arrived.
type Departure struct {
	ID      string
	At      int64 // ms
	Entries []Pos // some may be gone: they are settled
}
