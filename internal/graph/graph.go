// Package graph is what all requests to Meta's Graph API share: how one proves
// who asks, what is read of an answer and how much of it, and how long Meta asks
// to wait. It knows nothing of datasets or media: package capi says what an
// error means. Begin with [Client.Get].
//
// It may import leaves alone (apicall, jsondoc, retryafter).
package graph

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/leadgate/leadgate/internal/apicall"
	"github.com/leadgate/leadgate/internal/jsondoc"
)

// maxObject is how much is read of an object that was asked for, in bytes. Meta's have
// a few hundred.
const maxObject = 64 << 10

// Credentials say who asks.
type Credentials struct {
	Token     string // without Bearer
	AppSecret string // not empty: the request carries appsecret_proof
}

// Proof is Meta's appsecret_proof: the HMAC-SHA256 of the access token with the
// app secret as key, in lower-case hex.
// https://developers.facebook.com/docs/graph-api/guides/secure-requests
func (c Credentials) Proof() string {
	mac := hmac.New(sha256.New, []byte(c.AppSecret))
	mac.Write([]byte(c.Token))
	return hex.EncodeToString(mac.Sum(nil))
}

// NewRequest makes a request to a URL of the Graph API. It is for the transport
// alone, as [Client.Get] sends it: http.Client would follow redirects, with the
// token, and its errors quote the URL, with the proof. The error says nothing of
// the URL.
func NewRequest(ctx context.Context, method, target string, body io.Reader, c Credentials, userAgent string) (*http.Request, error) {
	if c.AppSecret != "" {
		separator := "?"
		if strings.Contains(target, "?") {
			separator = "&"
		}
		target += separator + "appsecret_proof=" + c.Proof()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return nil, errors.New("the endpoint is no address")
	}
	req.Header.Set("Authorization", "Bearer "+c.Token)
	req.Header.Set("User-Agent", userAgent) // some hosts of Meta's refuse requests without one
	return req, nil
}

// Client asks for objects, and changes them. It never follows a redirect, and never asks twice.
type Client struct {
	Transport http.RoundTripper // such as apicall.New; for no request but these
	Endpoint  string            // https://graph.facebook.com
	Version   string            // v27.0; "" for what names one in each of its parts
	UserAgent string
	Most      int64 // bytes that are read of an answer; 0: those of an object
}

// URL is where an object is.
func (c *Client) URL(id string) string {
	base := strings.TrimRight(c.Endpoint, "/") + "/"
	if c.Version == "" {
		return base + id
	}
	return base + c.Version + "/" + id
}

// Answer is what came back.
type Answer struct {
	Code   int    // the HTTP status: 404
	Status string // 404 Not Found
	Header http.Header
	Root   jsondoc.Node // the answer's JSON; missing where it is none
	Error  *Error       // nil where the answer has none
}

// Get asks for an object by its id: GET /<version>/<id>, and behind a ? what of
// it. An error means that no answer came; it quotes no secret.
func (c *Client) Get(ctx context.Context, id string, credentials Credentials) (*Answer, error) {
	return c.ask(ctx, http.MethodGet, id, nil, credentials)
}

// Post posts a form to an object or to one of its edges: POST /<version>/<id>. Secrets
// in the form are in no URL. Errors are those of [Client.Get].
func (c *Client) Post(ctx context.Context, id string, form url.Values, credentials Credentials) (*Answer, error) {
	return c.ask(ctx, http.MethodPost, id, strings.NewReader(form.Encode()), credentials)
}

func (c *Client) ask(ctx context.Context, method, id string, form io.Reader, credentials Credentials) (*Answer, error) {
	req, err := NewRequest(ctx, method, c.URL(id), form, credentials, c.UserAgent)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := c.Transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := apicall.Read(resp, cmp.Or(c.Most, maxObject))
	if err != nil {
		return nil, err
	}
	a := &Answer{Code: resp.StatusCode, Status: resp.Status, Header: resp.Header}
	a.Root, a.Error = Parse(body)
	return a, nil
}

// Read reads the answer to any other request than [Client.Get], as far as it goes.
// The nodes are missing where it is no JSON; the error is one of reading.
func Read(resp *http.Response) (root jsondoc.Node, failed *Error, err error) {
	body, err := apicall.Read(resp, apicall.MaxAnswer)
	root, failed = Parse(body)
	return root, failed, err
}

// Parse reads an answer's body, or a part of a batch's.
func Parse(body []byte) (jsondoc.Node, *Error) {
	doc := new(jsondoc.Doc)
	if doc.Parse(body) != nil {
		return jsondoc.Node{}, nil
	}
	return doc.Root(), readError(doc.Root().Get("error"))
}
