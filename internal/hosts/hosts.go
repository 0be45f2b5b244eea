// Package hosts judges network addresses and how they are written: whether what an
// outsider names may be asked at all ([Forbidden], [ForbiddenHost], [Public]), whether
// programs may read it in two ways ([Odd], [Check]), whether a provider could reach it
// ([Local]), and whether an option's endpoint may get a secret ([Endpoint]). It is a leaf.
package hosts

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/net/idna"
)

// special are the ranges that netip does not know to be special: this network,
// shared address space, protocol assignments, benchmarking, reserved; and the
// IPv6 ways to write an IPv4 address.
var special = prefixes("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "198.18.0.0/15", "240.0.0.0/4",
	"::/96", "::ffff:0:0:0/96", "64:ff9b:1::/48", "2001::/32", "2002::/16", "fec0::/10")

// forbidden are link-local addresses, and those where clouds answer a machine's
// questions about itself, its credentials among them: AWS (also ECS, EKS and
// IPv6), Azure, Alibaba, Google, Oracle, Scaleway, Tencent.
var forbidden = prefixes("169.254.0.0/16", "fe80::/10", "168.63.129.16/32", "100.100.100.200/32", "192.0.0.192/32",
	"fd00:ec2::/32", "fd20:ce::254/128", "fd00:c1::a9fe:a9fe/128", "fd00:42::42/128")

// nat64 is how a network of IPv6 alone reaches IPv4 addresses.
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

func prefixes(texts ...string) []netip.Prefix {
	var list []netip.Prefix
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

func within(a netip.Addr, list []netip.Prefix) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// Public reports whether an address belongs to the public internet.
func Public(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if nat64.Contains(a) {
		a = embedded(a, 12)
	}
	return a.IsGlobalUnicast() && !a.IsPrivate() && !within(a, special) && !within(a, forbidden)
}

// Forbidden reports whether an address is link-local or one of a cloud's for its
// machines' metadata, in whatever way it is written: nothing is ever sent there
// that an outsider has named.
func Forbidden(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if a.IsLinkLocalUnicast() || a.IsLinkLocalMulticast() || within(a, forbidden) {
		return true
	}
	if !a.Is6() {
		return false
	}
	// Where an IPv4 address stands in one of IPv6.
	b := a.As16()
	switch {
	case b[0] == 0x20 && b[1] == 0x02: // 6to4
		return within(embedded(a, 2), forbidden)
	case nat64.Contains(a), within(a, special): // compatible, translated, NAT64; of Teredo the complement
		for i := range b {
			if b[0] == 0x20 && i >= 12 {
				b[i] = ^b[i]
			}
		}
		return within(netip.AddrFrom4([4]byte(b[12:])), forbidden)
	}
	return false
}

func embedded(a netip.Addr, at int) netip.Addr {
	b := a.As16()
	return netip.AddrFrom4([4]byte(b[at:]))
}

// metadataNames resolve, in a cloud, to an address that is forbidden.
var metadataNames = map[string]bool{
	"metadata": true, "metadata.google.internal": true, "metadata.goog": true, "instance-data": true, "instance-data.ec2.internal": true,
	"metadata.tencentyun.com": true, "metadata.azure.internal": true,
}

// ForbiddenHost reports whether a URL's host is written as a forbidden address or
// as the name of one.
func ForbiddenHost(host string) bool {
	if a, err := netip.ParseAddr(host); err == nil {
		return Forbidden(a)
	}
	return metadataNames[strings.ToLower(strings.TrimSuffix(host, "."))]
}

// Odd reports whether a URL's host is an IPv4 address in another spelling than four
// decimal numbers: 2130706433, 127.1, 0x7f.1 and 0177.0.0.1 are all 127.0.0.1 to
// some programs and names to others, so that a check and a connection could
// disagree. A host whose last part is a number is an address to browsers too.
// https://url.spec.whatwg.org/#ends-in-a-number-checker
func Odd(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return false
	}
	plain := host
	if folded, err := idna.Lookup.ToASCII(host); err == nil { // full-width digits, other dots
		plain = folded
	}
	if a, err := netip.ParseAddr(plain); err == nil && a.Is4() {
		return true
	}
	plain = strings.TrimSuffix(plain, ".")
	last := strings.ToLower(plain[strings.LastIndexByte(plain, '.')+1:])
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}

// Local reports whether a host, as it stands in a URL, is of this machine or
// network: no provider reaches it.
func Local(host string) bool {
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsUnspecified()
	}
	return !strings.Contains(host, ".") || strings.HasSuffix(host, ".localhost") || strings.HasSuffix(host, ".local") ||
		strings.HasSuffix(host, ".internal")
}

// Endpoint says what is wrong with the address of an API that gets a secret, as a sentence
// that goes on behind the option's name; "" for nothing. right is a right one; own reports
// whether a host is the API's own, to which nothing goes in plain text.
func Endpoint(text, right string, own func(host string) bool) string {
	u, err := url.Parse(text)
	switch {
	case err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return fmt.Sprintf(" %q is no address: write one like %s", text, right)
	case Odd(u.Hostname()):
		return fmt.Sprintf(" %q holds an address in an odd spelling, which programs read differently: write four decimal numbers, 127.0.0.1 "+
			"for example", text)
	case u.Scheme == "http" && own(u.Hostname()):
		return fmt.Sprintf(" %q would send the access token in plain text: write %s", text, right)
	case ForbiddenHost(u.Hostname()):
		return fmt.Sprintf(" %q is link-local, or where a cloud answers its machines: the access token is never sent there", text)
	}
	return ""
}

// WebURL reads the URL of a web server, whole; nil for anything else.
func WebURL(text string) *url.URL {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil
	}
	return u
}

// Check refuses an address that one program would read otherwise than another, so
// that nobody sees where it leads. Its error is a sentence to the user.
func Check(host string) error {
	if Odd(host) {
		return fmt.Errorf("'%s' is an address in an odd spelling, which programs read differently: "+
			"write four decimal numbers, such as 127.0.0.1", host)
	}
	return nil
}
