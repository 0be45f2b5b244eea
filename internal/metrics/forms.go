package metrics

import "github.com/prometheus/client_golang/prometheus"

// Why forms of lead ads are not read: the token, a right to leads or to a Page, another setting, a
// limit of calls, no answer, an answer that is to be asked for again, a list that was not read to
// its end.
const (
	FormsToken         = "token"
	FormsPermission    = "permission"
	FormsConfiguration = "configuration"
	FormsThrottled     = "throttled"
	FormsUnreachable   = "unreachable"
	FormsTransient     = "transient"
	FormsCutOff        = "cut_off"
)

var formsReasons = []string{
	FormsToken, FormsPermission, FormsConfiguration, FormsThrottled, FormsUnreachable, FormsTransient, FormsCutOff,
}

// FormsRead is what is shown of the reading of a tenant's forms.
type FormsRead struct {
	Tenant  string
	Reasons []string // why forms are not read now, or not all of them
}

// Forms is the collector of what keeps the forms of tenants from being read.
func Forms(read func() []FormsRead) prometheus.Collector { return formReadings{read} }

type formReadings struct{ read func() []FormsRead }

var formsProblemDesc = prometheus.NewDesc("leadgate_forms_problem",
	"1 while forms of lead ads are not read for leads that webhooks missed, or not all of them, for this reason; the log and the "+
		"dashboard say more.", []string{"tenant", "reason"}, nil)

// Describe implements [prometheus.Collector].
func (formReadings) Describe(ch chan<- *prometheus.Desc) { ch <- formsProblemDesc }

// Collect implements [prometheus.Collector].
func (f formReadings) Collect(ch chan<- prometheus.Metric) {
	for _, r := range f.read() {
		problems(ch, formsProblemDesc, r.Tenant, formsReasons, r.Reasons)
	}
}

// problems sends a gauge for each reason that there can be, 1 for those that there are.
func problems(ch chan<- prometheus.Metric, desc *prometheus.Desc, tenant string, all, are []string) {
	on := make(map[string]float64, len(are))
	for _, reason := range are {
		on[reason] = 1
	}
	for _, reason := range all {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, on[reason], tenant, reason)
	}
}
