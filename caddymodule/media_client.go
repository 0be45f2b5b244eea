package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/jsondoc"
)

// mediaClient finds media in the Graph API and opens their files.
//
// Facts: WhatsApp's page business-phone-numbers/media. GET /<version>/<id> with
// the token gives {url, mime_type, sha256, file_size, id}; GET of the url with
// the same token gives the file. A url lives five minutes, the id of a webhook
// seven days.
type mediaClient struct {
	base      string   // <endpoint>/<version>/
	endpoint  *url.URL // its scheme is http in tests and with fakes alone
	token     atomic.Pointer[string]
	readToken func() (string, error) // reads the token anew
	urls      mediaCache
	net       mediaNet
	now       func() time.Time
	timeout   time.Duration // until the header of an answer is there
	stall     time.Duration // how long a file may stand still
	userAgent string        // some hosts of Meta's refuse requests without one
}

func newMediaClient(endpoint, version, token string) (*mediaClient, error) {
	endpoint = strings.TrimRight(endpoint, "/")
	u, err := url.Parse(endpoint)
	if err != nil {
		return nil, err
	}
	c := &mediaClient{
		base: endpoint + "/" + version + "/", endpoint: u,
		net: newMediaNet(), now: time.Now, timeout: capi.DefaultTimeout, stall: 30 * time.Second,
		userAgent: "Leadgate/" + Version(),
	}
	c.token.Store(&token)
	return c, nil
}

func (c *mediaClient) close() { c.net.close() }

// media is what the Graph API says of a file.
type media struct {
	url    *url.URL
	mime   string
	sha256 []byte // nil: not known
	size   int64  // -1: not known
}

// find asks for a media id, first among the urls that still live. With fresh
// it asks Meta whatever is known.
func (c *mediaClient) find(ctx context.Context, id string, fresh bool) (*media, *mediaFailure) {
	if !fresh {
		if m := c.urls.get(id, c.now()); m != nil {
			return m, nil
		}
	}
	token := *c.token.Load()
	m, failure := c.ask(ctx, id, token)
	if failure != nil && failure.outcome == "token" {
		if renewed := c.renew(token); renewed != token {
			m, failure = c.ask(ctx, id, renewed)
		}
	}
	if failure != nil {
		c.urls.drop(id)
		return nil, failure
	}
	c.urls.put(id, m, c.now())
	return m, nil
}

// renew reads the token again after Meta has refused it. Where it cannot be
// read the old one stays.
func (c *mediaClient) renew(refused string) string {
	token, err := c.readToken()
	if err != nil {
		return refused
	}
	c.token.Store(&token)
	return token
}

// maxMediaAnswer bounds what is read of an answer of the Graph API, in bytes.
// They have a few hundred.
const maxMediaAnswer = 64 << 10

func (c *mediaClient) ask(ctx context.Context, id, token string) (*media, *mediaFailure) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+id, nil)
	if err != nil {
		return nil, unreachable(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.userAgent)
	// The transport alone: no redirects, and no *url.Error in the log.
	resp, err := c.net.open.RoundTrip(req)
	if err != nil {
		return nil, unreachable(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxMediaAnswer))
	if err != nil {
		return nil, unreachable(err)
	}
	var doc jsondoc.Doc
	if doc.Parse(body) != nil {
		doc.Reset()
	}
	root := doc.Root()
	if e := root.Get("error"); e.Kind() == '{' {
		return nil, c.explain(e, resp)
	}
	if resp.StatusCode != http.StatusOK || root.Kind() != '{' {
		return nil, c.strange(resp)
	}
	return c.read(root, id)
}

// read takes what Meta says of a media id. Another object that the token may
// read, a phone number say, has no url or another id, and is no media.
func (c *mediaClient) read(root jsondoc.Node, id string) (*media, *mediaFailure) {
	text := root.Get("url").String()
	if own := root.Get("id"); text == "" || own.Exists() && own.String() != id {
		return nil, &mediaFailure{status: http.StatusNotFound, outcome: "not_found", sentence: "the id is that of something else than a media file"}
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, badAddress(addressError("the address of the file is no URL")) // err quotes it
	}
	if err := c.checkURL(u); err != nil {
		return nil, badAddress(err)
	}
	m := &media{url: u, mime: root.Get("mime_type").String(), sha256: parseSHA256(root.Get("sha256").String()), size: -1}
	if n, ok := root.Get("file_size").Int(); ok && n >= 0 {
		m.size = n
	}
	return m, nil
}

// unreachable is the failure of a request to which no answer came.
func unreachable(err error) *mediaFailure {
	var timeout interface{ Timeout() bool }
	var address addressError
	switch {
	case errors.As(err, &address):
		return badAddress(err)
	case errors.Is(err, errStalled), errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return &mediaFailure{status: http.StatusGatewayTimeout, outcome: "timeout", sentence: "Meta did not answer in time; ask again", err: err}
	}
	return &mediaFailure{status: http.StatusBadGateway, outcome: "unreachable", sentence: "Meta was not reached; ask again", err: err}
}

func badAddress(err error) *mediaFailure {
	return &mediaFailure{status: http.StatusBadGateway, outcome: "bad_address",
		sentence: "the address that came for the file is none that the token may be sent to", err: err}
}

// strange is the failure of an answer that is not the Graph API's.
func (c *mediaClient) strange(resp *http.Response) *mediaFailure {
	f := &mediaFailure{status: http.StatusBadGateway, outcome: "unreachable",
		sentence: fmt.Sprintf("HTTP status %d without an answer of the Graph API: probably not Meta answered; check `endpoint`, and any proxy between here and Meta", resp.StatusCode)}
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		return c.throttled(resp, 0, "Meta asks for fewer requests")
	case resp.StatusCode == http.StatusGatewayTimeout:
		f.status, f.outcome, f.sentence = http.StatusGatewayTimeout, "timeout", "Meta did not answer in time; ask again"
	case resp.StatusCode >= 500:
		f.sentence = fmt.Sprintf("Meta, or a proxy before it, has a fault (HTTP status %d); ask again", resp.StatusCode)
	}
	return f
}
