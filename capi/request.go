package capi

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/leadgate/leadgate/internal/graph"
)

// AppSecretProof is Meta's appsecret_proof: the HMAC-SHA256 of the access token
// with the app secret as key, in lower-case hex.
func AppSecretProof(appSecret, accessToken string) string {
	return graph.Credentials{Token: accessToken, AppSecret: appSecret}.Proof()
}

// post sends one request and reads its answer.
func (c *Client) post(ctx context.Context, items []Item) answer {
	cred := c.credentials.Load()
	if cred.Token == "" {
		return parked(Token, "there is no access token", newToken)
	}
	timeout, cancel := context.WithTimeout(ctx, c.settings.timeout())
	defer cancel()
	payload := newPayload()
	defer payload.release()
	payload.buf = appendRequest(payload.buf, items, &c.settings)
	req, err := graph.NewRequest(timeout, http.MethodPost, c.url, payload.open(), *cred, c.settings.userAgent())
	if err != nil {
		payload.release() // of the body that nobody will close
		return parked(Configuration, "the request could not be made", "check `endpoint`, `graph_version` and `dataset`")
	}
	req.ContentLength = int64(len(payload.buf))
	req.GetBody = func() (io.ReadCloser, error) { return payload.open(), nil }
	req.Header.Set("Content-Type", "application/json")
	// The transport alone: no redirects, no cookies, and no *url.Error, which
	// would carry the proof into logs.
	resp, err := c.Transport.RoundTrip(req)
	if err != nil {
		return c.unanswered(ctx, err, payload.read.Load())
	}
	defer resp.Body.Close()
	root, failed, err := graph.Read(resp)
	if err != nil && resp.StatusCode < 300 {
		return c.unanswered(ctx, err, true)
	}
	return c.read(resp, root, failed, len(items))
}

// unanswered is the result of a request to which no answer came.
func (c *Client) unanswered(ctx context.Context, err error, written bool) answer {
	switch {
	case written:
		return c.inDoubt(answer{verdict: other, Result: Result{Fate: Retry, Class: Transient, Text: "no answer came from Meta: " + err.Error()}})
	case ctx.Err() != nil:
		return answer{verdict: other} // stopped before anything was sent: NotSent
	}
	return answer{verdict: other, Result: Result{Fate: Retry, Class: Transient, Text: "Meta was not reached: " + err.Error()}}
}

// inDoubt is the answer to a request that left, of which nothing says whether Meta has
// its events.
func (c *Client) inDoubt(a answer) answer {
	a.InDoubt = true
	if c.settings.OnTimeoutDrop {
		a.Result = Result{Fate: Dead, Class: Transient, Reason: ReasonUnconfirmed, InDoubt: true,
			Text: "the request was sent, and nothing says whether Meta has the event; `on_timeout drop` asks not to repeat it: " +
				"compare with the Events Manager before a replay"}
	}
	return a
}

// appendRequest appends the body of a request: the events as they are.
func appendRequest(dst []byte, items []Item, s *Settings) []byte {
	dst = append(dst, `{"data":[`...)
	for i := range items {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, items[i].Body...)
	}
	dst = append(dst, ']')
	if s.PartnerAgent != "" {
		dst = appendString(append(dst, `,"partner_agent":`...), []byte(s.PartnerAgent))
	}
	if s.TestEventCode != "" {
		dst = appendString(append(dst, `,"test_event_code":`...), []byte(s.TestEventCode))
	}
	return append(dst, '}')
}

// payload is a pooled request body. The transport may still hold a body after
// RoundTrip has returned, so the buffer goes back to the pool only when every
// reader is closed and Send has let go.
type payload struct {
	buf  []byte
	refs atomic.Int32
	read atomic.Bool // the transport has read all of it, so Meta may have the request, whatever comes after
}

var payloads = sync.Pool{New: func() any { return new(payload) }}

func newPayload() *payload {
	p := payloads.Get().(*payload)
	p.buf = p.buf[:0]
	p.refs.Store(1)
	p.read.Store(false)
	return p
}

func (p *payload) release() {
	if p.refs.Add(-1) == 0 && cap(p.buf) <= 4<<20 {
		payloads.Put(p)
	}
}

func (p *payload) open() io.ReadCloser {
	p.refs.Add(1)
	b := &payloadReader{payload: p}
	b.r.Reset(p.buf)
	return b
}

// payloadReader is one reading of a payload. Read and Close may come from
// different goroutines.
type payloadReader struct {
	mu      sync.Mutex
	r       bytes.Reader
	payload *payload
}

// Read reads the next bytes; after Close it is at the end.
func (b *payloadReader) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, err := b.r.Read(p)
	if b.payload != nil && b.r.Len() == 0 {
		b.payload.read.Store(true)
	}
	return n, err
}

// Close gives the buffer back.
func (b *payloadReader) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.payload != nil {
		b.r.Reset(nil)
		b.payload.release()
		b.payload = nil
	}
	return nil
}
