// Package metrics has Leadgate's Prometheus metrics: their names, labels and
// help stand here and nowhere else, and the other packages count by its
// functions. Labels come from the configuration alone, never from a webhook.
//
// The counters live as long as the process. Caddy makes a registry anew at every
// reload: [Register] and [RegisterMedia] add the metrics to it, and the
// collectors of [Destinations] and [LastWebhooks], which ask for their values
// when they are scraped and cost nothing in between.
//
// It knows the words of queue and normalize, and no other package of Leadgate.
package metrics

import (
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// They live as long as the process, so that a reload takes nothing back.
var (
	webhooks = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "leadgate_webhooks_total",
		Help: "Requests to leadgate blocks, by outcome; a webhook for several tenants counts once for each.",
	}, []string{"provider", "tenant", "outcome"})
	whole = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "leadgate_webhooks_whole_total",
		Help: "Webhooks that would bring more events than max_events, or over 16 times max_body when encoded, " +
			"and are kept as one event of kind account.",
	}, []string{"provider", "limit"})
	events = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "leadgate_events_total",
		Help: "New events; ad says whether the event is an ad click, or a form of an ad.",
	}, []string{"tenant", "channel", "kind", "ad"})
	ack = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "leadgate_ack_seconds",
		Help:    "Time from a webhook's arrival to its 200, the durable write included.",
		Buckets: []float64{.0002, .0005, .001, .002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
	})
	deliveries = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "leadgate_deliveries_total",
		Help: "Events sent to destinations, by outcome of the attempt.",
	}, []string{"destination", "outcome"})
	deliverySeconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "leadgate_delivery_seconds",
		Help:    "Time that a destination took to answer a request.",
		Buckets: prometheus.ExponentialBuckets(.001, 2.5, 11),
	}, []string{"destination"})
	inDoubt = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "leadgate_capi_in_doubt_total",
		Help: "Conversions that were sent, and nothing says whether Meta has them: by on_timeout sent again, or dead letters.",
	}, []string{"destination"})
	capiEvents = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "leadgate_capi_events_total",
		Help: "Conversions, by event name and by what became of them.",
	}, []string{"destination", "event_name", "outcome"})
	googleEvents = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "leadgate_google_events_total",
		Help: "Conversions for Google Ads, by event name and by what became of them.",
	}, []string{"destination", "event_name", "outcome"})
	inChat = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "leadgate_in_chat_total",
		Help: "Conversions that chats say by a tenant's `convert` rules, by what became of them: queued, duplicate, no_click, invalid.",
	}, []string{"tenant", "event_name", "outcome"})
	unknownWords = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "leadgate_unknown_words_total",
		Help: "Words in webhooks that this version does not know, such as a new type of message; the log and the dashboard name them.",
	}, []string{"provider"})
	leads = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "leadgate_leads_total",
		Help: "New forms of lead ads, by what brought them: webhook, or read, which no webhook brought.",
	}, []string{"tenant", "by"})
	noticesDropped = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "leadgate_caddy_events_dropped_total",
		Help: "Caddy events that were not emitted or not posted, since a handler was too slow for them.",
	}, []string{"event"})
)

// Register adds the metrics to a configuration's registry, and more of the
// caller's own, such as [Destinations]. What is there already stays.
func Register(registry prometheus.Registerer, more ...prometheus.Collector) {
	register(registry, webhooks, whole, events, ack, deliveries, deliverySeconds, capiEvents, googleEvents, inDoubt)
	register(registry, inChat, unknownWords, leads, adsFailures, noticesDropped)
	register(registry, more...)
}

func register(registry prometheus.Registerer, list ...prometheus.Collector) {
	for _, c := range list {
		err := registry.Register(c)
		var already prometheus.AlreadyRegisteredError
		if err != nil && !errors.As(err, &already) {
			panic(err) // two different metrics of one name: a mistake in this package
		}
	}
}

// Webhooks counts the requests of one block, without making label strings anew
// for each.
type Webhooks struct {
	provider string
	counters sync.Map // webhooksKey → prometheus.Counter
}

type webhooksKey struct{ tenant, outcome string }

// NewWebhooks counts the requests of a block of the provider.
func NewWebhooks(provider string) *Webhooks { return &Webhooks{provider: provider} }

// Add counts n requests by tenant, "" for none, and outcome; 0 makes the series
// be there, for alerts that watch it.
func (w *Webhooks) Add(tenant, outcome string, n int) {
	key := webhooksKey{tenant, outcome}
	if c, ok := w.counters.Load(key); ok {
		c.(prometheus.Counter).Add(float64(n))
		return
	}
	c := webhooks.WithLabelValues(w.provider, tenant, outcome)
	w.counters.Store(key, c)
	c.Add(float64(n))
}

// Whole counts a webhook of a provider that is kept as one event; limit is
// events or bytes.
func Whole(provider, limit string) { whole.WithLabelValues(provider, limit).Inc() }

// Event counts a new event of a tenant.
func Event(tenant string, ev *normalize.Event) {
	ad := "no"
	if ev.Referral.IsAd() || ev.Lead.IsAd() {
		ad = "yes"
	}
	events.WithLabelValues(tenant, ev.Channel.String(), ev.Kind.String(), ad).Inc()
}

// Leads has the counters of a tenant's forms be there, for alerts that watch them.
func Leads(tenant string) {
	leads.WithLabelValues(tenant, ByWebhook).Add(0)
	leads.WithLabelValues(tenant, ByRead).Add(0)
}

// What brings a form.
const (
	ByWebhook = "webhook"
	ByRead    = "read"
)

// Lead counts a new form of a tenant; by is ByWebhook or ByRead.
func Lead(tenant, by string) { leads.WithLabelValues(tenant, by).Inc() }

// Ack observes how long a webhook took from its arrival to its 200.
func Ack(took time.Duration) { ack.Observe(took.Seconds()) }

// UnknownWords counts n words of a provider's webhook that normalize does not
// know; 0 makes the series be there.
func UnknownWords(provider string, n int) { unknownWords.WithLabelValues(provider).Add(float64(n)) }

// NoticesDropped counts n Caddy events that a handler was too slow for; 0 makes the series
// be there. event is one of Leadgate's, or "other".
func NoticesDropped(event string, n int) { noticesDropped.WithLabelValues(event).Add(float64(n)) }

// Delivered counts so many events of one request to a destination, by the
// outcome of the attempt, and observes how long it took.
func Delivered(destination, outcome string, n int, took time.Duration) {
	deliveries.WithLabelValues(destination, outcome).Add(float64(n))
	deliverySeconds.WithLabelValues(destination).Observe(took.Seconds())
}

// InDoubt counts so many conversions of which nothing says whether the dataset has them;
// 0 makes the series be there.
func InDoubt(destination string, n int) { inDoubt.WithLabelValues(destination).Add(float64(n)) }

// InChat counts n conversions that chats said by rules of this name; 0 makes the series be
// there.
func InChat(tenant, eventName, outcome string, n int) {
	inChat.WithLabelValues(tenant, eventName, outcome).Add(float64(n))
}

// Unsent counts a job that its store did not queue, so that no sender tells of
// it. conversion is the conversion's event name, "" for a job that is none.
func Unsent(job *queue.Job, conversion string, o queue.Admission) {
	switch {
	case job.Header.Format == queue.FormatConversion && o == queue.Duplicate:
		conversionsOf(job.Dest.Name).WithLabelValues(job.Dest.Name, label(job.Dest.Name, conversion), "duplicate").Inc()
	case o == queue.Overflow:
		deliveries.WithLabelValues(job.Dest.Name, "overflow").Inc()
	case o == queue.Died && job.Dest != queue.Unmatched:
		deliveries.WithLabelValues(job.Dest.Name, "dead").Inc()
	}
}

// forGoogle are the destinations of kind google, by name.
var forGoogle sync.Map

// conversionsOf is the metric that counts a destination's conversions.
func conversionsOf(destination string) *prometheus.CounterVec {
	if _, ok := forGoogle.Load(destination); ok {
		return googleEvents
	}
	return capiEvents
}

// Conversions counts what becomes of a dataset's conversions: so many of a name
// with an outcome.
func Conversions(destination string) func(eventName, outcome string, n int) {
	forGoogle.Delete(destination)
	stages.Delete(destination)
	return counted(capiEvents, destination)
}

// GoogleConversions is the same for an account of Google Ads.
func GoogleConversions(destination string) func(eventName, outcome string, n int) {
	forGoogle.Store(destination, true)
	return counted(googleEvents, destination)
}

func counted(metric *prometheus.CounterVec, destination string) func(eventName, outcome string, n int) {
	return func(eventName, outcome string, n int) {
		metric.WithLabelValues(destination, eventName, outcome).Add(float64(n))
	}
}
