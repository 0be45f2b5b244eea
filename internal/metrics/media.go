package metrics

import "github.com/prometheus/client_golang/prometheus"

var (
	mediaRequests = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "leadgate_media_requests_total",
		Help: "Requests to leadgate_media, by outcome.",
	}, []string{"tenant", "outcome"})
	mediaBytes = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "leadgate_media_bytes_total",
		Help: "Bytes of files that leadgate_media sent to its clients.",
	}, []string{"tenant"})
)

// RegisterMedia adds the metrics of media to the registry of a configuration that
// has a leadgate_media.
func RegisterMedia(registry prometheus.Registerer) { register(registry, mediaRequests, mediaBytes) }

// Media counts a request for a file by what became of it: ok, not_modified,
// unauthorized, refused, not_found, too_large, corrupt, token, permission,
// configuration, throttled, transient, timeout, unreachable, bad_address or
// canceled.
func Media(tenant, outcome string) { mediaRequests.WithLabelValues(tenant, outcome).Inc() }

// MediaBytes counts bytes of files that were sent.
func MediaBytes(tenant string, n int64) { mediaBytes.WithLabelValues(tenant).Add(float64(n)) }
