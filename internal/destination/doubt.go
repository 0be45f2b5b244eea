package destination

// InDoubt says what is done with events in doubt: a request with them left, and nothing
// that was stored says whether it arrived. An edge died before it kept the answer, lost
// the right to drain, or no answer came.
type InDoubt uint8

// What is done with events in doubt.
const (
	// Unnoted is for a destination that can tell what it gets twice: nothing is noted
	// before it is sent, so that nobody knows what is in doubt, and it is sent again.
	Unnoted InDoubt = iota
	SendAgain
	Bury // they become dead letters, for Unconfirmed
)

// Unconfirmed is why what is in doubt became a dead letter.
const Unconfirmed = "unconfirmed"
