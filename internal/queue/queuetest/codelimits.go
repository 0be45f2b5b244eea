package queuetest

import (
	"fmt"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

var codeLimitTests = []test{
	{name: "codes of a link", run: func(s *suite) {
		o := DefaultOptions()
		o.MaxCodes = 3
		s.Queue.Configure(o)
		for i := range 3 {
			s.put(s.campaignCode(fmt.Sprintf("AAAAAAAAA%d", i), fmt.Sprint("key", i)), true)
		}
		s.notPut(s.campaignCode("BBBBBBBBB3", "another key"), queue.ErrTooManyCodes)
		s.put(s.campaignCode("BBBBBBBBB3", "key1"), false)
		s.put(s.adCode("BBBBBBBBB4", "with a click"), true) // does not count
		c := s.campaignCode("BBBBBBBBB6", "another link's")
		c.Of = "winter"
		s.put(c, true)
		c = s.campaignCode("BBBBBBBBB7", "nothing's") // is not counted
		c.Of = ""
		s.put(c, true)
		s.reopen()
		s.Queue.Configure(o)
		s.notPut(s.campaignCode("BBBBBBBBB8", "another key"), queue.ErrTooManyCodes)
		s.stored(false, "BBBBBBBBB3", "BBBBBBBBB8")
		_, _, err := s.Queue.PutCode(s.Context(), other.Tenant, s.campaignCode("BBBBBBBBB8", "another key"))
		s.check(err)
		o.MaxCodes = 4
		s.Queue.Configure(o)
		s.put(s.campaignCode("BBBBBBBBB8", "another key"), true)
	}},
	{name: "codes that nobody has claimed", run: func(s *suite) {
		o := DefaultOptions()
		o.MaxUnclaimed = 3
		s.Queue.Configure(o)
		put := func(n int) {
			s.Clock.Advance(time.Second)
			s.put(s.adCode(fmt.Sprintf("AAAAAAAAA%d", n), fmt.Sprint("key", n)), true)
		}
		for n := range 3 {
			put(n)
		}
		s.append(s.claim(1, "AAAAAAAAA0", waID)) // is not counted any more, and does not go
		s.put(s.campaignCode("BBBBBBBBB3", "campaign"), true)
		put(3)
		s.stored(true, "AAAAAAAAA0", "AAAAAAAAA1", "AAAAAAAAA2", "AAAAAAAAA3", "BBBBBBBBB3")
		put(4)
		s.stored(false, "AAAAAAAAA1")
		s.stored(true, "AAAAAAAAA0", "AAAAAAAAA2", "AAAAAAAAA3", "AAAAAAAAA4", "BBBBBBBBB3")
		s.reopen()
		s.Queue.Configure(o)
		s.put(s.adCode("AAAAAAAAA9", "key2"), false)
		put(5)
		s.stored(false, "AAAAAAAAA2")
		s.put(s.adCode("AAAAAAAAA7", "key2"), true) // its key is free, and the next oldest goes
		s.stored(false, "AAAAAAAAA3")
		s.stored(true, "AAAAAAAAA4", "AAAAAAAAA5", "AAAAAAAAA7")
		_, _, err := s.Queue.PutCode(s.Context(), other.Tenant, s.adCode("AAAAAAAAA3", "key"))
		s.check(err)
		s.stored(true, "AAAAAAAAA4")
	}},
	{name: "what has expired makes room first", expiry: true, run: func(s *suite) {
		o := DefaultOptions()
		o.MaxUnclaimed, o.RememberClicks = 2, time.Hour
		s.Queue.Configure(o)
		short := s.adCode("AAAAAAAAA3", "short")
		short.Claim = time.Hour
		long := s.adCode("AAAAAAAAA4", "long")
		long.At -= 1000
		s.put(long, true)
		s.put(short, true)
		s.Clock.Advance(2 * time.Hour)
		s.put(s.adCode("AAAAAAAAA6", "next"), true)
		s.stored(true, "AAAAAAAAA4", "AAAAAAAAA6")
	}},
	{name: "a code expires", expiry: true, run: func(s *suite) {
		long := s.adCode("AAAAAAAAA7", "long")
		long.Claim = 40 * day
		s.put(s.adCode("AAAAAAAAA3", "never claimed"), true)
		s.put(s.adCode("AAAAAAAAA4", "claimed"), true)
		s.put(long, true)
		s.put(s.campaignCode("AAAAAAAAA6", "campaign"), true)
		s.Clock.Advance(7*day - time.Minute)
		s.append(s.claim(1, "AAAAAAAAA4", waID))
		s.Clock.Advance(2 * time.Minute)
		s.refuses(s.claim(2, "AAAAAAAAA3", waID)) // too late, though it is there
		s.stored(true, "AAAAAAAAA3")
		s.put(s.adCode("BBBBBBBBB3", "never claimed"), false)
		s.Clock.Advance(21 * day) // 28 days after it was drawn
		s.sweep()
		s.stored(false, "AAAAAAAAA3")
		s.stored(true, "AAAAAAAAA4", "AAAAAAAAA6", "AAAAAAAAA7")
		s.owned("AAAAAAAAA4", waID)
		s.put(s.adCode("AAAAAAAAA3", "another key"), true) // code and key are free
		s.put(s.adCode("BBBBBBBBB3", "never claimed"), true)
		s.Clock.Advance(7 * day) // 28 days after the claim
		s.stored(false, "AAAAAAAAA4")
		s.put(s.adCode("BBBBBBBBB4", "claimed"), true)
		s.append(s.claim(3, "AAAAAAAAA7", waID))
		s.Clock.Advance(27 * day)
		s.sweep()
		s.stored(true, "AAAAAAAAA7", "AAAAAAAAA6")
		s.Clock.Advance(365 * day)
		s.sweep()
		s.stored(false, "AAAAAAAAA7")
		s.stored(true, "AAAAAAAAA6")
		s.put(s.campaignCode("BBBBBBBBB6", "campaign"), false)
	}},
	{name: "a code expires without a sweep", expiry: true, run: func(s *suite) {
		s.put(s.adCode("AAAAAAAAA3", "key"), true)
		s.put(s.adCode("AAAAAAAAA4", "key of another"), true)
		s.Clock.Advance(28*day + time.Second)
		s.stored(false, "AAAAAAAAA3", "AAAAAAAAA4")
		s.refuses(s.claim(1, "AAAAAAAAA3", waID))
		s.put(s.adCode("AAAAAAAAA3", "key of another"), true)
		s.put(s.adCode("AAAAAAAAA4", "key"), true)
		s.Clock.Advance(day)
		s.sweep()
		s.stored(true, "AAAAAAAAA3", "AAAAAAAAA4")
		s.append(s.claim(1, "AAAAAAAAA3", waID))
	}},
}
