// Package conversions takes what a CRM posts of its contacts, a sale say, and has
// it reported to the ad platforms whose clicks brought the contact.
//
// An [Endpoint] answers posts. Each item is read (item.go, fields.go), its contact's
// clicks are looked up, and each of the tenant's ledgers, a destination.Reporter, picks
// the click that it credits the item to (merits.go); a [Plan] makes its jobs. Those of all
// items are stored in one step, and each item gets a [Result]. [Check] does what can
// be done of that without a store.
//
// It imports destination, for who takes a conversion; clicks, ads and queue, for
// what is kept; capi, for what Meta takes; and no Caddy.
package conversions

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/body"
	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/deadline"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/httperr"
	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/notice"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/retryafter"
	"github.com/leadgate/leadgate/internal/verify"
)

// The limits of one post.
const (
	MaxItems = 1000
	MaxBody  = 3 << 20 // bytes
)

// Endpoint answers posts of one tenant's conversions. Its fields are set before
// the first one, and not changed.
type Endpoint struct {
	Tenant       string
	Secrets      verify.Secrets    // what the CRM sends as Authorization: Bearer <token>
	Map          map[string]string // the CRM's own words for event names
	Destinations []*destination.Destination
	Remember     time.Duration // how long clicks are remembered
	Dedupe       time.Duration // how long an order's id is, if longer than Meta takes events
	AdNames      clicks.Names  // for the clicks of answers; may be nil
	MaxInFlight  int64         // bytes of all requests' bodies, see body.Read

	// Open gives the store, until done. It waits for one that is being opened as long as the context lasts.
	Open       func(context.Context) (q Store, done func(), err error)
	ReadStatus func(error) int // the status for a body that could not be read
	Now        func() time.Time
	Notices    *notice.Board // is told of what died when it came
	Logger     *zap.Logger
}

// Store is what an endpoint needs of a [queue.Queue].
type Store interface {
	Clicks(ctx context.Context, tenant string, keys []string) ([]queue.Clicks, error)
	Append(ctx context.Context, groups []queue.Group) []queue.Result
	Remembers(ctx context.Context, tenant string, once []string) ([]bool, error)
}

// ServeHTTP answers one post, and who asks by GET whether the token is right, and whose
// it is.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost && r.Method != http.MethodGet {
		w.Header().Set("Allow", "GET, POST")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	if !e.Secrets.Bearer(r) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		e.fail(w, http.StatusUnauthorized, "the token is missing or wrong: send Authorization: Bearer <token>", nil)
		return
	}
	if r.Method == http.MethodGet {
		w.Header().Set("Cache-Control", "no-store")
		_ = httperr.JSON(w, http.StatusOK, map[string]string{"tenant": e.Tenant}) // text always has JSON
		return
	}
	e.post(w, r)
}

// post answers a post with the right token.
func (e *Endpoint) post(w http.ResponseWriter, r *http.Request) {
	b, err := body.Read(r, MaxBody, e.MaxInFlight)
	switch {
	case errors.Is(err, body.ErrBusy):
		body.Abandon(w, r)
		w.Header().Set("Retry-After", retryafter.Ours)
		e.fail(w, http.StatusServiceUnavailable, "too many bytes of other requests are being read; post it again", err)
		return
	case errors.Is(err, body.ErrTooLarge):
		e.fail(w, http.StatusRequestEntityTooLarge, "the body is over 3 MiB: post fewer items at once", nil)
		return
	case err != nil && e.ReadStatus(err) == http.StatusRequestEntityTooLarge:
		e.fail(w, http.StatusRequestEntityTooLarge, "the body is over a limit of the site's request_body: post fewer items at once", nil)
		return
	case err != nil:
		e.fail(w, e.ReadStatus(err), "the body cannot be read", err)
		return
	}
	defer func() {
		body.Landed(len(b.Data))
		b.Release()
	}()
	var doc jsondoc.Doc
	items, status, err := itemsOf(&doc, b.Data)
	if err != nil {
		e.fail(w, status, err.Error(), nil)
		return
	}
	results, err := e.accept(items)
	if err != nil {
		w.Header().Set("Retry-After", retryafter.Ours)
		e.fail(w, http.StatusServiceUnavailable, "the queue cannot take it; post it again", err)
		return
	}
	status = http.StatusOK
	if len(results) > 0 && allInvalid(results) {
		status = http.StatusUnprocessableEntity
	}
	if err := httperr.JSON(w, status, map[string]any{"results": results}); err != nil {
		e.fail(w, http.StatusInternalServerError, "the answer cannot be written", err)
	}
}

// itemsOf finds the items of a body; doc holds what it points into. An error is a
// sentence to who posted it, with its status.
func itemsOf(doc *jsondoc.Doc, data []byte) (items []jsondoc.Node, status int, err error) {
	if err := doc.Parse(data); err != nil {
		return nil, http.StatusBadRequest, err
	}
	switch root := doc.Root(); root.Kind() {
	case '{':
		items = append(items, root)
	case '[':
		for n := root.First(); n.Exists() && len(items) <= MaxItems; n = n.Next() {
			items = append(items, n)
		}
	default:
		return nil, http.StatusBadRequest, errors.New("the body is neither an object nor an array: post one item, or an array of items")
	}
	if len(items) > MaxItems {
		return nil, http.StatusRequestEntityTooLarge, fmt.Errorf("there are more than %d items: post fewer at once", MaxItems)
	}
	return items, 0, nil
}

func allInvalid(results []Result) bool {
	for i := range results {
		if results[i].Status != Invalid {
			return false
		}
	}
	return true
}

// fail answers with a sentence, and logs what must not be shown.
func (e *Endpoint) fail(w http.ResponseWriter, status int, sentence string, why error) {
	if why != nil {
		e.Logger.Error("conversions refused", zap.Int("status", status), zap.String("tenant", e.Tenant), zap.Error(why))
	}
	httperr.Refuse(w, status, sentence)
}

// accept queues the items that can be reported, all in one durable step.
func (e *Endpoint) accept(nodes []jsondoc.Node) ([]Result, error) {
	ctx := deadline.Of(time.Now())
	q, done, err := e.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	p := e.newPost(nodes)
	if err := p.lookUp(ctx, q); err != nil {
		return nil, err
	}
	p.plan()
	if len(p.group.Events) == 0 {
		return p.results(), nil
	}
	result := q.Append(ctx, []queue.Group{p.group})[0]
	switch {
	case result.Err != nil && len(p.group.Jobs) == 0:
		// Nothing is lost but lines of journals.
		e.Logger.Warn("what was refused cannot be noted in its contacts' journals", zap.String("tenant", e.Tenant), zap.Error(result.Err))
		return p.results(), nil
	case result.Err != nil:
		return nil, result.Err
	}
	p.settle(&result)
	return p.results(), nil
}

// inBlock says how a word that is no event's name is mapped.
func inBlock(posted string) string {
	return fmt.Sprintf(", or `map %q <name>` in the leadgate_conversions block", posted)
}
