package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// section is one way to measure the acknowledgement.
type section struct {
	key         byte // in scenario.sections
	title       string
	connections int
	rate        int // requests a second of the open loop; 0 = closed loop
}

// measurement is one round of one scenario.
type measurement struct {
	Round     int     `json:"round"`
	Requests  int     `json:"requests"`
	Seconds   float64 `json:"seconds"`
	PerSecond float64 `json:"perSecond"`
	EdgeCPU   float64 `json:"edgeCPUMicroseconds"`            // a request
	RedisCPU  float64 `json:"redisCPUMicroseconds,omitempty"` // a request

	took []time.Duration
}

// result is all rounds of one scenario. Latencies are of all rounds together,
// in ms; the other figures are medians of the rounds, and the ratios medians of
// each round's ratio to the bare Caddy of that round.
type result struct {
	Name          string        `json:"name"`
	About         string        `json:"about"`
	Baseline      string        `json:"baseline"`
	Rounds        []measurement `json:"rounds"`
	PerSecond     float64       `json:"perSecond"`
	EdgeCPU       float64       `json:"edgeCPUMicroseconds"`
	RedisCPU      float64       `json:"redisCPUMicroseconds,omitempty"`
	P50           float64       `json:"p50"`
	P99           float64       `json:"p99"`
	P999          float64       `json:"p999"`
	SpeedRatio    float64       `json:"speedRatio"`
	SpeedRatioMin float64       `json:"speedRatioMin"`
	SpeedRatioMax float64       `json:"speedRatioMax"`
	CPURatio      float64       `json:"cpuRatio"`
	P50Ratio      float64       `json:"p50Ratio"`
	P99Ratio      float64       `json:"p99Ratio"`
	P999Ratio     float64       `json:"p999Ratio"`
}

// acknowledgements is a section's results.
type acknowledgements struct {
	Title       string   `json:"title"`
	Connections int      `json:"connections"`
	Rate        int      `json:"rate,omitempty"`
	Results     []result `json:"results"`
	key         byte
}

// find returns the result of a scenario, nil if it was not measured.
func (a *acknowledgements) find(name string) *result {
	for i := range a.Results {
		if a.Results[i].Name == name {
			return &a.Results[i]
		}
	}
	return nil
}

// bench is a run of the benchmark.
type bench struct {
	builds  builds
	rounds  int
	length  time.Duration // of one measurement
	warm    time.Duration // before it, not counted
	only    []string
	port    int // of all sites: the requests are signed once, with their Host
	corpora map[mix]*corpus
	profile string                           // folder for CPU and heap profiles of the edges; "" = none
	working func(format string, args ...any) // tells what is being done
}

// measureSection measures the scenarios of a section in rounds, so that what
// else the machine does meets all of them alike.
func (b *bench) measureSection(ctx context.Context, s section) (*acknowledgements, error) {
	chosen := choose(s.key, b.only)
	taken := make(map[string][]measurement, len(chosen))
	for round := range b.rounds {
		// Bare Caddy must not always be the one that runs after a pause.
		order := slices.Clone(chosen)
		if round%2 == 1 {
			slices.Reverse(order)
		}
		for i := range order {
			b.working("%s, round %d of %d: %s", s.title, round+1, b.rounds, order[i].name)
			m, err := b.measure(ctx, order[i], s)
			if err != nil {
				return nil, fmt.Errorf("measuring %s: %w", order[i].name, err)
			}
			m.Round = round + 1
			taken[order[i].name] = append(taken[order[i].name], m)
		}
	}
	a := &acknowledgements{Title: s.title, Connections: s.connections, Rate: s.rate, key: s.key}
	for i := range chosen {
		a.Results = append(a.Results, sumUp(&chosen[i], taken[chosen[i].name]))
	}
	for i := range a.Results {
		r := &a.Results[i]
		r.compare(a.find(r.Baseline))
	}
	return a, nil
}

// measure starts a scenario on an empty store, warms it up and measures it once.
func (b *bench) measure(ctx context.Context, sc scenario, s section) (m measurement, err error) {
	e, err := startEdge(ctx, &b.builds, sc, b.port)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, e.stop()) }()
	l, err := dial(address(b.port), e.tls, s.connections, b.corpora[sc.load])
	if err != nil {
		return m, err
	}
	defer l.close()
	l.again = sc.queue == "" // nothing is remembered
	run := func(d time.Duration) (sample, error) {
		if s.rate > 0 {
			return l.open(s.rate, d)
		}
		return l.closed(d)
	}
	if _, err := run(b.warm); err != nil {
		return m, err
	}
	edgeBefore, redisBefore, err := e.cpu()
	if err != nil {
		return m, err
	}
	profiled := b.profileEdge(ctx, e, s)
	got, err := run(b.length)
	if err = errors.Join(err, profiled()); err != nil {
		return m, errors.Join(err, errors.New(e.caddy.tail()))
	}
	edgeAfter, redisAfter, err := e.cpu()
	if err != nil {
		return m, err
	}
	n := len(got.took)
	if n == 0 {
		return m, errors.New("no request was answered")
	}
	if !l.again && s.rate == 0 && got.elapsed < b.length/2 {
		return m, fmt.Errorf("the webhooks were used up after %s: give more with -requests", got.elapsed)
	}
	each := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(n) }
	return measurement{
		Requests: n, Seconds: got.elapsed.Seconds(), PerSecond: float64(n) / got.elapsed.Seconds(),
		EdgeCPU: each(edgeAfter - edgeBefore), RedisCPU: each(redisAfter - redisBefore), took: got.took,
	}, nil
}

// sumUp makes one result of a scenario's rounds.
func sumUp(s *scenario, rounds []measurement) result {
	r := result{Name: s.name, About: s.about, Baseline: s.baseline(), Rounds: rounds}
	var took []time.Duration
	for i := range rounds {
		took = append(took, rounds[i].took...)
	}
	slices.Sort(took)
	r.P50, r.P99, r.P999 = milliseconds(percentile(took, 50)), milliseconds(percentile(took, 99)), milliseconds(percentile(took, 99.9))
	r.PerSecond = medianOf(rounds, func(m *measurement) float64 { return m.PerSecond })
	r.EdgeCPU = medianOf(rounds, func(m *measurement) float64 { return m.EdgeCPU })
	r.RedisCPU = medianOf(rounds, func(m *measurement) float64 { return m.RedisCPU })
	return r
}

func medianOf(rounds []measurement, of func(*measurement) float64) float64 {
	values := make([]float64, len(rounds))
	for i := range rounds {
		values[i] = of(&rounds[i])
	}
	return median(values)
}

// compare fills in the ratios to bare Caddy.
func (r *result) compare(bare *result) {
	var speed, cpu []float64
	for i := range r.Rounds {
		speed = append(speed, ratio(r.Rounds[i].PerSecond, bare.Rounds[i].PerSecond))
		cpu = append(cpu, ratio(r.Rounds[i].EdgeCPU, bare.Rounds[i].EdgeCPU))
	}
	r.SpeedRatio, r.SpeedRatioMin, r.SpeedRatioMax = median(speed), slices.Min(speed), slices.Max(speed)
	r.CPURatio = median(cpu)
	r.P50Ratio, r.P99Ratio, r.P999Ratio = ratio(r.P50, bare.P50), ratio(r.P99, bare.P99), ratio(r.P999, bare.P999)
}

// prepare signs as many webhooks as the fastest measurement can use up: bare
// Caddy says how many that may be, unless the caller knows.
func (b *bench) prepare(ctx context.Context, requests, connections int) error {
	if requests == 0 {
		b.working("how fast bare Caddy is")
		trial := map[mix]*corpus{usual: newCorpus(b.port, 0, 20_000, time.Now())}
		quick := bench{builds: b.builds, length: time.Second, warm: time.Second / 2, port: b.port, corpora: trial}
		m, err := quick.measure(ctx, scenarios[0], section{connections: connections})
		if err != nil {
			return fmt.Errorf("measuring bare Caddy: %w", err)
		}
		requests = int(1.2 * m.PerSecond * (b.warm + b.length).Seconds())
	}
	b.corpora = map[mix]*corpus{}
	for _, s := range choose('c', b.only) {
		if b.corpora[s.load] == nil {
			b.working("signing %d webhooks", requests)
			b.corpora[s.load] = s.load.corpus(b.port, 0, requests, time.Now())
		}
	}
	return nil
}
