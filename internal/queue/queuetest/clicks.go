package queuetest

import (
	"fmt"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

// click is an event of contact c that clicked an ad at a time.
func (s *suite) click(n int, c string, at int64, clid bool, aliases ...string) queue.Group {
	g := s.group(crm, n)
	g.Events[0].Contact, g.Events[0].Aliases = c, aliases
	g.Events[0].MessageID = fmt.Sprintf("m:wamid.%d", n)
	g.Events[0].Click = &queue.Click{At: at, HasClid: clid, Data: fmt.Appendf(nil, `{"click":%d}`, n)}
	return g
}

// organic is an event of contact c without a click.
func (s *suite) organic(n int, c string, aliases ...string) queue.Group {
	g := s.click(n, c, 0, false, aliases...)
	g.Events[0].Click = nil
	return g
}

// touches checks which clicks are stored for a key: the numbers of the events
// of the first, the last and the last with a click id, 0 for none.
func (s *suite) touches(key string, first, last, clid int) {
	s.Helper()
	found, err := s.Queue.Clicks(s.Context(), tenant, []string{key})
	s.check(err)
	expect(s, "answers", len(found), 1)
	data := func(n int) string {
		if n == 0 {
			return ""
		}
		return fmt.Sprintf(`{"click":%d}`, n)
	}
	got := [3]string{string(found[0].First), string(found[0].Last), string(found[0].LastClid)}
	expect(s, "first, last, last with a click id of "+key, got, [3]string{data(first), data(last), data(clid)})
}

const (
	bsuid = "whatsapp:US.13491208655302741918"
	waID  = "whatsapp:15551234567"
	phone = "+15551234567"
)

var clickTests = []test{
	{name: "first and last", run: func(s *suite) {
		now := s.now()
		s.touches(waID, 0, 0, 0)
		s.append(s.organic(1, waID))
		s.touches(waID, 0, 0, 0)
		s.append(s.click(2, waID, now-3000, true))
		s.touches(waID, 2, 2, 2)
		s.append(s.click(3, waID, now-1000, false))
		s.touches(waID, 2, 3, 2)
		s.append(s.click(4, waID, now, true))
		s.reopen()
		s.touches(waID, 2, 4, 4)
	}},
	{name: "none is nil", run: func(s *suite) {
		// Ads of Messenger, Instagram and the WhatsApp status bring no click id.
		s.append(s.click(1, "messenger:7301234567890123", s.now(), false, "messenger:2"), s.organic(2, waID))
		s.reopen()
		found, err := s.Queue.Clicks(s.Context(), tenant, []string{"messenger:7301234567890123", "messenger:2", "m:wamid.1", waID})
		s.check(err)
		for i, c := range found[:3] {
			expect(s, "first and last", string(c.First)+string(c.Last), `{"click":1}{"click":1}`)
			expect(s, fmt.Sprintf("the click id of key %d is nil", i), c.LastClid == nil, true)
		}
		expect(s, "a contact without clicks has nil", found[3].First == nil && found[3].Last == nil && found[3].LastClid == nil, true)
		// A click without data is none.
		g := s.click(3, waID, s.now(), true)
		g.Events[0].Click.Data = nil
		s.append(s.counted(g, "contacts", 1, queue.WhenFirst, 0))
		s.touches(waID, 0, 0, 0)
		s.counts(tenant, 0, 0)
	}},
	{name: "out of order", run: func(s *suite) {
		now := s.now()
		s.append(s.click(1, waID, now-1000, false))
		s.append(s.click(2, waID, now-5000, true)) // older than the first, the only click id
		s.touches(waID, 2, 1, 2)
		s.append(s.click(3, waID, now-3000, true)) // between
		s.touches(waID, 2, 1, 3)
		s.append(s.click(4, waID, now-4000, true)) // between, older than the last click id
		s.touches(waID, 2, 1, 3)
	}},
	{name: "two in one group", run: func(s *suite) {
		a, b := s.click(1, waID, s.now()-2000, true), s.click(2, waID, s.now()-1000, true)
		a.Events, a.Jobs = append(a.Events, b.Events...), nil
		s.append(a)
		s.touches(waID, 1, 2, 2)
	}},
	{name: "a redelivery changes nothing", run: func(s *suite) {
		g := s.click(1, waID, s.now(), true)
		s.append(g)
		g.Events[0].Click = &queue.Click{At: s.now() + 1, HasClid: true, Data: []byte(`{"click":9}`)}
		s.append(g)
		s.touches(waID, 1, 1, 1)
	}},
	{name: "tenants are apart", run: func(s *suite) {
		s.append(s.click(1, waID, s.now(), true))
		found, err := s.Queue.Clicks(s.Context(), other.Tenant, []string{waID})
		s.check(err)
		expect(s, "another tenant's click", string(found[0].First), "")
	}},
	{name: "many keys at once", run: func(s *suite) {
		s.append(s.click(1, waID, s.now(), true), s.click(2, "whatsapp:15557654321", s.now(), false))
		found, err := s.Queue.Clicks(s.Context(), tenant, []string{"whatsapp:nobody", waID, "whatsapp:15557654321", waID})
		s.check(err)
		expect(s, "answers", len(found), 4)
		expect(s, "nobody", string(found[0].First), "")
		expect(s, "first", string(found[1].LastClid), `{"click":1}`)
		expect(s, "second", string(found[2].Last), `{"click":2}`)
		expect(s, "without a click id", string(found[2].LastClid), "")
		expect(s, "first again", string(found[3].LastClid), `{"click":1}`)
		found, err = s.Queue.Clicks(s.Context(), tenant, nil)
		s.check(err)
		expect(s, "no keys", len(found), 0)
	}},
	{name: "aliases and message ids", run: func(s *suite) {
		s.append(s.click(1, bsuid, s.now(), true, phone, waID))
		s.touches(phone, 1, 1, 1)
		s.touches(waID, 1, 1, 1)
		s.touches("m:wamid.1", 1, 1, 1)
		s.append(s.organic(2, bsuid, "whatsapp:@jane"))
		s.touches("m:wamid.2", 1, 1, 1)
		s.touches("whatsapp:@jane", 1, 1, 1)
		s.append(s.organic(3, "whatsapp:15550000000", "+15550000000"))
		s.touches("m:wamid.3", 0, 0, 0)
		s.touches("+15550000000", 0, 0, 0)
		s.reopen()
		s.touches("m:wamid.2", 1, 1, 1)
		s.touches(phone, 1, 1, 1)
	}},
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
	{name: "expiry", expiry: true, run: func(s *suite) {
		s.append(s.click(1, bsuid, s.now(), true, phone))
		s.Clock.Advance(20 * day)
		s.append(s.click(2, bsuid, s.now(), false))
		s.Clock.Advance(28*day - time.Hour)
		s.sweep()
		s.touches(phone, 1, 2, 1)
		s.Clock.Advance(2 * time.Hour)
		s.sweep()
		s.touches(bsuid, 0, 0, 0)
		s.touches(phone, 0, 0, 0)
		s.append(s.click(3, phone, s.now(), true)) // no alias any more
		s.touches(phone, 3, 3, 3)
		s.touches(bsuid, 0, 0, 0)
	}},
	{name: "a click of long ago", run: func(s *suite) {
		g := s.click(1, bsuid, s.now()-29*day.Milliseconds(), true, phone)
		s.append(s.counted(g, "contacts", 1, queue.WhenFirst, 0))
		s.counts(tenant, 0, 0)
		s.touches(bsuid, 0, 0, 0)
		s.append(s.counted(s.click(2, bsuid, s.now()+day.Milliseconds(), false), "contacts", 1, queue.WhenFirst, 0)) // a clock ahead
		s.counts(tenant, 0, 0, "0  contacts 1")
		s.append(s.click(3, bsuid, s.now(), true), s.click(4, bsuid, s.now()-29*day.Milliseconds(), true))
		s.touches(bsuid, 4, 3, 3)
		s.touches(phone, 0, 0, 0)
		s.Clock.Advance(28*day - time.Hour)
		s.touches(bsuid, 4, 3, 3)
		s.Clock.Advance(2 * time.Hour)
		s.touches(bsuid, 0, 0, 0)
	}},
	{name: "what has expired leads nowhere again", expiry: true, run: func(s *suite) {
		s.append(s.click(1, bsuid, s.now(), true, phone))
		s.Clock.Advance(29 * day)
		s.append(s.click(2, bsuid, s.now(), true))
		s.touches(phone, 0, 0, 0)
		s.append(s.organic(3, bsuid, phone))
		s.Clock.Advance(29 * day)
		g := s.click(4, waID, s.now(), true)
		g.Events[0].Former = []string{bsuid}
		s.append(g)
		s.touches(bsuid, 4, 4, 4)
		s.touches(phone, 0, 0, 0)
	}},
	{name: "the group's next event is of one who clicked in it", run: func(s *suite) {
		click, next := s.click(1, waID, s.now(), true), s.organic(2, bsuid, waID)
		click.Events, click.Jobs = append(click.Events, next.Events...), nil
		s.append(click)
		for _, key := range []string{waID, bsuid, "m:wamid.1", "m:wamid.2"} {
			s.touches(key, 1, 1, 1)
		}
	}},
	{name: "expiry without a sweep", expiry: true, run: func(s *suite) {
		s.append(s.click(1, bsuid, s.now(), true, phone))
		s.Clock.Advance(28*day + time.Hour)
		s.touches(bsuid, 0, 0, 0)
		s.append(s.click(2, bsuid, s.now(), false))
		s.touches(bsuid, 2, 2, 0)
	}},
	{name: "message ids expire", expiry: true, run: func(s *suite) {
		s.append(s.click(1, bsuid, s.now(), true))
		s.Clock.Advance(8*day - time.Hour)
		s.sweep()
		s.touches("m:wamid.1", 1, 1, 1)
		s.Clock.Advance(2 * time.Hour)
		s.sweep()
		s.touches("m:wamid.1", 0, 0, 0)
		s.touches(bsuid, 1, 1, 1)
	}},
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
