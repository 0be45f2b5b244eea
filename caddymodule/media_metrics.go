package caddymodule

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// mediaMetrics live as long as the process, like all the others.
var mediaMetrics = struct{ requests, bytes *prometheus.CounterVec }{
	requests: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "leadgate_media_requests_total",
		Help: "Requests to leadgate_media, by outcome.",
	}, []string{"tenant", "outcome"}),
	bytes: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "leadgate_media_bytes_total",
		Help: "Bytes of files that leadgate_media sent to its clients.",
	}, []string{"tenant"}),
}

// registerMediaMetrics adds the metrics to the registry of a configuration that
// has a leadgate_media.
func registerMediaMetrics(registry *prometheus.Registry) {
	for _, c := range []prometheus.Collector{mediaMetrics.requests, mediaMetrics.bytes} {
		err := registry.Register(c)
		var already prometheus.AlreadyRegisteredError
		if err != nil && !errors.As(err, &already) {
			panic(err) // two different metrics of one name: a mistake in this file
		}
	}
}

// count counts a request by what became of it: ok, not_modified, unauthorized,
// refused, not_found, too_large, corrupt, token, permission, configuration,
// throttled, transient, timeout, unreachable, bad_address or canceled.
func (m *Media) count(outcome string) {
	mediaMetrics.requests.WithLabelValues(m.Tenant, outcome).Inc()
}

func (m *Media) countBytes(n int64) {
	mediaMetrics.bytes.WithLabelValues(m.Tenant).Add(float64(n))
}
