package media

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/graph"
)

// failure is why a request gets no file.
type failure struct {
	status   int
	outcome  string // for the metric
	sentence string // what the client is told: no token, nothing that Meta wrote
	wait     time.Duration
	code     string // Meta's, as capi.Explanation.Name writes it
	trace    string // Meta's fbtrace_id
	err      error  // for the log
	begun    bool   // part of the file has been sent
}

// Error is the sentence.
func (f *failure) Error() string { return f.sentence }

// What to do about errors for which capi's table speaks of datasets.
const (
	permissionFix = "the token needs whatsapp_business_messaging, and the WhatsApp business account must be assigned to its system user"
	proofFix      = "leadgate_media sends no appsecret_proof: turn off Require App Secret in the app's advanced settings, " +
		"or use the token of an app without it"
)

// How long a client is asked to wait where Meta does not say: when it throttles,
// and for a fault of its own.
const (
	throttledWait = time.Minute
	transientWait = 10 * time.Second
)

// explain is the failure that an error of the Graph API stands for. Meta's
// message is neither shown nor logged: it may quote the token.
func (c *client) explain(answer *graph.Answer) *failure {
	e := answer.Error
	g := capi.GraphError{Code: e.Code, Subcode: e.Subcode, Transient: e.Transient}
	x := g.Explain()
	f := &failure{status: http.StatusBadGateway, code: x.Name(), trace: traceText(e.TraceID)}
	fix := x.Fix
	switch {
	case missing(&g, answer.Code):
		f.status, f.outcome = http.StatusNotFound, "not_found"
		f.sentence = "Meta has no media of this id, or the token may not read it (error " + f.code + "); " +
			"the id of a webhook lives seven days, and belongs to the number that got the message"
		return f
	case x.Class == capi.Throttled:
		t := c.throttled(answer.Header, x.Wait, "Meta asks to wait (error "+f.code+"): "+x.Sentence)
		t.code, t.trace = f.code, f.trace
		return t
	case x.Class == capi.Token:
		f.outcome = "token"
	case x.Class == capi.Permission:
		f.outcome, fix = "permission", permissionFix
	case x.Class == capi.Configuration:
		f.outcome = "configuration"
		if g.Code == 104 {
			fix = proofFix
		}
	case x.Class == capi.BadEvent:
		f.outcome, f.sentence = "refused", "Meta refuses the request (error "+f.code+"): the id is probably not that of a media file"
		return f
	default:
		f.status, f.outcome = http.StatusServiceUnavailable, "transient"
		if f.wait, _ = graph.Wait(answer.Header, c.now()); f.wait == 0 {
			f.wait = transientWait
		}
		fix = "ask again"
	}
	f.sentence = "Meta refuses the request (error " + f.code + "): " + x.Sentence + "; " + fix
	return f
}

// missing reports whether an error means that there is no such media: 100/33
// (no object of this id, or none that the token may see), 803 (no object of
// this name), or status 404 with whatever code.
func missing(g *capi.GraphError, status int) bool {
	return !g.Transient && (g.Code == 100 && g.Subcode == 33 || g.Code == 803 || status == http.StatusNotFound)
}

// throttled is the failure that asks the client to wait as long as Meta asks,
// at least as long as the code wants, else a minute.
func (c *client) throttled(header http.Header, least time.Duration, sentence string) *failure {
	wait, _ := graph.Wait(header, c.now())
	wait = max(least, wait)
	if wait == 0 {
		wait = throttledWait
	}
	return &failure{status: http.StatusServiceUnavailable, outcome: "throttled", wait: wait, sentence: sentence}
}

// seconds is a Retry-After, rounded up.
func seconds(d time.Duration) string {
	return strconv.FormatInt(int64(max(1, (d+time.Second-1)/time.Second)), 10)
}

// traceText keeps a foreign id fit for a log line.
func traceText(s string) string {
	if len(s) > 64 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ""
	}
	return s
}
