package google

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/leadgate/leadgate/internal/apicall"
)

// post sends a request with events, and reads its answer. A 200 without a request id
// comes from somebody else than Google.
func (c *Client) post(ctx context.Context, body func([]byte) []byte, events int) answer {
	payload := apicall.NewBody()
	defer payload.Release()
	payload.Buf = body(payload.Buf)
	root, a := c.call(ctx, func(ctx context.Context) (*http.Request, error) {
		reader := payload.Open()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.settings.endpoint()+"/v1/events:ingest", reader)
		if err != nil {
			_ = reader.Close() // it is of memory
			return nil, err
		}
		payload.Of(req)
		req.Header.Set("Content-Type", "application/json")
		return req, nil
	}, events)
	if a.Fate != Taken {
		return a
	}
	if a.RequestID = root.Get("requestId").String(); a.RequestID == "" {
		return answer{Result: Result{Fate: Retry, Reason: transient,
			Text: "the answer is cut, or not Google's: it has no request id; nothing to do: it is tried again"}}
	}
	a.warnings = readWarnings(root)
	return a
}

// call makes a request and reads its answer. A token that Google refuses is replaced by
// a new one, once.
func (c *Client) call(ctx context.Context, make func(context.Context) (*http.Request, error), events int) (node, answer) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.settings.timeout(), errTimeout)
	defer cancel()
	for again := false; ; again = true {
		token, key, err := c.tokens.get(ctx)
		if key == nil && err == nil {
			return node{}, parked("token", "there is no credential", "set `credentials`")
		}
		if err != nil {
			return node{}, c.noToken(ctx, err)
		}
		req, err := make(ctx)
		if err != nil {
			return node{}, parked("configuration", "the request could not be made", "check `endpoint`")
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Accept", "application/json")
		req.Header.Set("User-Agent", c.settings.userAgent())
		if key.user && key.project != "" {
			req.Header.Set("X-Goog-User-Project", key.project)
		}
		resp, err := c.Transport.RoundTrip(req)
		if err != nil {
			return node{}, unanswered(ctx, err)
		}
		content, err := apicall.Read(resp, maxAnswer)
		_ = resp.Body.Close() // what was read counts
		if resp.StatusCode == http.StatusUnauthorized {
			c.tokens.drop(token)
			if !again {
				continue
			}
		}
		if err != nil && resp.StatusCode < 300 {
			return node{}, unanswered(ctx, err)
		}
		return c.read(resp, content, events)
	}
}

// maxAnswer is how much is read of an answer: one that names each of 2000 events has
// some hundred bytes for each.
const maxAnswer = 4 * apicall.MaxAnswer

var errTimeout = errors.New("no answer came in time")

// unanswered is the result of a request to which no answer came. Whether Google has the
// events does not matter: it knows them again.
func unanswered(ctx context.Context, err error) answer {
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errTimeout):
		err = cause
	case cause != nil: // the caller's: it stops
		return answer{}
	}
	return answer{Result: Result{Fate: Retry, Reason: transient, Text: "no answer came from Google: " + shorten(plain(err)) +
		"; nothing to do: it is tried again, and Google knows the event again if it has it"}}
}

// plain is the text of an error of the transport, without the URL.
func plain(err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return err.Error()
}

// noToken is the answer where there is no access token.
func (c *Client) noToken(ctx context.Context, err error) answer {
	refused, ok := errors.AsType[*TokenError](err)
	switch {
	case !ok:
		a := unanswered(ctx, err)
		if a.Fate == Retry {
			a.Text = shorten(err.Error()) + "; nothing to do: it is tried again"
		}
		return a
	case refused.Status == http.StatusTooManyRequests:
		return c.throttle(Result{Text: refused.Error() + "; nothing to do: it waits"}, 0)
	case refused.Status >= 500 || refused.Status == http.StatusRequestTimeout:
		return answer{Result: Result{Fate: Retry, Reason: transient, Text: refused.Error() + "; nothing to do: it is tried again"}}
	}
	return parked("token", refused.Error(), tokenFix(refused.Code))
}

// tokenFix is what to do about an OAuth error.
func tokenFix(code string) string {
	switch code {
	case "invalid_grant":
		return "the key or the refresh token is no longer good, or the clock is wrong by minutes; a refresh token of an app whose consent " +
			"screen is in state Testing ends after a week: " + newKey
	case "invalid_scope":
		return "the refresh token is for another API: make it anew for the scope " + Scope
	case "invalid_client", "unauthorized_client":
		return fmt.Sprintf("the client or service account is none that Google knows (%s): %s", code, newKey)
	}
	return newKey
}
