package metrics

import (
	"crypto/rand"
	"maps"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// TestForms: each reason is always there, of each tenant whose forms are read, also those that are
// none.
func TestForms(t *testing.T) {
	tenant := "forms-" + rand.Text()
	registry := prometheus.NewRegistry()
	Register(registry, Forms(func() []FormsRead {
		return []FormsRead{{Tenant: tenant, Reasons: []string{FormsCutOff, "", FormsThrottled, FormsCutOff}}}
	}))
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got, want := map[string]float64{}, map[string]float64{}
	for _, f := range families {
		if f.GetName() != "leadgate_forms_problem" {
			continue
		}
		for _, m := range f.GetMetric() {
			if m.GetLabel()[1].GetValue() == tenant {
				got[m.GetLabel()[0].GetValue()] = m.GetGauge().GetValue()
			}
		}
	}
	for _, reason := range formsReasons {
		want[reason] = 0
	}
	want[FormsCutOff], want[FormsThrottled] = 1, 1
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
