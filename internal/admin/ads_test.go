package admin

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/ads"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/memory"
)

// TestAdsToday: the newest day that is asked for is that of the ad account that is furthest ahead, of
// the tenants that are asked about.
func TestAdsToday(t *testing.T) {
	now := time.Date(2026, 11, 20, 20, 0, 0, 0, time.UTC)
	store := memory.New(queue.Options{Dedupe: time.Hour, RememberClicks: time.Hour, MaxBacklog: 1}, func() time.Time { return now })
	var asked ads.Period
	edge := &Edge{Config: func() (*Config, error) {
		return &Config{
			Queue: store, Tenants: []string{"acme", "globex"}, Now: func() time.Time { return now },
			AdsKnown: func(_ context.Context, _ queue.Queue, _ string, p ads.Period) (ads.Known, error) {
				asked = p
				return ads.Known{}, nil
			},
			AdsZones: func(tenant string) []*time.Location {
				if tenant == "globex" {
					return []*time.Location{time.FixedZone("Tokyo", 9*60*60)}
				}
				return []*time.Location{time.FixedZone("Lima", -5*60*60)}
			},
		}, nil
	}}
	for _, c := range []struct {
		edge        *Edge
		query, want string
	}{
		{edge, "", "2026-10-23 2026-11-21"},
		{edge, "?tenant=acme", "2026-10-22 2026-11-20"},
		{edge, "?tenant=globex&from=2026-11-21", "2026-11-21 2026-11-21"},
		{edge, "?to=2026-11-20", "2026-10-22 2026-11-20"},
		{edge.Of("acme"), "", "2026-10-22 2026-11-20"},
	} {
		if err := c.edge.Serve(httptest.NewRecorder(), httptest.NewRequest("GET", "/leadgate/ads"+c.query, nil)); err != nil {
			t.Errorf("%q: %v", c.query, err)
		}
		if got := ads.DayText(asked.From) + " " + ads.DayText(asked.To); got != c.want {
			t.Errorf("%q: %s, want %s", c.query, got, c.want)
		}
	}
}

// TestAdsKnown: what Meta says of ads stands beside what is counted, and why it does not in
// a header; one tenant is told nothing of another's.
func TestAdsKnown(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	store := memory.New(queue.Options{Dedupe: time.Hour, RememberClicks: time.Hour, MaxBacklog: 1}, func() time.Time { return now })
	edge := &Edge{Config: func() (*Config, error) {
		return &Config{
			Queue: store, Tenants: []string{"acme", "globex"}, Now: func() time.Time { return now },
			AdsKnown: func(_ context.Context, _ queue.Queue, tenant string, p ads.Period) (ads.Known, error) {
				if p.To-p.From != 29 {
					t.Errorf("asked of %v", p)
				}
				return ads.Known{
					Names: map[string]ads.Name{"1": {Ad: "=A of " + tenant, CampaignID: "111", Campaign: "C"}},
					Spend: []ads.Spend{{AdID: "1", Day: "2026-11-19", Currency: "BRL", Amount: "12.30", Impressions: 7}},
				}, nil
			},
			AdsProblem: func(tenant string) string {
				return map[string]string{"globex": "token (190): it has\nexpired – make a new one"}[tenant]
			},
		}, nil
	}}
	for _, c := range []struct {
		edge                    *Edge
		query, header, has, not string
	}{
		{edge, "group=ad", "globex: token (190): it has?expired ? make a new one", `"adName":"=A of acme"`, ""},
		{edge, "tenant=acme", "", `"day":"2026-11-19"`, "globex"},
		{edge, "tenant=globex&group=campaign", "token (190): it has?expired ? make a new one", `"spend":{"BRL":12.3}`, "acme"},
		{edge.Of("acme"), "group=ad", "", `"impressions":7`, "globex"},
		{edge, "group=ad&format=csv&tenant=acme", "", ",'=A of acme,", "globex"},
	} {
		w := httptest.NewRecorder()
		if err := c.edge.Serve(w, httptest.NewRequest("GET", "/leadgate/ads?"+c.query, nil)); err != nil {
			t.Errorf("%s: %v", c.query, err)
			continue
		}
		body := w.Body.String()
		if got := w.Header().Get("Leadgate-Ads"); got != c.header {
			t.Errorf("%s: the header is %q", c.query, got)
		}
		if !strings.Contains(body, c.has) || c.not != "" && strings.Contains(body, c.not) {
			t.Errorf("%s: %s", c.query, body)
		}
	}
}
