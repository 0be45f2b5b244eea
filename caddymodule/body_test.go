package caddymodule

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/body"
)

// raw opens a connection and sends the head of a webhook and a piece of its body.
func (e *edge) raw(length int, piece string) net.Conn {
	e.t.Helper()
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", e.port))
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { conn.Close() })
	if _, err := fmt.Fprintf(conn, "POST /webhooks/meta HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: %d\r\n\r\n%s", e.port, length,
		piece); err != nil {
		e.t.Fatal(err)
	}
	return conn
}

// TestMaxInflightBody fills the bound with bodies that do not end.
func TestMaxInflightBody(t *testing.T) {
	for _, queue := range bothQueues {
		t.Run(queue, func(t *testing.T) {
			s := newSink(t)
			config := siteWith(queueOption(t, queue)+"\n\t\tmax_inflight_body 256KiB", "forward "+s.URL)
			e := startEdge(t, config)
			before := body.InFlight()
			piece := strings.Repeat("x", 100<<10)
			first, second := e.raw(3<<20, piece), e.raw(3<<20, piece)
			waitFor(t, "two bodies are in flight", func() bool { return body.InFlight()-before == 2*int64(len(piece)) })

			// A third goes over it when it grows, and is told so without its end.
			answer, err := http.ReadResponse(bufio.NewReader(e.raw(200<<10, piece)), nil)
			if err != nil {
				t.Fatal(err)
			}
			if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
				t.Errorf("over the bound: %d, Retry-After %q", answer.StatusCode, answer.Header.Get("Retry-After"))
			}
			waitFor(t, "its bytes are forgotten", func() bool { return body.InFlight()-before == 2*int64(len(piece)) })
			// What fits passes beside them.
			if resp, _ := e.post("/webhooks/meta", message("wamid.fits."+queue, "15551234567", "x")); resp.StatusCode != http.StatusOK {
				t.Errorf("a webhook that fits: %d", resp.StatusCode)
			}
			s.next(t)
			large := message("wamid.large."+queue, "15551234567", strings.Repeat("x", 100<<10))
			resp, _ := e.post("/webhooks/meta", large)
			if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
				t.Errorf("a webhook that does not fit: %d", resp.StatusCode)
			}
			// A reload with another bound counts on.
			if err := e.load(strings.Replace(config, "256KiB", "1MiB", 1)); err != nil {
				t.Fatal(err)
			}
			if resp, _ := e.post("/webhooks/meta", large); resp.StatusCode != http.StatusOK {
				t.Errorf("with a larger bound: %d", resp.StatusCode)
			}
			s.next(t)
			first.Close()
			second.Close()
			waitFor(t, "nothing is in flight", func() bool { return body.InFlight() == before })
		})
	}
}

// TestMaxInflightConversions: the bound is also that of posted conversions.
func TestMaxInflightConversions(t *testing.T) {
	config := strings.Replace(siteWith("queue embedded %DIR%/queue\n\t\tmax_inflight_body 1KiB",
		"tenant acme\n\t\tcapi {\n\t\t\tdataset 1\n\t\t\taccess_token x\n\t\t}"),
		`respond "next" 418`, "leadgate_conversions /conversions {\n\t\ttenant acme\n\t\ttoken crm\n\t}", 1)
	e := startEdge(t, config)
	req, err := http.NewRequest(http.MethodPost, e.url("/conversions"), strings.NewReader(`{"x":"`+strings.Repeat("x", 2<<10)+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer crm")
	if resp, answer := e.do(req); resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("%d %s", resp.StatusCode, answer)
	}
}

// TestAbortedRequest: a next handler that panics, as Caddy's abort does, and a
// webhook that is refused leave nothing in flight.
func TestAbortedRequest(t *testing.T) {
	e := startEdge(t, strings.NewReplacer("\tleadgate /webhooks/meta", "\troute {\n\tleadgate /webhooks/meta", `respond "next" 418`,
		"abort\n\t}").Replace(site("")))
	before := body.InFlight()
	hook := message("wamid.1", "15551234567", "x")
	for _, secret := range []string{testSecret, "other"} {
		req, err := http.NewRequest(http.MethodPost, e.url("/webhooks/meta"), bytes.NewReader(hook))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Hub-Signature-256", signature(secret, hook))
		resp, err := new(http.Transport).RoundTrip(req) // on a connection of its own
		if err == nil {
			resp.Body.Close()
		}
		if (err != nil) != (secret == testSecret) {
			t.Errorf("%s: %v", secret, err)
		}
	}
	waitFor(t, "nothing in flight", func() bool { return body.InFlight() == before })
}
