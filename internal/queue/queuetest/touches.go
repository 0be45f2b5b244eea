package queuetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

// touch is a click by a name, so many seconds ago.
func (s *suite) touch(kind queue.ClickKind, name string, ago int64) queue.Click {
	return queue.Click{At: s.now() - 1000*ago, Kind: kind, Data: []byte(name)}
}

// brings is an event of contact c that brings clicks.
func (s *suite) brings(n int, c string, clicks ...queue.Click) queue.Group {
	g := s.organic(n, c)
	g.Events[0].Clicks = clicks
	return g
}

// keeps checks all that is stored for a key: the first click and the last, and of each
// kind the oldest and the newest, as in "a z: ad a a, link m z".
func (s *suite) keeps(key, want string) {
	s.Helper()
	found, err := s.Queue.Clicks(s.Context(), tenant, []string{key})
	s.check(err)
	c, kinds := &found[0], []string{}
	for kind, name := range [queue.ClickKinds]string{"ad", "clid", "google", "link", "lead"} {
		oldest, newest := c.Oldest[kind], c.Newest[kind]
		if oldest != nil || newest != nil {
			kinds = append(kinds, fmt.Sprintf("%s %s %s", name, oldest, newest))
		}
	}
	expect(s, "clicks of "+key, fmt.Sprintf("%s %s: %s", c.First, c.Last, strings.Join(kinds, ", ")), want)
}

const noTouches = " : "

var touchTests = []test{
	{name: "no touch hides another", run: func(s *suite) {
		for n, click := range []queue.Click{
			s.touch(queue.ClickLink, "a", 9), s.touch(queue.ClickClid, "b", 8), s.touch(queue.ClickGoogle, "c", 7),
			s.touch(queue.ClickAd, "d", 6), s.touch(queue.ClickClid, "e", 5), s.touch(queue.ClickLink, "f", 4),
			s.touch(queue.ClickGoogle, "g", 3), s.touch(queue.ClickClid, "h", 2), s.touch(queue.ClickLink, "i", 1),
		} {
			s.append(s.brings(n+1, waID, click))
		}
		s.keeps(waID, "a i: ad d d, clid b h, google c g, link a i")
		s.reopen()
		s.append(s.brings(10, waID, s.touch(queue.ClickAd, "j", 0)))
		s.keeps(waID, "a j: ad d j, clid b h, google c g, link a i")
	}},
	{name: "kinds alone", run: func(s *suite) {
		for kind, want := range [queue.ClickKinds]string{"x x: ad x x", "x x: clid x x", "x x: google x x", "x x: link x x", "x x: lead x x"} {
			key := fmt.Sprintf("whatsapp:%d", kind)
			s.append(s.brings(kind+1, key, s.touch(queue.ClickKind(kind), "x", 1)))
			s.keeps(key, want)
		}
	}},
	{name: "touches of any age", run: func(s *suite) {
		s.append(s.brings(1, waID, s.touch(queue.ClickLink, "m", 50)))
		s.append(s.brings(2, waID, s.touch(queue.ClickClid, "k", 70)))
		s.append(s.brings(3, waID, s.touch(queue.ClickLink, "j", 80)))
		s.append(s.brings(4, waID, s.touch(queue.ClickLink, "l", 60)))
		s.append(s.brings(5, waID, s.touch(queue.ClickClid, "n", 40)))
		s.append(s.brings(6, waID, s.touch(queue.ClickClid, "i", 90)))
		s.keeps(waID, "i n: clid i n, link j m")
	}},
	{name: "of one event and time the later is the newer", run: func(s *suite) {
		s.append(s.brings(1, waID, s.touch(queue.ClickClid, "ad", 5), s.touch(queue.ClickGoogle, "link", 5)))
		s.keeps(waID, "ad link: clid ad ad, google link link")
		s.append(s.brings(2, waID, s.touch(queue.ClickClid, "ad2", 5), s.touch(queue.ClickLink, "link2", 5)))
		s.reopen()
		s.append(s.brings(3, waID, s.touch(queue.ClickLink, "link3", 5)))
		s.keeps(waID, "ad link3: clid ad ad2, google link link, link link2 link3")
	}},
	{name: "an event's touches in any order", run: func(s *suite) {
		s.append(s.brings(1, waID, s.touch(queue.ClickLink, "b", 2), s.touch(queue.ClickLink, "c", 1), s.touch(queue.ClickLink, "a", 3)))
		s.keeps(waID, "a c: link a c")
	}},
	{name: "of several some are none", run: func(s *suite) {
		s.append(s.brings(1, waID, s.touch(queue.ClickClid, "", 2), s.touch(queue.ClickLink, "b", 1)))
		s.keeps(waID, "b b: link b b")
		s.append(s.brings(2, waID, s.touch(queue.ClickClid, "", 2), s.touch(queue.ClickLink, "", 0)))
		s.keeps(waID, "b b: link b b")
	}},
	{name: "first counts once", run: func(s *suite) {
		g := s.brings(1, waID, s.touch(queue.ClickClid, "a", 2), s.touch(queue.ClickLink, "b", 2))
		s.append(s.counted(g, "contacts", 1, queue.WhenFirst, 0))
		s.append(s.counted(g, "contacts", 1, queue.WhenFirst, 0))
		s.append(s.counted(s.brings(2, waID, s.touch(queue.ClickGoogle, "c", 1)), "contacts", 1, queue.WhenFirst, 0))
		s.counts(tenant, 0, 0, "0  contacts 1")
		s.keeps(waID, "a c: clid a a, google c c, link b b")
	}},
	{name: "touches of two names of one contact", run: func(s *suite) {
		s.append(s.brings(1, waID, s.touch(queue.ClickLink, "b", 8)), s.brings(2, waID, s.touch(queue.ClickClid, "e", 5)))
		s.append(s.brings(3, bsuid, s.touch(queue.ClickClid, "a", 9)), s.brings(4, bsuid, s.touch(queue.ClickGoogle, "d", 6)))
		s.append(s.organic(5, bsuid, waID))
		for _, key := range []string{bsuid, waID, "m:wamid.2", "m:wamid.4"} {
			s.keeps(key, "a e: clid a e, google d d, link b b")
		}
		g := s.brings(6, phone, s.touch(queue.ClickGoogle, "f", 7))
		g.Events[0].Former = []string{waID}
		s.reopen()
		s.append(g)
		for _, key := range []string{bsuid, waID, phone} {
			s.keeps(key, "a e: clid a e, google f d, link b b")
		}
	}},
	{name: "touches in a large webhook", run: func(s *suite) {
		const n = 3000
		var g queue.Group
		for i := range n {
			one := s.brings(i+1, fmt.Sprintf("whatsapp:%d", i%3), s.touch(queue.ClickClid, fmt.Sprint("ad ", i), int64(n-i)),
				s.touch(queue.ClickKind(int(queue.ClickGoogle)+i/3%2), fmt.Sprint("link ", i), int64(n-i)))
			if g.Tenant == "" {
				g = one
				continue
			}
			g.Events = append(g.Events, one.Events...)
		}
		s.append(g)
		s.keeps("whatsapp:0", "ad 0 link 2997: clid ad 0 ad 2997, google link 0 link 2994, link link 3 link 2997")
		s.keeps("m:wamid.2", "ad 1 link 2998: clid ad 1 ad 2998, google link 1 link 2995, link link 4 link 2998")
	}},
	{name: "touches expire together", expiry: true, run: func(s *suite) {
		s.append(s.brings(1, bsuid, s.touch(queue.ClickClid, "a", 0)))
		s.Clock.Advance(20 * day)
		s.append(s.brings(2, bsuid, s.touch(queue.ClickLink, "b", 0)))
		s.Clock.Advance(28*day - time.Hour)
		s.sweep()
		s.keeps(bsuid, "a b: clid a a, link b b")
		s.Clock.Advance(2 * time.Hour)
		s.keeps(bsuid, noTouches)
		s.sweep()
		s.keeps(bsuid, noTouches)
		s.append(s.brings(3, bsuid, s.touch(queue.ClickLink, "c", 0)))
		s.keeps(bsuid, "c c: link c c")
	}},
	{name: "an erase takes all touches", run: func(s *suite) {
		s.append(s.brings(1, waID, s.touch(queue.ClickClid, "a", 3), s.touch(queue.ClickGoogle, "b", 3)))
		s.append(s.brings(2, waID, s.touch(queue.ClickLink, "c", 2)), s.brings(3, phone, s.touch(queue.ClickLink, "d", 1)))
		n, err := s.Queue.Erase(s.Context(), tenant, "m:wamid.2")
		s.check(err)
		expect(s, "erased", n, 1)
		s.keeps(waID, noTouches)
		s.keeps("m:wamid.1", noTouches)
		s.reopen()
		s.append(s.brings(4, waID, s.touch(queue.ClickLink, "e", 0)))
		s.keeps(waID, "e e: link e e")
		s.keeps(phone, "d d: link d d")
	}},
	{name: "touches of long ago", run: func(s *suite) {
		old := int64(29 * day / time.Second)
		s.append(s.brings(1, bsuid, s.touch(queue.ClickClid, "a", old), s.touch(queue.ClickLink, "b", old)))
		s.keeps(bsuid, noTouches)
		s.append(s.brings(2, bsuid, s.touch(queue.ClickClid, "a", old), s.touch(queue.ClickLink, "b", 1)))
		s.keeps(bsuid, "a b: clid a a, link b b")
	}},
	{name: "touches that there are not", run: func(s *suite) {
		many := slices.Repeat([]queue.Click{s.touch(queue.ClickLink, "a", 1)}, queue.MaxClicks+1)
		for i, g := range []queue.Group{s.brings(1, waID, many...), s.brings(2, waID, s.touch(queue.ClickKinds, "a", 1))} {
			if r := s.Queue.Append(s.Context(), []queue.Group{g}); r[0].Err == nil {
				s.Errorf("group %d was stored", i)
			}
		}
		s.keeps(waID, noTouches)
		s.holds(crm)
		s.append(s.brings(1, waID, many[1:]...))
		s.keeps(waID, "a a: link a a")
	}},
}
