package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// errStalled says that no answer, or no more of it, came in time.
var errStalled = errors.New("nothing came in time")

// maxRedirects is how many redirects are followed for one file.
const maxRedirects = 3

// file is an answer of the host that has the file. It must be ended.
type file struct {
	*http.Response
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
	stall  time.Duration
}

// openFile asks for a file, or with byteRange, a Range header, for a part of it.
func (c *client) openFile(ctx context.Context, method, byteRange string, m *medium) (*file, *failure) {
	f := &file{stall: c.stall}
	f.ctx, f.cancel = context.WithCancelCause(ctx)
	f.timer = time.AfterFunc(c.timeout, func() { f.cancel(errStalled) })
	resp, err := c.follow(f.ctx, method, byteRange, m) //nolint:bodyclose // file.Close does
	if err != nil {
		err = f.cause(err)
		f.timer.Stop()
		f.cancel(nil)
		return nil, unreachable(err)
	}
	f.timer.Stop()
	f.Response = resp
	return f, nil
}

// follow sends the request, and follows redirects. The token goes to the host
// that Meta named; once another host has been asked, to none any more.
func (c *client) follow(ctx context.Context, method, byteRange string, m *medium) (*http.Response, error) {
	u, trusted := m.url, true
	for redirects := 0; ; redirects++ {
		req, err := http.NewRequestWithContext(ctx, method, u.String(), nil)
		if err != nil {
			return nil, errors.New("the address of the file cannot be asked") // err quotes it
		}
		if trusted {
			req.Header.Set("Authorization", "Bearer "+*c.token.Load())
		}
		if byteRange != "" {
			req.Header.Set("Range", byteRange)
		}
		req.Header.Set("Accept-Encoding", "identity")
		req.Header.Set("User-Agent", c.graph.UserAgent)
		resp, err := c.roundTrip(req)
		if err != nil {
			return nil, err
		}
		switch resp.StatusCode {
		case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		default:
			return resp, nil
		}
		_ = resp.Body.Close()
		next, err := resp.Location()
		if err != nil {
			return nil, errors.New("the file's host redirects to nowhere")
		}
		if err := c.checkURL(next); err != nil {
			return nil, err
		}
		if redirects == maxRedirects {
			return nil, fmt.Errorf("the file's host redirects more than %d times", maxRedirects)
		}
		trusted = trusted && next.Scheme == u.Scheme && next.Host == u.Host
		u = next
	}
}

// Read reads from the file; one that stands still ends with errStalled.
func (f *file) Read(p []byte) (int, error) {
	f.timer.Reset(f.stall)
	n, err := f.Body.Read(p)
	f.timer.Stop() // the time that the client takes is not the file's
	if err != nil && !errors.Is(err, io.EOF) {
		err = f.cause(err)
	}
	return n, err
}

// cause is why the request was ended, if it was ended here, else err.
func (f *file) cause(err error) error {
	if c := context.Cause(f.ctx); c != nil {
		return c
	}
	return err
}

// end closes the answer, and ends the request.
func (f *file) end() {
	f.timer.Stop()
	_ = f.Body.Close()
	f.cancel(nil)
}
