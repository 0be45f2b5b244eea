package delivery

import (
	"errors"
	"slices"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/delivery/view"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/notice"
	"github.com/leadgate/leadgate/internal/queue"
)

// What is sent to a destination that cannot tell what it gets twice is noted in the store
// before it leaves (senders.depart), and the note is forgotten when what became of it is
// stored (write). What stands in a note of another edge, or of this one before it died,
// and is still in the queue, is in doubt: it may have arrived.

// departed takes in how a job was noted.
func (w *worker) departed(j *job) {
	switch {
	case errors.Is(j.unnoted, queue.ErrLost):
		w.departs.rest(w.now) // by then it is known who drains
		w.at(w.departs.retryAt)
	case j.unnoted != nil:
		w.storeFailed(&w.departs, j.unnoted)
	case j.note != "":
		w.storeAnswered(&w.departs)
	}
	// What we broke off ourselves is in doubt: whoever drains next says so.
	if j.note != "" && (j.unsent || w.e.sendCtx.Err() == nil || !slices.ContainsFunc(j.verdicts, brokenOff)) {
		w.acks.pending.notes = append(w.acks.pending.notes, j.note)
	}
}

// brokenOff reports whether an event was on its way when we stopped, and stays.
func brokenOff(v destination.Verdict) bool {
	return v.InDoubt && (v.Action == destination.Retry || v.Action == destination.Again)
}

// judgeDeparted looks at what others sent, or this edge before it died, and stored no
// outcome of: it is sent again, or made dead letters.
func (w *worker) judgeDeparted(retries []queue.Retry) error {
	if w.settings.InDoubt == destination.Unnoted {
		return nil
	}
	left, err := w.drain.Departures(w.e.storeCtx)
	left = slices.DeleteFunc(left, func(d queue.Departure) bool {
		return slices.Contains(w.acks.pending.left, d.ID) || slices.Contains(w.acks.writing.left, d.ID) // judged, and about to go
	})
	if err != nil || len(left) == 0 {
		return err
	}
	entries, since, err := w.doubtful(left)
	if err != nil {
		return err
	}
	for i := range left {
		w.acks.pending.left = append(w.acks.pending.left, left[i].ID)
	}
	w.doubted(len(entries), "they were sent, and the edge that sent them stored no answer")
	if len(entries) > 0 {
		w.view.BeginSmall()
	}
	if w.settings.InDoubt != destination.Bury {
		return nil
	}
	known := make(map[queue.Pos]*queue.Retry, len(retries))
	for i := range retries {
		known[retries[i].Pos] = &retries[i]
	}
	for i := range entries {
		e := &view.Entry{Entry: entries[i], FirstAt: since[entries[i].Pos]}
		if r := known[e.Pos]; r != nil {
			e.Attempts, e.FirstAt = r.Attempts, r.FirstAt
		}
		w.acks.pending.died(w.dest, e, &unconfirmed)
		w.view.Skip(e.Pos)
		w.notify(notice.Dead, unconfirmed.Why())
	}
	return nil
}

var unconfirmed = destination.Verdict{
	Action: destination.Dead, Reason: destination.Unconfirmed,
	Explanation: "its request was sent, and the edge died, or lost the right to send, before it stored an answer: " +
		"the destination may have it; `on_timeout drop` asks not to send it again: compare with what the destination has before a replay",
}

// doubtPage is how many entries are looked up at a time.
const doubtPage = 250

// doubtful are the entries of departures that are still in the queue, but for those that
// this edge itself is sending or has an outcome of; and since when they are in doubt.
func (w *worker) doubtful(left []queue.Departure) (entries []queue.Entry, since map[queue.Pos]int64, err error) {
	ours := map[queue.Pos]bool{}
	for e := range w.senders.entries() {
		ours[e.Pos] = true
	}
	for pos := range w.acks.settled() {
		ours[pos] = true
	}
	since = map[queue.Pos]int64{}
	var at []queue.Pos
	for _, d := range left {
		for _, pos := range d.Entries {
			if _, twice := since[pos]; !ours[pos] && !twice {
				at = append(at, pos)
			}
			since[pos] = max(since[pos], d.At)
		}
	}
	for page := range slices.Chunk(at, doubtPage) {
		found, err := w.drain.Get(w.e.storeCtx, page)
		if err != nil {
			return nil, nil, err
		}
		entries = append(entries, found...)
	}
	return entries, since, nil
}

// settleDoubt has what is in doubt be a dead letter where it may not be sent again.
func (w *worker) settleDoubt(v *destination.Verdict) {
	if v.InDoubt && v.Action == destination.Retry && w.settings.InDoubt == destination.Bury {
		why := v.Why()
		*v = unconfirmed
		v.InDoubt, v.Explanation = true, why+"; "+v.Explanation
	}
}

// doubted counts events in doubt, and says so.
func (w *worker) doubted(n int, why string) {
	if n == 0 || w.settings.InDoubt == destination.Unnoted {
		return
	}
	w.report.inDoubt.Add(int64(n))
	if o := w.e.o.Observer; o != nil {
		o.InDoubt(w.dest.Name, w.settings.Kind, n)
	}
	if !mayMention(&w.report.doubtAt, w.now) {
		return
	}
	becomes := "they are sent again (on_timeout retry)"
	if w.settings.InDoubt == destination.Bury {
		becomes = "they become dead letters: unconfirmed (on_timeout drop)"
	}
	w.logger().Warn("events are in doubt: the destination may have them", zap.Int("events", n), zap.String("why", why),
		zap.String("then", becomes))
}
