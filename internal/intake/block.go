package intake

import (
	"context"
	"errors"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/internal/notice"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/trace"
	"github.com/leadgate/leadgate/normalize"
)

// Block is a leadgate block of the configuration: what its webhooks are, how much
// one may bring, and whose the events are. Its fields are set before the first
// webhook, and not changed.
type Block struct {
	Provider string        // the provider's name
	Router   Router        // whose the events are
	Inline   bool          // they go to the next handler, and not to destinations
	Place    func() Place  // which block it is
	MaxBody  int64         // bytes
	Limit    int           // events of one webhook
	Remember time.Duration // how long clicks are remembered
	Dedupe   time.Duration // how long an event id is

	// Normalize is the provider's. SignatureHeaders go along with raw bytes. Seal
	// and SignPart are nil where the provider has none.
	Normalize        func(r *http.Request, body []byte, now int64, into *normalize.Batch) error
	SignatureHeaders []string
	SignPart         func(r *http.Request, body, part []byte) http.Header
	Seal             func(r *http.Request) string

	Now      func() time.Time
	Requests *metrics.Webhooks
	OnEvent  func(*normalize.Event) // is told of each new event
	Notices  *notice.Board          // is told of what died when it came
	Tracer   *trace.Tracer          // nil where nothing is traced
	Logger   *zap.Logger
	Clicks   *zap.Logger // has a line for each ad click
	Seen     *SeenClicks // of which there was one before
}

// Store is what planning needs of a queue.
type Store interface {
	Clicks(ctx context.Context, tenant string, keys []string) ([]queue.Clicks, error)
	Codes(ctx context.Context, tenant string, codes []string) ([]queue.Code, error)
	Append(ctx context.Context, groups []queue.Group) []queue.Result
}

// maxMultiple is by how much a webhook's events, encoded, may be larger than the
// largest body.
const maxMultiple = 16

// Read finds the events of a webhook's body, and whose each of them is. An error
// is the provider's: the body is not what it can have sent.
func (b *Block) Read(w *Webhook, r *http.Request, now time.Time) error {
	if err := b.normalize(w, r, now); err != nil {
		return err
	}
	b.noteWords(w.batch.Unknown(), now)
	switch limit := b.exceeded(w); {
	case limit != "":
		b.keepWhole(w, r, limit, now)
	default:
		w.route(&b.Router)
	}
	w.hear(now)
	return nil
}

func (b *Block) normalize(w *Webhook, r *http.Request, now time.Time) error {
	w.batch.Limit(b.Limit, maxMultiple*int(b.MaxBody))
	return b.Normalize(r, w.body.Data, now.UnixMilli(), &w.batch)
}

// Store queues the events of a webhook that was read: durable when it returns no
// error. It says what became of them. After an error the store may still be
// reading what it was given, so that w is not to be released then.
func (b *Block) Store(ctx context.Context, q Store, w *Webhook, r *http.Request) (Outcome, error) {
	b.lookUpAds(ctx, q, w)
	b.findLinks(w)
	if err := b.lookUpLinks(ctx, q, w, 1); err != nil {
		return Empty, err
	}
	b.findSaid(w)
	if err := b.lookUpSaid(ctx, q, w); err != nil {
		return Empty, err
	}
	w.trace = b.Tracer.Record(r.Context())
	b.plan(w, r)
	if len(w.groups) == 0 {
		b.Requests.Add("", Empty.String(), 1)
		return Empty, nil // nobody wants these
	}
	span := b.Tracer.Begin(r.Context(), "leadgate.append", "leadgate.provider", b.Provider)
	outcome, err := b.append(ctx, q, w, r)
	span.End(outcome.String(), err != nil)
	return outcome, err
}

// append stores the groups that are planned, and says what became of them. Those whose
// links are others' by now are planned again.
func (b *Block) append(ctx context.Context, q Store, w *Webhook, r *http.Request) (Outcome, error) {
	all := Empty
	for plan := 2; ; plan++ {
		results := q.Append(ctx, w.groups)
		outcome, err := b.report(w, results)
		all = max(all, outcome)
		if !errors.Is(err, queue.ErrClaimed) || plan > lastPlan {
			return all, err
		}
		w.planAgain(results)
		if err := b.lookUpLinks(ctx, q, w, plan); err != nil {
			return all, err
		}
		b.plan(w, r)
	}
}
