package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/leadgate/leadgate/internal/queue"
)

// StoreAlerts is the collector of what stores have noticed: each reason is always there.
func StoreAlerts(read func() []queue.Alert) prometheus.Collector { return alerts{read} }

type alerts struct{ read func() []queue.Alert }

var alertDesc = prometheus.NewDesc("leadgate_store_alert",
	"1 while the store loses what was acknowledged, or may: evicting, emptied, unreplicated or gone; the log says more.",
	[]string{"reason"}, nil)

// Describe implements prometheus.Collector.
func (alerts) Describe(ch chan<- *prometheus.Desc) { ch <- alertDesc }

// Collect implements prometheus.Collector.
func (a alerts) Collect(ch chan<- prometheus.Metric) {
	on := map[string]float64{}
	for _, alert := range a.read() {
		on[alert.Reason] = 1
	}
	for _, reason := range queue.AlertReasons() {
		ch <- prometheus.MustNewConstMetric(alertDesc, prometheus.GaugeValue, on[reason], reason)
	}
}
