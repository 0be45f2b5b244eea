package media

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/graph"
	"github.com/leadgate/leadgate/internal/jsondoc"
)

// client finds media in the Graph API and opens their files.
//
// Facts: WhatsApp's page business-phone-numbers/media. GET /<version>/<id> with
// the token gives {url, mime_type, sha256, file_size, id}; GET of the url with
// the same token gives the file. A url lives five minutes, the id of a webhook
// seven days.
type client struct {
	graph     graph.Client
	endpoint  *url.URL // its scheme is http in tests and with fakes alone
	token     atomic.Pointer[string]
	readToken func() (string, error) // reads the token anew
	urls      cache
	net       outside
	now       func() time.Time
	timeout   time.Duration // until the header of an answer is there
	stall     time.Duration // how long a file may stand still
}

func newClient(c *Config) (*client, error) {
	endpoint, err := url.Parse(strings.TrimRight(c.Endpoint, "/"))
	if err != nil {
		return nil, err
	}
	out := newOutside()
	m := &client{
		graph:    graph.Client{Transport: out.open, Endpoint: c.Endpoint, Version: c.GraphVersion, UserAgent: c.UserAgent},
		endpoint: endpoint, readToken: c.ReadToken,
		net: out, now: time.Now, timeout: capi.DefaultTimeout, stall: 30 * time.Second,
	}
	m.token.Store(&c.AccessToken)
	return m, nil
}

func (c *client) close() { c.net.close() }

// medium is what the Graph API says of a file.
type medium struct {
	url    *url.URL
	mime   string
	sha256 []byte // nil: not known
	size   int64  // -1: not known
}

// find asks for a media id, first among the urls that still live. With fresh
// it asks Meta whatever is known.
func (c *client) find(ctx context.Context, id string, fresh bool) (*medium, *failure) {
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
func (c *client) renew(refused string) string {
	token, err := c.readToken()
	if err != nil {
		return refused
	}
	c.token.Store(&token)
	return token
}

func (c *client) ask(ctx context.Context, id, token string) (*medium, *failure) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	answer, err := c.graph.Get(ctx, id, graph.Credentials{Token: token})
	switch {
	case err != nil:
		return nil, unreachable(err)
	case answer.Error != nil:
		return nil, c.explain(answer)
	case answer.Code != http.StatusOK || answer.Root.Kind() != '{':
		return nil, c.strange(answer.Code, answer.Header)
	}
	return c.read(answer.Root, id)
}

// read takes what Meta says of a media id. Another object that the token may
// read, a phone number say, has no url or another id, and is no media.
func (c *client) read(root jsondoc.Node, id string) (*medium, *failure) {
	text := root.Get("url").String()
	if own := root.Get("id"); text == "" || own.Exists() && own.String() != id {
		return nil, &failure{status: http.StatusNotFound, outcome: "not_found", sentence: "the id is that of something else than a media file"}
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, badAddress(addressError("the address of the file is no URL")) // err quotes it
	}
	if err := c.checkURL(u); err != nil {
		return nil, badAddress(err)
	}
	m := &medium{url: u, mime: root.Get("mime_type").String(), sha256: parseSHA256(root.Get("sha256").String()), size: -1}
	if n, ok := root.Get("file_size").Int(); ok && n >= 0 {
		m.size = n
	}
	return m, nil
}

// unreachable is the failure of a request to which no answer came.
func unreachable(err error) *failure {
	var timeout interface{ Timeout() bool }
	var address addressError
	switch {
	case errors.As(err, &address):
		return badAddress(err)
	case errors.Is(err, errStalled), errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return &failure{status: http.StatusGatewayTimeout, outcome: "timeout", sentence: "Meta did not answer in time; ask again", err: err}
	}
	return &failure{status: http.StatusBadGateway, outcome: "unreachable", sentence: "Meta was not reached; ask again", err: err}
}

func badAddress(err error) *failure {
	return &failure{status: http.StatusBadGateway, outcome: "bad_address",
		sentence: "the address that came for the file is none that the token may be sent to", err: err}
}

// strange is the failure of an answer that is not the Graph API's.
func (c *client) strange(status int, header http.Header) *failure {
	f := &failure{status: http.StatusBadGateway, outcome: "unreachable",
		sentence: fmt.Sprintf("HTTP status %d without an answer of the Graph API: probably not Meta answered; "+
			"check `endpoint`, and any proxy between here and Meta", status)}
	switch {
	case status == http.StatusTooManyRequests:
		return c.throttled(header, 0, "Meta asks for fewer requests")
	case status == http.StatusGatewayTimeout:
		f.status, f.outcome, f.sentence = http.StatusGatewayTimeout, "timeout", "Meta did not answer in time; ask again"
	case status >= 500:
		f.sentence = fmt.Sprintf("Meta, or a proxy before it, has a fault (HTTP status %d); ask again", status)
	}
	return f
}
