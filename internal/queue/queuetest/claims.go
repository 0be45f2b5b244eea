package queuetest

import (
	"errors"
	"fmt"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

var claimTests = []test{
	{name: "the first contact has it", run: func(s *suite) {
		s.put(s.adCode("AAAAAAAAA3", "key"), true)
		s.append(s.claim(1, "AAAAAAAAA3", waID))
		s.owned("AAAAAAAAA3", waID)
		s.refuses(s.claim(2, "AAAAAAAAA3", stranger))
		s.append(s.claim(3, "AAAAAAAAA3", waID))
		s.owned("AAAAAAAAA3", waID)
		s.reopen()
		s.owned("AAAAAAAAA3", waID)
		s.refuses(s.claim(2, "AAAAAAAAA3", stranger))
		s.append(s.organic(2, stranger)) // without a claim it is new
		s.holds(crm, 1, 3, 2)
		// As before it is who gets the code for its key.
		expect(s, "the code in force", s.put(s.adCode("BBBBBBBBB3", "key"), false).Code, "AAAAAAAAA3")
		out := s.put(s.adCode("BBBBBBBBB3", "key"), false)
		expect(s, "is claimed", out.OwnedBy(tenant, &queue.Event{Contact: waID}), true)
	}},
	{name: "what can't be claimed", run: func(s *suite) {
		s.put(s.campaignCode("AAAAAAAAA3", "campaign"), true)
		s.refuses(s.claim(1, "AAAAAAAAA3", waID))
		s.refuses(s.claim(1, "BBBBBBBBB3", waID)) // not there
		s.put(s.adCode("AAAAAAAAA4", "key"), true)
		g := s.claim(1, "AAAAAAAAA4", waID)
		g.Tenant, g.Jobs = other.Tenant, nil
		s.refuses(g)
		// Nobody's claim is none.
		s.append(s.claim(2, "AAAAAAAAA4", ""))
		expect(s, "the owner", s.code("AAAAAAAAA4").Owner, "")
		s.append(s.claim(1, "AAAAAAAAA4", waID))
		s.owned("AAAAAAAAA4", waID)
	}},
	{name: "under any name", run: func(s *suite) {
		s.put(s.adCode("AAAAAAAAA3", "one"), true)
		s.put(s.adCode("AAAAAAAAA4", "two"), true)
		s.append(s.claim(1, "AAAAAAAAA3", bsuid, waID, phone))
		s.owned("AAAAAAAAA3", bsuid, waID, phone)
		s.append(s.claim(2, "AAAAAAAAA3", waID), s.claim(3, "AAAAAAAAA3", phone), s.claim(4, "AAAAAAAAA3", "whatsapp:US.9", phone))
		changed := s.claim(5, "AAAAAAAAA3", "whatsapp:US.7")
		changed.Events[0].Former = []string{"", bsuid}
		s.append(changed)
		s.refuses(s.claim(6, "AAAAAAAAA3", "whatsapp:US.8", "whatsapp:15550000000"))
		// The number alone claims, and then has a BSUID.
		s.append(s.claim(7, "AAAAAAAAA4", stranger))
		s.refuses(s.claim(8, "AAAAAAAAA4", bsuid, waID))
		s.append(s.claim(9, "AAAAAAAAA4", "whatsapp:US.99", stranger))
		former := s.claim(10, "AAAAAAAAA4", "whatsapp:US.98")
		former.Events[0].Former = []string{stranger}
		s.append(former)
		s.holds(crm, 1, 2, 3, 4, 5, 7, 9, 10)
	}},
	{name: "a redelivery is a duplicate", expiry: true, run: func(s *suite) {
		s.put(s.adCode("AAAAAAAAA3", "key"), true)
		g := s.claim(1, "AAAAAAAAA3", waID)
		s.append(g)
		expect(s, "again", s.outcome(g), queue.Duplicate)
		// Whatever became of its code since.
		_, err := s.Queue.Erase(s.Context(), tenant, waID)
		s.check(err)
		expect(s, "after the code is gone", s.outcome(g), queue.Duplicate)
		s.put(s.adCode("AAAAAAAAA4", "of another"), true)
		s.append(s.claim(2, "AAAAAAAAA4", stranger))
		g.Events[0].Claim = "AAAAAAAAA4"
		expect(s, "after it is another's", s.outcome(g), queue.Duplicate)
		s.owned("AAAAAAAAA4", stranger)
		expect(s, "a new claim", s.outcome(s.organic(1, waID)), queue.Duplicate)
	}},
	{name: "a group that fails leaves nothing", run: func(s *suite) {
		s.put(s.adCode("AAAAAAAAA3", "one"), true)
		s.put(s.adCode("AAAAAAAAA4", "two"), true)
		s.append(s.claim(1, "AAAAAAAAA3", stranger))
		bad := s.group(crm, 2, 3, 4)
		seal := id(1000)
		for i, code := range []string{"AAAAAAAAA4", "", "AAAAAAAAA3"} {
			ev := s.click(2+i, waID, s.now(), true, phone).Events[0]
			ev.Claim = code
			bad.Events[i] = ev
		}
		bad.Events[1].Seal = seal
		bad.Jobs[1].Once = []queue.Once{{Key: "once", Window: time.Hour}}
		bad = s.counted(bad, "clicks", 1, queue.WhenNew, 0)
		good, after := s.group(n8n, 5), s.group(n8n, 6)
		after.Jobs[0].Once = []queue.Once{{Key: "once", Window: time.Hour}}
		after.Events[0].Seal = seal
		results := s.Queue.Append(s.Context(), []queue.Group{good, bad, after})
		expect(s, "the one before", results[0].Err == nil && results[0].New[0], true)
		expect(s, "the bad one", errors.Is(results[1].Err, queue.ErrClaimed), true)
		expect(s, "the one after", results[2].Err == nil && results[2].New[0] && results[2].Jobs[0] == queue.Queued, true)
		s.holds(crm, 1)
		s.holds(n8n, 5, 6)
		s.touches(waID, 0, 0, 0)
		s.touches(phone, 0, 0, 0)
		s.counts(tenant, 0, 0)
		expect(s, "the owner of the other code", s.code("AAAAAAAAA4").Owner, "")
		// Planned anew, all of it is new.
		bad.Events[2].Claim, bad.Events[1].Seal, bad.Jobs[1].Once = "", queue.ID{}, nil
		r := s.append(bad)[0]
		expect(s, "new", fmt.Sprint(r.New), "[true true true]")
		s.owned("AAAAAAAAA4", waID, phone)
		s.holds(crm, 1, 2, 3, 4)
	}},
	{name: "several of one group", run: func(s *suite) {
		s.put(s.adCode("AAAAAAAAA3", "one"), true)
		s.put(s.adCode("AAAAAAAAA4", "two"), true)
		group := func(contacts ...string) queue.Group {
			g := s.group(crm, 1, 2, 3)
			for i, contact := range contacts {
				g.Events[i] = s.claim(1+i, "AAAAAAAAA3", contact).Events[0]
			}
			return g
		}
		s.refuses(group(waID, stranger, waID)) // the first of two
		expect(s, "the owner", s.code("AAAAAAAAA3").Owner, "")
		g := group(waID, waID)
		g.Events[1].Contact, g.Events[1].Aliases = bsuid, []string{waID}
		g.Events[2] = s.claim(3, "AAAAAAAAA4", stranger).Events[0]
		s.append(g)
		s.owned("AAAAAAAAA3", waID)
		s.owned("AAAAAAAAA4", stranger)
		// An event that comes twice in a group claims once, whoever sent the second.
		s.put(s.adCode("AAAAAAAAA6", "three"), true)
		g = s.group(crm, 4)
		g.Events[0] = s.claim(4, "AAAAAAAAA6", waID).Events[0]
		g.Events = append(g.Events, s.claim(4, "AAAAAAAAA6", stranger).Events[0])
		s.append(g)
		s.owned("AAAAAAAAA6", waID)
	}},
	{name: "with a click and without a job", run: func(s *suite) {
		s.put(s.adCode("AAAAAAAAA3", "key"), true)
		g := s.click(1, bsuid, s.now(), false, waID)
		g.Jobs, g.Payloads, g.Events[0].Claim, g.Events[0].MessageID = nil, nil, "AAAAAAAAA3", ""
		s.append(g)
		s.touches(waID, 1, 1, 0)
		s.owned("AAAAAAAAA3", bsuid, waID)
	}},
	{name: "in a large group", run: func(s *suite) {
		s.put(s.adCode("AAAAAAAAA3", "one"), true)
		s.put(s.adCode("AAAAAAAAA4", "two"), true)
		s.append(s.claim(1000, "AAAAAAAAA3", stranger))
		g := s.group(crm, upTo(900)...)
		g.Events[5].Claim, g.Events[5].Contact = "AAAAAAAAA4", waID
		g.Events[800].Claim, g.Events[800].Contact, g.Events[800].Aliases = "AAAAAAAAA3", bsuid, []string{waID}
		s.refuses(g)
		s.holds(crm, 1000)
		expect(s, "the owner", s.code("AAAAAAAAA4").Owner, "")
		g.Events[800].Claim = "AAAAAAAAA4"
		r := s.append(g)[0]
		expect(s, "new", r.New[0] && r.New[5] && r.New[800], true)
		expect(s, "entries", len(s.entries(crm)), 901)
		s.owned("AAAAAAAAA4", waID)
		expect(s, "again", s.append(g)[0].New[5], false)
	}},
	{name: "erased with the contact", run: func(s *suite) {
		for i, key := range []string{"one", "two", "three", "four"} {
			s.put(s.adCode(fmt.Sprintf("AAAAAAAAA%d", i), key), true)
		}
		s.put(s.campaignCode("BBBBBBBBB3", "campaign"), true)
		first, second := s.claim(1, "AAAAAAAAA0", bsuid, waID), s.claim(2, "AAAAAAAAA1", waID, phone)
		first.Events[0].Clicks = []queue.Click{{At: s.now(), Data: data(1)}}
		s.append(first, second, s.claim(3, "AAAAAAAAA2", stranger))
		// The clicks, two aliases, two codes.
		n, err := s.Queue.Erase(s.Context(), tenant, bsuid)
		s.check(err)
		expect(s, "removed", n, 5)
		s.stored(false, "AAAAAAAAA0", "AAAAAAAAA1")
		s.stored(true, "AAAAAAAAA2", "AAAAAAAAA3", "BBBBBBBBB3")
		s.reopen()
		s.stored(false, "AAAAAAAAA0", "AAAAAAAAA1")
		s.put(s.adCode("CCCCCCCCC3", "one"), true) // the key is free
		// Without a click, by another name.
		s.append(s.claim(4, "AAAAAAAAA3", stranger, "whatsapp:US.5"))
		n, err = s.Queue.Erase(s.Context(), tenant, "whatsapp:US.5")
		s.check(err)
		expect(s, "removed", n, 1)
		s.stored(false, "AAAAAAAAA3")
		s.stored(true, "AAAAAAAAA2")
		n, err = s.Queue.Erase(s.Context(), other.Tenant, stranger)
		s.check(err)
		expect(s, "of another tenant", n, 0)
		s.stored(true, "AAAAAAAAA2")
	}},
	{name: "a crash keeps codes and claims", run: func(s *suite) {
		if s.Crash == nil {
			s.Skip("the store can't crash")
		}
		s.put(s.adCode("AAAAAAAAA3", "one"), true)
		s.put(s.adCode("AAAAAAAAA4", "two"), true)
		s.append(s.claim(1, "AAAAAAAAA3", waID))
		s.Queue = s.Crash(s.T)
		s.owned("AAAAAAAAA3", waID)
		s.stored(true, "AAAAAAAAA4")
		s.refuses(s.claim(2, "AAAAAAAAA3", stranger))
		s.put(s.adCode("BBBBBBBBB3", "one"), false)
	}},
}
