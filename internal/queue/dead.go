package queue

// Reason is why something became a dead letter.
type Reason struct {
	Reason      string // a word or a short sentence: overflow, expired, "404 Not Found"
	Code        string // the HTTP status, or Meta's code/subcode; "" if none
	Explanation string // what it means and what to do
}

// Death moves an entry to the dead letters.
type Death struct {
	Pos      Pos
	Attempts int
	FirstAt  int64 // ms, 0 if it was never tried
	Reason
}

// DeadLetter is an event that a destination refused for good.
type DeadLetter struct {
	ID       string // unique in the store; orders by time within a destination
	Dest     Dest
	Attempts int
	FirstAt  int64
	DiedAt   int64
	Reason
	Header  Header
	Payload []byte
}

// DeadFilter selects dead letters. The zero value selects all.
type DeadFilter struct {
	Tenant      string // "" = all, and what is no tenant's
	Destination string // "" = all
	IDs         []string
	Reason      string // "" = all
	Since       int64  // died at or after, ms
	After       string // an ID; list what comes after it (newest first). ErrInvalid if it can be none
	Limit       int    // 0 = no limit
	Bytes       int    // list no more after the letter with which payloads are larger than this; 0 = no limit
	Bare        bool   // list without payloads
}

// Of reports whether the filter means letters of this destination.
func (f *DeadFilter) Of(d Dest) bool {
	return (f.Tenant == "" || f.Tenant == d.Tenant) && (f.Destination == "" || f.Destination == d.Name)
}
