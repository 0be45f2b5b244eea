package caddymodule

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/jsondoc"
)

// What to do about errors for which capi's table speaks of datasets.
const (
	mediaPermission = "the token needs whatsapp_business_messaging, and the WhatsApp business account must be assigned to its system user"
	mediaProof      = "leadgate_media sends no appsecret_proof: turn off Require App Secret in the app's advanced settings, or use the token of an app without it"
)

// How long a client is asked to wait where Meta does not say, and at most.
const (
	mediaWait    = time.Minute
	maxMediaWait = time.Hour
)

// explain is the failure that an error of the Graph API stands for. Meta's
// message is neither shown nor logged: it may quote the token.
func (c *mediaClient) explain(e jsondoc.Node, resp *http.Response) *mediaFailure {
	code, _ := e.Get("code").Int()
	subcode, _ := e.Get("error_subcode").Int()
	g := capi.GraphError{Code: int(code), Subcode: int(subcode), Transient: e.Get("is_transient").Kind() == 't'}
	x := g.Explain()
	f := &mediaFailure{status: http.StatusBadGateway, code: x.Name(), trace: traceText(e.Get("fbtrace_id").String())}
	fix := x.Fix
	switch {
	case missingMedia(&g, resp.StatusCode):
		f.status, f.outcome = http.StatusNotFound, "not_found"
		f.sentence = "Meta has no media of this id, or the token may not read it (error " + f.code + "); the id of a webhook lives seven days, and belongs to the number that got the message"
		return f
	case x.Class == capi.Throttled:
		t := c.throttled(resp, x.Wait, "Meta asks to wait (error "+f.code+"): "+x.Sentence)
		t.code, t.trace = f.code, f.trace
		return t
	case x.Class == capi.Token:
		f.outcome = "token"
	case x.Class == capi.Permission:
		f.outcome, fix = "permission", mediaPermission
	case x.Class == capi.Configuration:
		f.outcome = "configuration"
		if code == 104 {
			fix = mediaProof
		}
	case x.Class == capi.BadEvent:
		f.outcome, f.sentence = "refused", "Meta refuses the request (error "+f.code+"): the id is probably not that of a media file"
		return f
	default:
		f.status, f.outcome, f.wait = http.StatusServiceUnavailable, "transient", retryAfterOf(resp.Header, c.now())
		if f.wait == 0 {
			f.wait = transientWait
		}
		fix = "ask again"
	}
	f.sentence = "Meta refuses the request (error " + f.code + "): " + x.Sentence + "; " + fix
	return f
}

// transientWait is what a client is asked to wait for a fault of Meta's.
const transientWait = 10 * time.Second

// missingMedia says whether an error means that there is no such media: 100/33
// (no object of this id, or none that the token may see), 803 (no object of
// this name), or status 404 with whatever code.
func missingMedia(g *capi.GraphError, status int) bool {
	return !g.Transient && (g.Code == 100 && g.Subcode == 33 || g.Code == 803 || status == http.StatusNotFound)
}

// throttled is the failure that asks the client to wait as long as Meta asks,
// at least as long as the code wants, else a minute.
func (c *mediaClient) throttled(resp *http.Response, least time.Duration, sentence string) *mediaFailure {
	wait := max(least, retryAfterOf(resp.Header, c.now()))
	if wait == 0 {
		wait = mediaWait
	}
	return &mediaFailure{status: http.StatusServiceUnavailable, outcome: "throttled", wait: wait, sentence: sentence}
}

// retryAfterOf is how long Meta's headers ask to wait, at most an hour, 0 where
// they don't say: Retry-After has seconds or a date, X-Business-Use-Case-Usage
// minutes.
func retryAfterOf(h http.Header, now time.Time) (wait time.Duration) {
	if v := strings.TrimSpace(h.Get("Retry-After")); v != "" {
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			wait = time.Duration(min(max(n, 0), int64(maxMediaWait/time.Second))) * time.Second
		} else if at, err := http.ParseTime(v); err == nil {
			wait = max(0, at.Sub(now))
		}
	}
	var doc jsondoc.Doc
	if v := h.Get("X-Business-Use-Case-Usage"); v != "" && doc.Parse([]byte(v)) == nil {
		for account := doc.Root().First(); account.Exists(); account = account.Next() {
			for u := account.First(); u.Exists(); u = u.Next() {
				if n, ok := u.Get("estimated_time_to_regain_access").Int(); ok && n > 0 {
					wait = max(wait, time.Duration(min(n, 60))*time.Minute)
				}
			}
		}
	}
	return min(wait, maxMediaWait)
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
