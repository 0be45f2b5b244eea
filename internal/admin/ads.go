package admin

import (
	"context"
	"net/http"

	"github.com/leadgate/leadgate/internal/ads"
	"github.com/leadgate/leadgate/internal/httperr"
	"github.com/leadgate/leadgate/internal/wording"
)

// listAds answers GET /leadgate/ads?tenant=&from=&to=: without tenant those of
// all tenants, without days the last thirty.
func (e *Edge) listAds(w http.ResponseWriter, r *http.Request) error {
	config, err := e.Config()
	if err != nil {
		return err
	}
	query := r.URL.Query()
	period, err := ads.ParsePeriod(query.Get("from"), query.Get("to"), config.Now())
	if err != nil {
		return httperr.Wrap(http.StatusBadRequest, err)
	}
	tenants := config.Tenants
	if name := query.Get("tenant"); name != "" {
		if !wording.ValidName(name) {
			return httperr.New(http.StatusBadRequest, "tenant %q is no tenant's name", name)
		}
		if err := e.mayAsk(name); err != nil {
			return err
		}
		tenants = []string{name}
	}
	ctx, cancel := context.WithTimeout(r.Context(), Timeout)
	defer cancel()
	rows, err := ads.Report(ctx, config.Queue, tenants, period)
	if err != nil {
		return StoreError(err)
	}
	if tenant := query.Get("tenant"); tenant != "" && len(rows) == 0 {
		if err := config.knownTenant(ctx, tenant); err != nil {
			return err
		}
	}
	return httperr.JSON(w, http.StatusOK, rows)
}
