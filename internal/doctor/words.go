package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/leadgate/leadgate/internal/finding"
	"github.com/leadgate/leadgate/internal/wording"
)

// edgeTimeout is how long the doctor waits for a running edge.
const edgeTimeout = 2 * time.Second

// Endpoint is a Caddy's admin endpoint.
type Endpoint struct {
	Network string // as net.Dial takes it: tcp, unix
	Address string // likewise: localhost:2019, or a path
	Origin  string // as Caddy's own commands say it: http://localhost:2019
}

// words asks the edge, if one runs there, which words of its webhooks it does
// not know. Where none runs, or another Caddy does, nothing is found.
func (e *Endpoint) words(ctx context.Context) (found finding.List) {
	words, err := e.askWords(ctx)
	if err != nil {
		return nil
	}
	for _, w := range words {
		found.Warn(fmt.Sprintf("the running edge: provider %s sends a word that this version does not know: %s %s (%s, the last on %s)",
			w.Provider, w.Place, w.Word, wording.Count(int(w.Webhooks), "webhook"), time.UnixMilli(w.LastAt).UTC().Format(time.DateOnly)),
			"nothing is lost, the events' raw has it; see whether a newer version of Leadgate knows it")
	}
	if len(words) == 0 {
		found.OK("the running edge has met no word in webhooks that it does not know")
	}
	return found
}

// word is one as GET /leadgate/words has it.
type word struct {
	Provider, Place, Word string
	Webhooks              int64
	LastAt                int64 // ms
}

func (e *Endpoint) askWords(ctx context.Context) ([]word, error) {
	ctx, cancel := context.WithTimeout(ctx, edgeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.Origin+"/leadgate/words", nil)
	if err != nil {
		return nil, fmt.Errorf("asking the edge: %w", err)
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
		return nil, fmt.Errorf("asking the edge: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("asking the edge: %w", err)
	}
	var words []word
	if err := json.Unmarshal(body, &words); err != nil {
		return nil, fmt.Errorf("reading the edge's answer: %w", err)
	}
	return words, nil
}
