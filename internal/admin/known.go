package admin

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/leadgate/leadgate/internal/httperr"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/wording"
)

// knownDestination fails for one that neither the configuration nor the store has.
func (c *Config) knownDestination(ctx context.Context, name string) error {
	if name == queue.Unmatched.Name && c.tenant == "" {
		return nil
	}
	var known []string
	for _, d := range c.Destinations {
		known = append(known, d.Name)
	}
	return c.knownName(ctx, "destination", name, known, func(d queue.Dest) string { return d.Name })
}

// knownTenant fails for one that neither the configuration nor the store has. A
// tenant that has left both may still have clicks: it is asked about after they
// were looked for.
func (c *Config) knownTenant(ctx context.Context, name string) error {
	return c.knownName(ctx, "tenant", name, c.Tenants, func(d queue.Dest) string { return d.Tenant })
}

// knownName looks for a name in the configuration, and then in what of names the
// store's destinations.
func (c *Config) knownName(ctx context.Context, kind, name string, known []string, of func(queue.Dest) string) error {
	if slices.Contains(known, name) {
		return nil
	}
	stored, err := c.Queue.Destinations(ctx)
	if err != nil {
		return StoreError(err)
	}
	for i := range stored {
		switch other := of(stored[i].Dest); other {
		case name:
			return nil
		case "": // of unmatched, which is no tenant's
		default:
			known = append(slices.Clip(known), other)
		}
	}
	return httperr.Wrap(http.StatusNotFound, wording.NoSuch(kind, name, known))
}

// knownLetters fails if a destination has no dead letter of one of these ids, so
// that nothing is done for the others either.
func (c *Config) knownLetters(ctx context.Context, destination string, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	letters, err := c.Queue.Dead(ctx, queue.DeadFilter{Destination: destination, IDs: ids, Bare: true})
	if err != nil {
		return StoreError(err)
	}
	var missing []string
	for _, id := range ids {
		if !slices.ContainsFunc(letters, func(l queue.DeadLetter) bool { return l.ID == id }) {
			missing = append(missing, id)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	where := ""
	if destination != "" {
		where = " at destination " + destination
	}
	return httperr.New(http.StatusNotFound,
		"dead letter %s does not exist%s: it was replayed or dropped, or kept for longer than keep_dead; nothing was done",
		strings.Join(missing, ", "), where)
}
