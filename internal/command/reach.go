package command

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"github.com/leadgate/leadgate/internal/printable"
)

// listenAt listens at the address of --listen.
func listenAt(ctx context.Context, address string) (net.Listener, error) {
	shown := printable.Line(address)
	if _, port, err := net.SplitHostPort(address); err != nil || port == "" {
		return nil, fmt.Errorf("--listen %s is no address: write a host and a port, such as 127.0.0.1:8082", shown)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("something listens at %s already: stop it, or write another address with --listen", shown)
	}
	if err != nil {
		return nil, fmt.Errorf("listening at --listen %s: %w", shown, err)
	}
	return l, nil
}

// unreached says why nobody answered a post to --to.
func unreached(to string, err error) error {
	shown := printable.URL(to)
	switch {
	case errors.Is(err, http.ErrSchemeMismatch):
		return fmt.Errorf("--to %s speaks http there, without TLS: write %s", shown, strings.Replace(shown, "https://", "http://", 1))
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("nobody listens at --to %s: is the edge running, and is this its site's address?", shown)
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err // it repeats the address
	}
	return fmt.Errorf("posting to --to %s: %w", shown, err)
}

// elsewhere says where else a webhook is to be posted, by an answer that is no block's; "" where the
// answer does not tell.
func elsewhere(to string, resp *http.Response, body []byte) string {
	if place := resp.Header.Get("Location"); place != "" && resp.StatusCode/100 == 3 {
		return "it leads to " + printable.URL(place) + ", and providers follow nowhere: write that as --to"
	}
	if resp.StatusCode == http.StatusBadRequest && strings.Contains(string(body), "HTTP request to an HTTPS server") {
		return "TLS is spoken there: write " + strings.Replace(printable.URL(to), "http://", "https://", 1)
	}
	return ""
}
