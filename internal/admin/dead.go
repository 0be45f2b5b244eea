package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/leadgate/leadgate/internal/delivery"
	"github.com/leadgate/leadgate/internal/httperr"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// The sizes of a page of dead letters. One of large letters has fewer: it is in
// memory several times.
const (
	DefaultDeadPage = 100
	maxDeadPage     = 1000
	deadPageBytes   = 8 << 20
)

// DeadLetter is a dead letter as the admin API shows it.
type DeadLetter struct {
	ID          string          `json:"id"`
	Destination string          `json:"destination"`
	EventID     string          `json:"eventId"`
	Tenant      string          `json:"tenant"`
	Kind        string          `json:"kind"`
	Reason      string          `json:"reason"`
	Code        string          `json:"code"`
	Explanation string          `json:"explanation"`
	Attempts    int             `json:"attempts"`
	FirstAt     *int64          `json:"firstAt"` // ms; null if it was never tried
	DiedAt      int64           `json:"diedAt"`  // ms
	Event       json.RawMessage `json:"event"`
}

// DeadPage is a page of dead letters.
type DeadPage struct {
	Dead []DeadLetter `json:"dead"`
	Next *string      `json:"next"` // the id that the next page begins after; null if there is none
}

// ShowDead makes one of a stored one.
func ShowDead(d *queue.DeadLetter) DeadLetter {
	out := DeadLetter{
		ID: d.ID, Destination: d.Dest.Name, EventID: normalize.ID(d.Header.EventID).String(), Tenant: d.Dest.Tenant,
		Kind: normalize.Kind(d.Header.Kind).String(), Reason: d.Reason.Reason, Code: d.Code, Explanation: d.Explanation,
		Attempts: d.Attempts, DiedAt: d.DiedAt, Event: d.Payload,
	}
	if d.FirstAt != 0 {
		out.FirstAt = &d.FirstAt
	}
	if !json.Valid(d.Payload) { // a raw form, of Twilio
		out.Event, _ = json.Marshal(string(d.Payload))
	}
	return out
}

// listDead answers GET /leadgate/dead.
func (e *Edge) listDead(w http.ResponseWriter, r *http.Request) error {
	config, err := e.Config()
	if err != nil {
		return err
	}
	query := r.URL.Query()
	filter := queue.DeadFilter{Destination: query.Get("destination"), Reason: query.Get("reason"), After: query.Get("after"),
		IDs: query["id"], Limit: DefaultDeadPage, Bytes: deadPageBytes}
	if text := query.Get("limit"); text != "" {
		if filter.Limit, err = strconv.Atoi(text); err != nil || filter.Limit < 1 || filter.Limit > maxDeadPage {
			return httperr.WithFix(http.StatusBadRequest, fmt.Sprintf("write a number from 1 to %d, or leave it out", maxDeadPage),
				"limit is %q", text)
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), Timeout)
	defer cancel()
	if filter.Destination != "" {
		if err := config.knownDestination(ctx, filter.Destination); err != nil {
			return err
		}
	}
	if err := config.knownLetters(ctx, filter.Destination, filter.IDs); err != nil {
		return err
	}
	limit := filter.Limit
	filter.Limit++ // one more tells whether there is a next page
	letters, err := config.Queue.Dead(ctx, filter)
	if err != nil {
		return StoreError(err)
	}
	answer := DeadPage{Dead: []DeadLetter{}}
	if fit, more := deadFit(letters, limit); more {
		letters = letters[:fit]
		answer.Next = &letters[fit-1].ID
	}
	for i := range letters {
		answer.Dead = append(answer.Dead, ShowDead(&letters[i]))
	}
	return httperr.JSON(w, http.StatusOK, answer)
}

// Letter is one dead letter, whole.
func (e *Edge) Letter(ctx context.Context, id string) (*DeadLetter, error) {
	config, err := e.Config()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	if err := config.knownLetters(ctx, "", []string{id}); err != nil {
		return nil, err
	}
	letters, err := config.Queue.Dead(ctx, queue.DeadFilter{IDs: []string{id}})
	if err != nil {
		return nil, StoreError(err)
	}
	if len(letters) == 0 {
		return nil, httperr.New(http.StatusNotFound, "dead letter %s does not exist any more", id)
	}
	letter := ShowDead(&letters[0])
	return &letter, nil
}

// deadFit is how many letters make a page, at least one, and whether there are or
// may be more: the last of a list that ended for its size is one too many.
func deadFit(letters []queue.DeadLetter, limit int) (fit int, more bool) {
	size := 0
	for i := range letters {
		if size += len(letters[i].Payload); size > deadPageBytes {
			return min(max(i, 1), limit), true
		}
	}
	return min(len(letters), limit), len(letters) > limit
}

// DeadSelection is which dead letters an action is for.
type DeadSelection struct {
	Destination string   `json:"destination"`
	IDs         []string `json:"ids"`
	All         bool     `json:"all"`
	Reason      string   `json:"reason"`
	Since       sinceMs  `json:"since"`
}

// sinceMs is a time, in UNIX milliseconds or RFC 3339.
type sinceMs int64

// UnmarshalJSON implements json.Unmarshaler.
func (s *sinceMs) UnmarshalJSON(b []byte) error {
	if ms, err := strconv.ParseInt(string(b), 10, 64); err == nil {
		*s = sinceMs(ms)
		return nil
	}
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return errors.New("since is UNIX milliseconds or RFC 3339")
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return errors.New("since is UNIX milliseconds or RFC 3339")
	}
	*s = sinceMs(t.UnixMilli())
	return nil
}

// changeDead answers POST /leadgate/dead/replay and /leadgate/dead/drop.
func (e *Edge) changeDead(w http.ResponseWriter, r *http.Request) error {
	var sel DeadSelection
	if err := readAction(r, &sel); err != nil {
		return err
	}
	switch {
	case sel.Destination == "":
		return httperr.WithFix(http.StatusBadRequest, "write {\"destination\":…}, whose dead letters these are", "destination is missing")
	case sel.All == (len(sel.IDs) > 0):
		return httperr.New(http.StatusBadRequest, "write either ids or \"all\":true")
	}
	config, err := e.Config()
	if err != nil {
		return err
	}
	filter := queue.DeadFilter{Destination: sel.Destination, IDs: sel.IDs, Reason: sel.Reason, Since: int64(sel.Since)}
	// Not the caller's own context: half a replay helps nobody.
	ctx := context.WithoutCancel(r.Context())
	if err := config.knownDestination(ctx, sel.Destination); err != nil {
		return err
	}
	if err := config.knownLetters(ctx, sel.Destination, sel.IDs); err != nil {
		return err
	}
	var n int
	var answer any
	switch action := strings.TrimPrefix(r.URL.Path, "/leadgate/dead/"); {
	case action == "drop":
		n, err = config.Queue.DropDead(ctx, filter)
	case action == "replay" && sel.Destination == queue.Unmatched.Name:
		answer, err = config.RouteAgain(ctx, filter)
	case action == "replay":
		n, err = delivery.Replay(ctx, config.Queue, filter)
	default:
		return httperr.New(http.StatusNotFound, "action %s does not exist: use replay or drop", action)
	}
	if err != nil {
		return StoreError(err)
	}
	if answer == nil {
		answer = map[string]int{"count": n}
	}
	return httperr.JSON(w, http.StatusOK, answer)
}
