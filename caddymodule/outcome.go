package caddymodule

import "net/http"

// OutcomeHeader is in every answer of a leadgate block, and says what became of
// the webhook: queued, duplicate, empty, unmatched, handshake, inline or refused.
// What answers without it is not Leadgate: Caddy says 200 to a path that nothing
// handles.
const OutcomeHeader = "Leadgate-Outcome"

// outcome is a value of the header. Of a webhook with several tenants' events the
// greatest is said.
type outcome uint8

const (
	outcomeRefused outcome = iota
	outcomeHandshake
	outcomeInline
	outcomeEmpty // no event, or none that a destination wants
	outcomeDuplicate
	outcomeUnmatched
	outcomeQueued
)

// outcomes are the values as they stand in a header, so that an answer allocates none.
var outcomes = [...][]string{
	outcomeRefused: {"refused"}, outcomeHandshake: {"handshake"}, outcomeInline: {"inline"}, outcomeEmpty: {"empty"},
	outcomeDuplicate: {"duplicate"}, outcomeUnmatched: {"unmatched"}, outcomeQueued: {"queued"},
}

func (o outcome) String() string { return outcomes[o][0] }

// say puts the header into an answer.
func (o outcome) say(w http.ResponseWriter) { w.Header()[OutcomeHeader] = outcomes[o] }
