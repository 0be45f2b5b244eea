package forward

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/leadgate/leadgate/internal/finding"
	"github.com/leadgate/leadgate/internal/hosts"
)

// dialTimeout is how long Check waits for a connection.
const dialTimeout = 5 * time.Second

// Check connects to the host of a URL, whose placeholders are resolved, and looks
// at what it says of itself. Nothing is posted. where names the destination.
func Check(ctx context.Context, where, target string) (found finding.List) {
	u, err := url.Parse(target)
	if err != nil {
		found.Warn(where+" is no URL", "")
		return found
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if err := dial(ctx, u); err != nil {
		found.Warn(where+" cannot be reached: "+err.Error(),
			"start it, or correct the URL; until then its events wait in the queue, and nobody else's")
	} else {
		found.OK(where + " can be reached")
	}
	if u.Scheme == "http" && !hosts.Local(u.Hostname()) {
		found.Warn(where+": names, phone numbers and messages go over the network in plain text", "write https://")
	}
	if strings.Contains(u.Path, "/webhook-test/") {
		found.Warn(where+": n8n's test URL works only while its editor listens", "write the production URL, with /webhook/")
	}
	return found
}

// dial connects to a URL's host, with TLS where the URL says so.
func dial(ctx context.Context, u *url.URL) error {
	var dialer interface {
		DialContext(ctx context.Context, network, address string) (net.Conn, error)
	} = new(net.Dialer)
	port := "80"
	if u.Scheme == "https" {
		dialer, port = new(tls.Dialer), "443"
	}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), port)))
	if err != nil {
		return err
	}
	return conn.Close()
}
