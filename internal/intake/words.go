package intake

import (
	"cmp"
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
var unknownWords = wordBook{seen: make(map[normalize.UnknownWord]*UnknownWord)}

// maxWords bounds the book. What comes beyond is counted, and not told apart.
const maxWords = 200

// wordBook remembers words.
type wordBook struct {
	mu   sync.Mutex
	seen map[normalize.UnknownWord]*UnknownWord
}

// UnknownWord is a word that normalize does not know, as the admin API and the
// dashboard show it.
type UnknownWord struct {
	Provider string `json:"provider"`
	Place    string `json:"place"` // what it stood for: message type, WhatsApp field, …
	Word     string `json:"word"`
	Webhooks int64  `json:"webhooks"` // that had it
	FirstAt  int64  `json:"firstAt"`  // ms
	LastAt   int64  `json:"lastAt"`   // ms
}

// note counts a word, and reports whether it is the first time that it is seen.
func (b *wordBook) note(u normalize.UnknownWord, now int64) (isNew bool) {
	u.Word = printable.HidePhones(u.Word)
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.seen[u]
	if s == nil {
		if len(b.seen) >= maxWords {
			return false
		}
		s = &UnknownWord{Provider: u.Provider, Place: u.Place.String(), Word: u.Word, FirstAt: now}
		b.seen[u] = s
	}
	s.Webhooks++
	s.LastAt = now
	return s.Webhooks == 1
}

// UnknownWords are all words that webhooks to this process had and normalize does
// not know, the newest first.
func UnknownWords() []UnknownWord { return unknownWords.list() }

func (b *wordBook) list() []UnknownWord {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make([]UnknownWord, 0, len(b.seen))
	for _, s := range b.seen {
		list = append(list, *s)
	}
	slices.SortFunc(list, func(a, b UnknownWord) int {
		return cmp.Or(cmp.Compare(b.FirstAt, a.FirstAt), cmp.Compare(a.Provider, b.Provider),
			cmp.Compare(a.Place, b.Place), cmp.Compare(a.Word, b.Word))
	})
	return list
}

// noteWords counts the unknown words of a webhook, and logs those that are new.
func (b *Block) noteWords(words []normalize.UnknownWord, now time.Time) {
	if len(words) == 0 {
		return
	}
	metrics.UnknownWords(b.Provider, len(words))
	for _, u := range words {
		u.Provider = b.Provider
		if unknownWords.note(u, now.UnixMilli()) {
			b.Logger.Warn("a webhook has a word that this version of Leadgate does not know; nothing is lost, "+
				"the event's raw has it: see whether a newer version knows it",
				zap.String("provider", b.Provider), zap.Stringer("place", u.Place), zap.String("word", printable.HidePhones(u.Word)))
		}
	}
}
