package queuetest

import (
	"fmt"

	"github.com/leadgate/leadgate/internal/queue"
)

var identityTests = []test{
	{name: "a status tells another number", run: func(s *suite) {
		status := func(n int) queue.Group {
			g := s.organic(n, bsuid, waID)
			g.Events[0].MessageID = ""
			return g
		}
		s.append(status(1))
		s.touches(waID, 0, 0, 0)
		s.append(s.click(2, bsuid, s.now(), true))
		s.touches(waID, 0, 0, 0)
		s.append(status(3), status(4))
		s.touches(waID, 2, 2, 2)
	}},
	{name: "a status tells again after a click by the number", run: func(s *suite) {
		status := func(n int) queue.Group {
			g := s.organic(n, bsuid, waID)
			g.Events[0].MessageID = ""
			return g
		}
		s.append(status(1))
		s.append(s.click(2, waID, s.now(), true))
		s.append(status(1)) // a redelivery tells nothing
		s.append(status(3))
		s.touches(bsuid, 2, 2, 2)
	}},
	{name: "an alias's own click is merged", run: func(s *suite) {
		now := s.now()
		s.append(s.click(1, waID, now-9000, true, phone)) // the phone only
		s.append(s.click(2, bsuid, now-5000, false, waID))
		for _, key := range []string{bsuid, waID} {
			s.touches(key, 1, 2, 1)
		}
		s.append(s.click(3, bsuid, now-1000, true))
		s.touches(waID, 1, 3, 3)
		s.touches("m:wamid.1", 1, 3, 3)
		s.touches(phone, 1, 3, 3)
	}},
	{name: "an alias's own click is merged by an event without one", run: func(s *suite) {
		s.append(s.click(1, waID, s.now()-9000, true, phone))
		s.append(s.organic(2, bsuid, waID, phone))
		for _, key := range []string{bsuid, waID, phone, "m:wamid.1", "m:wamid.2"} {
			s.touches(key, 1, 1, 1)
		}
	}},
	{name: "a contact that is an alias", run: func(s *suite) {
		now := s.now()
		s.append(s.click(1, bsuid, now-9000, true, waID))
		s.append(s.click(2, waID, now-5000, true)) // the phone only, known BSUID
		s.touches(bsuid, 1, 2, 2)
		s.touches(waID, 1, 2, 2)
		s.append(s.organic(3, waID))
		s.touches("m:wamid.3", 1, 2, 2)
	}},
	{name: "a changed identity", run: func(s *suite) {
		const was, wasPhone, unknown = "whatsapp:US.1111111111111111111", "whatsapp:15550000001", "whatsapp:US.2222222222222222222"
		now := s.now()
		// The old keys: a contact, an alias of it, and one that nobody knows.
		s.append(s.click(1, was, now-9000, true, wasPhone))
		s.append(s.click(2, was, now-8000, false))
		changed := s.organic(3, bsuid, waID)
		changed.Events[0].Former = []string{unknown, wasPhone}
		changed.Jobs = nil
		s.append(s.counted(changed, "contacts", 1, queue.WhenFirst, 0))
		all := []string{bsuid, waID, was, wasPhone, unknown, "m:wamid.1", "m:wamid.2", "m:wamid.3"}
		for _, key := range all {
			s.touches(key, 1, 2, 1)
		}
		s.counts(tenant, 0, 0)
		s.append(changed) // a redelivery
		s.reopen()
		s.append(changed)
		s.append(s.click(4, bsuid, now-1000, true), s.organic(5, was))
		for _, key := range append(all, "m:wamid.5") {
			s.touches(key, 1, 4, 4)
		}
		n, err := s.Queue.Erase(s.Context(), tenant, wasPhone)
		s.check(err)
		expect(s, "erased: the clicks and four aliases", n >= 5, true)
		for _, key := range all {
			s.touches(key, 0, 0, 0)
		}
	}},
	{name: "a changed identity of one who has clicked since", run: func(s *suite) {
		const was = "whatsapp:US.1111111111111111111"
		now := s.now()
		s.append(s.click(1, was, now-9000, true, waID), s.click(2, bsuid, now-5000, false))
		changed := s.organic(3, bsuid)
		changed.Events[0].Former, changed.Events[0].MessageID = []string{was, was, bsuid, ""}, ""
		s.append(changed)
		for _, key := range []string{bsuid, was, waID, "m:wamid.1", "m:wamid.2"} {
			s.touches(key, 1, 2, 1)
		}
		// Again in the same step as a click, and over two changes.
		g := s.click(4, "whatsapp:US.3333333333333333333", now, true)
		g.Events[0].Former = []string{was}
		s.append(g)
		for _, key := range []string{"whatsapp:US.3333333333333333333", bsuid, was, waID, "m:wamid.2", "m:wamid.4"} {
			s.touches(key, 1, 4, 4)
		}
	}},
	{name: "a changed identity of nobody who clicked", run: func(s *suite) {
		changed := s.organic(1, bsuid)
		changed.Events[0].Former = []string{waID}
		s.append(changed)
		s.touches(bsuid, 0, 0, 0)
		// Told by a status, after another that told the same contact's keys.
		status := func(n int, former ...string) queue.Group {
			g := s.organic(n, bsuid, phone)
			g.Events[0].MessageID, g.Events[0].Former = "", former
			return g
		}
		s.append(status(2))
		s.append(s.click(3, waID, s.now(), true))
		s.append(status(4, waID))
		s.touches(bsuid, 3, 3, 3)
		s.touches(waID, 3, 3, 3)
	}},
	{name: "the oldest aliases go", run: func(s *suite) {
		s.append(s.click(1, bsuid, s.now(), true, "alias:0"))
		for n := 1; n < 70; n++ {
			s.append(s.organic(1+n, bsuid, fmt.Sprintf("alias:%d", n)))
		}
		s.touches("alias:5", 0, 0, 0)
		s.touches("alias:6", 1, 1, 1)
		s.touches("alias:69", 1, 1, 1)
		s.append(s.organic(100, bsuid, "alias:5"))
		s.touches("alias:5", 1, 1, 1)
		s.touches("alias:6", 0, 0, 0)
	}},
}
