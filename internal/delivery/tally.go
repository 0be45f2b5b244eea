package delivery

import (
	"context"
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
	of    queue.Header
	is    journey.Outcome
	why   string
}

// reports reports whether an entry's fate is anybody's to know.
func reports(h *queue.Header) bool { return h.Format == queue.FormatConversion }

// countOf makes what an entry's fate counts; of what the fate is one in
// particular, the death of an entry that was replayed say, is which.
func countOf(f ads.Fate, dest queue.Dest, h *queue.Header, which string) toCount {
	sum := sha256.New()
	sum.Write([]byte(f.Field(dest.Name) + "\n" + which + "\n"))
	sum.Write(h.EventID[:])
	// A conversion without an orderId may be posted again a day later.
	sum.Write(binary.BigEndian.AppendUint64(nil, uint64(h.QueuedAt)))
	c := toCount{tally: destination.TallyOf(h), fate: f, of: *h, is: outcomeOf[f]}
	copy(c.id[:], sum.Sum(nil))
	return c
}

// outcomeOf is what a fate is in a contact's journal.
var outcomeOf = map[ads.Fate]journey.Outcome{
	ads.FateReported: journey.Delivered, ads.FateDead: journey.Dead, ads.FateReplayed: journey.Sent,
}

// countStep is how many fates are counted in one step of the store.
const countStep = 250

// count adds fates of a destination's entries to their figures.
func count(ctx context.Context, q Appender, dest queue.Dest, list []toCount) error {
	for len(list) > 0 {
		n := min(len(list), countStep)
		g := queue.Group{Tenant: dest.Tenant}
		for i, c := range list[:n] {
			g.Events = append(g.Events, queue.Event{ID: c.id})
			if c.tally != nil {
				g.Counters = append(g.Counters, queue.Counter{Day: c.tally.Day, Key: c.tally.Key, Field: c.fate.Field(dest.Name), Add: 1, Of: i})
			}
			if note, ok := journey.Settled(dest.Name, &c.of, c.is, c.why, i); ok {
				g.Notes = append(g.Notes, note)
			}
		}
		if err := q.Append(ctx, []queue.Group{g})[0].Err; err != nil {
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
			by[l.Dest] = append(by[l.Dest], countOf(ads.FateReplayed, l.Dest, &l.Header, l.ID))
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
		t.owed = append(t.owed, countOf(ads.FateReported, dest, &e.Header, ""))
	}
}

func (t *tallies) died(dest queue.Dest, e *view.Entry, why *queue.Reason) {
	if reports(&e.Header) {
		place := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, e.Pos.Ms), e.Pos.Seq)
		c := countOf(ads.FateDead, dest, &e.Header, string(place))
		c.why = journey.Why(why)
		t.buried = append(t.buried, c)
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
