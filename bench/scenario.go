package main

import (
	"fmt"
	"slices"
	"strings"
)

// scenario is a configuration of an edge.
type scenario struct {
	name, about  string
	bare         bool   // Caddy alone: respond 200
	queue        string // embedded, redis; "" = inline
	fsync        string // of redis: appendfsync
	destinations int    // forwards, which all take every event
	deliver      bool   // to a sink; else the destinations are paused, and the queue grows
	tls          bool
	load         mix
	soak         bool   // with two destinations more, and as operators have it: no limit raised
	turn         int    // of a soak: changed by each reload
	sections     string // where it is measured: c = closed loop, l = latency, o = open loop, h = heap
}

// bareName is the scenario that the others are measured against, bareTLSName
// what those with TLS have instead, and bareClicksName those with clicks.
const (
	bareName       = "bare"
	bareTLSName    = "bare-tls"
	bareClicksName = "bare-clicks"
)

var scenarios = []scenario{
	{name: bareName, about: "Caddy, `respond 200`", bare: true, sections: "clo"},
	{name: "inline", about: "inline to `respond 200`", sections: "cloh"},
	{name: "embedded", about: "embedded queue, fsync", queue: "embedded", destinations: 1, sections: "cloh"},
	{name: "redis", about: "Redis, appendfsync everysec", queue: "redis", fsync: "everysec", destinations: 1, sections: "cloh"},
	{name: "redis-always", about: "Redis, appendfsync always", queue: "redis", fsync: "always", destinations: 1, sections: "cl"},
	{name: "embedded-3", about: "embedded, 3 destinations", queue: "embedded", destinations: 3, sections: "c"},
	{name: "embedded-10", about: "embedded, 10 destinations", queue: "embedded", destinations: 10, sections: "c"},
	{name: "redis-3", about: "Redis everysec, 3 destinations", queue: "redis", fsync: "everysec", destinations: 3, sections: "c"},
	{name: "redis-10", about: "Redis everysec, 10 destinations", queue: "redis", fsync: "everysec", destinations: 10, sections: "c"},
	{name: "embedded-deliver", about: "embedded, and delivered meanwhile", queue: "embedded", destinations: 1, deliver: true, sections: "coh"},
	{name: "redis-deliver", about: "Redis everysec, and delivered meanwhile", queue: "redis", fsync: "everysec", destinations: 1,
		deliver: true, sections: "coh"},
	{name: bareTLSName, about: "Caddy, `respond 200`, TLS", bare: true, tls: true, sections: "c"},
	{name: "inline-tls", about: "inline, TLS", tls: true, sections: "c"},
	{name: "embedded-tls", about: "embedded, TLS", queue: "embedded", destinations: 1, tls: true, sections: "c"},
	{name: "redis-tls", about: "Redis everysec, TLS", queue: "redis", fsync: "everysec", destinations: 1, tls: true, sections: "c"},
	{name: bareClicksName, about: "Caddy, `respond 200`, clicks of new contacts", bare: true, load: adClicks, sections: "c"},
	{name: "embedded-clicks", about: "embedded, clicks of new contacts", queue: "embedded", destinations: 1, load: adClicks, sections: "c"},
	{name: "redis-clicks", about: "Redis everysec, clicks of new contacts", queue: "redis", fsync: "everysec", destinations: 1, load: adClicks,
		sections: "c"},
}

// baseline is the bare scenario that s is compared with.
func (s *scenario) baseline() string {
	switch {
	case s.tls:
		return bareTLSName
	case s.load == adClicks:
		return bareClicksName
	}
	return bareName
}

// choose returns the scenarios of a section, those named in only, or all, and
// always the bare ones that they are compared with.
func choose(section byte, only []string) []scenario {
	wanted := map[string]bool{}
	for i := range scenarios {
		s := &scenarios[i]
		if strings.IndexByte(s.sections, section) >= 0 && (len(only) == 0 || slices.Contains(only, s.name)) {
			wanted[s.name] = true
			if section != 'h' {
				wanted[s.baseline()] = true
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(scenarios), func(s scenario) bool { return !wanted[s.name] })
}

// checkNames says which of the names is no scenario.
func checkNames(only []string) error {
	var names []string
	for i := range scenarios {
		names = append(names, scenarios[i].name)
	}
	for _, name := range only {
		if !slices.Contains(names, name) {
			return fmt.Errorf("scenario %q is unknown: -only takes %s", name, strings.Join(names, ", "))
		}
	}
	return nil
}

// ports are where the processes of a scenario listen.
type ports struct{ site, admin, redis, sink int }

// caddyfile writes the configuration. What differs from the defaults are the
// limits that a benchmark runs into and nobody else: max_backlog, max_size.
func (s *scenario) caddyfile(p ports, dir string) string {
	var b strings.Builder
	scheme := "http"
	if s.tls {
		scheme = "https"
	}
	fmt.Fprintf(&b, "{\n\tadmin %s\n\tpersist_config off\n\tskip_install_trust\n\tauto_https disable_redirects\n", address(p.admin))
	if !s.bare && s.queue != "" {
		queue := fmt.Sprintf("queue embedded %s/queue {\n\t\t\tmax_size 64GiB\n\t\t}", dir)
		if s.queue == "redis" {
			queue = "queue redis redis://" + address(p.redis)
		}
		more := "max_backlog 100000000"
		if s.soak {
			more = ""
		}
		fmt.Fprintf(&b, "\tleadgate {\n\t\t%s\n\t\t%s\n\t}\n", queue, more)
	}
	fmt.Fprintf(&b, "}\n%s://%s:%d {\n\tbind %s\n", scheme, host, p.site, loopback)
	if s.tls {
		b.WriteString("\ttls internal\n")
	}
	if !s.bare {
		fmt.Fprintf(&b, "\tleadgate %s {\n\t\tprovider meta {\n\t\t\tapp_secret %s\n\t\t\tverify_token %s\n\t\t}\n", path, appSecret, verifyToken)
		for i := range s.destinations {
			fmt.Fprintf(&b, "\t\tforward http://%s/ {\n\t\t\tname %s\n\t\t}\n", address(p.sink), destinationName(i))
		}
		if s.soak {
			fmt.Fprintf(&b, "\t\tforward http://%s%s {\n\t\t\tname %s\n\t\t\theader X-Turn %d\n\t\t}\n"+
				"\t\tcapi {\n\t\t\tname meta\n\t\t\tdataset 1\n\t\t\taccess_token x\n\t\t\tendpoint http://%s\n\t\t}\n",
				address(p.sink), flakyPath, flakyName, s.turn, address(p.sink))
		}
		b.WriteString("\t}\n")
	}
	b.WriteString("\trespond 200\n}\n")
	return b.String()
}

func destinationName(i int) string { return fmt.Sprintf("crm%d", i) }
