package google

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/jwt"

	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/printable"
)

// How long a token endpoint may take, how long a token lives of which it does not say,
// and how long before its end one is renewed.
const (
	tokenTimeout  = 10 * time.Second
	usualLifetime = time.Hour
	renewBefore   = 30 * time.Second
)

// tokens keeps the access token of a key.
type tokens struct {
	transport func() http.RoundTripper
	now       func() time.Time

	turn  chan struct{} // of one who fetches; others wait for the token, or for their context
	mu    sync.Mutex    // of what follows
	key   *Key
	token string // "": none yet
	ends  time.Time
}

// setKey replaces the key; the token of another is not used again.
func (t *tokens) setKey(k *Key) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.key == nil || k == nil || *t.key != *k {
		t.token = ""
	}
	t.key = k
}

// drop forgets a token that was refused, unless there is a newer one.
func (t *tokens) drop(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token == token {
		t.token = ""
	}
}

// current is the key, and its token "" where a new one must be fetched.
func (t *tokens) current() (key *Key, token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.now().Before(t.ends.Add(-renewBefore)) {
		return t.key, t.token
	}
	return t.key, ""
}

// get is a token, fetched if need be, by one caller for all.
func (t *tokens) get(ctx context.Context) (token string, key *Key, err error) {
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return "", nil, ctx.Err()
	}
	key, token = t.current()
	if token != "" || key == nil {
		return token, key, nil
	}
	fetched, err := key.fetch(ctx, t.transport())
	if err != nil {
		return "", key, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.key == key {
		// x/oauth2 has a clock of its own.
		t.token, t.ends = fetched.AccessToken, t.now().Add(lifetime(fetched))
	}
	return fetched.AccessToken, key, nil
}

// lifetime is how long a token is good.
func lifetime(t *oauth2.Token) time.Duration {
	if t.Expiry.IsZero() {
		return usualLifetime
	}
	return time.Until(t.Expiry)
}

// fetch asks the token endpoint. x/oauth2 asks without a context, so that the client
// that it is given has ours, ends in time, and follows no redirect.
func (k *Key) fetch(ctx context.Context, transport http.RoundTripper) (*oauth2.Token, error) {
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	client := &http.Client{
		Transport:     bound{ctx, transport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, client)
	var source oauth2.TokenSource
	if k.user {
		c := &oauth2.Config{ClientID: k.clientID, ClientSecret: k.secret,
			Endpoint: oauth2.Endpoint{TokenURL: k.tokenURL, AuthStyle: oauth2.AuthStyleInParams}}
		source = c.TokenSource(ctx, &oauth2.Token{RefreshToken: k.refresh})
	} else {
		c := &jwt.Config{Email: k.email, PrivateKey: []byte(k.pem), PrivateKeyID: k.keyID, Scopes: []string{Scope}, TokenURL: k.tokenURL}
		source = c.TokenSource(ctx)
	}
	token, err := source.Token()
	if err != nil {
		return nil, tokenError(err)
	}
	if token.AccessToken == "" {
		return nil, errors.New("the token endpoint gave no access_token")
	}
	return token, nil
}

// bound makes requests end with a context.
type bound struct {
	ctx context.Context
	to  http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (b bound) RoundTrip(r *http.Request) (*http.Response, error) {
	return b.to.RoundTrip(r.WithContext(b.ctx))
}

// TokenError is a refusal of the token endpoint.
type TokenError struct {
	Status      int    // of HTTP
	Code        string // of OAuth: invalid_grant; "" where the answer has none
	Description string // theirs
}

// Error is the refusal in one sentence.
func (e *TokenError) Error() string {
	s := fmt.Sprintf("the token endpoint answered %d", e.Status)
	if e.Code != "" {
		s += " " + e.Code
	}
	if e.Description != "" {
		s += " (" + e.Description + ")"
	}
	return s
}

// tokenError takes out of an error of x/oauth2 what may be shown: no error that quotes
// the request or the rest of an answer.
func tokenError(err error) error {
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok && refused.Response != nil {
		e := &TokenError{Status: refused.Response.StatusCode}
		var doc jsondoc.Doc
		if doc.Parse(refused.Body) == nil {
			e.Code, e.Description = shorten(doc.Root().Get("error").String()), shorten(doc.Root().Get("error_description").String())
		}
		return e
	}
	return fmt.Errorf("the token endpoint gave no token: %s", shorten(err.Error()))
}

// shorten makes a foreign text fit for a log line.
func shorten(s string) string { return printable.Short(s, 200) }
