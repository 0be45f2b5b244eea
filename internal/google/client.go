package google

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/leadgate/leadgate/internal/apicall"
)

// Fate is what became of an event in an Ingest.
type Fate uint8

// The fates; the zero value is NotSent.
const (
	NotSent Fate = iota // nothing was tried, or nothing learned: it joins the next batch at once, no attempt counts
	Taken               // Google gave a receipt: Result.RequestID
	Retry               // send it again, after Result.After; that Google may have it does no harm
	Park                // the destination waits for somebody to do something
	Dead                // never send it again: a dead letter, for Result.Reason
)

// Result is what became of one event, or what was answered to a request.
type Result struct {
	Fate      Fate
	RequestID string        // Taken: what Status is asked by
	Index     int           // Taken: the event's place in that request
	Of        int           // Taken: how many events that request has
	After     time.Duration // Retry: before the next try; 0 = as the caller backs off
	Throttled bool          // Retry, because of Google's limits: no fault of the destination
	Reason    string        // Dead: one of the Reason constants; else transient, throttled, token, permission or configuration
	Code      string        // Google's reason, for the explain command: INVALID_CONVERSION_ACTION_ID; "" without one
	Text      string        // a plain sentence and what to do, for logs and dead letters
}

// Warning is a part of an event that Google ignored.
type Warning struct {
	Field       string // events.events[0].cart_data
	Reason      string // without its prefix, see [ExplainWarning]
	Description string // Google's
}

// Client reports to one account. It follows no redirects, and repeats a request by
// itself where Google refuses some events of it by name, or the access token, once. It
// is safe for concurrent use.
type Client struct {
	// Transport makes the requests: one of NewClient's own. Change it before the first
	// request.
	Transport http.RoundTripper
	// Now reads the clock; nil is time.Now. It says when a token ends, and what a header
	// with a date means.
	Now func() time.Time

	settings  Settings
	tokens    tokens
	throttled atomic.Int32 // throttled answers in a row that gave no time
}

// NewClient makes a client for settings that Validate accepts; key nil is none yet.
func NewClient(s *Settings, key *Key) *Client {
	c := &Client{settings: *s, Transport: apicall.New()}
	c.tokens = tokens{transport: func() http.RoundTripper { return c.Transport }, now: c.now, turn: make(chan struct{}, 1), key: key}
	return c
}

// SetKey replaces the credential, by one that was read again from its file.
func (c *Client) SetKey(k *Key) { c.tokens.setKey(k) }

// Close ends idle connections.
func (c *Client) Close() { apicall.Close(c.Transport) }

func (c *Client) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

// maxRounds is how many requests one Ingest makes where Google names bad events again
// and again: what is left then waits for the next.
const maxRounds = 12

// Ingest reports up to MaxBatch events to one conversion action, and says for each what
// became of it, in their order; no two have one TransactionID.
//
// Where Google refuses events by name, they are Dead, and the rest is sent again. Where
// it refuses the request without a name, it is halved, in at most 1 + ⌈log₂ n⌉ requests:
// of what then is NotSent nothing is known.
//
// The error says that the call was wrong; nothing was sent then.
func (c *Client) Ingest(ctx context.Context, action string, events []Event) ([]Result, []Warning, error) {
	if err := checkBatch(action, events); err != nil {
		return nil, nil, err
	}
	in := &ingest{c: c, ctx: ctx, action: action, events: events, results: make([]Result, len(events))}
	open := make([]int, len(events))
	for i := range open {
		open[i] = i
	}
	for range maxRounds {
		if len(open) == 0 {
			break
		}
		a := in.post(open)
		switch {
		case a.named != nil:
			open = in.bury(open, &a)
			continue
		case a.large && len(open) > 1:
			open = open[:len(open)/2] // the others are NotSent
			continue
		case a.blind && len(open) > 1:
			in.halve(open, a)
		default:
			in.settle(open, &a)
		}
		break
	}
	return in.results, in.warnings, nil
}

func checkBatch(action string, events []Event) error {
	if _, ok := ActionID(action); !ok {
		return fmt.Errorf("reporting to Google: %.40q is no conversion action", action)
	}
	if len(events) > MaxBatch {
		return fmt.Errorf("reporting to Google: %d events, but it takes %d in a request", len(events), MaxBatch)
	}
	seen := make(map[string]struct{}, len(events))
	for i := range events {
		if len(events[i].Body) == 0 {
			return errors.New("reporting to Google: an event without a body")
		}
		seen[events[i].TransactionID] = struct{}{}
	}
	if len(seen) != len(events) {
		return errors.New("reporting to Google: two events of one transaction id in one request")
	}
	return nil
}

// ingest is one call of Ingest.
type ingest struct {
	c        *Client
	ctx      context.Context //nolint:containedctx // lives as long as the call
	action   string
	events   []Event
	results  []Result
	warnings []Warning
}

// post sends the events at those places.
func (in *ingest) post(at []int) answer {
	a := in.c.post(in.ctx, func(dst []byte) []byte {
		return appendRequest(dst, &in.c.settings, in.action, in.events, at, false)
	}, len(at))
	in.warnings = append(in.warnings, a.warnings...)
	return a
}

// settle gives every event of a request the answer's result.
func (in *ingest) settle(at []int, a *answer) {
	for n, i := range at {
		in.results[i] = a.Result
		if a.Fate == Taken {
			in.results[i].Index, in.results[i].Of = n, len(at)
		}
	}
}

// bury makes dead letters of the events that the answer names, and returns the others.
func (in *ingest) bury(at []int, a *answer) (rest []int) {
	for n, i := range at {
		if r, bad := a.named[n]; bad {
			in.results[i] = r
		} else {
			rest = append(rest, i)
		}
	}
	return rest
}

// halve finds a bad event that Google does not name: one of those at these places.
func (in *ingest) halve(at []int, a answer) {
	for len(at) > 1 {
		half := at[:len(at)/2]
		b := in.post(half)
		switch {
		case b.named != nil:
			in.bury(half, &b)
			return
		case b.large:
			return // somebody between here and Google has changed
		case b.blind:
			a, at = b, half
		case b.Fate == Taken:
			in.settle(half, &b)
			at = at[len(half):]
		default:
			in.settle(half, &b)
			return
		}
	}
	in.settle(at, &a)
}

// Validate asks Google to check a request for the conversion action, with a made-up
// click, and to store nothing: it says whether credential, accounts and conversion action
// fit each other. Taken is yes.
func (c *Client) Validate(ctx context.Context, action string) Result {
	if _, ok := ActionID(action); !ok {
		return Result{Fate: Park, Reason: "configuration", Text: fmt.Sprintf("%.40q is no conversion action", action)}
	}
	f := facts{id: "leadgate-doctor", at: c.now().Add(-time.Hour).UnixMilli(), touch: Touch{GCLID: "Leadgate_Doctor_Checks"}}
	body, _ := f.append(nil, &Settings{EventSource: c.settings.EventSource})
	a := c.post(ctx, func(dst []byte) []byte {
		return appendRequest(dst, &c.settings, action, []Event{{Body: body}}, []int{0}, true)
	}, 1)
	if r, ok := a.named[0]; ok {
		return r
	}
	return a.Result
}
