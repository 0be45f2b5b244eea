package conversions

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/destination"
)

// What became of an item, as results say it.
const (
	Queued    = "queued"
	Duplicate = "duplicate" // it was queued before
	NoClick   = "no_click"  // its contact has no click that a ledger takes
	Invalid   = "invalid"
	Valid     = "valid" // of Check: nothing is wrong with it by itself
)

// Result is what became of an item.
type Result struct {
	Status  string          `json:"status"` // Queued, Duplicate, …
	EventID *string         `json:"eventId"`
	Click   json.RawMessage `json:"click"`
	Error   *string         `json:"error"`
	Fix     *string         `json:"fix"`
}

// Refuse says why an item was not taken, and what to do.
func (r *Result) Refuse(status, sentence, fix string) {
	r.Status, r.Error = status, &sentence
	if fix != "" {
		r.Fix = &fix
	}
}

// refuseFor says what an error finds wrong with an item.
func (r *Result) refuseFor(err error) {
	var i *invalid
	var refusal *destination.Refusal
	var meta *capi.Refusal
	switch {
	case errors.As(err, &i):
		r.Refuse(Invalid, i.text, i.fix)
	case errors.As(err, &refusal):
		r.Refuse(Invalid, refusal.What, refusal.Fix)
	case errors.As(err, &meta):
		r.Refuse(Invalid, meta.Field+": "+meta.Rule, meta.Fix)
	default:
		r.Refuse(Invalid, err.Error(), "")
	}
}

// invalid is why an item is refused: the field, the rule, and what to write.
type invalid struct{ text, fix string }

func (i *invalid) Error() string { return i.text }

func invalidf(fix, format string, args ...any) error {
	return &invalid{fmt.Sprintf(format, args...), fix}
}
