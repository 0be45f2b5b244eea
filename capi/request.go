package capi

import (
	"context"
	"net/http"

	"github.com/leadgate/leadgate/internal/apicall"
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
	body := apicall.NewBody()
	defer body.Release()
	body.Buf = appendRequest(body.Buf, items, &c.settings)
	req, err := graph.NewRequest(timeout, http.MethodPost, c.url, body.Open(), *cred, c.settings.userAgent())
	if err != nil {
		body.Release() // of the reader that nobody will close
		return parked(Configuration, "the request could not be made", "check `endpoint`, `graph_version` and `dataset`")
	}
	body.Of(req)
	req.Header.Set("Content-Type", "application/json")
	// The transport alone: no redirects, no cookies, and no *url.Error, which
	// would carry the proof into logs.
	resp, err := c.Transport.RoundTrip(req)
	if err != nil {
		return c.unanswered(ctx, err, body.Sent())
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
