package caddymodule

import (
	"sync"
	"time"
)

// How long a url counts as alive, of the five minutes that Meta gives it, and
// how many are kept.
const (
	mediaURLAge   = 4 * time.Minute
	maxMediaKnown = 10_000
)

// mediaCache keeps what the Graph API said of media while their urls live. The
// zero value is empty.
type mediaCache struct {
	mu    sync.Mutex
	known map[string]knownMedia
	order []mediaExpiry // oldest first
}

type knownMedia struct {
	media   *media
	expires time.Time
}

type mediaExpiry struct {
	id      string
	expires time.Time
}

// get returns what is known of an id, nil if nothing is.
func (c *mediaCache) get(id string, now time.Time) *media {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, ok := c.known[id]
	if !ok || !now.Before(k.expires) {
		return nil
	}
	return k.media
}

// put keeps a medium, and forgets those that have expired or are too many.
func (c *mediaCache) put(id string, m *media, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil {
		c.known = make(map[string]knownMedia)
	}
	expires := now.Add(mediaURLAge)
	c.known[id] = knownMedia{m, expires}
	c.order = append(c.order, mediaExpiry{id, expires})
	gone := 0
	for gone < len(c.order) && (len(c.order)-gone > maxMediaKnown || !now.Before(c.order[gone].expires)) {
		// An id that was put again has a later entry of its own.
		if old := c.order[gone]; c.known[old.id].expires.Equal(old.expires) {
			delete(c.known, old.id)
		}
		gone++
	}
	c.order = c.order[gone:] // append moves the rest when the array is full
}

// drop forgets an id, whose url is dead.
func (c *mediaCache) drop(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.known, id)
}
