package admin

import (
	"net/http"

	"github.com/leadgate/leadgate/internal/httperr"
	"github.com/leadgate/leadgate/internal/queue"
)

// Store is an open store, and what it has noticed.
type Store struct {
	Store  string        `json:"store"`
	Alerts []queue.Alert `json:"alerts"`
}

// alerts are what the store has noticed.
func (e *Engine) alerts() []queue.Alert {
	if watched, ok := e.Queue.(queue.Watched); ok {
		return watched.Alerts()
	}
	return nil
}

// listStores answers GET /leadgate/store.
func (e *Edge) listStores(w http.ResponseWriter, _ *http.Request) error {
	all := []Store{}
	for _, engine := range e.Engines() {
		all = append(all, Store{Store: engine.Store, Alerts: append([]queue.Alert{}, engine.alerts()...)})
	}
	return httperr.JSON(w, http.StatusOK, all)
}
