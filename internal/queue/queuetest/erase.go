package queuetest

import (
	"fmt"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

var eraseTests = []test{
	{name: "erase", run: func(s *suite) {
		s.append(s.click(1, bsuid, s.now(), true, phone, waID), s.click(2, "whatsapp:other", s.now(), true))
		dead := func(n int, contact, click string) {
			g := s.group(crm, n)
			g.Jobs[0].Header.Contact, g.Jobs[0].Header.ClickKey = contact, click
			g.Jobs[0].Dead = &queue.Reason{Reason: "x"}
			s.append(g)
		}
		dead(10, waID, "")
		dead(11, "", bsuid)
		dead(12, "whatsapp:other", "whatsapp:other")
		n, err := s.Queue.Erase(s.Context(), tenant, phone)
		s.check(err)
		// The clicks, the two aliases and the two dead letters.
		if n < 5 {
			s.Fatalf("%d removed, want at least 5", n)
		}
		for _, key := range []string{bsuid, phone, waID, "m:wamid.1"} {
			s.touches(key, 0, 0, 0)
		}
		s.deadAre(s.dead(queue.DeadFilter{}), 12)
		s.touches("whatsapp:other", 2, 2, 2)
		n, err = s.Queue.Erase(s.Context(), tenant, phone)
		s.check(err)
		expect(s, "erased again", n, 0)
		expect(s, "counted", s.info(crm).Dead, 1)
		s.reopen()
		s.touches(bsuid, 0, 0, 0)
	}},
	{name: "erase reaches all that names the contact", run: func(s *suite) {
		// Two clicks under two names that become one, more messages than are looked
		// at in one step, and more aliases than are kept.
		s.append(s.click(1, waID, s.now()-5000, true))
		s.append(s.click(2, bsuid, s.now(), true, waID, phone))
		messages := s.organic(10, bsuid)
		for n := 11; n < 800; n++ {
			messages.Events = append(messages.Events, s.organic(n, bsuid, fmt.Sprintf("clid:%d", n/20)).Events...)
		}
		s.append(messages)
		s.append(s.click(3, "whatsapp:other", s.now(), true, "clid:other"))
		s.append(s.organic(4, "whatsapp:other"))
		letter := func(d queue.Dest, n int, contact string) {
			g := s.group(d, n)
			g.Jobs[0].Header.Contact = contact
			g.Jobs[0].Dead = &queue.Reason{Reason: "x"}
			s.append(g)
			s.Clock.Advance(time.Second)
		}
		letter(queue.Unmatched, 1000, waID)
		letter(queue.Unmatched, 1001, "whatsapp:other")
		letter(n8n, 1002, bsuid)
		letter(other, 1003, waID) // another tenant's
		n, err := s.Queue.Erase(s.Context(), tenant, waID)
		s.check(err)
		// The clicks, 42 aliases, two dead letters.
		expect(s, "removed", n, 45)
		for _, key := range []string{bsuid, waID, phone, "clid:30", "m:wamid.1", "m:wamid.2", "m:wamid.10", "m:wamid.799"} {
			s.touches(key, 0, 0, 0)
		}
		s.touches("m:wamid.4", 3, 3, 3)
		s.deadAre(s.dead(queue.DeadFilter{}), 1003, 1001)

		// The person clicks again: what was erased doesn't lead there.
		s.append(s.click(5, bsuid, s.now(), true))
		s.touches("m:wamid.5", 5, 5, 5)
		for _, key := range []string{waID, phone, "clid:30", "m:wamid.1", "m:wamid.799"} {
			s.touches(key, 0, 0, 0)
		}
	}},
	{name: "erase of a contact with many dead letters", run: func(s *suite) {
		n := upTo(3000)
		g := s.group(crm, n...)
		for i := range g.Jobs {
			g.Jobs[i].Dead = &queue.Reason{Reason: "x"}
			g.Jobs[i].Header.Contact = waID
			if i%3 == 2 {
				g.Jobs[i].Header.Contact = "whatsapp:other"
			}
		}
		s.append(g)
		removed, err := s.Queue.Erase(s.Context(), tenant, waID)
		s.check(err)
		expect(s, "removed", removed, 2000)
		letters := s.dead(queue.DeadFilter{})
		expect(s, "left", len(letters), 1000)
		for _, l := range letters {
			expect(s, "whose", l.Header.Contact, "whatsapp:other")
		}
	}},
	{name: "erase a contact without clicks", run: func(s *suite) {
		g := s.group(crm, 1)
		g.Jobs[0].Header.Contact = "15551230001"
		g.Jobs[0].Dead = &queue.Reason{Reason: "x"}
		s.append(g)
		n, err := s.Queue.Erase(s.Context(), other.Tenant, "15551230001")
		s.check(err)
		expect(s, "another tenant's", n, 0)
		n, err = s.Queue.Erase(s.Context(), tenant, "15551230001")
		s.check(err)
		expect(s, "removed", n, 1)
		expect(s, "dead letters", len(s.dead(queue.DeadFilter{})), 0)
	}},
}
