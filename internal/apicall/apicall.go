// Package apicall is what all requests to the API of a platform share, Meta's or
// Google's: a transport of their own ([New]), how much is read of an answer ([Read]),
// and bodies from a pool ([NewBody]). Requests go to the transport itself and to no
// http.Client, which would follow redirects, with the token, and whose errors quote
// the URL. It is a leaf.
package apicall

import (
	"io"
	"net/http"
	"time"
)

// MaxAnswer is how much is read of an answer, in bytes. Platforms' have a few hundred,
// or a few hundred thousand where they name each of thousands of events.
const MaxAnswer = 256 << 10

// New makes a transport of its own, to be closed by its owner.
func New() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 8
	t.IdleConnTimeout = 60 * time.Second
	t.MaxResponseHeaderBytes = MaxAnswer
	return t
}

// Close ends a transport's idle connections.
func Close(t http.RoundTripper) {
	if t, ok := t.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// Read reads the body of an answer as far as it goes, at most limit bytes of it.
func Read(resp *http.Response, limit int64) ([]byte, error) {
	return io.ReadAll(io.LimitReader(resp.Body, limit))
}
