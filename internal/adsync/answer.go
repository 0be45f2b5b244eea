package adsync

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/graph"
	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/internal/printable"
)

// verdict is what an answer means.
type verdict int

const (
	fine      verdict = iota
	unreached         // Meta was
	later             // Meta has a bad moment
	throttled         // too many calls
	tooMuch           // of data at once
	unfit             // a setting
	refused           // what is asked for
	noRight           // to this object
	missing           // there is no such object, or none that the token may see
	badToken          // nothing more at all
	full              // no answer, but what is kept of answers
)

// why is a verdict's word in metrics.
func (v verdict) why() string {
	switch v {
	case fine:
		return ""
	case unreached:
		return metrics.AdsUnreachable
	case throttled:
		return metrics.AdsThrottled
	case unfit, refused:
		return metrics.AdsConfiguration
	case noRight, missing:
		return metrics.AdsPermission
	case badToken:
		return metrics.AdsToken
	case full:
		return metrics.AdsFull
	}
	return metrics.AdsTransient
}

// outcome is a verdict, with what is said of it.
type outcome struct {
	verdict
	wait    time.Duration
	problem string // in a line
}

const (
	pauseLater     = time.Minute      // until Meta is asked again that was not reached
	pauseThrottled = 5 * time.Minute  // where Meta does not say how long to wait
	pauseRefused   = 10 * time.Minute // until a refused token is tried again; another one is tried at once
	pauseReport    = time.Hour        // until a report that failed is asked for again
)

// nearLimit is from what percentage of a limit on nothing more is asked for a while.
const nearLimit = 75

const rights = "the token needs ads_read, and its person or system user must be assigned to the ad account in the Business settings"

// get asks for an object, post posts a form.
func (s *Syncer) get(ctx context.Context, q Store, what string) (*graph.Answer, outcome) {
	s.keep(ctx, q)
	return s.ask(ctx, what)
}

func (s *Syncer) ask(ctx context.Context, what string) (*graph.Answer, outcome) {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	a, err := s.client.Get(ctx, what, s.credentials)
	return a, s.judge(a, err)
}

func (s *Syncer) post(ctx context.Context, q Store, client *graph.Client, what string, form url.Values) (*graph.Answer, outcome) {
	s.keep(ctx, q)
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	a, err := client.Post(ctx, what, form, s.credentials)
	return a, s.judge(a, err)
}

// judge says what an answer means.
func (s *Syncer) judge(a *graph.Answer, err error) outcome {
	switch {
	case err != nil:
		return outcome{verdict: unreached, wait: s.pause(pauseLater), problem: "Meta was not reached: " + printable.Line(err.Error())}
	case a.Error != nil:
		return s.failed(a.Error, a.Header)
	case a.Code != http.StatusOK || !a.Root.Exists():
		wait, _ := graph.Wait(a.Header, s.c.Now())
		if a.Code == http.StatusTooManyRequests {
			return outcome{verdict: throttled, wait: max(wait, pauseThrottled)}
		}
		return outcome{verdict: unreached, wait: max(wait, s.pause(pauseLater)),
			problem: a.Status + ": no answer of the Graph API: check `endpoint`, and any proxy between here and Meta"}
	}
	return outcome{}
}

// failed says what an error means.
func (s *Syncer) failed(e *graph.Error, h http.Header) outcome {
	x := (&capi.GraphError{Code: e.Code, Subcode: e.Subcode, Transient: e.Transient}).Explain()
	wait, _ := graph.Wait(h, s.c.Now())
	text := "error " + code(e) + ": " + x.Sentence
	switch {
	case e.Subcode == 1504022, e.Subcode == 1504039, e.Subcode == 2446079, x.Class == capi.Throttled:
		return outcome{verdict: throttled, wait: max(wait, x.Wait, pauseThrottled)}
	case (e.Code == 1 || e.Code == 2) && e.Subcode == 99, e.Subcode == 1487534, strings.Contains(e.Message, "reduce the amount of data"):
		return outcome{verdict: tooMuch, wait: s.pause(pauseReport), problem: text}
	case e.Code == 803, e.Code == 100 && e.Subcode == 33 && !e.Transient:
		return outcome{verdict: missing, wait: s.pause(pauseRefused),
			problem: "error " + code(e) + ": there is no such ad account, or the token may not see it: " + rights}
	case x.Class == capi.Token:
		return outcome{verdict: badToken, wait: s.pause(pauseRefused), problem: text + ": write a new access_token into `ads`"}
	case x.Class == capi.Permission:
		return outcome{verdict: noRight, wait: s.pause(pauseRefused), problem: text + ": " + rights}
	case x.Class == capi.Configuration:
		return outcome{verdict: unfit, wait: s.pause(pauseRefused), problem: text}
	case x.Class == capi.BadEvent:
		return outcome{verdict: refused, wait: s.pause(pauseRefused), problem: text}
	}
	return outcome{verdict: later, wait: max(wait, s.pause(pauseLater)), problem: text}
}

// pause is how long it is waited where Meta does not say how long: no longer than where nothing
// is wrong.
func (s *Syncer) pause(d time.Duration) time.Duration { return min(d, s.c.Refresh) }

// code is the error's as it is shown: 190/463.
func code(e *graph.Error) string {
	if e.Subcode == 0 {
		return strconv.Itoa(e.Code)
	}
	return strconv.Itoa(e.Code) + "/" + strconv.Itoa(e.Subcode)
}

// near is for how long nothing more is asked after an answer that says that a limit is
// near; 0 where it does not.
func (s *Syncer) near(h http.Header) time.Duration {
	wait, atLimit := graph.Wait(h, s.c.Now())
	var doc jsondoc.Doc
	if v := h.Get("X-Fb-Ads-Insights-Throttle"); v != "" && doc.Parse([]byte(v)) == nil {
		for _, of := range [...]string{"app_id_util_pct", "acc_id_util_pct"} {
			used, err := strconv.ParseFloat(doc.Root().Get(of).String(), 64)
			atLimit = atLimit || err == nil && used >= nearLimit
		}
	}
	if atLimit {
		wait = max(wait, pauseThrottled)
	}
	return wait
}
