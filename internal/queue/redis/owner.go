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
func (cfg *Config) family() string {
	if len(cfg.Edge) != idLength || len(cfg.Process) != idLength {
		return ""
	}
	return cfg.Edge
}

func (cfg *Config) self() string {
	if cfg.family() == "" {
		return ""
	}
	return cfg.Edge + cfg.Process
}

// newToken is a token of this process that nobody else has.
func (cfg *Config) newToken() string { return cfg.self() + nonce() }

// isDead reports whether a token is of a process that is known to be dead. lease.lua
// asks the same.
func (cfg *Config) isDead(token string) bool {
	return cfg.family() != "" && strings.HasPrefix(token, cfg.family()) && !strings.HasPrefix(token, cfg.self())
}
