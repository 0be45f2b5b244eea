package e2e

import (
	"net/http"
	"slices"
	"testing"
)

// TestMatrix takes each way for an ad click to come in (rows) through all that is
// promised of one, on each store: the unified event, forwards with and without
// raw, the lead, the contact's first and last touch, the sale by whatever names
// the contact, erasure, dead letters and their replay, with kill -9 in between. A
// new provider, channel or store is one more row and gets every column.
//
// An edge does each step for all rows; a cell is a subtest that looks at what came
// of it for one.
func TestMatrix(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			global, server := store(t)
			m := newMatrix(t, global, server)
			m.clicks()
			m.secondClicks()
			m.erase()
			m.sales()
			m.replays()
		})
	}
}

// cells makes a subtest for each row.
func (m *matrix) cells(column string, look func(t *testing.T, l *line)) {
	m.t.Helper()
	for _, l := range m.lines {
		m.t.Run(column+"/"+l.name, func(t *testing.T) { look(t, l) })
	}
}

// clicks posts everyone's first click while no destination takes anything, kills
// edge and store right after the 200, and looks at what comes of it after the
// next start. Redeliveries, before and after, change nothing.
func (m *matrix) clicks() {
	m.t.Helper()
	release := m.gate.hold()
	defer release()
	for _, outcome := range []string{"queued", "duplicate"} {
		m.postFirsts(outcome)
	}
	m.kill()
	release()
	m.edge.Start()
	m.postFirsts("duplicate")
	m.settle()
	m.cells("unified", func(t *testing.T, l *line) {
		m.checkIdentities(t, l)
		for _, c := range l.firsts {
			m.checkEvent(t, l, c)
		}
	})
	m.cells("first touch", func(t *testing.T, l *line) {
		for _, c := range l.firsts {
			c.checkAttribution(t, c, c)
		}
	})
}

func (m *matrix) postFirsts(outcome string) {
	m.t.Helper()
	for _, l := range m.lines {
		for _, c := range l.firsts {
			m.post(c, outcome)
		}
	}
}

// secondClicks posts the contacts' second clicks, and looks at all that clicks lead
// to.
func (m *matrix) secondClicks() {
	m.t.Helper()
	for _, l := range m.lines {
		m.post(l.second, "queued")
	}
	m.settle()
	m.cells("last touch", func(t *testing.T, l *line) {
		m.checkEvent(t, l, l.second)
		l.second.checkAttribution(t, l.firsts[0], l.second)
	})
	m.cells("forward", func(t *testing.T, l *line) {
		m.checkForward(t, l, "crm", l.clicks())
		if l.standby { // a bot must not answer where another app does
			m.checkForward(t, l, "bot", nil)
		} else {
			m.checkForward(t, l, "bot", l.clicks())
		}
	})
	m.cells("raw forward", func(t *testing.T, l *line) { m.checkRaw(t, l, "raw", l.clicks()) })
	m.cells("lead", func(t *testing.T, l *line) { l.checkReports(t, m.meta.at(t, l.dataset)) })
	m.cells("dead letter", func(t *testing.T, l *line) {
		m.checkDead(t, l, "fussy", "422", len(l.clicks()))
		m.checkDead(t, l, "fussy-raw", "422", len(l.clicks()))
		m.checkForward(t, l, "fussy", nil)
		m.checkRaw(t, l, "fussy-raw", nil)
	})
}

// clicks are all that the row posted.
func (l *line) clicks() []*adClick { return append(slices.Clone(l.firsts), l.second) }

// erase erases contacts by each name that they can have.
func (m *matrix) erase() {
	m.t.Helper()
	m.cells("erase", func(t *testing.T, l *line) {
		for name, c := range l.erased {
			for _, again := range []bool{false, true} {
				var answer struct{ Count int }
				m.admin(t, http.MethodPost, "/leadgate/contacts/erase", map[string]string{"tenant": l.name, "contact": c.id[name]}, &answer)
				if (answer.Count > 0) == again {
					t.Errorf("erasing by %s removed %d, again: %v", name, answer.Count, again)
				}
			}
		}
		// The contact that stays keeps its own.
		m.checkDead(t, l, "fussy", "422", 2)
		m.checkDead(t, l, "fussy-raw", "422", 2)
	})
}

// replays has the destinations take what they refused.
func (m *matrix) replays() {
	m.t.Helper()
	takeAll(m.ends, m.meta)
	m.cells("replay", func(t *testing.T, l *line) {
		m.replay(t, l, "fussy", 2)
		m.replay(t, l, "fussy-raw", 2)
		m.replay(t, l, "capi", l.refusals())
	})
	m.settle()
	kept := func(l *line) []*adClick { return []*adClick{l.firsts[0], l.second} }
	m.cells("replayed", func(t *testing.T, l *line) {
		m.checkForward(t, l, "fussy", kept(l))
		m.checkRaw(t, l, "fussy-raw", kept(l))
		for _, d := range []string{"fussy", "fussy-raw", "capi"} {
			m.checkDead(t, l, d, "", 0)
		}
		for _, s := range l.sales {
			s.refused = false
		}
		l.checkReports(t, m.meta.at(t, l.dataset))
	})
	m.kill()
	m.edge.Start()
	m.settle()
	m.cells("once", func(t *testing.T, l *line) {
		m.checkForward(t, l, "crm", l.clicks())
		m.checkRaw(t, l, "raw", l.clicks())
		m.checkForward(t, l, "fussy", kept(l))
		m.checkRaw(t, l, "fussy-raw", kept(l))
		l.checkReports(t, m.meta.at(t, l.dataset))
	})
	m.meta.mu.Lock()
	defer m.meta.mu.Unlock()
	for _, what := range m.meta.refused {
		m.t.Errorf("Meta refused what should not have been sent: %s", what)
	}
}

func (m *matrix) replay(t *testing.T, l *line, destination string, want int) {
	t.Helper()
	var answer struct{ Count int }
	m.admin(t, http.MethodPost, "/leadgate/dead/replay", map[string]any{"destination": l.name + "-" + destination, "all": true}, &answer)
	if answer.Count != want {
		t.Errorf("%d dead letters of %s were replayed, want %d", answer.Count, destination, want)
	}
}
