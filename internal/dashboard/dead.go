package dashboard

import (
	"context"
	"net/http"

	"github.com/leadgate/leadgate/internal/admin"
	"github.com/leadgate/leadgate/internal/httperr"
	"github.com/leadgate/leadgate/internal/queue"
)

// How many dead letters a page has. Equal ones of unmatched events are folded
// into one row, so that many fit.
const (
	DeadPage      = 25
	unmatchedPage = 250
)

// dead answers with a page of dead letters; with the event only where one is
// asked for by its id.
func (p *Page) dead(w http.ResponseWriter, r *http.Request) error {
	config, err := p.Edge.Config()
	if err != nil {
		return err
	}
	query := r.URL.Query()
	filter := queue.DeadFilter{
		Destination: query.Get("destination"), Reason: query.Get("reason"), After: query.Get("after"),
	}
	size := DeadPage
	if filter.Destination == queue.Unmatched.Name {
		size = unmatchedPage
	}
	filter.Limit = size + 1 // one more tells whether there is a next page
	whole := query.Has("id")
	if whole {
		filter = queue.DeadFilter{IDs: []string{query.Get("id")}, Limit: 1}
	}
	filter.Bare = !whole
	ctx, cancel := context.WithTimeout(r.Context(), admin.Timeout)
	defer cancel()
	letters, err := config.Queue.Dead(ctx, filter)
	if err != nil {
		return admin.StoreError(err)
	}
	answer := struct {
		Dead []admin.DeadLetter `json:"dead"`
		Next *string            `json:"next"`
		Page int                `json:"page"` // how many a page has
	}{Dead: []admin.DeadLetter{}, Page: size}
	if len(letters) > size {
		letters = letters[:size]
		answer.Next = &letters[size-1].ID
	}
	for i := range letters {
		shown := admin.ShowDead(&letters[i])
		event := shown.Event
		shown.Event = nil
		if whole {
			if shown.Event, err = shortenPhones(event); err != nil {
				return admin.StoreError(err)
			}
		}
		answer.Dead = append(answer.Dead, shown)
	}
	return httperr.JSON(w, http.StatusOK, answer)
}
