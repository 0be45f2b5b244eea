package destination

import (
	"encoding/json"

	"github.com/leadgate/leadgate/internal/queue"
)

// Tally is the row of figures, in the counters of an entry's tenant, to which
// what becomes of the entry is added. It stands in the Header.Meta of entries for
// a dataset.
type Tally struct {
	Day int64  `json:"day"` // as in queue.Counter
	Key string `json:"key"` // likewise: the ad's id
}

// Meta is the Header.Meta of an entry that has nothing else there.
func (t Tally) Meta() []byte {
	b, err := json.Marshal(Tallied{&t})
	if err != nil {
		panic(err) // a number and a string
	}
	return b
}

// Tallied is the part of a Header.Meta that says its tally; kinds embed it in
// what else they keep there.
type Tallied struct {
	Tally *Tally `json:"tally,omitempty"`
}

// TallyOf reads an entry's tally, nil if it has none.
func TallyOf(h *queue.Header) *Tally {
	if h.Format != queue.FormatConversion || len(h.Meta) == 0 {
		return nil
	}
	var m Tallied
	if json.Unmarshal(h.Meta, &m) != nil {
		return nil
	}
	return m.Tally
}
