package embedded

import (
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

// mixGroup is webhook n as they come in life: 70 % statuses, 25 % messages, 5 %
// clicks, of 20 000 contacts with two keys each, with the second as their time.
func mixGroup(n uint64, start int64) queue.Group {
	var id queue.ID
	binary.BigEndian.PutUint64(id[8:], n)
	binary.BigEndian.PutUint64(id[:8], n*0x9E3779B97F4A7C15)
	contact := n * 0x9E3779B97F4A7C15 >> 32 % 20_000
	at := start + int64(n/20_000*1000)
	ev := queue.Event{
		ID: id, Time: at,
		Contact: fmt.Sprintf("whatsapp/US.1349%016d", contact),
		Aliases: []string{fmt.Sprintf("whatsapp/1555%07d", contact)},
	}
	var counters []queue.Counter
	switch kind := n * 7 % 20; {
	case kind == 19:
		ev.Aliases = append(ev.Aliases, fmt.Sprintf("clid/Aff-n8ZTODiE79d22KtAwQKj9e_mIEOOj27vDVwFjN80dp4_0NiNhEgpGo0AHemvuSoifXaytf%016d", n))
		ev.Clicks = []queue.Click{{At: at, Kind: queue.ClickClid, Data: make([]byte, 500)}}
		for _, field := range []string{"clicks", "contacts"} {
			counters = append(counters, queue.Counter{Day: at / queue.DayMS, Key: fmt.Sprint(1_202_000_000_000_000 + n%500), Field: field, Add: 1})
		}
		fallthrough
	case kind >= 14:
		ev.MessageID = fmt.Sprintf("message/wamid.HBgLMTU1NTEwMDAwMDAVAgASGBQ%018XAA==", n)
	}
	return queue.Group{
		Tenant: testDest.Tenant, Events: []queue.Event{ev}, Counters: counters,
		Payloads: [][]byte{make([]byte, 1576)},
		Jobs: []queue.Job{{Dest: testDest, Events: []int{0}, Header: queue.Header{
			EventID: id, Format: queue.FormatEvent, Kind: 1, Contact: ev.Contact, ClickKey: ev.Contact,
			Time: at, QueuedAt: at + 400, Attribution: 600,
		}}},
	}
}

// newClick is webhook n as the first click of a contact that was never heard of.
func newClick(n uint64, start int64) queue.Group {
	g := mixGroup(20*n+17, start) // whose number makes it a click
	ev := &g.Events[0]
	ev.Contact, ev.Aliases[0] = fmt.Sprintf("whatsapp/US.1349%016d", 20_000+n), fmt.Sprintf("whatsapp/1556%07d", n)
	g.Jobs[0].Header.Contact, g.Jobs[0].Header.ClickKey = ev.Contact, ev.Contact
	return g
}

// notedClick is newClick with its lead, as package journey notes it.
func notedClick(n uint64, start int64) queue.Group {
	g := newClick(n, start)
	lead := g.Jobs[0]
	lead.Dest.Name, lead.Header.Format, lead.Header.Meta = "ads", queue.FormatConversion, []byte("{}")
	g.Jobs = append(g.Jobs, lead)
	note := queue.Note{Contact: g.Events[0].Contact, ID: g.Events[0].ID, At: lead.Header.Time, Of: 1,
		Data: []byte(`{"v":1,"kind":"lead","name":"LeadSubmitted","to":"acme-capi-1234567890"}`)}
	note.When, note.Outcome = queue.WhenDead, []byte(`{"is":"dead","why":"overflow: the destination's queue is full"}`)
	g.Notes = append(g.Notes, note)
	note.When, note.Outcome = queue.WhenQueued, []byte(`{"is":"sent"}`)
	g.Notes = append(g.Notes, note)
	return g
}

// unnotedClick is notedClick without its notes.
func unnotedClick(n uint64, start int64) queue.Group {
	g := notedClick(n, start)
	g.Notes = nil
	return g
}

// BenchmarkEmbeddedClicks is the CPU time of clicks of new contacts, by 64 writers, into a
// store that has 100 000 of them; also with a lead of each, and with that in the journal.
func BenchmarkEmbeddedClicks(b *testing.B) {
	start := testNow.Add(-time.Hour).UnixMilli()
	for _, kind := range []struct {
		name  string
		group func(n uint64, start int64) queue.Group
	}{{"click", newClick}, {"lead", unnotedClick}, {"noted", notedClick}} {
		b.Run(kind.name, func(b *testing.B) {
			e := openTest(b, b.TempDir())
			appendEach(b, e, kind.group, 0, 100_000, start)
			b.ReportAllocs()
			b.ResetTimer()
			took := appendEach(b, e, kind.group, 100_000, uint64(b.N), start)
			b.ReportMetric(float64(took.Nanoseconds())/float64(b.N), "cpu-ns/op")
		})
	}
}

// BenchmarkEmbeddedKnown is the CPU time of statuses of contacts who clicked, by 64
// writers, in a store that has 300 000 of them.
func BenchmarkEmbeddedKnown(b *testing.B) {
	const contacts = 300_000
	e := openTest(b, b.TempDir())
	start := testNow.Add(-time.Hour).UnixMilli()
	appendEach(b, e, newClick, 0, contacts, start)
	status := func(n uint64, start int64) queue.Group {
		g := mixGroup(20*n, start) // whose number makes it a status
		of := n * 0x9E3779B97F4A7C15 >> 32 % contacts
		ev := &g.Events[0]
		ev.ID[0] = 0xff // of no click
		ev.Contact, ev.Aliases[0] = fmt.Sprintf("whatsapp/US.1349%016d", 20_000+of), fmt.Sprintf("whatsapp/1556%07d", of)
		return g
	}
	b.ReportAllocs()
	b.ResetTimer()
	took := appendEach(b, e, status, 0, uint64(b.N), start)
	b.ReportMetric(float64(took.Nanoseconds())/float64(b.N), "cpu-ns/op")
}

// BenchmarkEmbeddedMix is the CPU time of webhooks as they come in life, by 64
// writers, into a store that has seen most contacts' clicks.
func BenchmarkEmbeddedMix(b *testing.B) {
	e := openTest(b, b.TempDir())
	start := testNow.Add(-time.Hour).UnixMilli()
	appendMix(b, e, 0, 100_000, start)
	b.ReportAllocs()
	b.ResetTimer()
	took := appendMix(b, e, 100_000, uint64(b.N), start)
	b.ReportMetric(float64(took.Nanoseconds())/float64(b.N), "cpu-ns/op")
}

// appendMix appends webhooks of the mix.
func appendMix(b *testing.B, e *Store, from, n uint64, start int64) (took time.Duration) {
	return appendEach(b, e, mixGroup, from, n, start)
}

// appendEach appends webhooks from to from+n-1, and returns the CPU time that they took,
// without making them.
func appendEach(b *testing.B, e *Store, group func(uint64, int64) queue.Group, from, n uint64, start int64) (took time.Duration) {
	for n > 0 {
		some := min(n, 50_000)
		b.StopTimer()
		groups := make([][]queue.Group, some)
		for i := range groups {
			groups[i] = []queue.Group{group(from+uint64(i), start)}
		}
		var next atomic.Int64
		var wg sync.WaitGroup
		b.StartTimer()
		began := cpuTime(b)
		for range 64 {
			wg.Go(func() {
				for i := next.Add(1); i <= int64(some); i = next.Add(1) {
					if r := e.Append(b.Context(), groups[i-1]); r[0].Err != nil {
						b.Error(r[0].Err)
						return
					}
				}
			})
		}
		wg.Wait()
		took += cpuTime(b) - began
		from, n = from+some, n-some
	}
	return took
}

// cpuTime is what this process has taken of user and system time.
func cpuTime(t testing.TB) time.Duration {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		t.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}

// A hundred thousand webhooks that wait take at most 1.3 times their payload,
// with everything that is remembered, the journal, and what is held in reserve.
func TestEmbeddedMixDisk(t *testing.T) {
	e := openTest(t, t.TempDir())
	const n = 100_000
	for i := uint64(0); i < n; i += 50 {
		var groups []queue.Group
		for j := i; j < i+50; j++ {
			groups = append(groups, mixGroup(j, testNow.Add(-time.Hour).UnixMilli()))
		}
		mustAppend(t, e, groups...)
	}
	var size int64
	for _, name := range []string{e.path, e.journal.File.Name()} {
		var s syscall.Stat_t
		if err := syscall.Stat(name, &s); err != nil {
			t.Fatal(err)
		}
		size += s.Blocks * 512
	}
	use := float64(size) / (n * 1576)
	t.Logf("%.3f times the payload", use)
	if use > 1.3 {
		t.Errorf("%.3f times the payload on disk", use)
	}
}
