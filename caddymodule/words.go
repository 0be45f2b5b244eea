package caddymodule

import (
	"cmp"
	"net/http"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/internal/printable"
	"github.com/leadgate/leadgate/normalize"
)

// unknownWords is what webhooks said that normalize has no word for: a new type
// of message, say. It lives as long as the process.
var unknownWords = wordBook{seen: make(map[normalize.UnknownWord]*seenWord)}

// maxWords bounds the book. What comes beyond is counted, and not told apart.
const maxWords = 200

// wordBook remembers words.
type wordBook struct {
	mu   sync.Mutex
	seen map[normalize.UnknownWord]*seenWord
}

// seenWord is a word as the admin API and the dashboard show it.
type seenWord struct {
	Provider string `json:"provider"`
	Place    string `json:"place"` // what it stood for: message type, WhatsApp field, …
	Word     string `json:"word"`
	Webhooks int64  `json:"webhooks"` // that had it
	FirstAt  int64  `json:"firstAt"`  // ms
	LastAt   int64  `json:"lastAt"`   // ms
}

// note counts a word, and says whether it is the first time that it is seen.
func (w *wordBook) note(u normalize.UnknownWord, now int64) (isNew bool) {
	u.Word = printable.HidePhones(u.Word)
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.seen[u]
	if s == nil {
		if len(w.seen) >= maxWords {
			return false
		}
		s = &seenWord{Provider: u.Provider, Place: u.Place.String(), Word: u.Word, FirstAt: now}
		w.seen[u] = s
	}
	s.Webhooks++
	s.LastAt = now
	return s.Webhooks == 1
}

// list is all words, the newest first.
func (w *wordBook) list() []seenWord {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := make([]seenWord, 0, len(w.seen))
	for _, s := range w.seen {
		list = append(list, *s)
	}
	slices.SortFunc(list, func(a, b seenWord) int {
		return cmp.Or(cmp.Compare(b.FirstAt, a.FirstAt), cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.Place, b.Place), cmp.Compare(a.Word, b.Word))
	})
	return list
}

// noteWords counts the unknown words of a webhook, and logs those that are new.
func (h *Handler) noteWords(words []normalize.UnknownWord, now time.Time) {
	if len(words) == 0 {
		return
	}
	provider := h.providerName()
	metrics.UnknownWords(provider, len(words))
	for _, u := range words {
		u.Provider = provider
		if unknownWords.note(u, now.UnixMilli()) {
			h.logger.Warn("a webhook has a word that this version of Leadgate does not know; nothing is lost, the event's raw has it: see whether a newer version knows it",
				zap.String("provider", provider), zap.Stringer("place", u.Place), zap.String("word", printable.HidePhones(u.Word)))
		}
	}
}

// adminWords answers GET /leadgate/words.
func adminWords(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, unknownWords.list())
}
