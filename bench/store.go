package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/freeport"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/embedded"
	"github.com/leadgate/leadgate/internal/queue/redis"
	"github.com/leadgate/leadgate/normalize"
)

const (
	tenant      = "acme"
	testDataset = "1234567890"
	writers     = 64 // who append at once
)

// stores are the queues that are drained.
var stores = []string{"embedded", "redis"}

// store is a queue in this process, with its Redis if it has one.
type store struct {
	queue.Queue
	name  string
	dir   string
	redis *process
}

// openStore opens an empty queue.
func openStore(ctx context.Context, b *builds, name string) (s *store, err error) {
	s = &store{name: name}
	if s.dir, err = os.MkdirTemp(b.dir, "store-"+name+"-"); err != nil {
		return nil, fmt.Errorf("making folder: %w", err)
	}
	opts := queue.Options{
		Dedupe: 7 * 24 * time.Hour, RememberClicks: 28 * 24 * time.Hour, KeepDead: 30 * 24 * time.Hour,
		MaxBacklog: 100_000_000, MaxSize: 64 << 30,
	}
	if name == "embedded" {
		s.Queue, err = embedded.Open(embedded.Config{Dir: s.dir}, opts)
	} else {
		var port int
		if port, err = freeport.Find(); err == nil {
			if s.redis, err = startRedis(ctx, s.dir, port, "everysec", false); err == nil {
				s.Queue, err = redis.Open(redis.Config{URLs: []string{"redis://" + address(port)}}, opts)
			}
		}
	}
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// close closes the queue and removes what it wrote.
func (s *store) close() error {
	var errs []error
	if s.Queue != nil {
		errs = append(errs, s.Queue.Close())
	}
	if s.redis != nil {
		errs = append(errs, s.redis.stop())
	}
	return errors.Join(append(errs, os.RemoveAll(s.dir))...)
}

// size is what the queue's files take up on disk, in bytes.
func (s *store) size() (int64, error) {
	pattern := "leadgate.*" // with its journal
	if s.name == "redis" {
		pattern = "appendonlydir/*"
	}
	files, err := filepath.Glob(filepath.Join(s.dir, pattern))
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, f := range files {
		n, err := onDisk(f)
		if err != nil {
			return 0, fmt.Errorf("measuring size of the queue: %w", err)
		}
		sum += n
	}
	return sum, nil
}

// redisCPU is the CPU time of the Redis, 0 for the embedded queue.
func (s *store) redisCPU() (time.Duration, error) {
	if s.redis == nil {
		return 0, nil
	}
	return s.redis.cpu()
}

// source makes what an edge would append for the webhooks of a corpus: real
// unified events, of one kind of destination.
type source struct {
	dest     queue.Dest
	capi     *capi.Settings // nil for forwards
	next     int            // number of the next webhook
	made     int            // how many were made to wait
	payloads int64          // bytes of their payloads
	clicks   bool           // make nothing but clicks
}

// groups makes the next n webhooks' groups. For forwards the webhooks are the
// mix of the other tables, for conversions they are clicks.
func (s *source) groups(n int, now time.Time) ([]queue.Group, error) {
	out := make([]queue.Group, n)
	var batch normalize.Batch
	var body, encoded []byte
	for j := range out {
		k := kindOf(s.next)
		if s.capi != nil || s.clicks {
			k = click
		}
		body = appendBody(body[:0], s.next, k, contactOf(s.next), now)
		s.next++
		s.made++
		batch.Reset()
		if err := normalize.Meta(&batch, body, now.UnixMilli()); err != nil {
			return nil, fmt.Errorf("normalizing webhook: %w", err)
		}
		if len(batch.Events) != 1 {
			return nil, fmt.Errorf("normalizing webhook: %d events", len(batch.Events))
		}
		ev := &batch.Events[0]
		ev.SetTenant(tenant)
		known := queue.Event{ID: ev.ID(), Time: ev.ReceivedAt}
		clicks.Touch(ev, &known)
		unified, attribution := ev.AppendJSON(encoded[:0])
		encoded = unified
		payload := bytes.Clone(unified)
		job := queue.Job{Dest: s.dest, Events: []int{0}, Header: queue.Header{
			EventID: ev.ID(), Kind: uint8(ev.Kind), Contact: known.Contact, ClickKey: known.Contact,
			Time: ev.ReceivedAt, QueuedAt: ev.IngestedAt, Format: queue.FormatEvent, Attribution: uint32(attribution),
		}}
		if s.capi != nil {
			plan, ok := s.capi.Plan(ev)
			if !ok {
				return nil, errors.New("planning conversion: the click is none")
			}
			job.Header.Format, job.Header.ClickKey = queue.FormatConversion, ""
			job.Once = append(job.Once, queue.Once{Key: testDataset + "\nevent\n" + ev.ID().String(), Window: destination.MinOnce})
			for _, o := range plan.Once {
				job.Once = append(job.Once, queue.Once{Key: o.Key, Window: o.Window, Use: queue.Use(o.Use)})
			}
		}
		s.payloads += int64(len(payload))
		out[j] = queue.Group{Tenant: tenant, Events: []queue.Event{known}, Payloads: [][]byte{payload}, Jobs: []queue.Job{job}}
	}
	return out, nil
}

// appendAll appends the groups, each a call's worth in one call of Append, by
// many writers at once. It returns how long that took.
func (s *store) appendAll(ctx context.Context, groups []queue.Group, each int, before func(n int)) (time.Duration, error) {
	var next atomic.Int64
	errs := make([]error, writers)
	began := time.Now()
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for errs[w] == nil {
				end := int(next.Add(int64(each)))
				if end-each >= len(groups) {
					return
				}
				part := groups[end-each : min(end, len(groups))]
				if before != nil {
					before(len(part))
				}
				for _, r := range s.Append(ctx, part) {
					if r.Err == nil && (len(r.Jobs) != 1 || r.Jobs[0] != queue.Queued) {
						r.Err = fmt.Errorf("outcomes %v", r.Jobs)
					}
					errs[w] = errors.Join(errs[w], r.Err)
				}
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		text, _, _ := strings.Cut(err.Error(), "\n") // one says it
		return 0, fmt.Errorf("appending to %s: %s", s.name, text)
	}
	return time.Since(began), nil
}

// fill appends n webhooks' worth.
func (s *store) fill(ctx context.Context, src *source, n int) error {
	for n > 0 {
		some := min(n, 50_000)
		groups, err := src.groups(some, time.Now())
		if err != nil {
			return err
		}
		if _, err := s.appendAll(ctx, groups, 50, nil); err != nil {
			return err
		}
		n -= some
	}
	return nil
}

// settle has nearly every contact click once, and empties the queue again: what
// an append costs depends on whether its contact has clicked, and what is
// measured after this is to differ in what waits alone.
func (s *store) settle(ctx context.Context, src *source) error {
	src.clicks = true
	if err := s.fill(ctx, src, 5*contacts); err != nil {
		return err
	}
	src.clicks = false
	if _, err := s.Drop(ctx, src.dest); err != nil {
		return fmt.Errorf("emptying the queue: %w", err)
	}
	src.made, src.payloads = 0, 0
	return nil
}

// appendRuns is how many runs the timed appends are split into.
const appendRuns = 5

// appendSpeed appends n single webhooks, as 64 requests at once do, in several
// runs, and returns the median of how many a second.
func (s *store) appendSpeed(ctx context.Context, src *source, n int) (float64, error) {
	each := max(n/appendRuns, 1)
	var speeds []float64
	for range appendRuns {
		groups, err := src.groups(each, time.Now())
		if err != nil {
			return 0, err
		}
		runtime.GC() // what was made for the last run is not this one's cost
		took, err := s.appendAll(ctx, groups, 1, nil)
		if err != nil {
			return 0, err
		}
		speeds = append(speeds, float64(each)/took.Seconds())
	}
	return median(speeds), nil
}
