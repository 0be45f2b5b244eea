package queuetest

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

// noted is a group that writes one note of a contact, of an event of its own.
func (s *suite) noted(n int, contact, name, outcome string, ago int64) queue.Group {
	return queue.Group{
		Tenant: tenant, Events: []queue.Event{s.event(n)},
		Notes: []queue.Note{note(contact, name, outcome, s.now()-1000*ago)},
	}
}

// note is one whose id is its name's.
func note(contact, name, outcome string, at int64) queue.Note {
	n := queue.Note{Contact: contact, At: at, Outcome: []byte(outcome)}
	copy(n.ID[:], name)
	n.Data = []byte(name)
	return n
}

// became tells what became of what was noted before.
func became(contact, name, outcome string) queue.Note {
	n := note(contact, name, outcome, 0)
	n.Data = nil
	return n
}

// journal checks the notes of keys, the newest first: "sale sent, lead delivered".
func (s *suite) journal(want string, keys ...string) {
	s.Helper()
	notes, err := s.Queue.Notes(s.Context(), tenant, keys)
	s.check(err)
	shown := make([]string, len(notes))
	for i := range notes {
		shown[i] = strings.TrimSpace(fmt.Sprintf("%s %s", notes[i].Data, notes[i].Outcome))
		if notes[i].Contact != "" || !bytes.HasPrefix(notes[i].ID[:], notes[i].Data[:min(16, len(notes[i].Data))]) {
			s.Fatalf("note %+v", notes[i])
		}
	}
	expect(s, fmt.Sprint("journal of ", keys), strings.Join(shown, ", "), want)
}

var noteTests = []test{
	{name: "a journal", run: func(s *suite) {
		s.journal("")
		s.journal("", waID, bsuid)
		s.append(s.noted(1, waID, "sale", "sent", 10), s.noted(2, waID, "visit", "no_click", 20), s.noted(3, bsuid, "other", "sent", 0))
		s.append(s.noted(4, waID, "lead", "", -60)) // in the future: now
		s.journal("lead, sale sent, visit no_click", waID)
		s.reopen()
		s.journal("lead, sale sent, visit no_click", waID, waID)
		s.journal("other sent", bsuid)
		s.journal("", phone)
		notes, err := s.Queue.Notes(s.Context(), other.Tenant, []string{waID})
		s.check(err)
		expect(s, "another tenant's notes", len(notes), 0)
		notes, err = s.Queue.Notes(s.Context(), tenant, []string{waID})
		s.check(err)
		expect(s, "when", fmt.Sprint(notes[0].At, notes[1].At), fmt.Sprint(s.now(), s.now()-10_000))
	}},
	{name: "what became of it takes the outcome's place", run: func(s *suite) {
		s.append(s.noted(1, waID, "sale", "sent", 10), s.noted(2, waID, "lead", "sent", 5))
		g := queue.Group{Tenant: tenant, Events: []queue.Event{s.event(3)}, Notes: []queue.Note{
			became(waID, "sale", "dead: refused"), became(waID, "unknown", "delivered"), became(bsuid, "sale", "delivered"),
		}}
		s.append(g)
		s.append(g) // a redelivery
		s.journal("lead sent, sale dead: refused", waID)
		s.journal("", bsuid)
		s.append(s.noted(4, waID, "sale", "sent again", 1)) // with what it is of, it is written anew
		s.journal("sale sent again, lead sent", waID)
	}},
	{name: "a note is of an outcome", run: func(s *suite) {
		g := s.group(crm, 1, 2)
		g.Jobs[0].Once = []queue.Once{{Key: "lead", Window: time.Hour}}
		g.Jobs[1].Once = g.Jobs[0].Once
		g.Jobs = append(g.Jobs, queue.Job{Dest: n8n, Events: []int{0}, Dead: &queue.Reason{Reason: "x"}, Header: s.header(1)})
		whens := map[string]queue.When{"q": queue.WhenQueued, "dup": queue.WhenDuplicate, "dead": queue.WhenDead}
		for name, when := range whens {
			for job := range g.Jobs {
				n := note(waID, fmt.Sprint(name, job), "", s.now()-int64(1000*job))
				n.When, n.Of = when, job
				g.Notes = append(g.Notes, n)
			}
		}
		n := note(waID, "new1", "", s.now()-5000)
		n.Of = 1
		g.Notes = append(g.Notes, n)
		s.append(g)
		s.journal("q0, dup1, dead2, new1", waID)
		// What is known is no duplicate to be told of.
		again := s.group(crm, 1)
		n = note(waID, "again", "", s.now())
		n.When = queue.WhenDuplicate
		again.Notes = []queue.Note{n}
		s.append(again)
		s.journal("q0, dup1, dead2, new1", waID)
		s.Queue.Configure(queue.Options{Dedupe: day, RememberClicks: 28 * day, MaxBacklog: 1, KeepDead: day, MaxSize: 4 << 30})
		over := s.group(crm, 3)
		n = note(waID, "overflow", "", s.now()-500)
		n.When = queue.WhenDead
		over.Notes = []queue.Note{n}
		expect(s, "outcome", s.outcome(over), queue.Overflow)
		s.journal("q0, overflow, dup1, dead2, new1", waID)
	}},
	{name: "a journal follows its contact", run: func(s *suite) {
		s.append(s.noted(1, waID, "b", "by number", 20), s.noted(2, bsuid, "a", "by id", 30), s.noted(3, phone, "c", "", 10))
		s.journal("a by id", bsuid)
		s.journal("c, b by number, a by id", phone, waID, bsuid, waID)
		s.append(s.organic(4, bsuid, waID)) // nobody clicked: nothing says that it is kept
		s.journal("b by number", waID)
		s.append(s.click(5, bsuid, s.now(), true, waID))
		for _, key := range []string{bsuid, waID, "m:wamid.5"} {
			s.journal("b by number, a by id", key)
		}
		s.append(s.organic(6, waID, phone))
		s.append(s.noted(7, waID, "d", "", 5), s.noted(8, phone, "b", "by phone", 20))
		s.reopen()
		for _, key := range []string{bsuid, waID, phone} {
			s.journal("d, c, b by phone, a by id", key)
		}
	}},
	{name: "a journal follows a changed identity", run: func(s *suite) {
		const was, unknown = "whatsapp:US.1111111111111111111", "whatsapp:US.2222222222222222222"
		s.append(s.click(1, was, s.now()-9000, true, waID))
		s.append(s.noted(2, waID, "old", "sent", 9), s.noted(3, bsuid, "new", "sent", 1), s.noted(4, unknown, "former", "sent", 5))
		s.append(s.noted(5, bsuid, "old", "mine", 9)) // where both have it, it is as the contact's own says
		changed := s.organic(6, bsuid)
		changed.Events[0].Former, changed.Jobs = []string{unknown, waID}, nil
		changed.Notes = []queue.Note{became(waID, "old", "delivered")}
		s.append(changed)
		for _, key := range []string{bsuid, was, waID, unknown} {
			s.journal("new sent, former sent, old delivered", key)
		}
	}},
	{name: "one group's notes and their contact", run: func(s *suite) {
		s.append(s.noted(1, waID, "before", "", 9))
		g := s.click(2, bsuid, s.now(), true, waID)
		g.Notes = []queue.Note{note(waID, "a", "", s.now()-4000), note(bsuid, "b", "", s.now()-3000), became(bsuid, "a", "delivered")}
		second := s.organic(3, waID, phone)
		second.Notes = []queue.Note{note(phone, "c", "", s.now()-2000)}
		s.append(s.noted(4, phone, "first", "", 8), g, second)
		s.journal("c, b, a delivered, first, before", bsuid)
		s.journal("c, b, a delivered, first, before", phone)
	}},
	{name: "the oldest notes go", run: func(s *suite) {
		for n := range 110 {
			s.append(s.noted(n+1, waID, fmt.Sprintf("%03d", n), "x", 1000-int64(n)))
		}
		notes, err := s.Queue.Notes(s.Context(), tenant, []string{waID})
		s.check(err)
		expect(s, "notes", len(notes), queue.MaxNotes)
		expect(s, "the oldest", string(notes[99].Data), "010")
		g := queue.Group{Tenant: tenant, Events: []queue.Event{s.event(200)}}
		for n := range 20 {
			long := note(waID, fmt.Sprintf("long %d %s", n, strings.Repeat("x", 1900)), strings.Repeat("y", 100), s.now()-int64(n))
			g.Notes = append(g.Notes, long)
		}
		s.append(g)
		notes, err = s.Queue.Notes(s.Context(), tenant, []string{waID})
		s.check(err)
		expect(s, "long notes", len(notes), 16)
		expect(s, "the newest", string(notes[0].Data[:6]), "long 0")
		s.append(s.noted(201, waID, "gone at once", "", 5000))
		notes, err = s.Queue.Notes(s.Context(), tenant, []string{waID})
		s.check(err)
		expect(s, "room for a small one", len(notes), 17)
	}},
	{name: "notes that are none", run: func(s *suite) {
		for _, n := range []queue.Note{
			{}, {Contact: waID, Of: 1}, {Contact: waID, Of: -1}, {Contact: waID, When: queue.WhenQueued}, {Contact: waID, When: queue.WhenFirst},
			{Contact: waID, When: queue.WhenDead + 1}, {Contact: waID, Data: make([]byte, queue.MaxNote+1)},
			{Contact: waID, Outcome: make([]byte, queue.MaxNote+1)},
		} {
			r := s.Queue.Append(s.Context(), []queue.Group{{Tenant: tenant, Events: []queue.Event{s.event(1)}, Notes: []queue.Note{n}}})
			if r[0].Err == nil {
				s.Errorf("stored %+v", n)
			}
		}
	}},
	{name: "erase takes the journal", run: func(s *suite) {
		s.append(s.noted(1, phone, "orphan", "", 5), s.noted(2, "whatsapp:other", "other", "", 5))
		s.append(s.click(3, bsuid, s.now(), true, waID))
		s.append(s.noted(4, waID, "sale", "sent", 5))
		n, err := s.Queue.Erase(s.Context(), tenant, waID)
		s.check(err)
		expect(s, "the clicks with the journal, and an alias", n, 2)
		s.journal("", bsuid, waID)
		late := s.noted(5, waID, "sale", "delivered", 0)
		late.Notes[0] = became(waID, "sale", "delivered")
		s.append(late)
		s.journal("", bsuid, waID)
		n, err = s.Queue.Erase(s.Context(), tenant, phone)
		s.check(err)
		expect(s, "a journal without clicks", n, 1)
		n, err = s.Queue.Erase(s.Context(), tenant, phone)
		s.check(err)
		expect(s, "erased again", n, 0)
		s.journal("other", bsuid, waID, phone, "whatsapp:other")
		s.reopen()
		s.journal("other", bsuid, waID, phone, "whatsapp:other")
	}},
	{name: "a journal expires as clicks do", expiry: true, run: func(s *suite) {
		s.append(s.noted(1, waID, "a", "", 0), s.noted(2, bsuid, "b", "", 0))
		s.Clock.Advance(20 * day)
		s.append(s.noted(3, waID, "c", "", 0))
		s.Clock.Advance(9 * day)
		s.journal("", bsuid)
		s.journal("c, a", waID)
		s.sweep()
		s.journal("c, a", waID)
		s.Clock.Advance(20 * day)
		s.journal("", waID)
		s.sweep()
		s.reopen()
		s.append(s.noted(4, waID, "d", "", 0))
		s.journal("d", waID)
	}},
	{name: "notes of a large group", run: func(s *suite) {
		n := upTo(600)
		g := s.group(crm, n...)
		for i := range g.Jobs {
			a := note(waID, fmt.Sprintf("e%03d", i), "new", s.now()-int64(1000-i))
			a.Of = i
			b := note(bsuid, fmt.Sprintf("j%03d", i), "sent", s.now()-int64(1000-i))
			b.Of, b.When = i, queue.WhenQueued
			g.Notes = append(g.Notes, a, b)
		}
		s.append(g)
		for key, first := range map[string]string{waID: "e599 new", bsuid: "j599 sent"} {
			notes, err := s.Queue.Notes(s.Context(), tenant, []string{key})
			s.check(err)
			expect(s, "notes", len(notes), queue.MaxNotes)
			expect(s, "the newest", fmt.Sprintf("%s %s", notes[0].Data, notes[0].Outcome), first)
		}
	}},
}
