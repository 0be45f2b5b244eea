package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// soakSlices is into how many parts the time of a soak is divided.
const soakSlices = 10

// soakSegment is how much of a soak's load is signed at a time.
const soakSegment = 5 * time.Second

// soak is a load for a long time, in slices.
type soak struct {
	Queue    string    `json:"queue"`
	About    string    `json:"about"`
	Length   string    `json:"length"`
	Rate     int       `json:"rate"`
	Reloads  int       `json:"reloads"`
	Webhooks int       `json:"webhooks"`
	Repeated int64     `json:"repeated"` // got no answer, where a reload closed the connection, and were posted again
	Slices   []slice   `json:"slices"`
	Verdicts []verdict `json:"verdicts"`
	Dead     int       `json:"dead"`
	Left     int       `json:"left"`    // events not delivered a while after the end
	Waiting  int       `json:"waiting"` // the same of the destination that fails
}

// soakScenario is the edge of a soak: one destination that is well, one that fails
// a third of the time, and a dataset.
func soakScenario(queue string) scenario {
	s := scenario{name: "soak-" + queue, about: "embedded queue", queue: queue, fsync: "everysec", destinations: 1, deliver: true, soak: true}
	if queue == "redis" {
		s.about = "Redis everysec"
	}
	return s
}

// measureSoaks soaks an edge on each of the queues, one after the other.
func (b *bench) measureSoaks(ctx context.Context, length time.Duration, queues string, rate, connections int) ([]*soak, error) {
	var out []*soak
	for queue := range strings.SplitSeq(queues, ",") {
		if queue != "embedded" && queue != "redis" {
			return nil, fmt.Errorf("reading -queue: %q is none: it takes embedded, redis, or both with a comma", queue)
		}
		k := &soak{Queue: queue, Length: length.String(), Rate: rate}
		if err := b.soak(ctx, k, length, connections); err != nil {
			return nil, fmt.Errorf("soaking %s: %w", queue, err)
		}
		out = append(out, k)
	}
	return out, nil
}

func (b *bench) soak(ctx context.Context, k *soak, length time.Duration, connections int) (err error) {
	sc := soakScenario(k.Queue)
	k.About = sc.about
	e, err := startEdge(ctx, &b.builds, sc, b.port)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.stop()) }()
	l, err := dial(address(b.port), nil, connections, nil)
	if err != nil {
		return err
	}
	defer l.close()
	l.patient = true
	w := watch(ctx, e, min(time.Minute, length/soakSlices))
	// Connections and pools fill first, which is not counted.
	if err := b.soakSlice(ctx, k, l, soakSegment); err != nil {
		return errors.Join(err, w.end(), errors.New(e.caddy.tail()))
	}
	if _, _, err := w.slice(ctx); err != nil {
		return errors.Join(err, w.end())
	}
	k.Slices = nil
	for i := range soakSlices {
		b.working("soak of %s, %s, slice %d of %d", length, k.Queue, i+1, soakSlices)
		if err := b.soakSlice(ctx, k, l, length/soakSlices); err != nil {
			return errors.Join(err, w.end(), errors.New(e.caddy.tail()))
		}
		s := &k.Slices[i]
		s.observed, s.Live, err = w.slice(ctx)
		if err != nil {
			return errors.Join(err, w.end(), errors.New(e.caddy.tail()))
		}
		b.working("%+v", *s)
	}
	k.Repeated = l.repeated.Load()
	if err := w.end(); err != nil {
		return errors.Join(err, errors.New(e.caddy.tail()))
	}
	k.Reloads = w.reloads
	left, err := e.drained(ctx, unlucky(k.Rate))
	k.Left, k.Waiting, k.Dead = left.well, left.flaky, left.dead
	k.Verdicts = k.judge()
	return err
}

// soakSlice sends for so long, a segment at a time.
func (b *bench) soakSlice(ctx context.Context, k *soak, l *load, length time.Duration) error {
	var s slice
	for left := length; left > 0 && ctx.Err() == nil; left -= soakSegment {
		d := min(left, soakSegment)
		n := int(d.Seconds() * float64(k.Rate))
		l.corpus = newCorpus(b.port, k.Webhooks, n, time.Now())
		l.next.Store(0)
		got, err := l.open(k.Rate, d)
		if err != nil {
			return err
		}
		k.Webhooks += n
		s.add(got.took)
	}
	s.sum()
	k.Slices = append(k.Slices, s)
	return ctx.Err()
}

// reload gives the edge its configuration again, with another header.
func (e *edge) reload(ctx context.Context, n int) error {
	s := e.scenario
	s.turn = n
	return e.call(ctx, http.MethodPost, "/load", []byte(s.caddyfile(e.ports, e.dir)), nil)
}

// backlog is how many events are not delivered.
type backlog struct {
	well, flaky int // of the destination that fails, and of the others
	dead        int
}

func (e *edge) backlog(ctx context.Context) (b backlog, err error) {
	err = e.call(ctx, http.MethodGet, "/leadgate/destinations", nil, func(r io.Reader) error {
		var list []struct {
			Name          string
			Backlog, Dead int
		}
		if err := json.NewDecoder(r).Decode(&list); err != nil {
			return err
		}
		b = backlog{}
		for _, d := range list {
			b.dead += d.Dead
			if d.Name == flakyName {
				b.flaky += d.Backlog
			} else {
				b.well += d.Backlog
			}
		}
		return nil
	})
	return b, err
}

// unlucky is how many events may have failed so often in a row that they wait for a
// minute and longer. So many a second fail k times in a row, and then wait for some
// 2^k/2 s: rate ÷ 3^k, so rate ÷ 2 · (2/3)^k wait at any time, and with k from 7 on
// that is a twelfth of the rate.
func unlucky(rate int) int { return 10 + rate/10 }

// drained waits a while until all is delivered but for a few.
func (e *edge) drained(ctx context.Context, butFor int) (b backlog, err error) {
	late := time.Now().Add(time.Minute)
	for {
		b, err = e.backlog(ctx)
		if err != nil || b.well == 0 && b.flaky <= butFor || time.Now().After(late) {
			return b, err
		}
		select {
		case <-ctx.Done():
			return b, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}
