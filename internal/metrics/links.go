package metrics

import "github.com/prometheus/client_golang/prometheus"

var linkRequests = prometheus.NewCounterVec(prometheus.CounterOpts{
	Name: "leadgate_link_requests_total",
	Help: "Requests to leadgate_link, by what became of them. The link is empty for a name that is none.",
}, []string{"tenant", "link", "outcome"})

// RegisterLinks adds the metric of links to the registry of a configuration that has a
// leadgate_link.
func RegisterLinks(registry prometheus.Registerer) { register(registry, linkRequests) }

// LinkRequests counts requests for a link, "" for an unknown one, by what became of
// them: click, repeat, campaign, plain, bot, prefetch, limited, unstored or unknown.
func LinkRequests(tenant, link, outcome string, n int) {
	linkRequests.WithLabelValues(tenant, link, outcome).Add(float64(n))
}
