package queue

import (
	"errors"
	"fmt"
	"strings"
)

// Fact is an answer of others that is worth keeping for a while: what an ad is called, say.
// It may be lost without harm: it can be asked for again.
type Fact struct {
	Group string // what is read together
	Key   string // within the group
	Data  []byte // empty: the fact is removed
	Till  int64  // ms; from then on it is gone
}

// The limits of facts.
const (
	MaxFacts = 20_000   // of a tenant's group
	MaxFact  = 64 << 10 // of a fact's Group, Key and Data, in bytes
)

// ErrTooManyFacts is of a group that would have more than MaxFacts.
var ErrTooManyFacts = fmt.Errorf("%w: more than %d facts of a kind are kept", ErrFull, MaxFacts)

// ValidateFacts says what no store takes.
func ValidateFacts(facts []Fact) error {
	for i := range facts {
		f := &facts[i]
		switch {
		case f.Group == "" || f.Key == "" || strings.Contains(f.Group, "\x00"):
			return errors.New("a fact is of no group, or has no key")
		case len(f.Group)+len(f.Key) > 1024 || len(f.Group)+len(f.Key)+len(f.Data) > MaxFact:
			return errors.New("a fact is longer than one can be")
		}
	}
	return nil
}
