package alert

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/outbox"
	"github.com/leadgate/leadgate/internal/retryafter"
	"github.com/leadgate/leadgate/internal/sign"
)

const (
	waiting     = 256     // alerts that may wait for a slow receiver
	attempts    = 4       // of one alert
	answerLimit = 4 << 10 // bytes read of an answer
	// longestPause is the longest wait between two attempts, whatever Retry-After says:
	// others wait behind.
	longestPause = 10 * time.Second
)

// Config is where and how alerts are posted.
type Config struct {
	URL       *url.URL // http or https; secret, as chats have it
	Header    http.Header
	Sign      string // secret of Standard Webhooks; "" = not signed
	Timeout   time.Duration
	UserAgent string
	Now       func() time.Time
	Dropped   func(a *Alert, n int) // so many were not posted
	Logger    *zap.Logger
}

// Poster posts alerts, one after another.
type Poster struct {
	c         Config
	key       *sign.Key // nil = not signed
	transport *http.Transport
	out       *outbox.Outbox[Alert]
}

// NewPoster makes a poster, which has begun. Its errors show no secret.
func NewPoster(c Config) (*Poster, error) {
	p := &Poster{c: c, transport: http.DefaultTransport.(*http.Transport).Clone()}
	if c.Sign != "" {
		var err error
		if p.key, err = sign.New(c.Sign); err != nil {
			return nil, fmt.Errorf("reading sign secret: %w", err)
		}
	}
	p.out = outbox.New(waiting, p.deliver)
	p.out.Start()
	return p, nil
}

// Post has an alert posted. It never blocks.
func (p *Poster) Post(a Alert) {
	a.Text = a.line()
	a.Content = a.Text
	if !p.out.Put(a) {
		p.lost(&a, "too many alerts wait for a slow receiver")
	}
}

// Stop posts what waits for as long as grace.
func (p *Poster) Stop(grace time.Duration) {
	if left := p.out.Stop(grace); left > 0 {
		p.c.Dropped(nil, left)
		p.c.Logger.Error("alerts were not posted any more: their receiver is too slow", zap.Int("alerts", left))
	}
	p.transport.CloseIdleConnections()
}

func (p *Poster) lost(a *Alert, why string) {
	p.c.Dropped(a, 1)
	p.c.Logger.Error("an alert was not posted: see whether its URL takes a POST of JSON",
		zap.String("host", p.c.URL.Host), zap.String("event", a.Event), zap.String("destination", a.Destination),
		zap.String("tenant", a.Tenant), zap.String("why", why))
}

// deliver posts an alert, again if that may help.
func (p *Poster) deliver(ctx context.Context, a Alert) {
	body, err := json.Marshal(&a)
	if err != nil {
		p.lost(&a, err.Error())
		return
	}
	for attempt := 1; ; attempt++ {
		again, wish, err := p.post(ctx, &a, body)
		if err == nil {
			return
		}
		if !again || attempt == attempts || !pause(ctx, min(max(wish, time.Second<<(attempt-1)), longestPause)) {
			p.lost(&a, err.Error())
			return
		}
	}
}

// pause waits, and reports whether ctx went on.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// post is one attempt. Where it fails, again says whether another may help, and wish how
// long the receiver asks to wait.
func (p *Poster) post(ctx context.Context, a *Alert, body []byte) (again bool, wish time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, p.c.Timeout)
	defer cancel()
	req := (&http.Request{
		Method: http.MethodPost, URL: p.c.URL, Header: p.c.Header.Clone(),
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
	}).WithContext(ctx)
	if req.Header == nil {
		req.Header = make(http.Header)
	}
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", p.c.UserAgent)
	}
	req.Header.Set("Content-Type", "application/json")
	if user := p.c.URL.User; user != nil && req.Header.Get("Authorization") == "" {
		password, _ := user.Password()
		req.SetBasicAuth(user.Username(), password)
	}
	if p.key != nil {
		now := p.c.Now().Unix()
		req.Header.Set("Webhook-Id", a.ID)
		req.Header.Set("Webhook-Timestamp", strconv.FormatInt(now, 10))
		req.Header.Set("Webhook-Signature", p.key.Sign(a.ID, now, body))
	}
	// RoundTrip and not a Client: redirects are not followed, and no error has the URL.
	res, err := p.transport.RoundTrip(req)
	if err != nil {
		if ctx.Err() != nil {
			err = errors.New("no answer in " + p.c.Timeout.String())
		}
		return true, 0, err
	}
	_, _ = io.CopyN(io.Discard, res.Body, answerLimit)
	_ = res.Body.Close()
	switch code := res.StatusCode; {
	case code >= 200 && code < 300:
		return false, 0, nil
	case code >= 500, code == http.StatusTooManyRequests, code == http.StatusRequestTimeout:
		return true, retryafter.Parse(res.Header.Get("Retry-After"), p.c.Now()), fmt.Errorf("%d %s", code, http.StatusText(code))
	default:
		return false, 0, fmt.Errorf("%d %s", code, http.StatusText(code))
	}
}
