package dashboard

import (
	"slices"
	"time"

	"github.com/leadgate/leadgate/internal/destination"
)

// counts are what the metrics count.
type counts struct {
	Accepted    uint64 `json:"accepted"`    // webhooks answered 200
	Refused     uint64 `json:"refused"`     // webhooks answered 4xx
	Unavailable uint64 `json:"unavailable"` // webhooks answered 503
	Delivered   uint64 `json:"delivered"`   // events
	Failed      uint64 `json:"failed"`      // attempts to deliver an event
}

func (c counts) minus(before *counts) counts {
	return counts{
		c.Accepted - before.Accepted, c.Refused - before.Refused, c.Unavailable - before.Unavailable,
		c.Delivered - before.Delivered, c.Failed - before.Failed,
	}
}

// latencies are a histogram: how many took up to each bound.
type latencies struct {
	bounds []float64 // ascending, seconds
	counts []uint64  // cumulative, one for each bound
	total  uint64
}

func (l latencies) minus(before *latencies) latencies {
	out := latencies{bounds: l.bounds, counts: slices.Clone(l.counts), total: l.total - before.total}
	for i := range before.counts {
		out.counts[i] -= before.counts[i]
	}
	return out
}

// quantile estimates a quantile as Prometheus does, in milliseconds, nil for no
// values. What is beyond the last bound counts as that bound.
func (l latencies) quantile(q float64) *float64 {
	if l.total == 0 || len(l.bounds) == 0 {
		return nil
	}
	rank := q * float64(l.total)
	below, from := uint64(0), 0.0
	for i, to := range l.bounds {
		if n := l.counts[i]; float64(n) >= rank && n > below {
			ms := 1000 * (from + (to-from)*(rank-float64(below))/float64(n-below))
			return &ms
		}
		below, from = l.counts[i], to
	}
	ms := 1000 * from
	return &ms
}

// snapshot is what the metrics showed at a time.
type snapshot struct {
	at int64 // ms
	counts
	acks latencies
}

// jitter is how early a tick may be, in ms.
const jitter = int64(sampleEvery/time.Millisecond) / 2

// history keeps snapshots that lie a step apart, and one more than it has steps.
type history struct {
	step      int64 // ms
	size      int
	snapshots []snapshot // oldest first
}

// add keeps a snapshot if a step has passed since the last, or nearly: tickers
// jitter.
func (h *history) add(s snapshot) {
	n := len(h.snapshots)
	if n > 0 && s.at-h.snapshots[n-1].at < h.step-jitter {
		return
	}
	if n > h.size {
		h.snapshots = slices.Delete(h.snapshots, 0, n-h.size)
	}
	h.snapshots = append(h.snapshots, s)
}

// webhookClass is how the page counts the outcomes of a webhook. Handshakes
// are no webhooks.
var webhookClass = map[string]func(*counts) *uint64{
	"queued": accepted, "duplicate": accepted, "unmatched": accepted, "empty": accepted, "inline": accepted,
	"unauthorized": refused, "malformed": refused, "too_large": refused, "unreadable": refused, "method": refused,
	"unavailable": unavailable, "busy": unavailable,
}

func accepted(c *counts) *uint64 { return &c.Accepted }
func refused(c *counts) *uint64  { return &c.Refused }

func unavailable(c *counts) *uint64 { return &c.Unavailable }

// read takes a snapshot of the metrics.
func (r *Recorder) read() snapshot {
	s := snapshot{at: r.now().UnixMilli()}
	t := r.traffic()
	for outcome, n := range t.Webhooks {
		if class := webhookClass[outcome]; class != nil {
			*class(&s.counts) += n
		}
	}
	for outcome, n := range t.Deliveries {
		switch outcome {
		case destination.Done.String():
			s.Delivered += n
		case destination.Retry.String(), destination.Dead.String(), destination.Gone.String(), destination.Park.String():
			s.Failed += n
		}
	}
	s.acks = latencies{bounds: t.Acks.Bounds, counts: t.Acks.Counts, total: t.Acks.Total}
	return s
}
