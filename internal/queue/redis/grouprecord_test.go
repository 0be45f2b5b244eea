package redis

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

var sampleHeaders = []queue.Header{
	{},
	{
		EventID: queue.ID{1, 2, 15: 255}, Format: queue.FormatRaw, Kind: 2, Contact: "15551234567", ClickKey: "whatsapp\n15551234567",
		Time: 1736535600000, QueuedAt: 1736535600412, Attribution: 1<<32 - 1,
		HTTP:  []queue.HTTPHeader{{Name: "Content-Type", Value: "application/json"}, {Name: "X-Hub-Signature-256"}},
		Trace: "a span", Meta: []byte{0, 255},
	},
	{Format: queue.FormatConversion, Time: -1, QueuedAt: -1 << 62, Contact: strings.Repeat("x", 300)},
}

func sampleGroup() (*queue.Group, *partition) {
	g := &queue.Group{
		Tenant: "acme",
		Events: []queue.Event{
			{
				ID: queue.ID{1}, Seal: queue.ID{3}, Time: 5, Contact: "whatsapp:1", Aliases: []string{"a", "b"}, Former: []string{"c"},
				MessageID: "m", Clicks: []queue.Click{{At: 7, Kind: queue.ClickClid, Data: []byte("{}")}},
			},
			{ID: queue.ID{2}, Clicks: []queue.Click{{At: -1, Data: []byte("[]")}}},
		},
		Payloads: [][]byte{[]byte("one"), []byte("two")},
		Jobs: []queue.Job{
			{
				Dest: queue.Dest{Tenant: "acme", Name: "crm"}, Events: []int{1, 0}, Payload: 1, Header: sampleHeaders[1],
				Once: []queue.Once{{Key: "k", Window: 1500, Use: queue.Mark}, {Key: "l"}},
			},
			{
				Dest: queue.Dest{Tenant: "acme", Name: "n8n"}, Events: []int{0}, Header: sampleHeaders[2],
				Dead: &queue.Reason{Reason: "r", Code: "c", Explanation: "e"},
			},
		},
		Counters: []queue.Counter{
			{Day: 20_000, Key: "ad", Field: "clicks", Add: 3, When: queue.WhenQueued, Of: 1, Once: "lead", Window: time.Hour},
			{Field: "headline", Text: "Plants"},
		},
		Notes: []queue.Note{
			{Contact: "whatsapp:1", ID: queue.ID{4, 15: 255}, At: 8, Data: []byte("{}"), Outcome: []byte("[]"), When: queue.WhenQueued, Of: 1},
			{Contact: "whatsapp:2", At: -1},
		},
	}
	return g, &partition{events: []int{1, 2}, jobs: []int{2}}
}

func TestGroupRoundTrip(t *testing.T) {
	g, p := sampleGroup()
	b := appendGroup(nil, g, p)
	got, parts, err := decodeGroup("acme", b)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, g) || !reflect.DeepEqual(parts, p) {
		t.Errorf("got %+v in %+v, want %+v in %+v", got, parts, g, p)
	}
	for n := range b {
		if _, _, err := decodeGroup("acme", b[:n]); err == nil {
			t.Fatalf("%d of %d bytes were decoded", n, len(b))
		}
	}
	// As version 1 had it, whose counters counted however often.
	g.Counters[0].Once, g.Counters[0].Window, g.Notes = "", 0, nil
	old := appendGroup(nil, g, p)
	at := bytes.LastIndex(old, []byte("clicks"))
	old = append([]byte{1}, slices.Delete(old, at+len("clicks")+4, at+len("clicks")+5)[1:len(old)-2]...)
	if got, _, err := decodeGroup("acme", old); err != nil || !reflect.DeepEqual(got, g) {
		t.Errorf("version 1: %v, %+v", err, got)
	}
	b[0] = 9
	if _, _, err := decodeGroup("acme", b); err == nil || !strings.Contains(err.Error(), "version 9") {
		t.Errorf("version 9: %v", err)
	}
	for _, bad := range []partition{
		{events: []int{1}, jobs: []int{2}}, {events: []int{2, 1, 2}, jobs: []int{2}}, {events: []int{2}, jobs: []int{3}},
	} {
		if _, _, err := decodeGroup("acme", appendGroup(nil, g, &bad)); err == nil {
			t.Errorf("decoded in %+v", bad)
		}
	}
}

// TestGroupOfBefore: a group that the version before can finish is written as it writes it.
func TestGroupOfBefore(t *testing.T) {
	const id = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	const old = "\x02\x01\x03\x00\x03\x01" + id + "\x00\x00\x01c\x00\x00\x01m\x02\x0e\x02{}\x02" + id +
		"\x00\x00\x00\x00\x00\x00\x00\x03" + id + "\x00\x00\x01d\x00\x00\x00\x01\x01\x02[]\x00\x00\x00"
	g := &queue.Group{
		Tenant: "acme",
		Events: []queue.Event{
			{ID: queue.ID{1}, Contact: "c", MessageID: "m", Clicks: []queue.Click{{At: 7, Kind: queue.ClickClid, Data: []byte("{}")}}},
			{ID: queue.ID{2}},
			{ID: queue.ID{3}, Contact: "d", Clicks: []queue.Click{{At: -1, Data: []byte("[]")}}},
		},
		Payloads: [][]byte{}, Jobs: []queue.Job{}, Counters: []queue.Counter{},
	}
	p := &partition{events: []int{3}, jobs: []int{}}
	if b := appendGroup(nil, g, p); string(b) != old {
		t.Errorf("written as %q", b)
	}
	if got, _, err := decodeGroup("acme", []byte(old)); err != nil || !reflect.DeepEqual(got, g) {
		t.Errorf("read as %+v, %v", got, err)
	}
	// What it can't know of has a version that it refuses.
	for _, more := range [][]queue.Click{
		{{At: 5, Kind: queue.ClickClid, Data: []byte("ad")}, {At: 5, Kind: queue.ClickGoogle, Data: []byte("link")}},
		{{At: 9, Kind: queue.ClickLink, Data: []byte("link")}},
	} {
		g.Events[1].Clicks = more
		b := appendGroup(nil, g, p)
		if got, _, err := decodeGroup("acme", b); err != nil || b[0] != 3 || !reflect.DeepEqual(got, g) {
			t.Errorf("version %d is read as %+v, %v", b[0], got, err)
		}
		for n := range b {
			if _, _, err := decodeGroup("acme", b[:n]); err == nil {
				t.Fatalf("%d of %d bytes were decoded", n, len(b))
			}
		}
	}
}

// TestGroupRecordIsWhole: each field of what a group is made of stands in the sample
// above, and so in the record.
func TestGroupRecordIsWhole(t *testing.T) {
	g, _ := sampleGroup()
	for _, sample := range []any{g, g.Events[0], g.Events[0].Clicks[0], g.Jobs[0].Once[0], g.Jobs[1].Dead, g.Notes[0], sampleHeaders[1]} {
		v := reflect.Indirect(reflect.ValueOf(sample))
		for i := range v.NumField() {
			// Codes are claimed with the note.
			if v.Field(i).IsZero() && v.Type().Field(i).Name != "Claim" {
				t.Errorf("%s.%s is in no sample: store it in the record, and give it a value", v.Type(), v.Type().Field(i).Name)
			}
		}
	}
	if jobs, counters := reflect.TypeFor[queue.Job]().NumField(), reflect.TypeFor[queue.Counter]().NumField(); jobs != 6 || counters != 9 {
		t.Errorf("a job has %d fields and a counter %d: the record knows 6 and 9", jobs, counters)
	}
}

// TestSplit: parts are bounded, whole, and as many as they must be.
func TestSplit(t *testing.T) {
	g := &queue.Group{Payloads: [][]byte{make([]byte, 10_000), make([]byte, 3<<20)}}
	const n = 5000
	raw := queue.Job{Payload: 1}
	for i := range n {
		ev := queue.Event{ID: queue.ID{byte(i), byte(i >> 8)}}
		if i%2 == 0 {
			ev.Contact, ev.Aliases, ev.Clicks = "c", []string{"a", "b"}, []queue.Click{{Data: make([]byte, 600)}}
			g.Counters = append(g.Counters, queue.Counter{Of: i}, queue.Counter{When: queue.WhenQueued, Of: i})
			g.Notes = append(g.Notes, queue.Note{Of: i}, queue.Note{When: queue.WhenDead, Of: i})
		}
		g.Events = append(g.Events, ev)
		g.Jobs = append(g.Jobs, queue.Job{Events: []int{i}, Once: []queue.Once{{Key: "k"}}})
		raw.Events = append(raw.Events, i)
	}
	g.Jobs = append(g.Jobs, raw, raw)
	p := split(g)
	if !p.fits(g) {
		t.Fatalf("the parts are not the group: %+v", p)
	}
	counters := 0
	all, notes := p.counters(g), p.notes(g)
	for i, first := 0, 0; i < len(p.events); i++ {
		part := queue.Group{Events: g.Events[first:p.events[i]], Counters: all[i], Notes: notes[i]}
		if steps, _ := groupCost(&part); steps > partSteps || len(part.Events) > partEvents {
			t.Fatalf("part %d has %d events, %d steps", i, len(part.Events), steps)
		}
		counters, first = counters+len(all[i]), p.events[i]
	}
	for i, first := 0, 0; i < len(p.jobs); i++ {
		part, _ := jobsPart(g, g.Jobs[first:p.jobs[i]], make([]bool, n))
		part.Counters, part.Notes = all[len(p.events)+i], notes[len(p.events)+i]
		steps, written := groupCost(&part)
		if steps > partSteps || written > partBytes && len(part.Jobs) > 1 || len(part.Payloads) > 2 {
			t.Fatalf("part %d has %d jobs, %d payloads, %d steps, %d bytes", i, len(part.Jobs), len(part.Payloads), steps, written)
		}
		for _, c := range part.Counters {
			if c.Of < 0 || c.Of >= len(part.Jobs) {
				t.Fatalf("part %d of %d jobs counts job %d", i, len(part.Jobs), c.Of)
			}
		}
		for _, n := range part.Notes {
			if n.Of < 0 || n.Of >= len(part.Jobs) {
				t.Fatalf("part %d of %d jobs has a note of job %d", i, len(part.Jobs), n.Of)
			}
		}
		counters, first = counters+len(part.Counters), p.jobs[i]
	}
	if counters != n {
		t.Fatalf("%d counters of %d", counters, n)
	}
	if len(p.events) > n/40 || len(p.jobs) > n/40 {
		t.Fatalf("%d and %d parts", len(p.events), len(p.jobs))
	}
}
