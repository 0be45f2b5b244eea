package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync/atomic"
)

// sinkCommand makes this program a sink: `bench sink <port>`.
const sinkCommand = "sink"

func startSink(ctx context.Context, b *builds, dir string, port int) (*process, error) {
	return start(ctx, dir, listening(port), b.self, sinkCommand, strconv.Itoa(port))
}

// serveSink answers every POST with 200 until the process is ended: with
// nothing, or as Meta answers a batch of conversions; but for [flakyPath]. It speaks just enough
// HTTP/1.1 for Go's client, since what is measured is who sends.
func serveSink(port string) error {
	l, err := net.Listen("tcp", net.JoinHostPort(loopback, port)) //nolint:noctx // listens until the end
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return fmt.Errorf("accepting connection: %w", err)
		}
		go func() { // ends with its connection, or with the process
			defer c.Close()
			_ = answer(c) // whoever sent it sees the connection end
		}()
	}
}

var (
	conversionsPath = []byte("/events HTTP/1.1")
	conversionStart = []byte(`{"event_name":`)
	flaky           = []byte(flakyPath + " HTTP/1.1")
)

// flakyPath is where every third request is answered 503.
const flakyPath = "/flaky"

// flakyName is the destination there.
const flakyName = "flaky"

var flakyRequests atomic.Int64

// answer answers the requests of one connection until it ends.
func answer(c io.ReadWriter) error {
	r := bufio.NewReaderSize(c, 64<<10)
	var body, out []byte
	for {
		line, err := r.ReadSlice('\n')
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		conversions := bytes.Contains(line, conversionsPath)
		status := "200 OK"
		if bytes.Contains(line, flaky) && flakyRequests.Add(1)%3 == 0 {
			status = "503 Service Unavailable"
		}
		length := 0
		for len(line) > 2 {
			if line, err = r.ReadSlice('\n'); err != nil {
				return err
			}
			if v, ok := bytes.CutPrefix(line, contentLength); ok {
				if length, err = strconv.Atoi(string(bytes.TrimSpace(v))); err != nil {
					return err
				}
			}
		}
		answer := ""
		if conversions {
			if cap(body) < length {
				body = make([]byte, length)
			}
			if _, err := io.ReadFull(r, body[:length]); err != nil {
				return err
			}
			answer = fmt.Sprintf(`{"events_received":%d,"messages":[],"fbtrace_id":"bench"}`, bytes.Count(body[:length], conversionStart))
		} else if _, err := r.Discard(length); err != nil {
			return err
		}
		out = fmt.Appendf(out[:0], "HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s", status, len(answer), answer)
		if _, err := c.Write(out); err != nil {
			return err
		}
	}
}
