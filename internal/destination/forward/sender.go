package forward

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/sign"
	"github.com/leadgate/leadgate/internal/trace"
	"github.com/leadgate/leadgate/normalize"
)

// What is read of an answer, so that its connection can be used again.
const (
	answerLimit       = 64 << 10
	answerHeaderLimit = 64 << 10
)

// writeBuffer is how much of a request is written at once: most events whole,
// with their headers, where the default of 4 KB cuts many in two.
const writeBuffer = 16 << 10

// Config is the settings of a forward destination, secrets included.
type Config struct {
	URL         string // http or https; user info becomes basic auth
	Tenant      string
	Header      http.Header   // added to every request; wins over User-Agent, Content-Type and Host
	Sign        string        // secret of Standard Webhooks; "" = not signed
	Timeout     time.Duration // of one request, its answer included
	Raw         bool          // the provider's own bytes and headers
	Version     string        // of Leadgate, for User-Agent
	Concurrency int           // requests at once, so many connections are kept
	Now         func() time.Time
	Names       clicks.Names // of ads, for attribution; nil: none is known
}

// Sender posts one event at a time to a URL.
type Sender struct {
	c         Config
	url       *url.URL
	host      string
	header    http.Header     // what all requests have
	own       map[string]bool // the names in it that the user set
	plain     *http.Request   // what all requests are copies of
	signer    *sign.Key
	transport *http.Transport
	deadlines deadlines
}

// NewSender checks the settings. Its errors show no secret.
func NewSender(c Config) (*Sender, error) {
	u, err := url.Parse(c.URL)
	if err != nil {
		if parse, ok := errors.AsType[*url.Error](err); ok {
			err = parse.Err // without the URL
		}
		return nil, fmt.Errorf("parsing forward URL: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("parsing forward URL: write it in full, like https://crm.example.com/hook")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	f := &Sender{c: c, url: u, header: http.Header{}, own: map[string]bool{}}
	f.deadlines.timeout = c.Timeout
	f.header.Set("User-Agent", strings.TrimSuffix("Leadgate/"+c.Version, "/"))
	f.header.Set("Content-Type", "application/json")
	if u.User != nil {
		password, _ := u.User.Password()
		auth := http.Request{Header: f.header}
		auth.SetBasicAuth(u.User.Username(), password)
		u.User = nil
	}
	u.Fragment, u.RawFragment = "", ""
	for name, values := range c.Header {
		if name = http.CanonicalHeaderKey(name); name == "Host" && len(values) > 0 {
			f.host = values[0]
			continue
		}
		f.header[name] = slices.Clone(values)
		f.own[name] = true
	}
	f.header["Leadgate-Tenant"], f.own["Leadgate-Tenant"] = []string{c.Tenant}, true
	f.plain = &http.Request{Method: http.MethodPost, URL: u, Host: f.host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
	if c.Sign != "" {
		if f.signer, err = sign.New(c.Sign); err != nil {
			return nil, fmt.Errorf("reading sign secret: %w", err)
		}
	}
	f.transport = &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: c.Timeout, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:    c.Timeout,
		MaxIdleConns:           c.Concurrency,
		MaxIdleConnsPerHost:    c.Concurrency,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: answerHeaderLimit,
		WriteBufferSize:        writeBuffer,
		DisableCompression:     true,
		ForceAttemptHTTP2:      true,
	}
	return f, nil
}

// CloseIdleConnections ends connections that no request uses.
func (f *Sender) CloseIdleConnections() {
	f.transport.CloseIdleConnections()
	f.deadlines.close()
}

// Send posts the items one after another.
func (f *Sender) Send(ctx context.Context, items []destination.Item) []destination.Verdict {
	verdicts := make([]destination.Verdict, len(items))
	for i := range items {
		verdicts[i] = f.post(ctx, &items[i])
	}
	return verdicts
}

func (f *Sender) post(ctx context.Context, it *destination.Item) destination.Verdict {
	body := it.Payload
	if !f.c.Raw {
		body = withAttribution(it, f.c.Names)
	}
	d := f.deadlines.begin(ctx)
	defer f.deadlines.end(d)
	// One copy of what is always the same, and not a Request from scratch.
	req := f.plain.WithContext(d.ctx)
	req.Header = f.headers(it, body)
	req.ContentLength = int64(len(body))
	req.Body = io.NopCloser(bytes.NewReader(body))
	// The transport may send it on another connection when one was closed
	// before anything was written.
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	// RoundTrip and not a Client: redirects are not followed.
	res, err := f.transport.RoundTrip(req)
	if err != nil {
		if ctx.Err() != nil { // broken off by us
			return destination.Verdict{Action: destination.Again}
		}
		if cause := context.Cause(d.ctx); cause != nil {
			err = cause
		}
		return failure(err, f.c.Timeout)
	}
	// What the answer says in its body is of no interest; reading it lets the
	// connection be used again.
	if res.Body != http.NoBody {
		_, _ = io.CopyN(io.Discard, res.Body, answerLimit)
		_ = res.Body.Close()
	}
	if taken(res.StatusCode) {
		return destination.Verdict{Action: destination.Done}
	}
	return classify(res.StatusCode, res.Header, f.c.Now())
}

// How many fields headers adds to those that are always the same, and how many
// of them only where requests are signed.
const (
	ownHeaders       = 6
	signatureHeaders = 3
)

// headers makes a request's own headers.
func (f *Sender) headers(it *destination.Item, body []byte) http.Header {
	var h http.Header
	if f.c.Raw {
		h = make(http.Header, len(f.header)+len(it.Header.HTTP)+ownHeaders)
		for _, field := range it.Header.HTTP {
			if name := http.CanonicalHeaderKey(field.Name); name != "User-Agent" {
				h[name] = append(h[name], field.Value)
			}
		}
		for name, values := range f.header {
			if f.own[name] || h[name] == nil {
				h[name] = values
			}
		}
	} else {
		// No more room than is needed: up to eight fields are one small piece
		// of memory.
		n := len(f.header) + ownHeaders
		if f.signer == nil {
			n -= signatureHeaders
		}
		h = make(http.Header, n)
		maps.Copy(h, f.header)
	}
	id := uuid.UUID(it.Header.EventID).String()
	values := make([]string, 0, 6) // of all headers in one piece
	set := func(name, value string) {
		values = append(values, value)
		h[name] = values[len(values)-1 : len(values) : len(values)]
	}
	set("Leadgate-Event-Id", id)
	set("Leadgate-Attempt", strconv.Itoa(it.Attempt))
	if kind := normalize.Kind(it.Header.Kind); kind >= normalize.KindMessage && kind <= normalize.KindLead {
		set("Leadgate-Kind", kind.String())
	}
	if parent := trace.Traceparent(it.Header.Trace); parent != "" && !f.own["Traceparent"] {
		set("Traceparent", parent)
	}
	if f.signer != nil {
		now := f.c.Now().Unix()
		h["Webhook-Id"] = h["Leadgate-Event-Id"]
		set("Webhook-Timestamp", strconv.FormatInt(now, 10))
		set("Webhook-Signature", f.signer.Sign(id, now, body))
	}
	return h
}

// withAttribution puts the contact's clicks in the place of attribution's null.
func withAttribution(it *destination.Item, names clicks.Names) []byte {
	at := int(it.Header.Attribution)
	if at == 0 || it.Header.Format == queue.FormatRaw || len(it.Clicks.First) == 0 && len(it.Clicks.Last) == 0 ||
		len(it.Payload) < at+4 || string(it.Payload[at:at+4]) != "null" {
		return it.Payload
	}
	body := make([]byte, 0, len(it.Payload)+len(it.Clicks.First)+len(it.Clicks.Last)+256)
	body = append(body, it.Payload[:at]...)
	body = clicks.AppendAttribution(body, it.Clicks, names)
	return append(body, it.Payload[at+4:]...)
}

var _ destination.Sender = (*Sender)(nil)
