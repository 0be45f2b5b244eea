package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/admin"
	"github.com/leadgate/leadgate/internal/delivery"
	"github.com/leadgate/leadgate/internal/httperr"
	"github.com/leadgate/leadgate/internal/intake"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/wording"
)

// serveAPI answers what the page asks for, below <path>/api/:
//
//	GET  overview                          destinations and the figures of the last hour
//	GET  traffic?range=hour|day&after=     webhooks and acknowledgements over time
//	GET  events?after=                     the last events
//	GET  dead?destination=&reason=&after=  a page of dead letters, without their events
//	GET  dead?id=                          one of them, whole
//	GET  ads?tenant=&from=&to=             as the admin API has it
//	POST destinations/<name>/pause|resume  likewise
//	POST destinations/<name>/try           resume, and what came of the next attempt
//	POST dead/replay|drop                  likewise
//
// Errors are {"error":"…"} with the status of the admin API.
func (d *Dashboard) serveAPI(w http.ResponseWriter, r *http.Request, what string) error {
	var err error
	switch {
	case r.Method == http.MethodPost:
		err = d.act(w, r, what)
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", "GET, POST")
		err = httperr.New(http.StatusMethodNotAllowed, "method %s is not allowed: use GET or POST", r.Method)
	case what == "overview":
		err = d.overview(w, r)
	case what == "traffic":
		err = d.traffic(w, r)
	case what == "events":
		err = d.lastEvents(w, r)
	case what == "dead":
		err = d.dead(w, r)
	case what == "ads":
		err = askAdmin(w, r, "/leadgate/ads")
	default:
		err = httperr.New(http.StatusNotFound, "the dashboard has no %s", what)
	}
	return d.failAPI(w, err)
}

// failAPI answers with an error, if there is one.
func (d *Dashboard) failAPI(w http.ResponseWriter, err error) error {
	if err == nil {
		return nil
	}
	status := http.StatusInternalServerError
	if e, ok := errors.AsType[*httperr.Error](err); ok {
		status, err = e.Status, e.Err
	}
	if status >= http.StatusInternalServerError {
		d.logger.Error("answering the dashboard", zap.Error(err))
	}
	return httperr.JSON(w, status, map[string]string{"error": err.Error()})
}

// askAdmin has the admin API answer, so that there is one way to do a thing.
func askAdmin(w http.ResponseWriter, r *http.Request, path string) error {
	return adminEdge.Serve(w, withPath(r, path))
}

// dashboardHeader must stand in every POST: a foreign page cannot send it
// without asking first, and is not allowed to.
const dashboardHeader = "Leadgate-Dashboard"

// act does what somebody clicked, and writes down who it was.
func (d *Dashboard) act(w http.ResponseWriter, r *http.Request, what string) error {
	if !sameOrigin(r) || r.Header.Get(dashboardHeader) == "" {
		return httperr.New(http.StatusForbidden, "this did not come from the dashboard's own page; programs use the admin API")
	}
	name, action, ok := strings.Cut(strings.TrimPrefix(what, "destinations/"), "/")
	switch {
	case what == "dead/replay" || what == "dead/drop":
	case ok && strings.HasPrefix(what, "destinations/") && wording.ValidName(name) && (action == "pause" || action == "resume" || action == "try"):
	default:
		return httperr.New(http.StatusNotFound, "the dashboard cannot do %s", what)
	}
	d.logger.Info("dashboard action", zap.String("user", userOf(r)), zap.String("action", what))
	if action == "try" {
		return tryDestination(w, r, name)
	}
	return askAdmin(w, r, "/leadgate/"+what)
}

// sameOrigin says whether a browser sent this from a page of this origin.
func sameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin"
	}
	origin, err := url.Parse(r.Header.Get("Origin"))
	return err == nil && origin.Host != "" && strings.EqualFold(origin.Host, r.Host)
}

// overview is what the page's head and its destinations show.
type overview struct {
	Version      string               `json:"version"`
	User         string               `json:"user"`
	Now          int64                `json:"now"`     // ms
	Problem      string               `json:"problem"` // why something is missing here, in words; "" if nothing is
	Window       trafficWindow        `json:"window"`
	Destinations []delivery.Status    `json:"destinations"`
	Tenants      []string             `json:"tenants"`
	Words        []intake.UnknownWord `json:"words"` // of webhooks, that this version does not know
}

func (d *Dashboard) overview(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), admin.Timeout)
	defer cancel()
	out := overview{Version: Version(), User: userOf(r), Now: d.app.now().UnixMilli(), Window: d.recorder.window(), Destinations: adminEdge.Statuses(ctx), Tenants: []string{}, Words: intake.UnknownWords()}
	if out.Destinations == nil {
		out.Destinations = []delivery.Status{}
	}
	if app, _, err := activeQueue(); err != nil {
		out.Problem = err.Error()
	} else {
		for name := range app.tenants {
			out.Tenants = append(out.Tenants, name)
		}
		slices.Sort(out.Tenants)
		if len(out.Destinations) == 0 {
			out.Problem = "the queue does not answer; the log says why"
		}
	}
	return httperr.JSON(w, http.StatusOK, out)
}

func (d *Dashboard) traffic(w http.ResponseWriter, r *http.Request) error {
	after, err := queryNumber(r, "after")
	if err != nil {
		return err
	}
	series, ok := d.recorder.series(r.URL.Query().Get("range"), after)
	if !ok {
		return httperr.New(http.StatusBadRequest, "range is hour or day")
	}
	return httperr.JSON(w, http.StatusOK, series)
}

func queryNumber(r *http.Request, name string) (int64, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, httperr.New(http.StatusBadRequest, "%s is no number", name)
	}
	return n, nil
}

// shownEvent is one of the last events.
type shownEvent struct {
	Seq   uint64          `json:"seq"`
	Event json.RawMessage `json:"event"` // unified JSON with shortened phone numbers
}

func (d *Dashboard) lastEvents(w http.ResponseWriter, r *http.Request) error {
	after, err := queryNumber(r, "after")
	if err != nil {
		return err
	}
	answer := struct {
		Since  int64        `json:"since"` // ms; since when events are kept
		Kept   int          `json:"kept"`  // how many, at the most
		Events []shownEvent `json:"events"`
	}{d.recorder.startedAt(), keptEvents, []shownEvent{}}
	for _, e := range d.recorder.events.after(uint64(after)) {
		if shown, err := shortenPhones(e.Event); err == nil {
			answer.Events = append(answer.Events, shownEvent{e.Seq, shown})
		}
	}
	return httperr.JSON(w, http.StatusOK, answer)
}

// How many dead letters a page has. Equal ones of unmatched events are folded
// into one row, so that many fit.
const (
	dashboardDeadPage      = 25
	dashboardUnmatchedPage = 250
)

// dead answers with a page of dead letters; with the event only where one is
// asked for by its id.
func (d *Dashboard) dead(w http.ResponseWriter, r *http.Request) error {
	_, q, err := activeQueue()
	if err != nil {
		return err
	}
	query := r.URL.Query()
	filter := queue.DeadFilter{
		Destination: query.Get("destination"), Reason: query.Get("reason"), After: query.Get("after"),
	}
	page := dashboardDeadPage
	if filter.Destination == queue.Unmatched.Name {
		page = dashboardUnmatchedPage
	}
	filter.Limit = page + 1 // one more tells whether there is a next page
	whole := query.Has("id")
	if whole {
		filter = queue.DeadFilter{IDs: []string{query.Get("id")}, Limit: 1}
	}
	filter.Bare = !whole
	ctx, cancel := context.WithTimeout(r.Context(), admin.Timeout)
	defer cancel()
	letters, err := q.Dead(ctx, filter)
	if err != nil {
		return admin.StoreError(err)
	}
	answer := struct {
		Dead []admin.DeadLetter `json:"dead"`
		Next *string            `json:"next"`
		Page int                `json:"page"` // how many a page has
	}{Dead: []admin.DeadLetter{}, Page: page}
	if len(letters) > page {
		letters = letters[:page]
		answer.Next = &letters[page-1].ID
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
