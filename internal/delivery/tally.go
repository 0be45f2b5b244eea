package delivery

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"

	"github.com/leadgate/leadgate/internal/ads"
	"github.com/leadgate/leadgate/internal/delivery/view"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/journey"
	"github.com/leadgate/leadgate/internal/queue"
)

// toCount is a fate that is to be counted, once, by its id: so it does not matter
// whether an earlier attempt to count it came through.
type toCount struct {
	tally *destination.Tally // nil: it stands in its contact's journal, and in no figure
	fate  ads.Fate
	id    queue.ID
	note  queue.Note // of nobody: without a Contact
}

// reports reports whether an entry's fate is anybody's to know: it stands in a figure or in a
// journal, and then it has a Meta.
func reports(h *queue.Header) bool { return h.Format == queue.FormatConversion && len(h.Meta) > 0 }

// countOf makes what an entry's fate counts; of what the fate is one in
// particular, the death of an entry that was replayed say, is which.
func countOf(f ads.Fate, why string, dest queue.Dest, h *queue.Header, which string) toCount {
	sum := sha256.New()
	sum.Write([]byte(f.Field(dest.Name) + "\n" + which + "\n"))
	sum.Write(h.EventID[:])
	// A conversion without an orderId may be posted again a day later.
	sum.Write(binary.BigEndian.AppendUint64(nil, uint64(h.QueuedAt)))
	c := toCount{tally: destination.TallyOf(h), fate: f, note: journey.Settled(dest.Name, h, outcomeOf[f], why)}
	copy(c.id[:], sum.Sum(nil))
	return c
}

// outcomeOf is what a fate is in a contact's journal.
var outcomeOf = map[ads.Fate]journey.Outcome{
	ads.FateReported: journey.Delivered, ads.FateDead: journey.Dead, ads.FateReplayed: journey.Sent,
}

// step is a group of fates that are counted together.
type step struct {
	queue.Group
	noting int // the event for what stands in journals alone, 0 = none yet, else index + 1
}

// add adds a fate. Its id makes a figure count once; a journal has no need of that: what is in
// no figure shares an event, which is new each time.
func (s *step) add(destination string, c *toCount) {
	of := len(s.Events)
	switch {
	case c.tally != nil || c.fate != ads.FateReported:
		s.Events = append(s.Events, queue.Event{ID: c.id})
	case s.noting > 0:
		of = s.noting - 1
	default:
		s.Events, s.noting = append(s.Events, queue.Event{ID: freshID()}), of+1
	}
	if c.tally != nil {
		s.Counters = append(s.Counters, queue.Counter{Day: c.tally.Day, Key: c.tally.Key, Field: c.fate.Field(destination), Add: 1, Of: of})
	}
	if c.note.Contact != "" {
		c.note.Of = of
		s.Notes = append(s.Notes, c.note)
	}
}

// freshID is the ID of an event that is new.
func freshID() (id queue.ID) {
	_, _ = rand.Read(id[:]) // never fails
	return id
}

// countStep is how many fates are counted in one step of the store.
const countStep = 250

// count adds fates of a destination's entries to their figures.
func count(ctx context.Context, q Appender, dest queue.Dest, list []toCount) error {
	for len(list) > 0 {
		n := min(len(list), countStep)
		s := step{Group: queue.Group{Tenant: dest.Tenant}}
		for i := range list[:n] {
			s.add(dest.Name, &list[i])
		}
		if err := q.Append(ctx, []queue.Group{s.Group})[0].Err; err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

// countReplayed counts that dead letters go back to their queues. It may be
// called again for the same letters.
func countReplayed(ctx context.Context, q Appender, letters []queue.DeadLetter) error {
	by := map[queue.Dest][]toCount{}
	for i := range letters {
		l := &letters[i]
		if reports(&l.Header) {
			by[l.Dest] = append(by[l.Dest], countOf(ads.FateReplayed, "", l.Dest, &l.Header, l.ID))
		}
	}
	for dest, list := range by {
		if err := count(ctx, q, dest, list); err != nil {
			return err
		}
	}
	return nil
}

// mostOwed is how many fates that could not be counted are kept in memory.
const mostOwed = 100_000

// tallies are the fates that a write counts.
type tallies struct {
	owed   []toCount // to be counted before anything else
	buried []toCount // once the deaths are stored, which may be another edge's to tell
}

func (t *tallies) reported(dest queue.Dest, e *view.Entry) {
	if reports(&e.Header) {
		t.owed = append(t.owed, countOf(ads.FateReported, "", dest, &e.Header, ""))
	}
}

func (t *tallies) died(dest queue.Dest, e *view.Entry, why *queue.Reason) {
	if reports(&e.Header) {
		place := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, e.Pos.Ms), e.Pos.Seq)
		t.buried = append(t.buried, countOf(ads.FateDead, journey.Why(why), dest, &e.Header, string(place)))
	}
}

func (t *tallies) before(older *tallies) {
	t.owed = append(older.owed, t.owed...)
	t.buried = append(older.buried, t.buried...)
	if over := len(t.owed) - mostOwed; over > 0 {
		t.owed = t.owed[over:]
	}
}

// count counts what is owed. A figure that cannot be counted holds up no
// delivery: it is owed until the next write.
func (t *tallies) count(ctx context.Context, q Appender, dest queue.Dest) {
	if len(t.owed) > 0 && count(ctx, q, dest, t.owed) == nil {
		t.owed = nil
	}
}
