package google

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/retryafter"
)

type node = jsondoc.Node

const transient = "transient"

// answer is what came back for one request: one result for all of its events, or else
// what is wrong with some.
type answer struct {
	Result
	named    map[int]Result // the events that are at fault, by their place in the request
	blind    bool           // at least one is, and the answer does not say which
	large    bool           // the request is too large
	warnings []Warning
}

func parked(reason, sentence, fix string) answer {
	return answer{Result: Result{Fate: Park, Reason: reason, Text: sentence + "; " + fix}}
}

// How long throttling lasts where no header says, and at most.
const (
	firstThrottle = time.Minute
	lastThrottle  = 15 * time.Minute
)

// throttle is the answer at a limit; wait is what the header asks for, 0 for nothing.
func (c *Client) throttle(r Result, wait time.Duration) answer {
	n := c.throttled.Add(1)
	if wait <= 0 {
		wait = min(firstThrottle<<min(max(n-1, 0), 10), lastThrottle)
	}
	r.Fate, r.Reason, r.Throttled, r.After = Retry, "throttled", true, wait
	return answer{Result: r}
}

// read classifies an answer to a request with that many events; Taken is any 200.
func (c *Client) read(resp *http.Response, body []byte, events int) (node, answer) {
	status := resp.StatusCode
	if status >= 200 && status < 300 {
		c.throttled.Store(0)
		var doc jsondoc.Doc
		if doc.Parse(body) != nil {
			return node{}, answer{Result: Result{Fate: Retry, Reason: transient,
				Text: "the answer is cut, or not Google's; nothing to do: it is tried again"}}
		}
		return doc.Root(), answer{Result: Result{Fate: Taken}}
	}
	wait := retryafter.Parse(resp.Header.Get("Retry-After"), c.now())
	e := readError(body)
	if e == nil {
		return node{}, c.bare(status, wait)
	}
	a := c.refused(e, status, wait, events)
	if e.RequestID != "" {
		a.note(" (request " + shorten(e.RequestID) + ")")
	}
	return node{}, a
}

// note adds to all texts.
func (a *answer) note(text string) {
	if a.Text != "" {
		a.Text += text
	}
	for i, r := range a.named {
		r.Text += text
		a.named[i] = r
	}
}

// bare is an answer without an error of Google's.
func (c *Client) bare(status int, wait time.Duration) answer {
	switch {
	case status == http.StatusTooManyRequests:
		return c.throttle(Result{Text: "Google asks for fewer requests; nothing to do: it waits"}, wait)
	case status >= 500 || status == http.StatusRequestTimeout || status == http.StatusConflict:
		return answer{Result: Result{Fate: Retry, Reason: transient, After: wait,
			Text: fmt.Sprintf("HTTP status %d without an error of Google's; nothing to do: it is tried again", status)}}
	case status == http.StatusRequestEntityTooLarge:
		return answer{large: true, Result: Result{Fate: Dead, Reason: ReasonRefused, Text: "the event has too many bytes (HTTP status 413)"}}
	case status == http.StatusUnauthorized:
		return parked("token", "Google refuses the access token, and a new one, too", newKey)
	case status >= 300 && status < 400:
		return parked("configuration", fmt.Sprintf("the endpoint redirects (HTTP status %d), which is never followed", status),
			"check `endpoint`, and any proxy between here and Google")
	}
	return parked("configuration", fmt.Sprintf("HTTP status %d without an error of Google's: probably somebody else answered", status),
		"check `endpoint`, and any proxy between here and Google")
}

// refused is an answer with an error of Google's.
func (c *Client) refused(e *Error, status int, wait time.Duration, events int) answer {
	switch {
	case status == http.StatusTooManyRequests || e.Status == "RESOURCE_EXHAUSTED":
		if strings.Contains(strings.ToLower(e.QuotaLimit), "day") {
			wait = max(wait, retryafter.Longest)
		}
		r := Result{Code: or(e.Reason, "RESOURCE_EXHAUSTED"), Text: "Google asks for fewer requests"}
		if e.QuotaLimit != "" {
			r.Text += " (" + shorten(e.QuotaLimit) + ")"
		}
		r.Text += "; nothing to do: it waits"
		return c.throttle(r, wait)
	case status >= 500 || status == http.StatusConflict || status == http.StatusRequestTimeout:
		return answer{Result: Result{Fate: Retry, Reason: transient, Code: e.Reason, After: wait,
			Text: fmt.Sprintf("Google answered %d %s; nothing to do: it is tried again", status, shorten(e.Status))}}
	case status == http.StatusUnauthorized:
		return halted(e, or(e.Reason, "ACCESS_TOKEN_EXPIRED"), "token")
	case status == http.StatusForbidden || status == http.StatusNotFound:
		return halted(e, or(reasonOf(e), or(e.Reason, e.Status)), "permission")
	case e.Status == "FAILED_PRECONDITION":
		return halted(e, or(reasonOf(e), or(e.Reason, e.Status)), "configuration")
	}
	return c.byReason(e, events)
}

// reasonOf is the reason of the first violation that has one.
func reasonOf(e *Error) string {
	for i := range e.Violations {
		if r := e.Violations[i].Reason; r != "" {
			return r
		}
	}
	return ""
}

// halted parks the destination, whatever the table does with the reason otherwise.
func halted(e *Error, reason, class string) answer {
	x := ExplainError(reason, false)
	r := result(&x, e)
	r.Fate, r.Reason = Park, class
	if reason == "SERVICE_DISABLED" && e.ActivationURL != "" {
		r.Text += ": " + shorten(e.ActivationURL)
	}
	return answer{Result: r}
}

// byReason is an answer about parameters. The destination's faults come first: then
// nothing is wrong with the events.
func (c *Client) byReason(e *Error, events int) answer {
	named := make(map[int]Result)
	var field *Result // what is said of a field of no event
	for i := range e.Violations {
		v := &e.Violations[i]
		at, isEvent := v.Event()
		isEvent = isEvent && at < events
		reason := or(v.Reason, e.Reason)
		x := ExplainError(reason, isEvent)
		if v.Destination() && x.Action != Halt {
			x.Fix = checkNumbers
		}
		r := result(&x, e)
		r.Text += wordsOf(v)
		switch {
		case v.Destination() || x.Action == Halt && reason != "":
			r.Fate, r.Reason = Park, "configuration"
			return answer{Result: r}
		case x.Action == TryAgain || x.Action == Wait:
			return c.whole(r, reason)
		case !isEvent:
			field = &r
		default:
			if _, ok := named[at]; !ok {
				r.Fate, r.Reason = Dead, ReasonRefused
				named[at] = r
			}
		}
	}
	if len(named) > 0 {
		return answer{named: named}
	}
	if field == nil {
		x := ExplainError(e.Reason, false)
		r := result(&x, e)
		if e.Reason != "" && r.Fate != Dead {
			return c.whole(r, e.Reason)
		}
		field = &r
	}
	// One of the events is bad, and the answer does not say which.
	field.Fate, field.Reason = Dead, ReasonRefused
	return answer{blind: true, Result: *field}
}

// whole is an answer that concerns all of a request.
func (c *Client) whole(r Result, reason string) answer {
	if r.Throttled {
		return c.throttle(r, 0)
	}
	return answer{Result: r, large: reason == "TOO_MANY_EVENTS"}
}

// wordsOf is where a violation is, and what Google says to it.
func wordsOf(v *Violation) string {
	s := ""
	if v.Field != "" {
		s = "; field " + shorten(v.Field)
	}
	if v.Description != "" {
		s += "; Google's words: " + shorten(v.Description)
	}
	return s
}

// result is what the table does about a reason.
func result(x *Explanation, e *Error) Result {
	r := Result{Code: x.Reason, Text: x.Text()}
	switch x.Action {
	case Die, Unknown:
		r.Fate, r.Reason = Dead, or(x.Letter, ReasonRefused)
	case Wait:
		r.Fate, r.Reason, r.Throttled = Retry, "throttled", true
	case TryAgain:
		r.Fate, r.Reason = Retry, transient
	default:
		r.Fate, r.Reason = Park, "configuration"
	}
	if x.Where == "" && e.Message != "" {
		r.Text += "; Google's message: " + shorten(e.Message)
	}
	return r
}

// readWarnings reads what a 200 says of parts that were ignored.
func readWarnings(root node) (out []Warning) {
	for w := root.Get("fieldWarnings").First(); w.Exists() && len(out) < maxViolations; w = w.Next() {
		out = append(out, Warning{Field: shorten(w.Get("field").String()), Reason: Bare(w.Get("reason").String()),
			Description: shorten(w.Get("description").String())})
	}
	return out
}
