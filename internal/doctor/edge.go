package doctor

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/leadgate/leadgate/internal/finding"
	"github.com/leadgate/leadgate/internal/printable"
)

// edgeTimeout is how long the doctor waits for a running edge.
const edgeTimeout = 2 * time.Second

// Endpoint is a Caddy's admin endpoint.
type Endpoint struct {
	Network string // as net.Dial takes it: tcp, unix
	Address string // likewise: localhost:2019, or a path
	Origin  string // as Caddy's own commands say it: http://localhost:2019
}

// ask asks the edge that runs there.
func (e *Endpoint) ask(ctx context.Context, path string) ([]byte, http.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, edgeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.Origin+path, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("asking the edge: %w", err)
	}
	req.Header.Set("Origin", e.Origin)
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, e.Network, e.Address)
		},
	}}
	resp, err := client.Do(req)
	if err != nil {
		return nil, nil, fmt.Errorf("asking the edge: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, nil, fmt.Errorf("asking the edge: %w", err)
	}
	return body, resp.Header, nil
}

// ads asks the edge, if one runs there, why names and spend of ads are not up to date: a limit
// of Meta's that it waits for, the doctor's own request may not meet.
func (e *Endpoint) ads(ctx context.Context) (found finding.List) {
	const noDays = "/leadgate/ads?group=ad&from=2000-01-01&to=2000-01-01"
	if _, header, err := e.ask(ctx, noDays); err == nil && header.Get("Leadgate-Ads") != "" {
		found.Warn("the running edge: ads: "+printable.Line(header.Get("Leadgate-Ads")),
			"see docs/ads.md; until then figures are those that were read last, and all else goes on")
	}
	return found
}
