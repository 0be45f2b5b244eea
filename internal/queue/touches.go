package queue

import (
	"bytes"
	"slices"
)

// Touches are a contact's clicks as durable stores keep them: from the oldest to the
// newest, and of each kind only these two.
type Touches []Click

// Add counts a click in. Of equal times the one that is added later is the newer.
func (t Touches) Add(c Click) Touches {
	at := len(t)
	for at > 0 && t[at-1].At > c.At {
		at--
	}
	t = slices.Insert(t, at, c)
	between, of := -1, 0
	for i := range t {
		if t[i].Kind != c.Kind {
			continue
		}
		if of++; of == 2 {
			between = i
		}
	}
	if of > 2 {
		t = slices.Delete(t, between, between+1)
	}
	return t
}

// Clicks are the touches as they are shown. The bytes are lent.
func (t Touches) Clicks() (c Clicks) {
	for i := range t {
		data, kind := t[i].Data, t[i].Kind
		if i == 0 {
			c.First = data
		}
		if c.Oldest[kind] == nil {
			c.Oldest[kind] = data
		}
		c.Last, c.Newest[kind] = data, data
	}
	return c
}

// OldTouches makes touches of what was kept before there were links: a contact's first
// click, the last, and the last with a ctwa_clid, of which there may be none, without data.
func OldTouches(first, last, clid Click) (t Touches) {
	same := func(a, b *Click) bool { return a.At == b.At && bytes.Equal(a.Data, b.Data) }
	kind := func(c *Click) {
		if c.Kind = ClickAd; len(clid.Data) > 0 && (same(c, &clid) || bytes.HasPrefix(c.Data, withClid)) {
			c.Kind = ClickClid
		}
	}
	add := func(c *Click) {
		if len(c.Data) > 0 {
			t = t.Add(*c)
		}
	}
	kind(&first)
	kind(&last)
	clid.Kind = ClickClid
	add(&first)
	if !same(&clid, &first) && !same(&clid, &last) {
		add(&clid)
	}
	if !same(&last, &first) {
		add(&last)
	}
	return t
}

// withClid is how a click began that carried a ctwa_clid, when nothing else said so.
var withClid = []byte(`[{"ctwaClid":"`)
