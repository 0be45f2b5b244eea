package capi

import (
	"fmt"
	"net/http"
	"time"

	"github.com/leadgate/leadgate/internal/graph"
	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/printable"
)

// verdict is what an answer says about the group of events that was sent.
type verdict uint8

const (
	other    verdict = iota // whatever Result says, for all of the group alike
	accepted                // all of them count
	refused                 // at least one is bad, and nothing was taken
	tooLarge                // the request has too many bytes for somebody
)

// answer is what came back for one request.
type answer struct {
	verdict verdict
	Result
}

// How long throttling lasts where the headers don't say, and at most.
const (
	firstThrottle = time.Minute
	lastThrottle  = 15 * time.Minute
)

// read classifies an answer to a request with that many events. Meta answers
// some throttling and some expired tokens with other statuses than one would
// think, so the code in the body comes first, and the status only without one.
func (c *Client) read(resp *http.Response, root jsondoc.Node, failed *graph.Error, sent int) answer {
	wait, atLimit := graph.Wait(resp.Header, c.now())
	if g := (*GraphError)(failed); g != nil && (g.Code != 0 || g.Transient) {
		return c.failed(g, resp.StatusCode, wait)
	}
	status := resp.StatusCode
	switch {
	case status >= 200 && status < 300:
		if wait == 0 && atLimit {
			wait = firstThrottle
		}
		return c.received(root, sent, wait)
	case status == http.StatusTooManyRequests:
		c.throttled.Add(1)
		return answer{Result: Result{Fate: Retry, Class: Throttled, Throttled: true, After: c.throttleWait(wait),
			Text: "Meta asks for fewer requests; nothing to do: it waits"}}
	case status == http.StatusBadGateway, status == http.StatusGatewayTimeout:
		return c.inDoubt(answer{Result: Result{Fate: Retry, Class: Transient, After: wait,
			Text: fmt.Sprintf("HTTP status %d: a gateway answered, and not Meta; nothing to do: it is tried again", status)}})
	case status >= 500 || status == http.StatusRequestTimeout:
		return answer{Result: Result{Fate: Retry, Class: Transient, After: wait,
			Text: fmt.Sprintf("HTTP status %d without an error of the Graph API; nothing to do: it is tried again", status)}}
	case status == http.StatusRequestEntityTooLarge:
		return answer{verdict: tooLarge, Result: Result{Fate: Dead, Class: BadEvent, Reason: ReasonRefused,
			Text: "the event has too many bytes (HTTP status 413)"}}
	case status >= 300 && status < 400:
		return parked(Configuration, fmt.Sprintf("the endpoint redirects (HTTP status %d), which is never followed", status),
			"check `endpoint`, and any proxy between here and Meta")
	}
	return parked(Configuration, fmt.Sprintf("HTTP status %d without an error of the Graph API: probably not Meta answered", status),
		"check `endpoint`, and any proxy between here and Meta")
}

func (c *Client) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

func parked(class ErrorClass, sentence, fix string) answer {
	return answer{Result: Result{Fate: Park, Class: class, Text: sentence + "; " + fix}}
}

// failed is the answer with an error of the Graph API.
func (c *Client) failed(g *GraphError, status int, wait time.Duration) answer {
	x := g.Explain()
	r := Result{Class: x.Class, Code: g.Code, Subcode: g.Subcode, Text: x.Text(), TraceID: g.TraceID}
	if generic(g) && g.Message != "" {
		r.Text += "; Meta's message: " + printable.Short(g.Message, 200)
	}
	switch {
	case x.Class == Throttled:
		c.throttled.Add(1)
		r.Fate, r.Throttled, r.After = Retry, true, max(c.throttleWait(wait), x.Wait)
		return answer{Result: r}
	case x.Class.Parks():
		r.Fate = Park
		return answer{Result: r}
	case x.Class == BadEvent && status < 500:
		r.Fate, r.Reason = Dead, ReasonRefused
		if g.Subcode == 2804003 {
			r.Reason = ReasonExpired
		}
		return answer{verdict: refused, Result: r}
	}
	r.Class, r.Fate, r.After = Transient, Retry, wait
	return answer{Result: r}
}

// generic reports whether the table knows nothing particular of the error, so that
// Meta's own message is worth showing.
func generic(g *GraphError) bool {
	x := lookup(g.Code, g.Subcode)
	return x.Code == 0 || x.Code == 100 && x.Subcode == 0
}

// received compares how many events were sent with how many Meta counts.
func (c *Client) received(root jsondoc.Node, sent int, wait time.Duration) answer {
	n, counted := root.Get("events_received").Int()
	trace := root.Get("fbtrace_id").String()
	switch {
	case n >= int64(sent):
		c.throttled.Store(0)
		return answer{verdict: accepted, Result: Result{Fate: Done, After: wait, TraceID: trace}}
	case !counted:
		return c.inDoubt(answer{Result: Result{Fate: Retry, Class: Transient, Unconfirmed: true, After: wait, TraceID: trace,
			Text: "the answer is cut, or not Meta's: it does not say how many events were received; nothing to do: it is tried again"}})
	case n <= 0:
		return answer{Result: Result{Fate: Retry, Class: Transient, Unconfirmed: true, After: wait, TraceID: trace,
			Text: "Meta answered 200 and counts none of the events; nothing to do: it is tried again"}}
	}
	return answer{Result: Result{Fate: Dead, Class: BadEvent, Reason: ReasonUnconfirmed, TraceID: trace,
		Text: fmt.Sprintf("Meta counts %d of the batch's %d events and does not say which, so that none is sent again; compare with the "+
			"Events Manager before a replay", n, sent)}}
}

// throttleWait is the time of the headers, else a minute that doubles up to a
// quarter of an hour.
func (c *Client) throttleWait(header time.Duration) time.Duration {
	if header > 0 {
		return header
	}
	n := min(max(c.throttled.Load()-1, 0), 10)
	return min(firstThrottle<<n, lastThrottle)
}
