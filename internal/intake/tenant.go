package intake

import (
	"time"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/inchat"
)

// Tenant is a tenant as all blocks of a configuration together make it.
type Tenant struct {
	Name         string
	Destinations []*destination.Destination
	Rules        inchat.Rules // what conversions are said by in its chats

	heard *heard
}

// NewTenant returns a tenant without destinations, which is listened for from now
// on; see [Tenant.Forget].
func NewTenant(name string, now time.Time) *Tenant {
	return &Tenant{Name: name, heard: listen(name, now)}
}

// Forget ends what [NewTenant] began. The tenant's silence is forgotten when no
// configuration has it any more.
func (t *Tenant) Forget() { forget(t.Name) }

// Heard notes that the tenant's last webhook came at this time.
func (t *Tenant) Heard(at time.Time) { t.heard.last.Store(at.UnixMilli()) }

// name is the tenant's as metrics and events have it: nobody's is "".
func (t *Tenant) name() string {
	if t == nil {
		return ""
	}
	return t.Name
}

// reports reports whether any of the tenant's destinations takes conversions.
func (t *Tenant) reports() bool {
	for _, d := range t.Destinations {
		if _, ok := d.Planner.(destination.Reporter); ok {
			return true
		}
	}
	return false
}
