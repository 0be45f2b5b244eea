package codec

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/queue"
)

var sampleHeaders = []queue.Header{
	{},
	{
		EventID: queue.ID{1, 2, 15: 255}, Format: queue.FormatRaw, Kind: 2, Contact: "15551234567", ClickKey: "whatsapp\n15551234567",
		Time: 1736535600000, QueuedAt: 1736535600412, Attribution: 1<<32 - 1,
		HTTP: []queue.HTTPHeader{{Name: "Content-Type", Value: "application/json"}, {Name: "X-Hub-Signature-256"}},
		Meta: []byte{0, 255},
	},
	{Format: queue.FormatEvent, Contact: "15551234567", Trace: "\x00sixteen and eight bytes\x01"},
	{Format: queue.FormatConversion, Time: -1, QueuedAt: -1 << 62, Contact: strings.Repeat("x", 300)},
}

func TestHeaderRoundTrip(t *testing.T) {
	for _, h := range sampleHeaders {
		b := append(AppendHeader([]byte("before")[:0], &h), "payload"...)
		got, rest, err := DecodeHeader(b)
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
	b := AppendHeader(nil, &sampleHeaders[1])
	for n := range b {
		if _, _, err := DecodeHeader(b[:n]); err == nil {
			t.Fatalf("%d of %d bytes were decoded", n, len(b))
		}
	}
}

func TestUnknownVersion(t *testing.T) {
	death := appendDead(nil, &queue.DeadLetter{})
	retry := AppendRetry(nil, &queue.Retry{})
	state := AppendState(nil, &queue.State{})
	departure := AppendDeparture(nil, 1, nil)
	header := AppendHeader(nil, &queue.Header{})
	for name, decode := range map[string]func() error{
		"header":      func() error { header[0] = 9; _, _, err := DecodeHeader(header); return err },
		"dead letter": func() error { death[0] = 9; _, err := decodeDead(death); return err },
		"retry":       func() error { retry[0] = 9; _, err := DecodeRetry(retry); return err },
		"departure":   func() error { departure[0] = 9; _, err := DecodeDeparture(departure); return err },
		"state":       func() error { state[0] = 9; _, err := DecodeState(state); return err },
	} {
		if err := decode(); err == nil || !strings.Contains(err.Error(), "version 9") {
			t.Errorf("%s of version 9: %v", name, err)
		}
	}
}

// appendDead and decodeDead are a dead letter's whole record, as stores put it
// together and take it apart.
func appendDead(dst []byte, d *queue.DeadLetter) []byte {
	dst = AppendDeath(dst, d.Attempts, d.FirstAt, d.DiedAt, &d.Reason)
	return append(AppendHeader(dst, &d.Header), d.Payload...)
}

func decodeDead(b []byte) (queue.DeadLetter, error) {
	d, entry, err := DecodeDeath(b)
	if err != nil {
		return queue.DeadLetter{}, err
	}
	d.Header, d.Payload, err = DecodeHeader(entry)
	return d, err
}

func TestDeadRoundTrip(t *testing.T) {
	for _, h := range sampleHeaders {
		d := queue.DeadLetter{
			Attempts: 7, FirstAt: 1736535600000, DiedAt: 1736535700000,
			Reason: queue.Reason{Reason: "404 Not Found", Code: "404", Explanation: "check the URL"}, Header: h, Payload: []byte(`{"a":1}`),
		}
		b := appendDead(nil, &d)
		got, err := decodeDead(b)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, d) {
			t.Errorf("got %+v, want %+v", got, d)
		}
		head, entry, err := DecodeDeath(b)
		if err != nil {
			t.Fatal(err)
		}
		if want := append(AppendHeader(nil, &h), d.Payload...); !bytes.Equal(entry, want) || head.Reason != d.Reason {
			t.Errorf("entry %q with %+v, want %q", entry, head, want)
		}
	}
}

func TestRetryAndStateRoundTrip(t *testing.T) {
	for _, r := range []queue.Retry{
		{}, {Attempts: 3, FirstAt: 1736535600000, Due: 1736535600700, Reason: "503"}, {FirstAt: 5, Due: 1},
		{Due: 1736535600700, Receipt: "request", Note: "again"}, {Attempts: 1, Reason: "503", Receipt: "request"}, {Note: "again"},
	} {
		if got, err := DecodeRetry(AppendRetry(nil, &r)); err != nil || got != r {
			t.Errorf("got %+v, %v, want %+v", got, err, r)
		}
	}
	for _, s := range []queue.State{{}, {Paused: true, Reason: "410", Since: 5}, {Parked: true}, {Paused: true, Parked: true, Since: -1}} {
		if got, err := DecodeState(AppendState(nil, &s)); err != nil || got != s {
			t.Errorf("got %+v, %v, want %+v", got, err, s)
		}
	}
}

// FuzzRecords: no bytes make a decoder panic or allocate without bound, and
// what a decoder accepts says the same when encoded again.
func FuzzRecords(f *testing.F) {
	for i := range sampleHeaders {
		f.Add(append(AppendHeader(nil, &sampleHeaders[i]), '{', '}'))
		f.Add(appendDead(nil, &queue.DeadLetter{Attempts: i, Header: sampleHeaders[i], Payload: []byte("{}")}))
	}
	f.Add(AppendRetry(nil, &queue.Retry{Attempts: 2, FirstAt: 5, Due: 700, Reason: "x"}))
	f.Add(AppendRetry(nil, &queue.Retry{Due: 700, Receipt: "r", Note: "n"}))
	f.Add(AppendState(nil, &queue.State{Parked: true, Reason: "x"}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, rest, err := DecodeHeader(b); err == nil {
			again, restAgain, err := DecodeHeader(append(AppendHeader(nil, &h), rest...))
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
		if r, err := DecodeRetry(b); err == nil {
			if again, err := DecodeRetry(AppendRetry(nil, &r)); err != nil || again != r {
				t.Fatalf("retry %+v became %+v, %v", r, again, err)
			}
		}
		if s, err := DecodeState(b); err == nil {
			if again, err := DecodeState(AppendState(nil, &s)); err != nil || again != s {
				t.Fatalf("state %+v became %+v, %v", s, again, err)
			}
		}
	})
}

// TestUntracedHeader: a header without a trace is as it always was, so that older edges
// read it and nothing is stored more.
func TestUntracedHeader(t *testing.T) {
	h := sampleHeaders[1]
	plain := AppendHeader(nil, &h)
	h.Trace = "x"
	traced := AppendHeader(nil, &h)
	if plain[0] != headerVersion || traced[0] != tracedVersion || !bytes.Equal(traced[1:], append(plain[1:], 1, 'x')) {
		t.Errorf("records %q and %q", plain, traced)
	}
}
