package queue

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

var sampleHeaders = []Header{
	{},
	{
		EventID: ID{1, 2, 15: 255}, Format: FormatRaw, Kind: 2, Contact: "15551234567", ClickKey: "whatsapp\n15551234567",
		Time: 1736535600000, QueuedAt: 1736535600412, Attribution: 1<<32 - 1,
		HTTP: []HTTPHeader{{"Content-Type", "application/json"}, {"X-Hub-Signature-256", ""}},
		Meta: []byte{0, 255},
	},
	{Format: FormatCAPI, Time: -1, QueuedAt: -1 << 62, Contact: strings.Repeat("x", 300)},
}

func TestHeaderRoundTrip(t *testing.T) {
	for _, h := range sampleHeaders {
		b := append(appendHeader([]byte("before")[:0], &h), "payload"...)
		got, rest, err := decodeHeader(b)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, h) || string(rest) != "payload" {
			t.Errorf("got %+v and %q, want %+v", got, rest, h)
		}
		clear(b)
		if !reflect.DeepEqual(got, h) {
			t.Error("the header keeps slices of the record")
		}
	}
}

func TestHeaderCutShort(t *testing.T) {
	b := appendHeader(nil, &sampleHeaders[1])
	for n := range b {
		if _, _, err := decodeHeader(b[:n]); err == nil {
			t.Fatalf("%d of %d bytes were decoded", n, len(b))
		}
	}
}

func TestUnknownVersion(t *testing.T) {
	death := appendDead(nil, &DeadLetter{})
	retry := appendRetry(nil, &Retry{})
	state := appendState(nil, &State{})
	header := appendHeader(nil, &Header{})
	for name, decode := range map[string]func() error{
		"header":      func() error { header[0] = 9; _, _, err := decodeHeader(header); return err },
		"dead letter": func() error { death[0] = 9; _, err := decodeDead(death); return err },
		"retry":       func() error { retry[0] = 9; _, err := decodeRetry(retry); return err },
		"state":       func() error { state[0] = 9; _, err := decodeState(state); return err },
	} {
		if err := decode(); err == nil || !strings.Contains(err.Error(), "version 9") {
			t.Errorf("%s of version 9: %v", name, err)
		}
	}
}

func TestDeadRoundTrip(t *testing.T) {
	for _, h := range sampleHeaders {
		d := DeadLetter{
			Attempts: 7, FirstAt: 1736535600000, DiedAt: 1736535700000,
			Reason: Reason{"404 Not Found", "404", "check the URL"}, Header: h, Payload: []byte(`{"a":1}`),
		}
		b := appendDead(nil, &d)
		got, err := decodeDead(b)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, d) {
			t.Errorf("got %+v, want %+v", got, d)
		}
		head, entry, err := decodeDeath(b)
		if err != nil {
			t.Fatal(err)
		}
		if want := append(appendHeader(nil, &h), d.Payload...); !bytes.Equal(entry, want) || head.Reason != d.Reason {
			t.Errorf("entry %q with %+v, want %q", entry, head, want)
		}
	}
}

func TestRetryAndStateRoundTrip(t *testing.T) {
	for _, r := range []Retry{{}, {Attempts: 3, FirstAt: 1736535600000, Due: 1736535600700, Reason: "503"}, {FirstAt: 5, Due: 1}} {
		if got, err := decodeRetry(appendRetry(nil, &r)); err != nil || got != r {
			t.Errorf("got %+v, %v, want %+v", got, err, r)
		}
	}
	for _, s := range []State{{}, {Paused: true, Reason: "410", Since: 5}, {Parked: true}, {Paused: true, Parked: true, Since: -1}} {
		if got, err := decodeState(appendState(nil, &s)); err != nil || got != s {
			t.Errorf("got %+v, %v, want %+v", got, err, s)
		}
	}
}

// FuzzRecords: no bytes make a decoder panic or allocate without bound, and
// what a decoder accepts says the same when encoded again.
func FuzzRecords(f *testing.F) {
	for i := range sampleHeaders {
		f.Add(append(appendHeader(nil, &sampleHeaders[i]), '{', '}'))
		f.Add(appendDead(nil, &DeadLetter{Attempts: i, Header: sampleHeaders[i], Payload: []byte("{}")}))
	}
	f.Add(appendRetry(nil, &Retry{Attempts: 2, FirstAt: 5, Due: 700, Reason: "x"}))
	f.Add(appendState(nil, &State{Parked: true, Reason: "x"}))
	f.Add(appendClicks(nil, &clickRecord{first: touchpoint{1, []byte("{}")}, last: touchpoint{2, []byte("[]")}, aliases: []mark{{1}}}))
	f.Add(appendDestination(nil, &destination{num: 3, backlog: 4, dead: 5}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, rest, err := decodeHeader(b); err == nil {
			again, restAgain, err := decodeHeader(append(appendHeader(nil, &h), rest...))
			if err != nil || !reflect.DeepEqual(again, h) || !bytes.Equal(rest, restAgain) {
				t.Fatalf("header %+v became %+v, %v", h, again, err)
			}
		}
		if d, err := decodeDead(b); err == nil {
			again, err := decodeDead(appendDead(nil, &d))
			if err != nil || !reflect.DeepEqual(again, d) {
				t.Fatalf("dead letter %+v became %+v, %v", d, again, err)
			}
		}
		if r, err := decodeRetry(b); err == nil {
			if again, err := decodeRetry(appendRetry(nil, &r)); err != nil || again != r {
				t.Fatalf("retry %+v became %+v, %v", r, again, err)
			}
		}
		if s, err := decodeState(b); err == nil {
			if again, err := decodeState(appendState(nil, &s)); err != nil || again != s {
				t.Fatalf("state %+v became %+v, %v", s, again, err)
			}
		}
		if c, err := decodeClicks(b); err == nil {
			again, err := decodeClicks(appendClicks(nil, c))
			if err != nil || !bytes.Equal(again.first.data, c.first.data) || again.last.at != c.last.at || len(again.aliases) != len(c.aliases) {
				t.Fatalf("clicks %+v became %+v, %v", c, again, err)
			}
		}
		if d, err := decodeDestination(b); err == nil {
			if again, err := decodeDestination(appendDestination(nil, &d)); err != nil || again != d {
				t.Fatalf("destination %+v became %+v, %v", d, again, err)
			}
		}
	})
}

func sampleGroup() (*Group, *partition) {
	g := &Group{
		Tenant: "acme",
		Events: []Event{
			{
				ID: ID{1}, Seal: ID{3}, Time: 5, Contact: "whatsapp:1", Aliases: []string{"a", "b"}, Former: []string{"c"},
				MessageID: "m", Click: &Click{At: 7, HasClid: true, Data: []byte("{}")},
			},
			{ID: ID{2}, Click: &Click{At: -1, Data: []byte("[]")}},
		},
		Payloads: [][]byte{[]byte("one"), []byte("two")},
		Jobs: []Job{
			{Dest: Dest{"acme", "crm"}, Events: []int{1, 0}, Once: []Once{{"k", 1500, Mark}, {"l", 0, Claim}}, Payload: 1, Header: sampleHeaders[1]},
			{Dest: Dest{"acme", "n8n"}, Events: []int{0}, Header: sampleHeaders[2], Dead: &Reason{"r", "c", "e"}},
		},
		Counters: []Counter{{Day: 20_000, Key: "ad", Field: "clicks", Add: 3, When: WhenQueued, Of: 1, Once: "lead", Window: time.Hour}, {Field: "headline", Text: "Plants"}},
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
	g.Counters[0].Once, g.Counters[0].Window = "", 0
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
	for _, bad := range []partition{{events: []int{1}, jobs: []int{2}}, {events: []int{2, 1, 2}, jobs: []int{2}}, {events: []int{2}, jobs: []int{3}}} {
		if _, _, err := decodeGroup("acme", appendGroup(nil, g, &bad)); err == nil {
			t.Errorf("decoded in %+v", bad)
		}
	}
}

// TestGroupRecordIsWhole: each field of what a group is made of stands in the sample
// above, and so in the record.
func TestGroupRecordIsWhole(t *testing.T) {
	g, _ := sampleGroup()
	for _, sample := range []any{g, g.Events[0], g.Events[0].Click, g.Jobs[0].Once[0], g.Jobs[1].Dead, sampleHeaders[1]} {
		v := reflect.Indirect(reflect.ValueOf(sample))
		for i := range v.NumField() {
			if v.Field(i).IsZero() {
				t.Errorf("%s.%s is in no sample: store it in the record, and give it a value", v.Type(), v.Type().Field(i).Name)
			}
		}
	}
	if jobs, counters := reflect.TypeFor[Job]().NumField(), reflect.TypeFor[Counter]().NumField(); jobs != 7 || counters != 9 {
		t.Errorf("a job has %d fields and a counter %d: the record knows 7 and 9", jobs, counters)
	}
}

// TestSplit: parts are bounded, whole, and as many as they must be.
func TestSplit(t *testing.T) {
	g := &Group{Payloads: [][]byte{make([]byte, 10_000), make([]byte, 3<<20)}}
	const n = 5000
	raw := Job{Payload: 1}
	for i := range n {
		ev := Event{ID: ID{byte(i), byte(i >> 8)}}
		if i%2 == 0 {
			ev.Contact, ev.Aliases, ev.Click = "c", []string{"a", "b"}, &Click{Data: make([]byte, 600)}
			g.Counters = append(g.Counters, Counter{Of: i}, Counter{When: WhenQueued, Of: i})
		}
		g.Events = append(g.Events, ev)
		g.Jobs = append(g.Jobs, Job{Events: []int{i}, Once: []Once{{Key: "k"}}})
		raw.Events = append(raw.Events, i)
	}
	g.Jobs = append(g.Jobs, raw, raw)
	p := split(g)
	if !p.fits(g) {
		t.Fatalf("the parts are not the group: %+v", p)
	}
	counters := 0
	all := p.counters(g)
	for i, first := 0, 0; i < len(p.events); i++ {
		part := Group{Events: g.Events[first:p.events[i]], Counters: all[i]}
		if steps, _ := part.cost(); steps > partSteps || len(part.Events) > partEvents {
			t.Fatalf("part %d has %d events, %d steps", i, len(part.Events), steps)
		}
		counters, first = counters+len(all[i]), p.events[i]
	}
	for i, first := 0, 0; i < len(p.jobs); i++ {
		part, _ := jobsPart(g, g.Jobs[first:p.jobs[i]], make([]bool, n))
		part.Counters = all[len(p.events)+i]
		steps, written := part.cost()
		if steps > partSteps || written > partBytes && len(part.Jobs) > 1 || len(part.Payloads) > 2 {
			t.Fatalf("part %d has %d jobs, %d payloads, %d steps, %d bytes", i, len(part.Jobs), len(part.Payloads), steps, written)
		}
		for _, c := range part.Counters {
			if c.Of < 0 || c.Of >= len(part.Jobs) {
				t.Fatalf("part %d of %d jobs counts job %d", i, len(part.Jobs), c.Of)
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
