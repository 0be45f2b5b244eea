package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// answerTimeout ends a run whose edge hangs.
const answerTimeout = 30 * time.Second

// load is connections to an edge, kept alive, and what they send.
type load struct {
	corpus *corpus
	again  bool // begin the corpus anew when it is used up; only for who remembers nothing
	next   atomic.Int64
	conns  []*conn

	// patient has a webhook that was not answered 200 posted again, as providers do.
	patient  bool
	repeated atomic.Int64
}

// sample is what one run of a load gave.
type sample struct {
	elapsed time.Duration
	took    []time.Duration // of each request, sorted
}

// dial opens the connections; tlsConfig is nil for http.
func dial(addr string, tlsConfig *tls.Config, n int, c *corpus) (*load, error) {
	l := &load{corpus: c}
	for range n {
		conn, err := dialOne(addr, tlsConfig)
		if err != nil {
			l.close()
			return nil, err
		}
		l.conns = append(l.conns, conn)
	}
	return l, nil
}

func (l *load) close() {
	for _, c := range l.conns {
		_ = c.net.Close()
	}
}

// take returns the next request; false when the corpus is used up.
func (l *load) take() ([]byte, bool) {
	i := int(l.next.Add(1)) - 1
	if l.again {
		i %= l.corpus.len()
	}
	if i >= l.corpus.len() {
		return nil, false
	}
	return l.corpus.request(i), true
}

// closed has every connection send its next request as soon as the last one is
// answered, for so long, or until the corpus is used up.
func (l *load) closed(d time.Duration) (sample, error) {
	began := time.Now()
	end := began.Add(d)
	return l.each(began, func(c *conn) ([]time.Duration, error) {
		took := make([]time.Duration, 0, 1<<14)
		for {
			at := time.Now()
			if at.After(end) {
				return took, nil
			}
			request, ok := l.take()
			if !ok {
				return took, nil
			}
			if err := c.roundTrip(request); err != nil {
				return took, err
			}
			took = append(took, time.Since(at))
		}
	})
}

// open sends so many requests a second for so long, whether the earlier ones
// are answered or not, as far as the connections go round. What a request took
// is counted from when it was due, so that one that had to wait for a free
// connection has waited.
func (l *load) open(rate int, d time.Duration) (sample, error) {
	type due struct {
		request []byte
		at      time.Time
	}
	total := int(d.Seconds() * float64(rate))
	queue := make(chan due, total)
	began := time.Now()
	var clock sync.WaitGroup
	clock.Go(func() {
		runtime.LockOSThread() // sleeps in the kernel: Go's own timers are late by up to a millisecond
		defer runtime.UnlockOSThread()
		defer close(queue)
		for i := range total {
			request, ok := l.take()
			if !ok {
				return
			}
			at := began.Add(time.Duration(i) * time.Second / time.Duration(rate))
			for wait := time.Until(at); wait > 0; wait = time.Until(at) {
				nanosleep(wait)
			}
			queue <- due{request, at}
		}
	})
	s, err := l.each(began, func(c *conn) (took []time.Duration, err error) {
		for r := range queue {
			if err == nil {
				err = l.send(c, r.request)
				took = append(took, time.Since(r.at))
			}
		}
		return took, err
	})
	clock.Wait()
	return s, err
}

// send sends a request until it is answered, if the load is patient.
func (l *load) send(c *conn, request []byte) error {
	err := c.roundTrip(request)
	for late := time.Now().Add(answerTimeout); err != nil && l.patient && time.Now().Before(late); {
		l.repeated.Add(1)
		time.Sleep(10 * time.Millisecond)
		fresh, dialErr := dialOne(c.net.RemoteAddr().String(), nil)
		if dialErr != nil {
			continue
		}
		_ = c.net.Close() // it was of no use
		*c = *fresh
		err = c.roundTrip(request)
	}
	return err
}

// each runs a function for every connection and gathers what they return.
func (l *load) each(began time.Time, run func(*conn) ([]time.Duration, error)) (sample, error) {
	took := make([][]time.Duration, len(l.conns))
	errs := make([]error, len(l.conns))
	var wg sync.WaitGroup
	for i, c := range l.conns {
		wg.Go(func() { took[i], errs[i] = run(c) })
	}
	wg.Wait()
	s := sample{elapsed: time.Since(began), took: slices.Concat(took...)}
	slices.Sort(s.took)
	return s, errors.Join(errs...)
}

// conn is an HTTP/1.1 connection that writes requests as they are and reads of
// the answers no more than it must: the generator shares the machine with the edge.
type conn struct {
	net net.Conn
	r   *bufio.Reader
}

func dialOne(addr string, tlsConfig *tls.Config) (*conn, error) {
	c, err := net.Dial("tcp", addr) //nolint:noctx // to this machine, answered at once or never
	if err != nil {
		return nil, fmt.Errorf("dialing edge: %w", err)
	}
	if tlsConfig != nil {
		c = tls.Client(c, tlsConfig)
	}
	return &conn{net: c, r: bufio.NewReaderSize(c, 4096)}, nil
}

// roundTrip sends a request and waits for its answer, which must be 200.
func (c *conn) roundTrip(request []byte) error {
	if err := c.net.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return fmt.Errorf("setting deadline: %w", err)
	}
	if _, err := c.net.Write(request); err != nil {
		return fmt.Errorf("sending webhook: %w", err)
	}
	code, err := readAnswer(c.r)
	if err != nil {
		return fmt.Errorf("reading answer: %w", err)
	}
	if code != 200 {
		return fmt.Errorf("sending webhook: answered %d", code)
	}
	return nil
}

var contentLength = []byte("Content-Length: ")

// readAnswer reads an answer with a Content-Length, or without a body, and
// returns its status.
func readAnswer(r *bufio.Reader) (code int, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < 12 {
		return 0, io.ErrUnexpectedEOF
	}
	if code, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, err
	}
	length := 0
	for {
		if line, err = r.ReadSlice('\n'); err != nil {
			return 0, err
		}
		if len(line) <= 2 {
			break
		}
		if v, ok := bytes.CutPrefix(line, contentLength); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(v))); err != nil {
				return 0, err
			}
		}
	}
	_, err = r.Discard(length)
	return code, err
}
