package metrics

import (
	"iter"

	"github.com/prometheus/client_golang/prometheus"
)

var lastWebhookDesc = prometheus.NewDesc("leadgate_last_webhook_timestamp_seconds",
	"UNIX time of a tenant's last verified webhook with events; "+
		"before the first one, of when the process first had the tenant in its configuration.",
	[]string{"tenant"}, nil)

// LastWebhooks is the collector of when each tenant was last heard of: tenant →
// UNIX milliseconds.
func LastWebhooks(heard iter.Seq2[string, int64]) prometheus.Collector { return lastWebhooks(heard) }

type lastWebhooks iter.Seq2[string, int64]

// Describe implements [prometheus.Collector].
func (lastWebhooks) Describe(ch chan<- *prometheus.Desc) { ch <- lastWebhookDesc }

// Collect implements [prometheus.Collector].
func (heard lastWebhooks) Collect(ch chan<- prometheus.Metric) {
	for tenant, ms := range heard {
		ch <- prometheus.MustNewConstMetric(lastWebhookDesc, prometheus.GaugeValue, float64(ms)/1000, tenant)
	}
}
