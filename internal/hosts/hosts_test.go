package hosts

import (
	"net/netip"
	"testing"
)

func TestPublic(t *testing.T) {
	for text, want := range map[string]bool{
		"157.240.1.35": true, "2a03:2880:f10c:83:face:b00c:0:25de": true, "64:ff9b::9df0:123": true,
		"127.0.0.1": false, "127.9.9.9": false, "::1": false, "0.0.0.0": false, "0.1.2.3": false, "::": false,
		"10.0.0.1": false, "172.16.0.1": false, "172.31.255.255": false, "192.168.1.1": false, "fd00::1": false,
		"169.254.169.254": false, "fe80::1": false, "fe80::1%eth0": false, "fd00::1%eth0": false, "100.64.0.1": false, "198.18.0.1": false,
		"224.0.0.1": false, "ff02::1": false, "255.255.255.255": false, "240.0.0.1": false, "192.0.0.1": false,
		"::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::127.0.0.1": false, "64:ff9b::7f00:1": false, "64:ff9b::a9fe:a9fe": false,
		"2002:7f00:1::": false, "2001:0:7f00:1::": false, "fec0::1": false, "168.63.129.16": false, "::ffff:0:7f00:1": false,
	} {
		if got := Public(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
}

func TestForbidden(t *testing.T) {
	for text, want := range map[string]bool{
		"169.254.169.254": true, "169.254.0.1": true, "169.254.170.2": true, "::ffff:169.254.169.254": true, "::ffff:a9fe:a9fe": true,
		"::169.254.169.254": true, "64:ff9b::a9fe:a9fe": true, "64:ff9b:1::a9fe:a9fe": true, "::ffff:0:a9fe:a9fe": true,
		"2002:a9fe:a9fe::1": true, "2001:0:1:2:3:4:5601:5601": true,
		"fe80::1": true, "fe80::1%eth0": true, "febf::1": true, "ff02::1": true, "224.0.0.1": true,
		"168.63.129.16": true, "::ffff:168.63.129.16": true, "64:ff9b::a83f:8110": true, "100.100.100.200": true, "192.0.0.192": true,
		"fd00:ec2::254": true, "fd00:ec2::23": true, "fd20:ce::254": true,
		"127.0.0.1": false, "::1": false, "10.0.0.1": false, "192.168.1.1": false, "fd00::1": false, "100.100.100.201": false,
		"168.63.129.17": false, "157.240.1.35": false, "2a03:2880::1": false, "64:ff9b::7f00:1": false, "2002:7f00:1::": false,
		"::ffff:10.0.0.1": false,
	} {
		if got := Forbidden(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
	for host, want := range map[string]bool{
		"169.254.169.254": true, "::ffff:169.254.169.254": true, "metadata.google.internal": true, "METADATA.google.internal.": true,
		"127.0.0.1": false, "metadata.example.com": false, "n8n": false,
	} {
		if got := ForbiddenHost(host); got != want {
			t.Errorf("%s: %t", host, got)
		}
	}
}

func TestOdd(t *testing.T) {
	for host, want := range map[string]bool{
		"2130706433": true, "127.1": true, "127.0.1": true, "0x7f.1": true, "0X7F000001": true, "0177.0.0.1": true, "017700000001": true,
		"127.0.0.01": true, "127.0.0.1.": true, "0": true, "1.2.3.4.5": true, "256.1.1.1": true, "a.1": true, "a.0x1": true, "0x": true,
		"１２７.０.０.１": true, "127。0。0。1": true, "①②⑦.0.0.1": true,
		"127.0.0.1": false, "10.0.0.1": false, "::1": false, "fe80::1%eth0": false, "::ffff:127.0.0.1": false,
		"localhost": false, "n8n": false, "n8n.example.com": false, "n8n.example.com.": false, "1.example.com": false, "a1": false,
		"0xa.example":     false,
		"münchen.example": false, "": false,
	} {
		if got := Odd(host); got != want {
			t.Errorf("%q: %t", host, got)
		}
	}
}
