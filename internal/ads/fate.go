package ads

import "strings"

// Fate is what became of a conversion. In a row of figures it is a field for each
// destination, which ends in the destination's name. Of a row's conversions
// queued + replayed - dead - reported wait.
type Fate string

// The fates.
const (
	FateQueued   Fate = "queued "   // counted by who queues it, in the same step
	FateReported Fate = "reported " // the destination has it
	FateDead     Fate = "dead "
	FateReplayed Fate = "replayed "
)

// Field is the name of a figure.
func (f Fate) Field(destination string) string { return string(f) + destination }

// cutFate takes a figure's name apart.
func cutFate(field string) (fate Fate, destination string, ok bool) {
	for _, f := range []Fate{FateQueued, FateReported, FateDead, FateReplayed} {
		if destination, ok = strings.CutPrefix(field, string(f)); ok {
			return f, destination, true
		}
	}
	return "", "", false
}
