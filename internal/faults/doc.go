// Package faults holds the fault suite: an edge as a real process, senders that
// repeat each webhook until it gets its 200, a sink that counts by event id, and
// everything that goes wrong in production in between. It prints one table; what
// its rows mean, and the table of a long run, is in docs/faults.md.
//
// LEADGATE_FAULTS=long go test -v -count=1 -timeout 60m ./internal/faults runs the
// long form, at least 2000 acknowledged webhooks in each scenario.
package faults
