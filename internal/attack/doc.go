// Package attack holds tests that do to a real edge what an attacker would, on
// both queues. In their short form they run with all others; LEADGATE_ATTACK=long
// is the form for a desk, with other bodies each time:
//
//	LEADGATE_ATTACK=long go test -v -timeout 60m ./internal/attack
package attack
