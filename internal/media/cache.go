package media

import (
	"sync"
	"time"
)

// How long a url counts as alive, of the five minutes that Meta gives it, and
// how many are kept.
const (
	urlAge   = 4 * time.Minute
	maxKnown = 10_000
)

// cache keeps what the Graph API said of media while their urls live. The
// zero value is empty.
type cache struct {
	mu    sync.Mutex
	known map[string]entry
	order []expiry // oldest first
}

type entry struct {
	medium  *medium
	expires time.Time
}

type expiry struct {
	id      string
	expires time.Time
}

// get returns what is known of an id, nil if nothing is.
func (c *cache) get(id string, now time.Time) *medium {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, ok := c.known[id]
	if !ok || !now.Before(k.expires) {
		return nil
	}
	return k.medium
}

// put keeps a medium, and forgets those that have expired or are too many.
func (c *cache) put(id string, m *medium, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil {
		c.known = make(map[string]entry)
	}
	expires := now.Add(urlAge)
	c.known[id] = entry{m, expires}
	c.order = append(c.order, expiry{id, expires})
	gone := 0
	for gone < len(c.order) && (len(c.order)-gone > maxKnown || !now.Before(c.order[gone].expires)) {
		// An id that was put again has a later entry of its own.
		if old := c.order[gone]; c.known[old.id].expires.Equal(old.expires) {
			delete(c.known, old.id)
		}
		gone++
	}
	c.order = c.order[gone:] // append moves the rest when the array is full
}

// drop forgets an id, whose url is dead.
func (c *cache) drop(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.known, id)
}
