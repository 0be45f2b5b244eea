package metrics

import "github.com/prometheus/client_golang/prometheus"

// Traffic is what the process has counted so far of webhooks and deliveries.
type Traffic struct {
	Webhooks   map[string]uint64 // by outcome
	Deliveries map[string]uint64 // events, by the outcome of the attempt
	Acks       Histogram
}

// Histogram is how many took up to each bound.
type Histogram struct {
	Bounds []float64 // ascending, in seconds
	Counts []uint64  // cumulative, one for each bound
	Total  uint64
}

// TrafficReader reads the metrics that make Traffic.
type TrafficReader struct{ registry *prometheus.Registry }

// NewTrafficReader makes a reader.
func NewTrafficReader() *TrafficReader {
	registry := prometheus.NewRegistry()
	register(registry, webhooks, deliveries, ack)
	return &TrafficReader{registry}
}

// Read reads the metrics. What cannot be read counts as nothing.
func (r *TrafficReader) Read() Traffic {
	t := Traffic{Webhooks: make(map[string]uint64), Deliveries: make(map[string]uint64)}
	families, err := r.registry.Gather()
	if err != nil {
		return t
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			outcome := ""
			for _, label := range m.GetLabel() {
				if label.GetName() == "outcome" {
					outcome = label.GetValue()
				}
			}
			n := uint64(m.GetCounter().GetValue())
			switch family.GetName() {
			case "leadgate_webhooks_total":
				t.Webhooks[outcome] += n
			case "leadgate_deliveries_total":
				t.Deliveries[outcome] += n
			case "leadgate_ack_seconds":
				t.Acks.Total = m.GetHistogram().GetSampleCount()
				for _, b := range m.GetHistogram().GetBucket() {
					t.Acks.Bounds = append(t.Acks.Bounds, b.GetUpperBound())
					t.Acks.Counts = append(t.Acks.Counts, b.GetCumulativeCount())
				}
			}
		}
	}
	return t
}
