package admin

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

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
	ask, err := config.readAsk(query)
	if err != nil {
		return err
	}
	tenant := query.Get("tenant")
	if err := e.mayAsk(cmp.Or(tenant, e.tenant)); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), Timeout)
	defer cancel()
	rows, err := ads.Report(ctx, config.Queue, ask)
	if err != nil {
		return StoreError(err)
	}
	if tenant != "" && len(rows) == 0 {
		if err := config.knownTenant(ctx, tenant); err != nil {
			return err
		}
	}
	if problem := config.adsProblem(ask.Tenants); problem != "" {
		w.Header().Set("Leadgate-Ads", problem)
	}
	if query.Get("format") == "csv" {
		return adsAsCSV(w, rows, ask)
	}
	return httperr.JSON(w, http.StatusOK, rows)
}

// readAsk reads what is asked for. Its errors are for who asked.
func (c *Config) readAsk(query url.Values) (*ads.Ask, error) {
	ask := &ads.Ask{Tenants: c.Tenants, Ad: query.Get("ad")}
	var err error
	if ask.Group, err = ads.ParseGroup(query.Get("group")); err != nil {
		return nil, httperr.Wrap(http.StatusBadRequest, err)
	}
	if format := query.Get("format"); format != "" && !slices.Contains(formats, format) {
		return nil, httperr.WithFix(http.StatusBadRequest, wording.Meant(format, formats), "there is no format %q", format)
	}
	if name := query.Get("tenant"); name != "" {
		if !wording.ValidName(name) {
			return nil, httperr.New(http.StatusBadRequest, "tenant %q is no tenant's name", name)
		}
		ask.Tenants = []string{name}
	}
	if ask.Period, err = ads.ParsePeriod(query.Get("from"), query.Get("to"), c.AdsToday(ask.Tenants)); err != nil {
		return nil, httperr.Wrap(http.StatusBadRequest, err)
	}
	if c.AdsKnown != nil {
		ask.Known = func(ctx context.Context, tenant string, p ads.Period) (ads.Known, error) {
			return c.AdsKnown(ctx, c.Queue, tenant, p)
		}
	}
	return ask, nil
}

// AdsToday is the newest day that any figures of these tenants can be of, as in queue.Counter.
func (c *Config) AdsToday(tenants []string) int64 {
	var zones []*time.Location
	for _, name := range tenants {
		if c.AdsZones != nil {
			zones = append(zones, c.AdsZones(name)...)
		}
	}
	return ads.Today(c.Now(), zones...)
}

// adsProblem is why names and spend of these tenants' ads are not up to date, as a header
// can have it.
func (c *Config) adsProblem(tenants []string) string {
	if c.AdsProblem == nil {
		return ""
	}
	var all []string
	for _, name := range tenants {
		problem := c.AdsProblem(name)
		if problem != "" && len(tenants) > 1 {
			problem = name + ": " + problem
		}
		if problem != "" {
			all = append(all, problem)
		}
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, strings.Join(all, "; "))
}

// formats are those that figures can be had in.
var formats = []string{"json", "csv"}

// adsAsCSV answers with a file to be kept.
func adsAsCSV(w http.ResponseWriter, rows []ads.Row, ask *ads.Ask) error {
	var text bytes.Buffer
	if err := ads.WriteCSV(&text, rows); err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", ask.Period.FileName(ask.Group)+".csv"))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(text.Bytes())
	return nil
}
