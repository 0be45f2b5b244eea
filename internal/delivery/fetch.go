package delivery

import (
	"fmt"

	"github.com/leadgate/leadgate/internal/queue"
)

// collectDue claims the failed events whose time has come, as many as may be
// sent soon.
func (w *worker) collectDue() {
	limit := w.settings.Concurrency
	if w.settings.Batch > 1 {
		limit = w.settings.Batch
	}
	for w.due.len()+w.wantedDue.len() < limit && w.dueHeap.len() > 0 {
		f := w.dueHeap.min()
		if f.due > w.now {
			return
		}
		if f.lane != nil && f.lane.busy {
			w.dueHeap.remove(f)
			f.isDue = true
			continue
		}
		w.claim(f)
	}
}

// fetch reads again what is to be sent and has no payload in memory.
func (w *worker) fetch() {
	for w.wantedDue.len() > 0 || w.wanted.len() > 0 &&
		(w.ready.len() == 0 || w.ready.len() < w.windowEntries && w.bytes < w.windowBytes) {
		limit := min(max(w.windowBytes/(w.meanPayload+1), 1), fetchEntries)
		w.places = w.places[:0]
		var retried []*failed
		for w.wantedDue.len() > 0 && len(w.places) < limit {
			f := w.wantedDue.pop()
			retried = append(retried, f)
			w.places = append(w.places, f.pos)
		}
		var turns []wanted
		for w.wanted.len() > 0 && len(w.places) < limit {
			t := w.wanted.pop()
			turns = append(turns, t)
			w.places = append(w.places, t.pos)
			// The next of the same contact come along.
			for i := t.lane.kept; i < min(len(t.lane.waiting), keptAhead) && len(w.places) < limit; i++ {
				w.places = append(w.places, t.lane.waiting[i].pos)
			}
		}
		if !w.get(w.places) {
			for _, f := range retried {
				w.wantedDue.push(f)
			}
			for _, t := range turns {
				w.wanted.push(t)
			}
			return
		}
		for _, f := range retried {
			w.takeRetried(f)
		}
		for _, t := range turns {
			w.takeTurn(t)
		}
		clear(w.got)
	}
}

// get reads entries by their places into w.got.
func (w *worker) get(at []queue.Pos) bool {
	entries, err := w.drain.Get(w.e.storeCtx, at)
	if err == nil {
		err = w.readClicks(entries)
	}
	if err != nil {
		w.reads.failed(w, fmt.Errorf("reading entries: %w", err))
		return false
	}
	w.reads.worked(w)
	for i := range entries {
		e := &entry{Entry: entries[i], contact: w.contactOf(&entries[i].Header), seen: true}
		e.clicks = w.clicksOf(i)
		w.got[e.Pos] = e
	}
	return true
}

func (w *worker) takeRetried(f *failed) {
	e := w.got[f.pos]
	if e == nil { // dropped or moved meanwhile
		l := f.lane
		w.dropFailed(f)
		if l != nil {
			l.busy = false
			w.advance(l)
		}
		return
	}
	e.lane, e.failed = f.lane, f
	e.attempts, e.firstAt, e.unconfirmed = f.attempts, f.firstAt, f.unconfirmed
	w.bytes += len(e.Payload)
	w.due.push(e)
}

func (w *worker) takeTurn(t wanted) {
	l := t.lane
	for i := l.kept; i < min(len(l.waiting), keptAhead) && l.held == 0; i++ {
		e := w.got[l.waiting[i].pos]
		if e == nil {
			break
		}
		e.lane = l
		l.waiting[i].entry = e
		l.kept++
		w.bytes += len(e.Payload)
	}
	e := w.got[t.pos]
	if e == nil {
		l.busy = false
		w.advance(l)
		return
	}
	e.lane = l
	w.bytes += len(e.Payload)
	w.ready.push(e)
}

// readClicks reads the contacts' clicks for the entries that ask for
// attribution; clicksOf(i) then gives those of the i-th.
func (w *worker) readClicks(entries []queue.Entry) error {
	w.clickKeys, w.clickAt = w.clickKeys[:0], w.clickAt[:0]
	for i := range entries {
		place := -1
		if h := &entries[i].Header; h.Attribution > 0 && h.ClickKey != "" {
			place = len(w.clickKeys)
			w.clickKeys = append(w.clickKeys, h.ClickKey)
		}
		w.clickAt = append(w.clickAt, place)
	}
	w.clicks = nil
	if len(w.clickKeys) == 0 {
		return nil
	}
	clicks, err := w.e.q.Clicks(w.e.storeCtx, w.dest.Tenant, w.clickKeys)
	if err == nil && len(clicks) != len(w.clickKeys) {
		err = fmt.Errorf("%d answers to %d keys", len(clicks), len(w.clickKeys))
	}
	if err != nil {
		return fmt.Errorf("reading clicks: %w", err)
	}
	w.clicks = clicks
	return nil
}

func (w *worker) clicksOf(i int) queue.Clicks {
	if place := w.clickAt[i]; place >= 0 {
		return w.clicks[place]
	}
	return queue.Clicks{}
}
