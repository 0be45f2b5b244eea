package metrics

import (
	"crypto/rand"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// TestAds: each reason is always there, of each tenant that has Meta asked, also those that never
// were; what was never read, or is not to be, has no time.
func TestAds(t *testing.T) {
	tenant := "ads-" + rand.Text() // counters are the process's
	AdsFailed(tenant, AdsToken)
	registry := prometheus.NewRegistry()
	Register(registry, Ads(func() []AdsRead {
		return []AdsRead{{Tenant: tenant, Reasons: []string{AdsToken, AdsThrottled}, Names: 1_764_244_800_500}}
	}))
	if _, err := registry.Gather(); err != nil { // the first makes the counters
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name, of, ours := f.GetName(), "", false
			for _, l := range m.GetLabel() {
				if l.GetName() != "tenant" {
					of = l.GetValue()
				} else {
					ours = l.GetValue() == tenant
				}
			}
			if !ours {
				continue
			}
			got[name+" "+of] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	want := map[string]float64{"leadgate_ads_read_timestamp_seconds names": 1_764_244_800.5}
	for _, reason := range adsReasons {
		want["leadgate_ads_problem "+reason], want["leadgate_ads_failures_total "+reason] = 0, 0
	}
	want["leadgate_ads_problem token"], want["leadgate_ads_problem throttled"], want["leadgate_ads_failures_total token"] = 1, 1, 1
	for key, value := range want {
		if is, ok := got[key]; !ok || is != value {
			t.Errorf("%s is %v, %v, want %v", key, is, ok, value)
		}
	}
	if is, ok := got["leadgate_ads_read_timestamp_seconds spend"]; ok {
		t.Errorf("spend was read at %v", is)
	}
}
