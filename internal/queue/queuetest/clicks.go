package queuetest

import (
	"fmt"
	"reflect"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

// click is an event of contact c that clicked an ad at a time, of WhatsApp or of another channel.
func (s *suite) click(n int, c string, at int64, clid bool, aliases ...string) queue.Group {
	g := s.group(crm, n)
	g.Events[0].Contact, g.Events[0].Aliases = c, aliases
	g.Events[0].MessageID = fmt.Sprintf("m:wamid.%d", n)
	kind := queue.ClickAd
	if clid {
		kind = queue.ClickClid
	}
	g.Events[0].Clicks = []queue.Click{{At: at, Kind: kind, Data: data(n)}}
	return g
}

// organic is an event of contact c without a click.
func (s *suite) organic(n int, c string, aliases ...string) queue.Group {
	g := s.click(n, c, 0, false, aliases...)
	g.Events[0].Clicks = nil
	return g
}

// data is the click of event n, nil for event 0.
func data(n int) []byte {
	if n == 0 {
		return nil
	}
	return fmt.Appendf(nil, `{"click":%d}`, n)
}

// touches checks which clicks are stored for a key: the numbers of the events
// of the first, the last and the last with a click id, 0 for none.
func (s *suite) touches(key string, first, last, clid int) {
	s.Helper()
	found, err := s.Queue.Clicks(s.Context(), tenant, []string{key})
	s.check(err)
	expect(s, "answers", len(found), 1)
	got := [3]string{string(found[0].First), string(found[0].Last), string(found[0].Newest[queue.ClickClid])}
	expect(s, "first, last, last with a click id of "+key, got, [3]string{string(data(first)), string(data(last)), string(data(clid))})
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
			expect(s, fmt.Sprintf("the click id of key %d is nil", i), c.Newest[queue.ClickClid] == nil, true)
		}
		expect(s, "a contact without clicks has nil", reflect.DeepEqual(found[3], queue.Clicks{}), true)
		// A click without data is none.
		g := s.click(3, waID, s.now(), true)
		g.Events[0].Clicks[0].Data = nil
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
		g.Events[0].Clicks = []queue.Click{{At: s.now() + 1, Kind: queue.ClickClid, Data: []byte(`{"click":9}`)}}
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
		expect(s, "first", string(found[1].Newest[queue.ClickClid]), `{"click":1}`)
		expect(s, "second", string(found[2].Last), `{"click":2}`)
		expect(s, "without a click id", string(found[2].Newest[queue.ClickClid]), "")
		expect(s, "first again", string(found[3].Newest[queue.ClickClid]), `{"click":1}`)
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
}
