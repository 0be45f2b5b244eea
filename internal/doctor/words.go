package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/leadgate/leadgate/internal/finding"
	"github.com/leadgate/leadgate/internal/wording"
)

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

func (e *Endpoint) askWords(ctx context.Context) (words []word, err error) {
	body, _, err := e.ask(ctx, "/leadgate/words")
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(body, &words); err != nil {
		return nil, fmt.Errorf("reading the edge's answer: %w", err)
	}
	return words, nil
}
