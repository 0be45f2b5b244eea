package admin

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/leadgate/leadgate/internal/ads"
	"github.com/leadgate/leadgate/internal/httperr"
	"github.com/leadgate/leadgate/internal/wording"
)

// listAds answers GET /leadgate/ads?tenant=&from=&to=&group=&ad=&format=: without tenant
// those of all tenants, without days the last thirty, without group by ad and day.
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
	group, err := ads.ParseGroup(query.Get("group"))
	if err != nil {
		return httperr.Wrap(http.StatusBadRequest, err)
	}
	if format := query.Get("format"); format != "" && !slices.Contains(formats, format) {
		return httperr.WithFix(http.StatusBadRequest, wording.Meant(format, formats), "there is no format %q", format)
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
	rows, err := ads.Report(ctx, config.Queue, &ads.Ask{Tenants: tenants, Period: period, Group: group, Ad: query.Get("ad")})
	if err != nil {
		return StoreError(err)
	}
	if tenant := query.Get("tenant"); tenant != "" && len(rows) == 0 {
		if err := config.knownTenant(ctx, tenant); err != nil {
			return err
		}
	}
	if query.Get("format") == "csv" {
		return adsAsCSV(w, rows, period, group)
	}
	return httperr.JSON(w, http.StatusOK, rows)
}

// formats are those that figures can be had in.
var formats = []string{"json", "csv"}

// adsAsCSV answers with a file to be kept.
func adsAsCSV(w http.ResponseWriter, rows []ads.Row, period ads.Period, group ads.Group) error {
	var text bytes.Buffer
	if err := ads.WriteCSV(&text, rows); err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", period.FileName(group)+".csv"))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(text.Bytes())
	return nil
}
