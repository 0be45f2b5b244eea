//go:build unix

package delivery

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/destination/forward"
	"github.com/leadgate/leadgate/internal/queue"
)

// trivialSink answers every request with 204 and closes done after n of them.
// It speaks just enough HTTP: the benchmark is about the sender.
func trivialSink(b *testing.B, n int64) (url string, done chan struct{}) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	var wg sync.WaitGroup
	b.Cleanup(func() {
		l.Close()
		wg.Wait()
	})
	done = make(chan struct{})
	var count atomic.Int64
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				r := bufio.NewReaderSize(c, 16<<10)
				for {
					length := 0
					for {
						line, err := r.ReadSlice('\n')
						if err != nil {
							return
						}
						if len(line) <= 2 {
							break
						}
						if v, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
							length, _ = strconv.Atoi(string(bytes.TrimSpace(v)))
						}
					}
					if _, err := r.Discard(length); err != nil {
						return
					}
					if _, err := c.Write([]byte("HTTP/1.1 204 No Content\r\n\r\n")); err != nil {
						return
					}
					if count.Add(1) == n {
						close(done)
					}
				}
			})
		}
	})
	return "http://" + l.Addr().String(), done
}

// meter adds up the CPU time of the process, sink included, while it runs.
type meter struct {
	b     *testing.B
	began time.Duration
	total time.Duration
}

func (m *meter) cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		m.b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func (m *meter) start() {
	m.b.StartTimer()
	m.began = m.cpu()
}

func (m *meter) stop() {
	m.total += m.cpu() - m.began
	m.b.StopTimer()
}

// report reports events a second, and CPU time for each.
func (m *meter) report() {
	n := float64(benchmarked * m.b.N)
	m.b.ReportMetric(n/m.b.Elapsed().Seconds(), "events/s")
	m.b.ReportMetric(float64(m.total.Microseconds())/n, "cpu-µs/event")
}

const benchmarked = 100_000

// BenchmarkDrainForward drains 100 000 events of 1270 bytes and 20 000 contacts
// from the embedded store into a trivial sink in the same process.
func BenchmarkDrainForward(b *testing.B) {
	for _, concurrency := range []int{32, 8} {
		b.Run(fmt.Sprint("concurrency ", concurrency), func(b *testing.B) { drainForward(b, concurrency) })
	}
}

func drainForward(b *testing.B, concurrency int) {
	b.StopTimer()
	m := meter{b: b}
	for range b.N {
		q := openEmbedded(b, b.TempDir())
		fillStore(b, q, 0, benchmarked, 20_000, make([]byte, 1270))
		url, done := trivialSink(b, benchmarked)
		f, err := forward.NewSender(forward.Config{
			Timeout: 10 * time.Second, URL: url, Tenant: crm.Tenant, Version: "1", Concurrency: concurrency,
		})
		if err != nil {
			b.Fatal(err)
		}
		d := forwardTo(f)
		d.Concurrency = concurrency
		e := New(q, Options{})
		m.start()
		e.Configure([]destination.Destination{d})
		<-done
		e.Close(context.Background())
		m.stop()
		q.Close()
		f.CloseIdleConnections()
	}
	m.report()
}

// BenchmarkPostOnly is what net/http alone takes for the same requests.
func BenchmarkPostOnly(b *testing.B) {
	b.StopTimer()
	m := meter{b: b}
	for range b.N {
		url, _ := trivialSink(b, -1)
		transport := &http.Transport{MaxIdleConnsPerHost: 32}
		body := make([]byte, 1270)
		m.start()
		var wg sync.WaitGroup
		for range 32 {
			wg.Go(func() {
				for range benchmarked / 32 {
					req, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
					if err == nil {
						_, err = transport.RoundTrip(req)
					}
					if err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		m.stop()
		transport.CloseIdleConnections()
	}
	m.report()
}

// BenchmarkForwardOnly is what a Forward takes for them, without the engine.
func BenchmarkForwardOnly(b *testing.B) {
	b.StopTimer()
	m := meter{b: b}
	for range b.N {
		url, _ := trivialSink(b, -1)
		f, err := forward.NewSender(forward.Config{Timeout: 10 * time.Second, URL: url, Tenant: crm.Tenant, Version: "1", Concurrency: 32})
		if err != nil {
			b.Fatal(err)
		}
		ctx, cancel := context.WithCancel(b.Context())
		m.start()
		var wg sync.WaitGroup
		for range 32 {
			wg.Go(func() {
				items := []destination.Item{{Attempt: 1, Entry: queue.Entry{Payload: make([]byte, 1270), Header: queue.Header{Kind: 1}}}}
				for range benchmarked / 32 {
					if o := f.Send(ctx, items); o[0].Action != destination.Done {
						b.Error(o)
						return
					}
				}
			})
		}
		wg.Wait()
		m.stop()
		cancel()
		f.CloseIdleConnections()
	}
	m.report()
}

// BenchmarkDrain is the same without HTTP: what the engine itself costs.
func BenchmarkDrain(b *testing.B) {
	b.StopTimer()
	m := meter{b: b}
	for range b.N {
		q := openEmbedded(b, b.TempDir())
		fillStore(b, q, 0, benchmarked, 20_000, make([]byte, 1270))
		done := make(chan struct{})
		var count atomic.Int64
		d := forwardTo(senderFunc(func(items []destination.Item) []destination.Verdict {
			if count.Add(1) == benchmarked {
				close(done)
			}
			return []destination.Verdict{{Action: destination.Done}}
		}))
		d.Concurrency = 32
		e := New(q, Options{})
		m.start()
		e.Configure([]destination.Destination{d})
		<-done
		e.Close(context.Background())
		m.stop()
		q.Close()
	}
	m.report()
}

// BenchmarkWaiting says what memory it costs to remember events that wait behind
// failing ones of 10 000 contacts, the failing ones included.
func BenchmarkWaiting(b *testing.B) {
	const n, people = 1_000_000, 20_000
	for range b.N {
		q := openEmbedded(b, b.TempDir())
		fillStore(b, q, 0, n, people, make([]byte, 100))
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		d := forwardTo(senderFunc(func(items []destination.Item) []destination.Verdict {
			// Every other contact is taken, or the breaker would open.
			if c := items[0].Header.Contact; c[len(c)-1]%2 == 0 {
				return []destination.Verdict{{Action: destination.Done}}
			}
			return []destination.Verdict{{Action: destination.Retry, Reason: "503 Service Unavailable", After: destination.LongestWish}}
		}))
		d.Hold = -1
		e := New(q, Options{})
		b.ResetTimer()
		e.Configure([]destination.Destination{d})
		for e.tracked.Load() < n/2 {
			runtime.Gosched()
		}
		b.StopTimer()
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MB")
		b.ReportMetric(float64(e.tracked.Load()), "tracked")
		e.Close(context.Background())
		q.Close()
	}
}
