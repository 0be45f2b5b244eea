package redis

import "strings"

// idLength is how many hex digits identities and nonces have.
const idLength = 16

// family and self are what tokens of this edge, and of this process, begin with; both
// are empty where the edge has no identity.
//
// A token is 48 hex digits: the edge's, the process's, and a nonce; or a nonce alone. To
// an edge that does not read it so, it is a word as good as any. Who has an identity
// knows that every other process of it is dead, see package identity, and takes what
// stands under such a process's token without waiting for it to end.
func (c *Config) family() string {
	if len(c.Edge) != idLength || len(c.Process) != idLength {
		return ""
	}
	return c.Edge
}

func (c *Config) self() string {
	if c.family() == "" {
		return ""
	}
	return c.Edge + c.Process
}

// newToken is a token of this process that nobody else has.
func (c *Config) newToken() string { return c.self() + nonce() }

// isDead reports whether a token is of a process that is known to be dead. lease.lua
// asks the same.
func (c *Config) isDead(token string) bool {
	return c.family() != "" && strings.HasPrefix(token, c.family()) && !strings.HasPrefix(token, c.self())
}
