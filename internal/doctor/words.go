package caddymodule

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/leadgate/leadgate/internal/wording"
)

// edgeTimeout is how long the doctor waits for a running edge.
const edgeTimeout = 2 * time.Second

// wordCheck asks the edge that runs with this configuration, if one does, which
// words of its webhooks it does not know.
func wordCheck(ctx context.Context, config []byte) func() []finding {
	return func() []finding {
		var root struct {
			Admin caddy.AdminConfig
		}
		if json.Unmarshal(config, &root) != nil || root.Admin.Disabled {
			return nil
		}
		words, err := askWords(ctx, cmp.Or(root.Admin.Listen, caddy.DefaultAdminListen))
		if err != nil {
			return nil // none runs, or another Caddy does
		}
		d := new(doctor)
		for _, w := range words {
			d.warn(fmt.Sprintf("the running edge: provider %s sends a word that this version does not know: %s %s (%s, the last on %s)",
				w.Provider, w.Place, w.Word, wording.Count(int(w.Webhooks), "webhook"), time.UnixMilli(w.LastAt).UTC().Format(time.DateOnly)),
				"nothing is lost, the events' raw has it; see whether a newer version of Leadgate knows it")
		}
		if len(words) == 0 {
			d.ok("the running edge has met no word in webhooks that it does not know")
		}
		return d.findings
	}
}

// askWords asks an admin endpoint as Caddy's own commands do.
func askWords(ctx context.Context, address string) ([]seenWord, error) {
	at, err := caddy.ParseNetworkAddress(address)
	if err != nil {
		return nil, fmt.Errorf("reading the admin address: %w", err)
	}
	origin := "http://" + at.JoinHostPort(0)
	if at.IsUnixNetwork() {
		origin = "http://127.0.0.1"
	}
	ctx, cancel := context.WithTimeout(ctx, edgeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, origin+"/leadgate/words", nil)
	if err != nil {
		return nil, fmt.Errorf("asking the edge: %w", err)
	}
	req.Header.Set("Origin", origin)
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, at.Network, at.JoinHostPort(0))
		},
	}}
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking the edge: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("asking the edge: %w", err)
	}
	var words []seenWord
	if err := json.Unmarshal(body, &words); err != nil {
		return nil, fmt.Errorf("reading the edge's answer: %w", err)
	}
	return words, nil
}
