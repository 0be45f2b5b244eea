// Package attack holds tests that do to a real edge what an attacker would, on
// both queues. In their short form they run with all others; LEADGATE_ATTACK=long
// is the form that the figures of docs/security.md are of:
//
//	LEADGATE_ATTACK=long go test -v -timeout 30m ./internal/attack
package attack
