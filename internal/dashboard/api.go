package dashboard

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
	"github.com/leadgate/leadgate/internal/ads"
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
//	POST contacts/show                     likewise; it changes nothing, but names a person
//
// Errors are {"error":"…"} with the status of the admin API.
func (p *Page) serveAPI(w http.ResponseWriter, r *http.Request, what string) {
	var err error
	switch {
	case r.Method == http.MethodPost && p.ReadOnly && what != showContact:
		err = httperr.New(http.StatusForbidden, "this dashboard is read_only: it shows, and does nothing")
	case r.Method == http.MethodPost:
		err = p.act(w, r, what)
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", "GET, POST")
		err = httperr.New(http.StatusMethodNotAllowed, "method %s is not allowed: use GET or POST", r.Method)
	case what == "overview":
		err = p.overview(w, r)
	case what == "traffic" && p.Tenant == "":
		err = p.traffic(w, r)
	case what == "events":
		err = p.lastEvents(w, r)
	case what == "dead":
		err = p.dead(w, r)
	case what == "ads":
		err = p.Edge.Serve(w, withPath(r, "/leadgate/ads"))
	default:
		err = httperr.New(http.StatusNotFound, "the dashboard has no %s", what)
	}
	if err != nil {
		p.fail(w, err)
	}
}

// fail answers with an error.
func (p *Page) fail(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	if e, ok := errors.AsType[*httperr.Error](err); ok {
		status, err = e.Status, e.Err
	}
	if status >= http.StatusInternalServerError {
		p.Logger.Error("answering the dashboard", zap.Error(err))
		if p.Tenant != "" { // where the store is, and why it fails, is the operator's business
			err = errAway
		}
	}
	httperr.Refuse(w, status, err.Error())
}

var errAway = errors.New("the edge cannot answer now: ask again in a few seconds")

// pageHeader must stand in every POST: a foreign page cannot send it
// without asking first, and is not allowed to.
const pageHeader = "Leadgate-Dashboard"

// showContact is what a page that may do nothing may ask for all the same.
const showContact = "contacts/show"

// act does what somebody clicked, and writes down who it was.
func (p *Page) act(w http.ResponseWriter, r *http.Request, what string) error {
	if !sameOrigin(r) || r.Header.Get(pageHeader) == "" {
		return httperr.New(http.StatusForbidden, "this did not come from the dashboard's own page; programs use the admin API")
	}
	name, action, ok := strings.Cut(strings.TrimPrefix(what, "destinations/"), "/")
	switch {
	case what == "dead/replay" || what == "dead/drop" || what == showContact:
	case ok && strings.HasPrefix(what, "destinations/") && wording.ValidName(name) &&
		(action == "pause" || action == "resume" || action == "try"):
	default:
		return httperr.New(http.StatusNotFound, "the dashboard cannot do %s", what)
	}
	p.Logger.Info("dashboard action", zap.String("user", p.User(r)), zap.String("action", what))
	if action == "try" {
		return p.try(w, r, name)
	}
	return p.Edge.Serve(w, withPath(r, "/leadgate/"+what))
}

// sameOrigin reports whether a browser sent this from a page of this origin.
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
	Alerts       []queue.Alert        `json:"alerts"`  // of the stores
	Window       *trafficWindow       `json:"window"`  // null on a tenant's page: it is of all
	Destinations []delivery.Status    `json:"destinations"`
	Tenants      []string             `json:"tenants"`
	Words        []intake.UnknownWord `json:"words"` // of webhooks, that this version does not know
	Reads        []reading            `json:"reads"` // forms of lead ads that are not read as they should
	Today        string               `json:"today"` // YYYY-MM-DD, the newest day of the ads' figures; "" where it isn't known
}

// reading is why forms of a tenant are not read now for leads that webhooks missed.
type reading struct {
	Tenant  string `json:"tenant"`
	Problem string `json:"problem"` // in a line
}

func readings(config *admin.Config) []reading {
	list := []reading{}
	for _, r := range config.Forms {
		if problem := r.Problem(); problem != "" && slices.Contains(config.Tenants, r.Tenant) {
			list = append(list, reading{r.Tenant, problem})
		}
	}
	return list
}

func (p *Page) overview(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), admin.Timeout)
	defer cancel()
	out := overview{
		Version: p.Version, User: p.User(r), Now: p.Now().UnixMilli(),
		Destinations: p.Edge.Statuses(ctx), Tenants: []string{}, Words: []intake.UnknownWord{}, Reads: []reading{},
		Alerts: p.Edge.Alerts(),
	}
	if p.Tenant == "" { // nothing tells whose these are
		window := p.Recorder.window()
		out.Window, out.Words = &window, intake.UnknownWords()
	}
	if out.Destinations == nil {
		out.Destinations = []delivery.Status{}
	}
	if config, err := p.Edge.Config(); err != nil {
		out.Problem = err.Error()
		if p.Tenant != "" {
			out.Problem = errAway.Error()
		}
	} else {
		out.Tenants, out.Reads = append(out.Tenants, config.Tenants...), readings(config)
		out.Today = ads.DayText(config.AdsToday(config.Tenants))
		if len(out.Destinations) == 0 {
			out.Problem = "the queue does not answer; the log says why"
		}
	}
	return httperr.JSON(w, http.StatusOK, out)
}

func (p *Page) traffic(w http.ResponseWriter, r *http.Request) error {
	after, err := queryNumber(r, "after")
	if err != nil {
		return err
	}
	series, ok := p.Recorder.series(r.URL.Query().Get("range"), after)
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

func (p *Page) lastEvents(w http.ResponseWriter, r *http.Request) error {
	after, err := queryNumber(r, "after")
	if err != nil {
		return err
	}
	answer := struct {
		Since  int64        `json:"since"` // ms; since when events are kept
		Kept   int          `json:"kept"`  // how many, at the most
		Events []shownEvent `json:"events"`
	}{p.Recorder.startedAt(), KeptEvents, []shownEvent{}}
	for _, e := range p.Recorder.ring(p.Tenant).after(uint64(after)) {
		if shown, err := shortenPhones(e.Event); err == nil {
			answer.Events = append(answer.Events, shownEvent{e.Seq, shown})
		}
	}
	return httperr.JSON(w, http.StatusOK, answer)
}
