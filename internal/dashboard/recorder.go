package dashboard

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leadgate/leadgate/internal/metrics"
)

// Recorder remembers what the dashboard shows of the past: the metrics, read
// every few seconds, and the last events. There is one in a process, and only
// while a dashboard is configured; configurations share it, so that a reload
// forgets nothing.
type Recorder struct {
	traffic func() metrics.Traffic
	now     func() time.Time
	events  eventRing
	own     atomic.Pointer[map[string]*eventRing] // the events of tenants that have a page of their own; replaced, never changed

	mu        sync.Mutex
	since     int64 // ms; 0 = not started
	hour, day history
	stop      chan struct{}
	done      chan struct{}
}

// How much is remembered: an hour in small steps, a day in large ones.
const (
	sampleEvery = 15 * time.Second
	hourSteps   = int(time.Hour / sampleEvery)
	dayStep     = 10 * time.Minute
	daySteps    = int(24 * time.Hour / dayStep)
)

// recording is the one that has started, nil without a dashboard.
var recording atomic.Pointer[Recorder]

// Recording reports whether a recorder has started and not ended.
func Recording() bool { return recording.Load() != nil }

// NewRecorder makes one that reads the traffic, see metrics.TrafficReader, by a
// clock. It has recorded nothing.
func NewRecorder(now func() time.Time, traffic func() metrics.Traffic) *Recorder {
	return &Recorder{
		traffic: traffic, now: now,
		hour: history{step: sampleEvery.Milliseconds(), size: hourSteps},
		day:  history{step: dayStep.Milliseconds(), size: daySteps},
	}
}

// Keep keeps the last events of a tenant by themselves, too, for a page of its own: what
// others get neither shows there nor drives them out.
func (r *Recorder) Keep(tenant string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rings := map[string]*eventRing{}
	if kept := r.own.Load(); kept != nil {
		if (*kept)[tenant] != nil {
			return
		}
		maps.Copy(rings, *kept)
	}
	rings[tenant] = new(eventRing)
	r.own.Store(&rings)
}

// ring are the last events of a tenant, those of all with "", nil where they are not kept.
func (r *Recorder) ring(tenant string) *eventRing {
	if tenant == "" {
		return &r.events
	}
	if kept := r.own.Load(); kept != nil {
		return (*kept)[tenant]
	}
	return nil
}

// Start begins to record, unless it has begun.
func (r *Recorder) Start() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stop != nil {
		return
	}
	r.sampleLocked()
	r.stop, r.done = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(r.done)
		tick := time.NewTicker(sampleEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				r.Sample()
			case <-r.stop:
				return
			}
		}
	}()
	recording.Store(r)
}

// Sample reads the traffic. The first sample is what the others are compared with.
func (r *Recorder) Sample() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sampleLocked()
}

func (r *Recorder) sampleLocked() {
	s := r.read()
	if r.since == 0 {
		r.since = s.at
	}
	r.hour.add(s)
	r.day.add(s)
}

// Close ends what Start began, and waits for it.
func (r *Recorder) Close() {
	recording.CompareAndSwap(r, nil)
	r.mu.Lock()
	stop := r.stop
	r.mu.Unlock()
	if stop != nil {
		close(stop)
		<-r.done
	}
}

func (r *Recorder) startedAt() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.since
}

// trafficWindow sums up the last hour, or the time since the start if that is
// less.
type trafficWindow struct {
	Since int64 `json:"since"` // ms; since when this process records
	From  int64 `json:"from"`  // ms; where the sums begin
	counts
	AckP50 *float64 `json:"ackP50"` // ms; null without acknowledgements
	AckP99 *float64 `json:"ackP99"`
}

func (r *Recorder) window() trafficWindow {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := trafficWindow{Since: r.since}
	if len(r.hour.snapshots) == 0 {
		return out
	}
	first, last := &r.hour.snapshots[0], r.read()
	out.From = first.at
	out.counts = last.minus(&first.counts)
	acks := last.acks.minus(&first.acks)
	out.AckP50, out.AckP99 = acks.quantile(.5), acks.quantile(.99)
	return out
}

// trafficSeries is what happened in each step of a range: parallel arrays.
type trafficSeries struct {
	Since       int64      `json:"since"` // ms; since when this process records
	Step        int64      `json:"step"`  // ms
	Size        int        `json:"size"`  // how many steps the range has
	At          []int64    `json:"at"`    // ms; the ends of the steps
	Accepted    []uint64   `json:"accepted"`
	Refused     []uint64   `json:"refused"`
	Unavailable []uint64   `json:"unavailable"`
	Delivered   []uint64   `json:"delivered"`
	Failed      []uint64   `json:"failed"`
	AckP50      []*float64 `json:"ackP50"` // ms; null without acknowledgements
	AckP99      []*float64 `json:"ackP99"`
}

// series returns the steps of the range hour or day that ended after a time.
func (r *Recorder) series(name string, after int64) (trafficSeries, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var h *history
	switch name {
	case "hour", "":
		h = &r.hour
	case "day":
		h = &r.day
	default:
		return trafficSeries{}, false
	}
	out := trafficSeries{
		Since: r.since, Step: h.step, Size: h.size, At: []int64{},
		Accepted: []uint64{}, Refused: []uint64{}, Unavailable: []uint64{}, Delivered: []uint64{}, Failed: []uint64{},
		AckP50: []*float64{}, AckP99: []*float64{},
	}
	for i := 1; i < len(h.snapshots); i++ {
		s, before := &h.snapshots[i], &h.snapshots[i-1]
		if s.at <= after {
			continue
		}
		c := s.minus(&before.counts)
		acks := s.acks.minus(&before.acks)
		out.At = append(out.At, s.at)
		out.Accepted, out.Refused = append(out.Accepted, c.Accepted), append(out.Refused, c.Refused)
		out.Unavailable = append(out.Unavailable, c.Unavailable)
		out.Delivered, out.Failed = append(out.Delivered, c.Delivered), append(out.Failed, c.Failed)
		out.AckP50, out.AckP99 = append(out.AckP50, acks.quantile(.5)), append(out.AckP99, acks.quantile(.99))
	}
	return out, true
}
