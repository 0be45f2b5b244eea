// Package doctor looks at a configuration that loads, and at all that it needs to
// be there: secrets, the queue, the destinations, the order of the sites'
// directives. It posts nothing, stores nothing and opens nothing that a running
// edge has open. It knows no Caddy: what only Caddy can find out stands in a
// [Subject].
//
// Begin with [Examine]. What is said of a kind of destination stands beside its
// sender (Check), of a kind of store in its own package (Examine), of a provider's
// settings with the provider; the mistakes of the sites are package sites'.
package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/leadgate/leadgate/internal/finding"
	"github.com/leadgate/leadgate/internal/printable"
	"github.com/leadgate/leadgate/internal/sites"
	"github.com/leadgate/leadgate/internal/wording"
)

// Subject is a configuration that is looked at.
type Subject struct {
	Sites *sites.Sites
	// Queue looks at the store; it is called if a destination needs one.
	Queue func(context.Context) finding.List
	// Admin is where the edge of this configuration answers, if it runs; nil if
	// it answers nowhere.
	Admin *Endpoint
}

// Examine looks at a configuration that has a leadgate block. What asks others is
// done at once, and found in the order of the configuration.
func Examine(ctx context.Context, s *Subject) finding.List {
	found := s.blocks()
	checks := append([]check{s.queue()}, s.destinations()...)
	if s.Admin != nil {
		checks = append(checks, s.Admin.words, s.Admin.ads)
	}
	return append(found, all(ctx, checks)...)
}

// check is one that asks somebody else.
type check func(context.Context) finding.List

// queue looks at the store, if any block needs one.
func (s *Subject) queue() check {
	if slices.ContainsFunc(s.Sites.AllTenants(), func(t sites.Tenant) bool { return len(t.Destinations) > 0 }) {
		return s.Queue
	}
	return func(context.Context) (found finding.List) {
		found.OK("queue: none is needed, since all leadgate blocks are inline")
		return found
	}
}

// destinations are the checks of all destinations. What stands in several blocks
// is asked once.
func (s *Subject) destinations() (checks []check) {
	seen := make(map[string]bool)
	for _, t := range s.Sites.AllTenants() {
		for _, d := range t.Destinations {
			if key := d.Kind + " " + t.Name + " " + d.Key; !seen[key] {
				seen[key] = true
				checks = append(checks, d.Check)
			}
		}
	}
	return checks
}

// all does checks, some at a time, and gives what they find in order.
func all(ctx context.Context, checks []check) (list finding.List) {
	const atOnce = 8
	found := make([]finding.List, len(checks))
	slots := make(chan struct{}, atOnce)
	var running sync.WaitGroup
	for i, check := range checks {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			found[i] = check(ctx)
		})
	}
	running.Wait()
	for _, f := range found {
		list = append(list, f...)
	}
	return list
}

// Report is all that was found, in lines as wide as a terminal, and a last line
// that counts.
func Report(found finding.List) string {
	var b strings.Builder
	for _, f := range found {
		b.WriteString(printable.Wrap(printable.Line(f.What), fmt.Sprintf("%-6s", f.Level), "      ", printable.Width))
		if f.Fix != "" {
			b.WriteString(printable.Wrap(printable.Line(f.Fix), "      → ", "        ", printable.Width))
		}
	}
	fails, warnings := found.Count(finding.Fail), found.Count(finding.Warn)
	b.WriteByte('\n')
	switch {
	case fails > 0:
		b.WriteString(wording.Count(fails, "failure") + ", " + wording.Count(warnings, "warning") + "\n")
	case warnings > 0:
		b.WriteString(wording.Count(warnings, "warning") + "; nothing keeps the edge from working\n")
	default:
		b.WriteString("all is well\n")
	}
	return b.String()
}
