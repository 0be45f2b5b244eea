package intake

import "net/http"

// OutcomeHeader is in every answer of a leadgate block, and says what became of
// the webhook: queued, duplicate, empty, unmatched, handshake, inline or refused.
// What answers without it is not Leadgate: Caddy says 200 to a path that nothing
// handles.
const OutcomeHeader = "Leadgate-Outcome"

// Outcome is a value of [OutcomeHeader]. Of a webhook with several tenants' events
// the greatest is said.
type Outcome uint8

// The outcomes.
const (
	Refused Outcome = iota
	Handshake
	Inline
	Empty // no event, or none that a destination wants
	Duplicate
	Unmatched
	Queued
)

// outcomes are the values as they stand in a header, so that an answer allocates none.
var outcomes = [...][]string{
	Refused: {"refused"}, Handshake: {"handshake"}, Inline: {"inline"}, Empty: {"empty"},
	Duplicate: {"duplicate"}, Unmatched: {"unmatched"}, Queued: {"queued"},
}

// String is the outcome as it stands in the header and in metrics.
func (o Outcome) String() string { return outcomes[o][0] }

// Say puts the header into an answer.
func (o Outcome) Say(w http.ResponseWriter) { w.Header()[OutcomeHeader] = outcomes[o] }
