package google

import (
	"sync"
	"time"
)

// seconds are which conversion of a click has which second: to Google two of one second
// are one. It knows those that this process sent lately; of others Google says so later,
// and they are shifted then.
type seconds struct {
	mu         sync.Mutex
	fresh, old map[second]string // to the transaction id
	since      time.Time
}

type second struct {
	click string
	at    int64
}

// How much is remembered.
const (
	mostSeconds = 50_000
	keptFor     = time.Hour
)

// take has an event have the first second of its click, from one until another, that no other
// event has; not ok where there is none.
func (s *seconds) take(click string, from, until int64, id string, now time.Time) (at int64, ok bool) {
	if click == "" {
		return from, true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := second{click, from}
	for ; s.others(key, id); key.at++ {
		if key.at >= until {
			return 0, false
		}
	}
	if s.fresh == nil || len(s.fresh) >= mostSeconds || now.Sub(s.since) > keptFor {
		s.old, s.fresh, s.since = s.fresh, make(map[second]string), now
	}
	s.fresh[key] = id
	return key.at, true
}

// others reports whether a second is another event's.
func (s *seconds) others(key second, id string) bool {
	has, ok := s.fresh[key]
	if !ok {
		has, ok = s.old[key]
	}
	return ok && has != id
}

// said is what was said lately, so that a line does not fill the log.
type said struct {
	mu sync.Mutex
	at map[string]time.Time
}

const mostSaid = 256 // reasons are Google's words

// first reports whether something was not said for a while, and notes that it is now.
func (s *said) first(what string, every time.Duration, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, ok := s.at[what]; ok && now.Sub(at) < every {
		return false
	}
	if s.at == nil || len(s.at) >= mostSaid {
		s.at = make(map[string]time.Time)
	}
	s.at[what] = now
	return true
}
