package intake

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
)

// Place is which leadgate block it is, over reloads and restarts: the one of this
// provider behind these matchers (host, path and all others) of a server that
// listens there. Another tenant, match, destination or secret makes it no other
// block; another address does, since what was posted to one address is not to be
// routed by the block of another.
type Place struct {
	ID    string // of 16 hex digits
	Shown string // provider, host and path, as far as the matchers tell them
}

// NewPlace is the place of a provider's block. server is where its server listens,
// through the matchers on the way to it as JSON, the outermost first.
func NewPlace(provider, server string, through []string) Place {
	sum := sha256.Sum256([]byte(provider + "\n" + server + "\n" + strings.Join(through, "\n")))
	return Place{ID: hex.EncodeToString(sum[:8]), Shown: provider + " " + shownAddress(through)}
}

// shownAddress is the first host and the last path that matchers name.
func shownAddress(through []string) string {
	host, path := "", ""
	for _, text := range through {
		var set struct{ Host, Path []string }
		if json.Unmarshal([]byte(text), &set) != nil {
			continue
		}
		if len(set.Host) > 0 && host == "" {
			host = set.Host[0]
		}
		if len(set.Path) > 0 {
			path = set.Path[0]
		}
	}
	if host+path == "" {
		return "of no path"
	}
	return host + path
}
