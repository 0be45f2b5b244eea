package caddymodule

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
)

// addressError says why nothing is sent to an address that Meta's JSON, or a
// redirect, names. It does not quote the address, which is a key to the file.
type addressError string

// Error is the reason.
func (e addressError) Error() string { return string(e) }

// errPrivate says that an address is not one of the public internet.
var errPrivate = addressError("the address of the file is loopback or private")

// mediaNet is the way out. Meta's JSON names the file's host, so that host is
// not trusted to be outside: guarded refuses to connect to loopback and private
// addresses. It looks at the address that is dialed, which no name can change
// after the check.
type mediaNet struct {
	open    *http.Transport // to the endpoint, to an HTTP proxy, and where the endpoint is private itself
	guarded *http.Transport
	resolve func(ctx context.Context, network, host string) ([]netip.Addr, error)
}

func newMediaNet() mediaNet {
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
	n := mediaNet{open: transport(&net.Dialer{}), guarded: transport(&net.Dialer{Control: dialPublic}), resolve: net.DefaultResolver.LookupNetIP}
	n.open.Proxy = http.ProxyFromEnvironment
	return n
}

func (n *mediaNet) close() {
	n.open.CloseIdleConnections()
	n.guarded.CloseIdleConnections()
}

func dialPublic(_, address string, _ syscall.RawConn) error {
	a, err := netip.ParseAddrPort(address)
	if err != nil || !public(a.Addr()) {
		return errPrivate
	}
	return nil
}

// notPublic are the ranges that netip does not know to be special: this
// network, shared address space, protocol assignments, benchmarking, reserved;
// and the IPv6 ways to write an IPv4 address.
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("2001::/32"),
	netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("fec0::/10"),
}

// nat64 is how a network of IPv6 alone reaches IPv4 addresses.
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// public says whether an address belongs to the public internet.
func public(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if nat64.Contains(a) {
		b := a.As16()
		a = netip.AddrFrom4([4]byte(b[12:]))
	}
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	for _, p := range notPublic {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// checkURL refuses an address that the token may not be sent to, or that could
// not be Meta's.
func (c *mediaClient) checkURL(u *url.URL) error {
	switch {
	case u.Scheme != "https" && (u.Scheme != "http" || c.endpoint.Scheme != "http"):
		return addressError("the address of the file is not https")
	case u.Hostname() == "" || u.User != nil || u.Opaque != "":
		return addressError("the address of the file has no host, or a user")
	}
	return nil
}

// roundTrip sends a request for a file.
func (c *mediaClient) roundTrip(req *http.Request) (*http.Response, error) {
	proxy, err := c.net.proxy(req)
	if err != nil {
		return nil, err
	}
	if proxy != nil {
		// The proxy finds the host, so that only what is written can be looked at.
		if privateName(req.URL.Hostname()) && !c.endpointPrivate(req.Context()) {
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

func (n *mediaNet) proxy(req *http.Request) (*url.URL, error) {
	if n.open.Proxy == nil {
		return nil, nil
	}
	return n.open.Proxy(req)
}

// endpointPrivate says whether the endpoint is at home itself, as a fake is:
// then files may be, too.
func (c *mediaClient) endpointPrivate(ctx context.Context) bool {
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
	return !slices.ContainsFunc(found, public)
}

// privateName says whether a host is written as a private address, or as this
// machine.
func privateName(host string) bool {
	if a, err := netip.ParseAddr(host); err == nil {
		return !public(a)
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}
