package media

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/leadgate/leadgate/internal/hosts"
)

// addressError says why nothing is sent to an address that Meta's JSON, or a
// redirect, names. It does not quote the address, which is a key to the file.
type addressError string

// Error is the reason.
func (e addressError) Error() string { return string(e) }

// errPrivate says that an address is not one of the public internet.
var errPrivate = addressError("the address of the file is loopback or private")

// outside is the way out. Meta's JSON names the file's host, so that host is
// not trusted to be outside: guarded refuses to connect to loopback and private
// addresses. It looks at the address that is dialed, which no name can change
// after the check.
type outside struct {
	open    *http.Transport // to the endpoint, to an HTTP proxy, and where the endpoint is private itself
	guarded *http.Transport
	resolve func(ctx context.Context, network, host string) ([]netip.Addr, error)
}

func newOutside() outside {
	transport := func(d *net.Dialer) *http.Transport {
		d.Timeout, d.KeepAlive = 10*time.Second, 30*time.Second
		return &http.Transport{
			DialContext:            d.DialContext,
			TLSHandshakeTimeout:    10 * time.Second,
			MaxIdleConnsPerHost:    8,
			IdleConnTimeout:        60 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
			DisableCompression:     true, // sizes, ranges and digests are those of the file
			ForceAttemptHTTP2:      true,
		}
	}
	n := outside{
		open:    transport(&net.Dialer{Control: dialAnywhere}),
		guarded: transport(&net.Dialer{Control: dialPublic}),
		resolve: net.DefaultResolver.LookupNetIP,
	}
	n.open.Proxy = http.ProxyFromEnvironment
	return n
}

func (n *outside) close() {
	n.open.CloseIdleConnections()
	n.guarded.CloseIdleConnections()
}

func dialPublic(_, dialed string, _ syscall.RawConn) error {
	a, err := netip.ParseAddrPort(dialed)
	if err != nil || !hosts.Public(a.Addr()) {
		return errPrivate
	}
	return nil
}

// dialAnywhere lets through what is private, and never what is link-local or a
// cloud's own: no configuration makes these a place for files.
func dialAnywhere(_, dialed string, _ syscall.RawConn) error {
	if a, err := netip.ParseAddrPort(dialed); err != nil || hosts.Forbidden(a.Addr()) {
		return errPrivate
	}
	return nil
}

// checkURL refuses an address that the token may not be sent to, or that could
// not be Meta's.
func (c *client) checkURL(u *url.URL) error {
	switch {
	case u.Scheme != "https" && (u.Scheme != "http" || c.endpoint.Scheme != "http"):
		return addressError("the address of the file is not https")
	case u.Hostname() == "" || u.User != nil || u.Opaque != "":
		return addressError("the address of the file has no host, or a user")
	case hosts.Odd(u.Hostname()):
		return addressError("the address of the file is written in an odd way")
	case hosts.ForbiddenHost(u.Hostname()):
		return errPrivate
	}
	return nil
}

// roundTrip sends a request for a file.
func (c *client) roundTrip(req *http.Request) (*http.Response, error) {
	proxy, err := c.net.proxy(req)
	if err != nil {
		return nil, err
	}
	if proxy != nil {
		// The proxy finds the host, so that only what is written can be looked at.
		host := req.URL.Hostname()
		if hosts.ForbiddenHost(host) || hosts.Odd(host) || privateName(host) && !c.endpointPrivate(req.Context()) {
			return nil, errPrivate
		}
		return c.net.open.RoundTrip(req)
	}
	resp, err := c.net.guarded.RoundTrip(req)
	if errors.Is(err, errPrivate) && c.endpointPrivate(req.Context()) {
		return c.net.open.RoundTrip(req)
	}
	return resp, err
}

func (n *outside) proxy(req *http.Request) (*url.URL, error) {
	if n.open.Proxy == nil {
		return nil, nil
	}
	return n.open.Proxy(req)
}

// endpointPrivate reports whether the endpoint is at home itself, as a fake is:
// then files may be, too.
func (c *client) endpointPrivate(ctx context.Context) bool {
	host := c.endpoint.Hostname()
	if privateName(host) {
		return true
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return false
	}
	found, err := c.net.resolve(ctx, "ip", host)
	if err != nil || len(found) == 0 {
		return false
	}
	return !slices.ContainsFunc(found, hosts.Public)
}

// privateName reports whether a host is written as a private address, or as this
// machine.
func privateName(host string) bool {
	if a, err := netip.ParseAddr(host); err == nil {
		return !hosts.Public(a)
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}
