package capi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/leadgate/leadgate/internal/apicall"
	"github.com/leadgate/leadgate/internal/graph"
)

// maxZero is how often a request that Meta answered with events_received 0 is
// tried again.
const maxZero = 3

// Item is one event to send.
type Item struct {
	Body     []byte   // as AppendEvent made it
	Identity Identity // likewise; a batch has one
	// Unconfirmed is how often the event was already in a request that Meta
	// answered with events_received 0: how often Result.Unconfirmed came back.
	Unconfirmed int
}

// Fate is what became of an event in a Send.
type Fate uint8

// The fates; the zero value is NotSent.
const (
	NotSent Fate = iota // nothing was tried, or nothing learned: it joins the next batch at once, no attempt counts
	Done                // Meta has it
	Retry               // send it again, after Result.After
	Park                // the destination waits for somebody to do something
	Dead                // never send it again: a dead letter, for Result.Reason
)

var fateNames = [...]string{"not_sent", "done", "retry", "park", "dead"}

// String returns not_sent, done, retry, park or dead; "" for no fate.
func (f Fate) String() string { return nameOf(fateNames[:], uint8(f)) }

// Result is what became of one event.
type Result struct {
	Fate Fate
	// After is how long to wait: with Retry before the next try, 0 = as the
	// caller backs off; with Done before the next batch, since Meta's headers
	// say that the limit is reached.
	After         time.Duration
	Throttled     bool       // Retry, because of Meta's limits: no fault of the destination
	Unconfirmed   bool       // Retry, because events_received was 0: counts for Item.Unconfirmed
	InDoubt       bool       // the request left, and no answer says whether Meta has the event: Retry, or Dead with OnTimeoutDrop
	Class         ErrorClass // of the error; 0 without one
	Reason        string     // Dead: one of the Reason constants
	Code, Subcode int        // Meta's; 0 without one
	Text          string     // a plain sentence and what to do, for logs and dead letters
	TraceID       string     // Meta's fbtrace_id
}

// Client sends events to one dataset. It never follows redirects and never
// repeats a request by itself. It is safe for concurrent use.
type Client struct {
	// Transport makes the requests: one of NewClient's own. Change it before the
	// first Send.
	Transport http.RoundTripper
	// Now reads the clock; nil is time.Now. It is only asked where a header
	// gives a date.
	Now func() time.Time

	settings    Settings
	url         string
	credentials atomic.Pointer[graph.Credentials]
	throttled   atomic.Int32 // throttled answers in a row that gave no time
}

// NewClient makes a client for settings that Validate accepts.
func NewClient(s *Settings) *Client {
	c := &Client{settings: *s}
	c.Transport = apicall.New()
	c.url = c.settings.endpoint() + "/" + c.settings.graphVersion() + "/" + s.Dataset + "/events"
	c.SetCredentials(s.AccessToken, s.AppSecret)
	return c
}

// SetCredentials replaces the access token and the app secret ("" = requests
// without appsecret_proof), for a token that was read again from its file.
func (c *Client) SetCredentials(accessToken, appSecret string) {
	c.credentials.Store(&graph.Credentials{Token: strings.TrimSpace(accessToken), AppSecret: strings.TrimSpace(appSecret)})
}

// Close ends idle connections.
func (c *Client) Close() { apicall.Close(c.Transport) }

// Send posts one batch, at most MaxBatch events of one identity, and says for
// each event what became of it, in the order of items.
//
// Where Meta refuses a parameter, the batch is halved until the bad event alone
// is left and Dead, in at most 1 + ⌈log₂ n⌉ requests: a first half that Meta
// takes is Done, and the second, which then must hold the bad event, is halved
// without being sent; where the first half is refused, nothing is known of the
// second, and it is NotSent. A batch with k bad events so takes k Sends.
//
// The error says that the call was wrong; nothing was sent then.
func (c *Client) Send(ctx context.Context, items []Item) ([]Result, error) {
	if len(items) == 0 {
		return nil, nil
	}
	if len(items) > MaxBatch {
		return nil, fmt.Errorf("sending batch: %d events, but Meta takes %d in a request", len(items), MaxBatch)
	}
	for i := range items {
		if items[i].Identity != items[0].Identity {
			return nil, errors.New("sending batch: events of different identities in one batch")
		}
		if len(items[i].Body) == 0 {
			return nil, errors.New("sending batch: an event without a body")
		}
	}
	results := make([]Result, len(items))
	lo, hi := 0, len(items)
	a := c.post(ctx, items)
	for a.verdict == tooLarge && hi > 1 {
		hi /= 2
		a = c.post(ctx, items[:hi])
	}
	if a.verdict != refused && a.verdict != tooLarge {
		settle(results[:hi], items[:hi], a)
		return results, nil
	}
	if a.Subcode == 2804116 && items[0].Identity.ID == "" {
		// All of the batch lack the same id.
		settle(results[:hi], items[:hi], a)
		return results, nil
	}
	// items[lo:hi] holds a bad event, which a speaks of.
	for hi-lo > 1 {
		mid := lo + (hi-lo)/2
		half := c.post(ctx, items[lo:mid])
		switch half.verdict {
		case refused:
			a, hi = half, mid
		case accepted:
			settle(results[lo:mid], items[lo:mid], half)
			lo = mid
		case tooLarge:
			// More than this was not too large a moment ago: somebody between
			// here and Meta has changed. The next Send starts anew.
			return results, nil
		default:
			settle(results[lo:mid], items[lo:mid], half)
			return results, nil
		}
	}
	settle(results[lo:hi], items[lo:hi], a)
	return results, nil
}

// settle gives every event of a group the answer's result.
func settle(results []Result, items []Item, a answer) {
	for i := range results {
		r := a.Result
		if r.Unconfirmed && items[i].Unconfirmed >= maxZero {
			r = Result{Fate: Dead, Reason: ReasonUnconfirmed, TraceID: a.TraceID,
				Text: fmt.Sprintf("Meta answered %d times that it received none of the batch's events", maxZero+1)}
		}
		results[i] = r
	}
}
