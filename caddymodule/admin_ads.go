package caddymodule

import (
	"context"
	"net/http"
	"slices"

	"github.com/leadgate/leadgate/internal/ads"
	"github.com/leadgate/leadgate/internal/httperr"
	"github.com/leadgate/leadgate/internal/wording"
)

// adminAds answers GET /leadgate/ads?tenant=&from=&to=: without tenant those of
// all tenants, without days the last thirty.
func adminAds(w http.ResponseWriter, r *http.Request) error {
	app, q, err := activeQueue()
	if err != nil {
		return err
	}
	query := r.URL.Query()
	period, err := ads.ParsePeriod(query.Get("from"), query.Get("to"), app.now())
	if err != nil {
		return httperr.Wrap(http.StatusBadRequest, err)
	}
	tenants := []string{query.Get("tenant")}
	if tenants[0] == "" {
		tenants = tenants[:0]
		for name := range app.tenants {
			tenants = append(tenants, name)
		}
		slices.Sort(tenants)
	} else if !wording.ValidName(tenants[0]) {
		return httperr.New(http.StatusBadRequest, "tenant %q is no tenant's name", tenants[0])
	}
	ctx, cancel := context.WithTimeout(r.Context(), adminTimeout)
	defer cancel()
	rows, err := ads.Report(ctx, q, tenants, period)
	if err != nil {
		return storeError(err)
	}
	if tenant := query.Get("tenant"); tenant != "" && len(rows) == 0 {
		if err := app.knownTenant(ctx, q, tenant); err != nil {
			return err
		}
	}
	return writeJSON(w, rows)
}
