package admin

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/leadgate/leadgate/internal/destination/leads"
	"github.com/leadgate/leadgate/internal/httperr"
)

// BackfillAsked is what POST /leadgate/leads/import takes.
type BackfillAsked struct {
	Tenant *string `json:"tenant,omitempty"` // nil: the only one that has `leads`
	Form   string  `json:"form"`
	Since  int64   `json:"since,omitempty"` // ms; 0: as far back as Meta has leads
	DryRun bool    `json:"dryRun,omitempty"`
}

// Backfilled is what it answers.
type Backfilled struct {
	Tenant string `json:"tenant"`
	Leads  int    `json:"leads"`  // that the form has
	Queued int    `json:"queued"` // of them, those that nothing had brought before; 0 with dryRun
}

// backfill answers POST /leadgate/leads/import.
func (e *Edge) backfill(w http.ResponseWriter, r *http.Request) error {
	var asked BackfillAsked
	if err := readAction(r, &asked); err != nil {
		return err
	}
	tenant := e.tenant
	if asked.Tenant != nil {
		tenant = *asked.Tenant
	}
	if asked.Form == "" || asked.Tenant != nil && tenant == "" {
		return httperr.New(http.StatusBadRequest, "write {\"form\":\"<form id>\"}, and \"tenant\" where several have leads")
	}
	if tenant != "" {
		if err := e.mayAsk(tenant); err != nil {
			return err
		}
	}
	config, err := e.Config()
	if err != nil {
		return err
	}
	reader, err := config.formReader(r.Context(), tenant)
	if err != nil {
		return err
	}
	since, oldest := time.UnixMilli(asked.Since), config.Now().Add(-leads.Longest)
	switch {
	case asked.Since == 0:
		since = oldest
	case since.After(config.Now()):
		return httperr.New(http.StatusBadRequest, "since is in the future: write UNIX milliseconds of the last 90 days")
	case since.Before(oldest.Add(-time.Hour)):
		return httperr.New(http.StatusBadRequest, "since is more than 90 days ago: Meta keeps no lead longer")
	}
	read, err := reader.Backfill(r.Context(), asked.Form, since, asked.DryRun)
	if err != nil {
		return backfillError(read, err)
	}
	return httperr.JSON(w, http.StatusOK, Backfilled{Tenant: reader.Tenant, Leads: read.Leads, Queued: read.Queued})
}

// backfillError says how far it came.
func backfillError(read leads.Backfilled, err error) error {
	if refusal, ok := errors.AsType[*leads.Refusal](err); ok {
		switch {
		case refusal.Missing:
			return httperr.New(http.StatusNotFound, "%s", refusal.Error())
		case refusal.Wait > 0:
			return httperr.New(http.StatusServiceUnavailable, "%d of the form's leads were read, and %d queued; then Meta asked to wait %s: "+
				"ask again after that, nothing comes twice", read.Leads, read.Queued, refusal.Wait)
		}
	}
	return httperr.New(http.StatusBadGateway, "%d of the form's leads were read, and %d queued; then: %w", read.Leads, read.Queued, err)
}

// formReader is what reads a tenant's forms; without a name that of the only one that has leads.
func (c *Config) formReader(ctx context.Context, tenant string) (*leads.Reconciler, error) {
	if tenant != "" {
		if err := c.knownTenant(ctx, tenant); err != nil {
			return nil, err
		}
	}
	var names []string
	for _, r := range c.Forms {
		names = append(names, r.Tenant)
	}
	slices.Sort(names)
	switch at := slices.IndexFunc(c.Forms, func(r *leads.Reconciler) bool { return r.Tenant == tenant }); {
	case len(c.Forms) == 0:
		return nil, httperr.New(http.StatusNotFound, "no tenant of the running configuration has `leads`")
	case at >= 0:
		return c.Forms[at], nil
	case tenant != "":
		return nil, httperr.New(http.StatusNotFound, "tenant '%s' has no `leads`: it is one of %s", tenant, strings.Join(names, ", "))
	case len(c.Forms) > 1:
		return nil, httperr.New(http.StatusBadRequest, "several tenants have `leads`: name one of %s", strings.Join(names, ", "))
	}
	return c.Forms[0], nil
}
