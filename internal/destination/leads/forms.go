package leads

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/leadgate/leadgate/normalize"
)

// forms are the names of forms, which the lead itself has not.
type forms struct {
	mu    sync.Mutex
	known map[string]form
}

type form struct {
	name  normalize.Text // nil: not known
	until time.Time
}

const (
	keepName   = 24 * time.Hour
	keepNoName = time.Hour
	mostForms  = 1000
)

// name is a form's. One that cannot be read is nothing to wait for.
func (f *forms) name(ctx context.Context, s *Sender, id string) normalize.Text {
	if !isDigits([]byte(id)) {
		return nil
	}
	now := s.c.Now()
	f.mu.Lock()
	one, ok := f.known[id]
	f.mu.Unlock()
	if ok && now.Before(one.until) {
		return one.name
	}
	one.until = now.Add(keepNoName)
	if a, err := s.ask(ctx, id+"?fields=id,name"); err == nil && a.Error == nil && a.Code == http.StatusOK {
		if name := text(a.Root.Get("name")); name != nil {
			one = form{normalize.NewText(name.String()), now.Add(keepName)}
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known == nil || len(f.known) >= mostForms {
		f.known = make(map[string]form)
	}
	f.known[id] = one
	return one.name
}
