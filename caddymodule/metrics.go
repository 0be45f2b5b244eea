package caddymodule

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leadgate/leadgate/internal/delivery"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// metrics live as long as the process; each configuration registers them with
// its own registry, which Caddy makes anew at every reload. Labels come from
// the configuration alone.
var metrics = struct {
	webhooks, whole, events, deliveries, capiEvents, unknownWords *prometheus.CounterVec
	ack                                                           prometheus.Histogram
	deliverySeconds                                               *prometheus.HistogramVec
}{
	webhooks: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "leadgate_webhooks_total",
		Help: "Requests to leadgate blocks, by outcome; a webhook for several tenants counts once for each.",
	}, []string{"provider", "tenant", "outcome"}),
	whole: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "leadgate_webhooks_whole_total",
		Help: "Webhooks that would bring more events than max_events, or over 16 times max_body when encoded, and are kept as one event of kind account.",
	}, []string{"provider", "limit"}),
	events: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "leadgate_events_total",
		Help: "New events; ad says whether the event is an ad click.",
	}, []string{"tenant", "channel", "kind", "ad"}),
	ack: prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "leadgate_ack_seconds",
		Help:    "Time from a webhook's arrival to its 200, the durable write included.",
		Buckets: []float64{.0002, .0005, .001, .002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
	}),
	deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "leadgate_deliveries_total",
		Help: "Events sent to destinations, by outcome of the attempt.",
	}, []string{"destination", "outcome"}),
	deliverySeconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "leadgate_delivery_seconds",
		Help:    "Time that a destination took to answer a request.",
		Buckets: prometheus.ExponentialBuckets(.001, 2.5, 11),
	}, []string{"destination"}),
	capiEvents: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "leadgate_capi_events_total",
		Help: "Conversions, by event name and by what became of them.",
	}, []string{"destination", "event_name", "outcome"}),
	unknownWords: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "leadgate_unknown_words_total",
		Help: "Words in webhooks that this version does not know, such as a new type of message; the log and the dashboard name them.",
	}, []string{"provider"}),
}

// registerMetrics adds the metrics to a configuration's registry.
func registerMetrics(registry *prometheus.Registry) {
	for _, c := range []prometheus.Collector{
		metrics.webhooks, metrics.whole, metrics.events, metrics.ack, metrics.deliveries, metrics.deliverySeconds, metrics.capiEvents,
		metrics.unknownWords, gauges{}, lastWebhooks{},
	} {
		err := registry.Register(c)
		var already prometheus.AlreadyRegisteredError
		if err != nil && !errors.As(err, &already) {
			panic(err) // two different metrics of one name: a mistake in this file
		}
	}
}

// counterKey finds a block's counters without making label strings anew.
type counterKey struct{ tenant, outcome string }

// count counts requests of this block.
func (h *Handler) count(tenant, outcome string, n int) {
	key := counterKey{tenant, outcome}
	if c, ok := h.counters.Load(key); ok {
		c.(prometheus.Counter).Add(float64(n))
		return
	}
	c := metrics.webhooks.WithLabelValues(h.providerName(), tenant, outcome)
	h.counters.Store(key, c)
	c.Add(float64(n))
}

func (h *Handler) countEvent(tenant string, ev *normalize.Event) {
	ad := "no"
	if ev.Referral.IsAd() {
		ad = "yes"
	}
	metrics.events.WithLabelValues(tenant, ev.Channel.String(), ev.Kind.String(), ad).Inc()
	recordEvent(ev)
}

// countJob counts what never reaches a sender.
func countJob(job *queue.Job, name string, o queue.Outcome) {
	switch {
	case job.Header.Format == queue.FormatCAPI && o == queue.Duplicate:
		metrics.capiEvents.WithLabelValues(job.Dest.Name, name, "duplicate").Inc()
	case o == queue.Overflow:
		metrics.deliveries.WithLabelValues(job.Dest.Name, "overflow").Inc()
	case o == queue.Died && job.Dest != queue.Unmatched:
		metrics.deliveries.WithLabelValues(job.Dest.Name, "dead").Inc()
	}
}

// observer counts deliveries.
type observer struct{}

// Delivered implements delivery.Observer.
func (observer) Delivered(destination, _, outcome string, events int, took time.Duration) {
	metrics.deliveries.WithLabelValues(destination, outcome).Add(float64(events))
	metrics.deliverySeconds.WithLabelValues(destination).Observe(took.Seconds())
	countAttempts(destination, outcome, events)
}

// countConversions counts what becomes of a dataset's conversions, by name.
func countConversions(destination string) func(eventName, outcome string, events int) {
	return func(eventName, outcome string, events int) {
		metrics.capiEvents.WithLabelValues(destination, eventName, outcome).Add(float64(events))
	}
}

var (
	_ delivery.Observer    = observer{}
	_ prometheus.Collector = gauges{}
)

// gauges are read from the stores when they are asked for, so that they cost
// nothing in between.
type gauges struct{}

var (
	backlogDesc = prometheus.NewDesc("leadgate_backlog", "Events that wait for a destination.", []string{"destination"}, nil)
	oldestDesc  = prometheus.NewDesc("leadgate_oldest_seconds", "Age of the oldest event that waits for a destination.", []string{"destination"}, nil)
	deadDesc    = prometheus.NewDesc("leadgate_dead", "Dead letters of a destination.", []string{"destination"}, nil)
	untilDesc   = prometheus.NewDesc("leadgate_destination_wait_until_timestamp_seconds", "When a destination that waits goes on or tries again by itself; 0 if it does not wait.", []string{"destination"}, nil)
	codeDesc    = prometheus.NewDesc("leadgate_destination_error_code", "Meta's code, or the HTTP status, of what keeps a destination from running; 0 if nothing does, or without a code.", []string{"destination"}, nil)
	stateDesc   = prometheus.NewDesc("leadgate_destination_state", "1 for the state that a destination is in.", []string{"destination", "state"}, nil)
)

// scrapeTimeout bounds how long a scrape waits for a store.
const scrapeTimeout = 2 * time.Second

// Describe implements prometheus.Collector.
func (gauges) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{backlogDesc, oldestDesc, deadDesc, stateDesc, untilDesc, codeDesc} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (gauges) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	for _, s := range byName(statuses(ctx)) {
		ch <- prometheus.MustNewConstMetric(backlogDesc, prometheus.GaugeValue, float64(s.Backlog), s.Name)
		ch <- prometheus.MustNewConstMetric(oldestDesc, prometheus.GaugeValue, float64(s.OldestAgeSeconds), s.Name)
		ch <- prometheus.MustNewConstMetric(deadDesc, prometheus.GaugeValue, float64(s.Dead), s.Name)
		ch <- prometheus.MustNewConstMetric(stateDesc, prometheus.GaugeValue, 1, s.Name, string(s.State))
		ch <- prometheus.MustNewConstMetric(untilDesc, prometheus.GaugeValue, waitUntil(&s), s.Name)
		ch <- prometheus.MustNewConstMetric(codeDesc, prometheus.GaugeValue, mainCode(&s), s.Name)
	}
}

// waitUntil is the UNIX time at which a destination goes on by itself, 0 if it
// does not wait.
func waitUntil(s *delivery.Status) float64 {
	if s.Until == nil {
		return 0
	}
	return float64(*s.Until) / 1000
}

// mainCode is the code of a destination's reason without Meta's subcode.
func mainCode(s *delivery.Status) float64 {
	code, _, _ := strings.Cut(s.Code, "/")
	n, err := strconv.Atoi(code)
	if err != nil {
		return 0
	}
	return float64(n)
}

// byName has each name once, so that no series is told twice: while a reload goes
// from one store to another, both may know a destination.
func byName(list []delivery.Status) []delivery.Status {
	at := map[string]int{}
	var out []delivery.Status
	for _, s := range list {
		i, known := at[s.Name]
		if !known {
			at[s.Name] = len(out)
			out = append(out, s)
			continue
		}
		one, other := out[i], s
		if one.State == delivery.StateRemoved {
			one, other = other, one
		}
		one.Backlog, one.Dead = one.Backlog+other.Backlog, one.Dead+other.Dead
		one.OldestAgeSeconds = max(one.OldestAgeSeconds, other.OldestAgeSeconds)
		out[i] = one
	}
	return out
}
