package queue_test

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

// id is the n-th event's.
func (w *world) id(n int) queue.ID {
	var id queue.ID
	binary.BigEndian.PutUint64(id[:], uint64(n)*0x9E3779B97F4A7C15)
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	return id
}

// human is a person, known by an id and by a number, either of which may change.
type human struct{ id, number int }

func (h *human) keys(n int) (id, number, other string) {
	return fmt.Sprintf("whatsapp:X%d.%d", n, h.id), fmt.Sprintf("whatsapp:%d.%d", n, h.number), fmt.Sprintf("whatsapp:0%d.%d", n, h.number)
}

// contact fills in who an event is of: as package clicks does, the id before the
// number before its other spelling.
func (w *world) contact(tenant string, ev *queue.Event) {
	known := w.humans[tenant]
	n := w.r.IntN(len(known))
	h := &known[n]
	id, number, other := h.keys(n)
	switch w.r.IntN(14) {
	case 0, 1, 2, 3:
		ev.Contact, ev.Aliases = id, []string{number}
	case 4, 5:
		ev.Contact, ev.Aliases = id, []string{number, other}
	case 6, 7:
		ev.Contact, ev.Aliases = number, []string{other}
	case 8, 9:
		ev.Contact = number
	case 10, 11:
		ev.Contact = id
	case 12:
		h.id++
		ev.Former = []string{id}
		ev.Contact, number, _ = h.keys(n)
		ev.Aliases = []string{number}
	case 13:
		h.number++
		ev.Former = []string{number, other}
		id, ev.Contact, other = h.keys(n)
		if ev.Aliases = []string{other}; w.chance(50) {
			ev.Contact, ev.Aliases = id, []string{ev.Contact, other}
		}
	}
	for _, key := range append(append([]string{ev.Contact}, ev.Aliases...), ev.Former...) {
		if !slices.Contains(w.contacts, key) {
			w.contacts = append(w.contacts, key)
		}
	}
}

// worldOrders are the order keys of entries: not those of clicks, since which of a
// person's old names an erase still knows is no store's promise.
var worldOrders = []string{"", "15551230001", "15551230002", "15551230003"}

// event makes an event that did not come before.
func (w *world) event(tenant string) queue.Event {
	w.events++
	ev := queue.Event{ID: w.id(w.events)}
	if w.chance(80) {
		ev.Time = w.now() - w.r.Int64N(3_000_000) - 1
	}
	if w.chance(8) {
		// Of one tenant, and of so few days that no store has forgotten it.
		days := int(w.now() / (5 * 24 * time.Hour).Milliseconds())
		ev.Seal = w.id(1_000_000 + 20*days + 10*slices.Index(worldTenants, tenant) + w.r.IntN(3))
	}
	if w.chance(20) {
		return ev
	}
	w.contact(tenant, &ev)
	if w.chance(60) {
		ev.MessageID = fmt.Sprintf("message:%d", w.events)
		w.marks = append(w.marks, ev.MessageID)
	}
	if w.chance(20) && len(w.codes) > 0 {
		ev.Claim = w.codes[max(len(w.codes)-1-w.r.IntN(8), 0)]
	}
	if w.chance(35) {
		ev.Clicks = w.clicks()
	}
	return ev
}

// clicks makes those of one event: nearly always one, and of several some of equal time.
func (w *world) clicks() []queue.Click {
	clicks := make([]queue.Click, 1+max(0, w.r.IntN(6)-3))
	for i := range clicks {
		clicks[i] = queue.Click{At: w.now() - w.r.Int64N(5)*1000 + 1000, Kind: queue.ClickKind(w.r.IntN(int(queue.ClickKinds)))}
		if w.chance(95) {
			clicks[i].Data = fmt.Appendf(nil, `{"click":%d,"of":%d}`, i, w.events)
		}
	}
	return clicks
}

// group makes a tenant's webhook for its destinations, or nil if it has none.
func (w *world) group(tenant string) *queue.Group {
	g := &queue.Group{Tenant: tenant}
	var names []string
	for _, name := range worldNames {
		if w.home[name] == tenant {
			names = append(names, name)
		}
	}
	for range 1 + w.r.IntN(3) {
		g.Events = append(g.Events, w.event(tenant))
	}
	for i := range 1 + w.r.IntN(2) {
		p := fmt.Appendf(nil, `{"n":%d,"payload":%d}`, w.events, i)
		if w.chance(5) {
			p = append(p, make([]byte, 40<<10)...)
		}
		g.Payloads = append(g.Payloads, p)
	}
	for range w.r.IntN(4) {
		if len(names) == 0 {
			break
		}
		g.Jobs = append(g.Jobs, w.job(g, queue.Dest{Tenant: tenant, Name: pick(w, names...)}))
	}
	for range w.r.IntN(3) {
		c := queue.Counter{Day: w.now() / 86_400_000, Key: pick(w, "", "1", "2"), Field: pick(w, "clicks", "value"), Add: w.r.Int64N(100)}
		if w.chance(20) {
			c.Field, c.Text = "headline", fmt.Sprint("Sale ", w.r.IntN(3))
		}
		if w.chance(15) { // for longer than this runs: Redis forgets it by its own clock
			c.Once, c.Window = fmt.Sprint("lead ", w.r.IntN(20)), 10*365*24*time.Hour
		}
		c.When, c.Of = pick(w, queue.WhenNew, queue.WhenFirst), w.r.IntN(len(g.Events))
		if len(g.Jobs) > 0 && w.chance(40) {
			c.When, c.Of = queue.WhenQueued, w.r.IntN(len(g.Jobs))
		}
		g.Counters = append(g.Counters, c)
	}
	for w.chance(40) {
		g.Notes = append(g.Notes, w.note(tenant, g))
	}
	return g
}

// note makes a note of somebody, or says what became of one. Under each key ids are its own:
// of two journals that become one it is open whose note of an id stays, if it is neither's.
func (w *world) note(tenant string, g *queue.Group) queue.Note {
	var ev queue.Event
	w.contact(tenant, &ev)
	n := queue.Note{Contact: pick(w, append([]string{ev.Contact}, ev.Aliases...)...), At: w.now() - w.r.Int64N(20_000_000) + 1000}
	sum := sha256.Sum256(fmt.Append(nil, n.Contact, w.r.IntN(20)))
	copy(n.ID[:], sum[:])
	n.Outcome = fmt.Appendf(nil, "outcome %d", w.events)
	if w.chance(70) {
		n.Data = fmt.Appendf(nil, "note %d of %s", w.events, n.Contact)
		if w.chance(10) {
			n.Data = append(n.Data, make([]byte, 1900)...)
		}
	}
	n.Of = w.r.IntN(len(g.Events))
	if len(g.Jobs) > 0 && w.chance(50) {
		n.When, n.Of = pick(w, queue.WhenQueued, queue.WhenDuplicate, queue.WhenDead), w.r.IntN(len(g.Jobs))
	}
	return n
}

func (w *world) job(g *queue.Group, d queue.Dest) queue.Job {
	n := w.r.IntN(len(g.Events))
	ev := &g.Events[n]
	j := queue.Job{Dest: d, Events: []int{n}, Payload: w.r.IntN(len(g.Payloads)), Header: queue.Header{
		EventID: ev.ID, Format: queue.FormatEvent, Kind: 1, Contact: pick(w, worldOrders...),
		Time: ev.Time, QueuedAt: w.now(), Attribution: uint32(w.r.IntN(3)),
	}}
	if w.chance(20) {
		j.Header.Meta, j.Header.HTTP = []byte("meta"), []queue.HTTPHeader{{Name: "Content-Type", Value: "application/json"}}
	}
	if w.chance(20) {
		j.Header.Trace = pick(w, "a trace\x00\xff", "another")
	}
	if w.chance(15) {
		j.Events = append(j.Events, w.r.IntN(len(g.Events)))
	}
	if w.chance(5) {
		j.Events = nil
	}
	for range w.r.IntN(3) {
		if w.chance(50) {
			j.Once = append(j.Once, queue.Once{
				Key: pick(w, "lead\na", "lead\nb", "sale\nc"), Window: time.Duration(1+w.r.IntN(30)) * time.Hour,
				Use: pick(w, queue.Claim, queue.Look, queue.Mark),
			})
		}
	}
	if w.chance(8) {
		j.Dead = &queue.Reason{Reason: pick(w, "x", "y"), Code: "400"}
	}
	return j
}

// append has webhooks come, new ones and some again.
func (w *world) append() string {
	var groups, fresh []queue.Group
	w.outdated()
	for range 1 + w.r.IntN(4) {
		switch {
		case w.chance(20) && len(w.sent) > 0:
			again := pick(w, w.sent...)
			again.Jobs = slices.Clone(again.Jobs)
			for i := range again.Jobs {
				again.Jobs[i].Header.QueuedAt = w.now()
			}
			groups = append(groups, again)
		case w.chance(5):
			w.events++
			groups = append(groups, queue.Group{
				Events: []queue.Event{{ID: w.id(w.events), Time: w.now()}}, Payloads: [][]byte{[]byte("{}")},
				Jobs: []queue.Job{{
					Dest: queue.Unmatched, Events: []int{0}, Dead: &queue.Reason{Reason: "unmatched"},
					Header: queue.Header{EventID: w.id(w.events), QueuedAt: w.now()},
				}},
			})
		default:
			groups = append(groups, *w.group(pick(w, worldTenants...)))
			fresh = append(fresh, groups[len(groups)-1])
		}
	}
	// Groups of one call have no order among each other, where one has a payload that
	// Redis keeps apart.
	if slices.ContainsFunc(groups, large) {
		groups = groups[:1]
		fresh = fresh[:min(len(fresh), 1)]
	}
	each(w, "append", func(tw *twin) []queue.Result { return w.results(tw, groups) })
	for _, g := range fresh {
		w.sent, w.sentAt = append(w.sent, g), append(w.sentAt, w.now())
	}
	return describe(groups)
}

// describe tells what concerns contacts, which is where most faults were.
func describe(groups []queue.Group) string {
	text := ""
	for _, g := range groups {
		text += fmt.Sprintf("\n  %s, %d jobs:", g.Tenant, len(g.Jobs))
		for i := range g.Events {
			if ev := &g.Events[i]; ev.Contact != "" {
				text += fmt.Sprintf(" [%x %s %v", ev.ID[15:], ev.Contact, ev.Aliases)
				if ev.Former != nil {
					text += fmt.Sprintf(" was %v", ev.Former)
				}
				if ev.MessageID != "" {
					text += " " + ev.MessageID
				}
				if ev.Claim != "" {
					text += " claims " + ev.Claim
				}
				for _, c := range ev.Clicks {
					text += fmt.Sprintf(" %s at %d %d", c.Data, c.At, c.Kind)
				}
				text += "]"
			}
		}
	}
	return text
}

func large(g queue.Group) bool {
	return slices.ContainsFunc(g.Payloads, func(p []byte) bool { return len(p) > 32<<10 })
}

func (w *world) results(tw *twin, groups []queue.Group) []queue.Result {
	w.Helper()
	results := tw.q.Append(w.Context(), groups)
	for i, r := range results {
		switch {
		case errors.Is(r.Err, queue.ErrClaimed):
			results[i] = queue.Result{Err: queue.ErrClaimed}
		case r.Err != nil:
			w.Fatalf("step %d: %s: %v", w.step, tw.name, r.Err)
		}
	}
	return results
}

// outdated forgets what was sent so long ago that a store may have forgotten its ids,
// and need not have, and what was for destinations whose tenant is another by now.
func (w *world) outdated() {
	for i, sent := range slices.Backward(w.sent) {
		moved := slices.ContainsFunc(sent.Jobs, func(j queue.Job) bool { return w.home[j.Dest.Name] != j.Dest.Tenant })
		if moved || w.now()-w.sentAt[i] > (6*24*time.Hour).Milliseconds() {
			w.sent, w.sentAt = slices.Delete(w.sent, i, i+1), slices.Delete(w.sentAt, i, i+1)
		}
	}
}
