package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/delivery"
	"github.com/leadgate/leadgate/internal/httperr"
	"github.com/leadgate/leadgate/internal/intake"
	"github.com/leadgate/leadgate/internal/phone"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/wording"
	"github.com/leadgate/leadgate/normalize"
)

// The sizes of a page of dead letters. One of large letters has fewer: it is in
// memory several times.
const (
	defaultDeadPage = 100
	maxDeadPage     = 1000
	deadPageBytes   = 8 << 20
)

// deadLetter is a dead letter as the admin API shows it.
type deadLetter struct {
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

func showDead(d *queue.DeadLetter) deadLetter {
	out := deadLetter{
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

// activeQueue returns the running configuration and its store.
func activeQueue() (*App, queue.Queue, error) {
	ctx := caddy.ActiveContext()
	if ctx.Context == nil {
		return nil, nil, httperr.New(http.StatusServiceUnavailable, "no configuration is running")
	}
	value, err := ctx.AppIfConfigured("leadgate")
	if err != nil {
		return nil, nil, httperr.New(http.StatusNotFound, "the running configuration has no leadgate block")
	}
	app := value.(*App)
	if !app.attached.Load() {
		return nil, nil, httperr.New(http.StatusNotFound, "the running configuration has no destinations")
	}
	q, err := app.engine.open(app)
	if err != nil {
		return nil, nil, httperr.New(http.StatusServiceUnavailable, "the queue is not open: %w", err)
	}
	return app, q, nil
}

// storeError tells a caller what went wrong.
func storeError(err error) error {
	if errors.Is(err, queue.ErrNotFound) {
		return httperr.New(http.StatusNotFound, "%w", err)
	}
	if errors.Is(err, queue.ErrInvalid) {
		return httperr.New(http.StatusBadRequest, "%w", err)
	}
	return httperr.New(http.StatusServiceUnavailable, "%w", err)
}

// adminDead answers GET /leadgate/dead.
func adminDead(w http.ResponseWriter, r *http.Request) error {
	app, q, err := activeQueue()
	if err != nil {
		return err
	}
	query := r.URL.Query()
	filter := queue.DeadFilter{Destination: query.Get("destination"), Reason: query.Get("reason"), After: query.Get("after"), IDs: query["id"], Limit: defaultDeadPage, Bytes: deadPageBytes}
	if text := query.Get("limit"); text != "" {
		if filter.Limit, err = strconv.Atoi(text); err != nil || filter.Limit < 1 || filter.Limit > maxDeadPage {
			return httperr.New(http.StatusBadRequest, "limit is from 1 to %d", maxDeadPage)
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), adminTimeout)
	defer cancel()
	if filter.Destination != "" {
		if err := app.knownDestination(ctx, q, filter.Destination); err != nil {
			return err
		}
	}
	if err := knownLetters(ctx, q, filter.Destination, filter.IDs); err != nil {
		return err
	}
	limit := filter.Limit
	filter.Limit++ // one more tells whether there is a next page
	letters, err := q.Dead(ctx, filter)
	if err != nil {
		return storeError(err)
	}
	answer := struct {
		Dead []deadLetter `json:"dead"`
		Next *string      `json:"next"`
	}{Dead: []deadLetter{}}
	if fit, more := deadFit(letters, limit); more {
		letters = letters[:fit]
		answer.Next = &letters[fit-1].ID
	}
	for i := range letters {
		answer.Dead = append(answer.Dead, showDead(&letters[i]))
	}
	return writeJSON(w, answer)
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

// deadSelection is which dead letters an action is for.
type deadSelection struct {
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

// adminDeadAction answers POST /leadgate/dead/replay and /leadgate/dead/drop.
func adminDeadAction(w http.ResponseWriter, r *http.Request) error {
	var sel deadSelection
	if err := readAction(r, &sel); err != nil {
		return err
	}
	switch {
	case sel.Destination == "":
		return httperr.New(http.StatusBadRequest, "destination is missing")
	case sel.All == (len(sel.IDs) > 0):
		return httperr.New(http.StatusBadRequest, "write either ids or \"all\":true")
	}
	app, q, err := activeQueue()
	if err != nil {
		return err
	}
	filter := queue.DeadFilter{Destination: sel.Destination, IDs: sel.IDs, Reason: sel.Reason, Since: int64(sel.Since)}
	// Not the caller's own context: half a replay helps nobody.
	ctx := context.WithoutCancel(r.Context())
	if err := app.knownDestination(ctx, q, sel.Destination); err != nil {
		return err
	}
	if err := knownLetters(ctx, q, sel.Destination, sel.IDs); err != nil {
		return err
	}
	var n int
	var answer any
	switch action := strings.TrimPrefix(r.URL.Path, "/leadgate/dead/"); {
	case action == "drop":
		n, err = q.DropDead(ctx, filter)
	case action == "replay" && sel.Destination == queue.Unmatched.Name:
		answer, err = intake.ReplayUnmatched(ctx, q, app.intakes(), filter, app.logger)
	case action == "replay":
		n, err = delivery.Replay(ctx, q, filter)
	default:
		return httperr.New(http.StatusNotFound, "action %s does not exist: use replay or drop", action)
	}
	if err != nil {
		return storeError(err)
	}
	if answer == nil {
		answer = map[string]int{"count": n}
	}
	return writeJSON(w, answer)
}

// knownDestination fails for one that neither the configuration nor the store has.
func (a *App) knownDestination(ctx context.Context, q queue.Queue, name string) error {
	if name == queue.Unmatched.Name {
		return nil
	}
	return knownName(ctx, q, "destination", name, slices.Collect(maps.Keys(a.destinations)), func(d queue.Dest) string { return d.Name })
}

// knownTenant fails for one that neither the configuration nor the store has. A
// tenant that has left both may still have clicks: it is asked about after they
// were looked for.
func (a *App) knownTenant(ctx context.Context, q queue.Queue, name string) error {
	return knownName(ctx, q, "tenant", name, slices.Collect(maps.Keys(a.tenants)), func(d queue.Dest) string { return d.Tenant })
}

// knownName looks for a name in the configuration, and then in what of names the
// store's destinations.
func knownName(ctx context.Context, q queue.Queue, kind, name string, known []string, of func(queue.Dest) string) error {
	if slices.Contains(known, name) {
		return nil
	}
	stored, err := q.Destinations(ctx)
	if err != nil {
		return storeError(err)
	}
	for i := range stored {
		switch other := of(stored[i].Dest); other {
		case name:
			return nil
		case "": // of unmatched, which is no tenant's
		default:
			known = append(known, other)
		}
	}
	return httperr.Wrap(http.StatusNotFound, wording.NoSuch(kind, name, known))
}

// knownLetters fails if a destination has no dead letter of one of these ids, so
// that nothing is done for the others either.
func knownLetters(ctx context.Context, q queue.Queue, destination string, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	letters, err := q.Dead(ctx, queue.DeadFilter{Destination: destination, IDs: ids, Bare: true})
	if err != nil {
		return storeError(err)
	}
	var missing []string
	for _, id := range ids {
		if !slices.ContainsFunc(letters, func(l queue.DeadLetter) bool { return l.ID == id }) {
			missing = append(missing, id)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	where := ""
	if destination != "" {
		where = " at destination " + destination
	}
	return httperr.New(http.StatusNotFound, "dead letter %s does not exist%s: it was replayed or dropped, or kept for longer than keep_dead; nothing was done",
		strings.Join(missing, ", "), where)
}

// readAction reads the JSON of a POST, and refuses what it does not know.
func readAction(r *http.Request, into any) error {
	dec := json.NewDecoder(io.LimitReader(r.Body, 1<<20))
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	if err == nil {
		if _, more := dec.Token(); more != io.EOF {
			err = errors.New("something follows the JSON object")
		}
	}
	if err != nil {
		return httperr.New(http.StatusBadRequest, "reading the body: %w", err)
	}
	return nil
}

// adminErase answers POST /leadgate/contacts/erase.
func adminErase(w http.ResponseWriter, r *http.Request) error {
	var who struct{ Tenant, Contact string }
	if err := readAction(r, &who); err != nil {
		return err
	}
	if !wording.ValidName(who.Tenant) || who.Contact == "" {
		return httperr.New(http.StatusBadRequest, "write {\"tenant\":…,\"contact\":…}, the contact as E.164, waId or userId")
	}
	app, q, err := activeQueue()
	if err != nil {
		return err
	}
	count := 0
	for _, key := range contactKeys(who.Contact) {
		n, err := q.Erase(r.Context(), who.Tenant, key)
		if err != nil {
			return storeError(err)
		}
		count += n
	}
	if count == 0 {
		if err := app.knownTenant(r.Context(), q, who.Tenant); err != nil {
			return err
		}
		if problem := unlikelyContact(who.Contact); problem != "" {
			return httperr.New(http.StatusBadRequest, "%s", problem)
		}
	}
	return writeJSON(w, map[string]int{"count": count})
}

// contactKeys are the keys that a person may be stored under.
func contactKeys(contact string) []string {
	ids := []string{contact}
	if e164 := normalize.PhoneFromWaID(contact); e164 != "" {
		if digits := strings.TrimPrefix(e164, "+"); digits != contact {
			ids = append(ids, digits)
		}
		if digits := phone.Digits(contact); digits != ids[len(ids)-1] && digits != contact {
			ids = append(ids, digits)
		}
	}
	var keys []string
	for _, id := range ids {
		for _, channel := range []normalize.Channel{normalize.ChannelWhatsApp, normalize.ChannelMessenger, normalize.ChannelInstagram, normalize.ChannelSMS} {
			keys = append(keys, clicks.Contact(channel, id))
		}
	}
	return keys
}
