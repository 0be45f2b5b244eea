package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/delivery"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/destination/dataset"
	"github.com/leadgate/leadgate/internal/destination/forward"
	"github.com/leadgate/leadgate/internal/freeport"
	"github.com/leadgate/leadgate/internal/queue"
)

// senders is how many requests are in flight at once to the forward's sink, by
// Leadgate and by the bare client.
const senders = 32

// live is how many events are delivered where there is no backlog: while they
// come in, with at most liveLag of them waiting.
const (
	live    = 100_000
	liveLag = 10_000
)

// drained is how fast a backlog went.
type drained struct {
	Store     string  `json:"store"`
	Kind      string  `json:"kind"` // forward or capi
	Backlog   int     `json:"backlog"`
	PerSecond float64 `json:"perSecond"`
	CPU       float64 `json:"cpuMicroseconds"` // an event, of the edge's side
	RedisCPU  float64 `json:"redisCPUMicroseconds,omitempty"`
	Bare      float64 `json:"barePerSecond,omitempty"` // a bare client, measured before and after
	Ratio     float64 `json:"ratio,omitempty"`
}

// appended is what a backlog does to appends, and to the disk.
type appended struct {
	Store       string  `json:"store"`
	Backlog     int     `json:"backlog"`
	Empty       float64 `json:"emptyPerSecond"`
	Waiting     float64 `json:"waitingPerSecond"`
	After       float64 `json:"afterPerSecond"`
	DiskRatio   float64 `json:"diskToPayload"`
	PayloadSize int64   `json:"payloadBytes"` // an event
}

// drains is the results of -drain.
type drains struct {
	Drained  []drained  `json:"drained"`
	Appended []appended `json:"appended"`
}

// measureDrains drains every backlog of both queues into both kinds of sinks.
func (b *bench) measureDrains(ctx context.Context, backlogs []int, appends int) (*drains, error) {
	var out drains
	for _, kind := range []string{forward.Kind, dataset.Kind} {
		for _, name := range stores {
			for i, backlog := range backlogs {
				b.working("draining %s of %d from %s", kind, backlog, name)
				withAppends := 0
				if kind == forward.Kind && backlog > 0 && i == len(backlogs)-1 {
					withAppends = appends
				}
				d, a, err := b.measureDrain(ctx, kind, name, backlog, withAppends)
				if err != nil {
					return nil, fmt.Errorf("draining %s from %s: %w", kind, name, err)
				}
				out.Drained = append(out.Drained, d)
				if a != nil {
					out.Appended = append(out.Appended, *a)
				}
			}
		}
	}
	return &out, nil
}

// measureDrain drains one backlog. Where appends is not 0, it also measures so
// many appends before, with the backlog waiting, and after.
func (b *bench) measureDrain(ctx context.Context, kind, name string, backlog, appends int) (d drained, a *appended, err error) {
	d = drained{Store: name, Kind: kind, Backlog: backlog}
	port, err := freeport.Find()
	if err != nil {
		return d, nil, err
	}
	sink, err := startSink(ctx, &b.builds, b.builds.dir, port)
	if err != nil {
		return d, nil, err
	}
	defer func() { err = errors.Join(err, sink.stop()) }()
	s, err := openStore(ctx, &b.builds, name)
	if err != nil {
		return d, nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()

	src := &source{dest: queue.Dest{Tenant: tenant, Name: kind}}
	if kind == dataset.Kind {
		src.capi = &capi.Settings{Dataset: testDataset, AccessToken: "bench", Endpoint: "http://" + address(port)}
		if err := src.capi.Validate(); err != nil {
			return d, nil, err
		}
	}
	bare := func() (err error) {
		if kind == forward.Kind {
			var speed float64
			speed, err = bareClient(ctx, port, 100_000)
			d.Bare += speed / 2
		}
		return err
	}
	if appends > 0 {
		if err := s.settle(ctx, src); err != nil {
			return d, nil, err
		}
		a = &appended{Store: name, Backlog: backlog}
		if err := b.measureDisk(ctx, a); err != nil {
			return d, nil, err
		}
		if a.Empty, err = s.appendSpeed(ctx, src, appends); err != nil {
			return d, nil, err
		}
	}
	if err := s.fill(ctx, src, backlog-src.made); err != nil {
		return d, nil, err
	}
	if appends > 0 {
		if a.Waiting, err = s.appendSpeed(ctx, src, appends); err != nil {
			return d, nil, err
		}
	}
	// The client is measured on both sides of the drain: what the machine does
	// beside us may change within a minute.
	if err := bare(); err != nil {
		return d, nil, err
	}
	if err := d.run(ctx, s, src, port); err != nil {
		return d, nil, err
	}
	if err := bare(); err != nil {
		return d, nil, err
	}
	d.Ratio = ratio(d.PerSecond, d.Bare)
	if appends > 0 {
		if a.After, err = s.appendSpeed(ctx, src, appends); err != nil {
			return d, nil, err
		}
	}
	return d, a, nil
}

// measureDisk fills a new store and weighs it.
func (b *bench) measureDisk(ctx context.Context, a *appended) (err error) {
	s, err := openStore(ctx, &b.builds, a.Store)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	src := &source{dest: queue.Dest{Tenant: tenant, Name: forward.Kind}}
	if err := s.fill(ctx, src, a.Backlog); err != nil {
		return err
	}
	size, err := s.size()
	if err != nil {
		return err
	}
	a.DiskRatio, a.PayloadSize = ratio(float64(size), float64(src.payloads)), src.payloads/int64(src.made)
	return nil
}

// run delivers all that waits, or live events where nothing does. The clock
// stops when all but the last few are delivered: the last batch of conversions
// is not full, and lingers for more.
func (d *drained) run(ctx context.Context, s *store, src *source, port int) error {
	n := src.made
	if n == 0 {
		n = live
	}
	dest, err := d.destination(src, port)
	if err != nil {
		return err
	}
	counter := newCounter(int64(n))
	redisBefore, err := s.redisCPU()
	if err != nil {
		return err
	}
	var groups []queue.Group
	if src.made == 0 {
		if groups, err = src.groups(n, time.Now()); err != nil {
			return err
		}
	}
	engine := delivery.New(s, delivery.Options{Observer: counter})
	cpuBefore, began := ownCPU(), time.Now()
	engine.Configure([]destination.Destination{dest})
	var appender sync.WaitGroup
	var appendErr error
	if groups != nil {
		appender.Go(func() { _, appendErr = s.appendAll(ctx, groups, 10, counter.admit) })
	}
	select {
	case <-counter.enough:
	case <-ctx.Done():
		err = ctx.Err()
	}
	took, cpu := time.Since(began), ownCPU()-cpuBefore
	redisAfter, cpuErr := s.redisCPU()
	select {
	case <-counter.all:
	case <-ctx.Done():
		err = ctx.Err()
	}
	counter.giveUp()
	appender.Wait()
	engine.Close(ctx)
	if c, ok := dest.Sender.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
	if err := errors.Join(err, cpuErr, appendErr); err != nil {
		return err
	}
	if failed := counter.failed.Load(); failed > 0 {
		return fmt.Errorf("%d events were not delivered at the first attempt", failed)
	}
	events := float64(counter.want)
	d.PerSecond = events / took.Seconds()
	d.CPU = float64(cpu.Microseconds()) / events
	d.RedisCPU = float64((redisAfter - redisBefore).Microseconds()) / events
	return nil
}

// destination is the settings that an edge would have; a forward with more
// concurrency than the default, as somebody in a hurry sets it.
func (d *drained) destination(src *source, port int) (destination.Destination, error) {
	if d.Kind == dataset.Kind {
		return *dataset.New(&dataset.Settings{
			Dest: src.dest, RetryFor: capi.MaxAge, Batch: capi.MaxBatch, Linger: time.Second,
			Config: dataset.Config{Settings: *src.capi},
		}), nil
	}
	made, err := forward.New(&forward.Settings{
		Dest: src.dest, RetryFor: 72 * time.Hour, Hold: 5 * time.Minute,
		Config: forward.Config{
			URL: "http://" + address(port) + "/hook", Tenant: tenant, Version: "bench", Timeout: 10 * time.Second, Concurrency: senders,
		},
	})
	if err != nil {
		return destination.Destination{}, err
	}
	return *made, nil
}

// counter counts deliveries, and holds back appends that run too far ahead.
type counter struct {
	total, want       int64 // all, and when the clock stops
	delivered, failed atomic.Int64
	enough, all       chan struct{}

	mu    sync.Mutex
	room  sync.Cond
	begun int64
	over  bool
}

func newCounter(n int64) *counter {
	c := &counter{total: n, want: n - min(n/2, n/100+2*capi.MaxBatch), enough: make(chan struct{}), all: make(chan struct{})}
	c.room.L = &c.mu
	return c
}

// Delivered implements [delivery.Observer].
func (c *counter) InDoubt(string, string, int) {}

func (c *counter) Delivered(_, _, outcome string, events int, _ time.Duration) {
	if outcome != destination.Done.String() {
		c.failed.Add(int64(events))
	}
	n := int64(events)
	now := c.delivered.Add(n)
	if now >= c.want && now-n < c.want {
		close(c.enough)
	}
	if now >= c.total && now-n < c.total {
		close(c.all)
	}
	c.room.Broadcast()
}

// admit waits until n more events may be appended.
func (c *counter) admit(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.over && c.begun-c.delivered.Load() > liveLag {
		c.room.Wait()
	}
	c.begun += int64(n)
}

// giveUp holds nobody back any more.
func (c *counter) giveUp() {
	c.mu.Lock()
	c.over = true
	c.mu.Unlock()
	c.room.Broadcast()
}

// bareClient returns how many requests a second Go's own HTTP client makes,
// with bodies like those of the forwards and nothing around it.
func bareClient(ctx context.Context, port, n int) (float64, error) {
	src := &source{}
	groups, err := src.groups(1000, time.Now())
	if err != nil {
		return 0, err
	}
	transport := &http.Transport{MaxIdleConnsPerHost: senders, DisableCompression: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	var next atomic.Int64
	errs := make([]error, senders)
	began := time.Now()
	var wg sync.WaitGroup
	for w := range senders {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(n) && errs[w] == nil; i = next.Add(1) {
				errs[w] = post(ctx, client, port, groups[i%1000].Payloads[0])
			}
		})
	}
	wg.Wait()
	return float64(n) / time.Since(began).Seconds(), errors.Join(errs...)
}

func post(ctx context.Context, client *http.Client, port int, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address(port)+"/hook", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("posting event: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("posting event: %w", err)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return errors.Join(err, resp.Body.Close())
}
