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
)

// sinkCommand makes this program a sink: `bench sink <port>`.
const sinkCommand = "sink"

func startSink(ctx context.Context, b *builds, dir string, port int) (*process, error) {
	return start(ctx, dir, listening(port), b.self, sinkCommand, strconv.Itoa(port))
}

// serveSink answers every POST with 200 until the process is ended: with
// nothing, or as Meta answers a batch of conversions. It speaks just enough
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
)

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
		out = fmt.Appendf(out[:0], "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(answer), answer)
		if _, err := c.Write(out); err != nil {
			return err
		}
	}
}
