package metrics

import "github.com/prometheus/client_golang/prometheus"

// Why ads are not read: the token, a right to an ad account, another setting, a limit of
// calls, no answer, an answer that is to be asked for again, too many ads.
const (
	AdsToken         = "token"
	AdsPermission    = "permission"
	AdsConfiguration = "configuration"
	AdsThrottled     = "throttled"
	AdsUnreachable   = "unreachable"
	AdsTransient     = "transient"
	AdsFull          = "full"
)

var adsReasons = []string{AdsToken, AdsPermission, AdsConfiguration, AdsThrottled, AdsUnreachable, AdsTransient, AdsFull}

var adsFailures = prometheus.NewCounterVec(prometheus.CounterOpts{
	Name: "leadgate_ads_failures_total",
	Help: "Times that Meta did not say what ads are called or cost, by why: token, permission, configuration, throttled, unreachable, " +
		"transient, or full (more ads than names are kept of).",
}, []string{"tenant", "reason"})

// AdsFailed counts that Meta did not say what a tenant's ads are called or cost; reason is
// one of Ads….
func AdsFailed(tenant, reason string) { adsFailures.WithLabelValues(tenant, reason).Inc() }

// AdsRead is what is shown of the reading of a tenant's ads.
type AdsRead struct {
	Tenant  string
	Reasons []string // why names or spend are missing or old now
	// When all names that were due, and the spend of each account, were read last; before that
	// since when they are to be. UNIX ms, 0 where that is unknown, or nothing is to be read.
	Names, Spend int64
}

// Ads is the collector of how fresh names and spend are, and of what keeps them from being so.
// The counters of the tenants' failures are there from then on, for alerts that watch them.
func Ads(read func() []AdsRead) prometheus.Collector { return adsReadings{read} }

type adsReadings struct{ read func() []AdsRead }

var (
	adsReadDesc = prometheus.NewDesc("leadgate_ads_read_timestamp_seconds",
		"UNIX time at which names, or spend (of the account that is furthest behind), were last read from Meta; "+
			"before the first time since when they are to be.", []string{"tenant", "what"}, nil)
	adsProblemDesc = prometheus.NewDesc("leadgate_ads_problem",
		"1 while names or spend of ads are missing or old for this reason; the log, the dashboard and Leadgate-Ads say more.",
		[]string{"tenant", "reason"}, nil)
)

// Describe implements [prometheus.Collector].
func (adsReadings) Describe(ch chan<- *prometheus.Desc) { ch <- adsReadDesc; ch <- adsProblemDesc }

// Collect implements [prometheus.Collector].
func (a adsReadings) Collect(ch chan<- prometheus.Metric) {
	for _, r := range a.read() {
		for _, reason := range adsReasons {
			adsFailures.WithLabelValues(r.Tenant, reason).Add(0)
		}
		problems(ch, adsProblemDesc, r.Tenant, adsReasons, r.Reasons)
		for what, at := range map[string]int64{"names": r.Names, "spend": r.Spend} {
			if at != 0 {
				ch <- prometheus.MustNewConstMetric(adsReadDesc, prometheus.GaugeValue, float64(at)/1000, r.Tenant, what)
			}
		}
	}
}
