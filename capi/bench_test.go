package capi_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/leadgate/leadgate/capi"
)

// discard answers every request at once, without a network.
type discard struct{ n atomic.Int64 }

func (d *discard) RoundTrip(r *http.Request) (*http.Response, error) {
	n, err := io.Copy(io.Discard, r.Body)
	d.n.Add(n)
	_ = r.Body.Close()
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"events_received":1000}`))}, err
}

// BenchmarkBatch builds events from their unified JSON, hashing included, and
// sends them, 1000 a request, to nowhere: ns/op is for one event.
func BenchmarkBatch(b *testing.B) {
	s := settings()
	c := capi.NewClient(s)
	c.Transport = new(discard)
	in := click(`waPhone="+5511987654321"`, `waId="551187654321"`, `raw={"id":"wamid.1","text":{"body":"`+strings.Repeat("x", 600)+`"}}`)
	if !json.Valid(in) {
		b.Fatal("bad JSON")
	}
	batch := make([]capi.Item, 0, 1000)
	buf := make([]byte, 0, 1<<20)
	b.ReportAllocs()
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		from := len(buf)
		var identity capi.Identity
		var err error
		if buf, identity, err = capi.AppendEvent(buf, in, s, now); err != nil {
			b.Fatal(err)
		}
		if batch = append(batch, capi.Item{Body: buf[from:len(buf):len(buf)], Identity: identity}); len(batch) == 1000 {
			if r, err := c.Send(context.Background(), batch); err != nil || r[0].Fate != capi.Done {
				b.Fatal(r, err)
			}
			batch, buf = batch[:0], buf[:0]
		}
	}
}
