package sites

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/leadgate/leadgate/internal/wording"
)

// DefaultTenant is what the tenant of settings that stand directly in a block is
// called.
const DefaultTenant = "default"

// AllTenants lists the tenants of all blocks, those that stand several times too.
func (s *Sites) AllTenants() []Tenant {
	var list []Tenant
	for _, b := range s.Blocks {
		list = append(list, b.Tenants...)
		if len(b.Tenants) == 0 {
			list = append(list, Tenant{Name: DefaultTenant})
		}
	}
	return list
}

// reports reports whether conversions of a tenant can be reported.
func (t *Tenant) reports() bool {
	return slices.ContainsFunc(t.Destinations, func(d Destination) bool { return d.Reports })
}

// HasPages reports whether a tenant has a Page, in any block.
func (s *Sites) HasPages(tenant string) bool {
	return slices.ContainsFunc(s.AllTenants(), func(t Tenant) bool { return t.Name == tenant && len(t.Pages) > 0 })
}

// BringsForms reports whether forms of lead ads may come to a tenant, in any block.
func (s *Sites) BringsForms(tenant string) bool {
	for _, b := range s.Blocks {
		of := func(t Tenant) bool { return t.Name == tenant }
		if !b.Facts.Chats && (slices.ContainsFunc(b.Tenants, of) || len(b.Tenants) == 0 && tenant == DefaultTenant) {
			return true
		}
	}
	return false
}

// ReportsLeads reports whether a tenant has a dataset that is told of lead ads' leads, in any block.
func (s *Sites) ReportsLeads(tenant string) bool {
	return slices.ContainsFunc(s.AllTenants(), func(t Tenant) bool {
		return t.Name == tenant && slices.ContainsFunc(t.Destinations, func(d Destination) bool { return d.OfLeads })
	})
}

// KnowsTenant fails a block whose tenant is in no leadgate block. reports asks
// for a tenant that can report conversions, too.
func (s *Sites) KnowsTenant(directive, name string, reports bool) error {
	var names []string
	known, can := false, false
	for _, t := range s.AllTenants() {
		names = append(names, t.Name)
		if t.Name == name {
			known, can = true, can || t.reports()
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	switch {
	case len(names) == 0:
		return fmt.Errorf("%s: tenant %s is in no leadgate block, of which there is none", directive, name)
	case !known:
		return fmt.Errorf("%s: tenant %s is in no leadgate block: there %s %s", directive, name,
			wording.IsOrAre(len(names)), strings.Join(names, ", "))
	case reports && !can:
		return fmt.Errorf("%s: tenant %s has neither capi nor google, so that nothing could be reported: add one to its leadgate block",
			directive, name)
	}
	return nil
}

// TakesName says why no destination of a tenant takes conversions of a name, nil where
// one does. inChat is of what is said in a chat.
func (s *Sites) TakesName(tenant, event string, inChat bool) (why error) {
	var ofLeads error
	for _, t := range s.AllTenants() {
		for i := range t.Destinations {
			d := &t.Destinations[i]
			if t.Name != tenant || !d.Reports {
				continue
			}
			err := d.Names(event)
			switch {
			case inChat && d.OfLeads:
				ofLeads = errors.New("the tenant reports leads of lead ads alone, and nothing of chats: add a `capi` or `google` for them")
			case err == nil:
				return nil
			case why == nil:
				why = err
			}
		}
	}
	return cmp.Or(why, ofLeads)
}
