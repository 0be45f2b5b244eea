package leads

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/queue"
)

const (
	firstBack = 24 * time.Hour      // how far a form is read that was not read before
	overlap   = time.Hour           // before the newest lead seen: Meta's list may have one late
	farthest  = 90 * 24 * time.Hour // Meta keeps a lead no longer
	claimFor  = 2 * time.Minute     // longer than a request takes; renewed with each form and each part of one
	soonClaim = 5 * time.Second     // where it is read that often
	looks     = 30 * time.Second    // how often it is looked whether a reading is due, at the least
	soonLooks = 50 * time.Millisecond

	task = "read leads" // what one edge of several claims
	// everything is what is kept from being read by a token, or as long as Meta asks to wait.
	everything = "all forms"
)

// errElsewhere: another edge reads.
var errElsewhere = errors.New("another edge reads the forms")

// Store is what a reading keeps in the queue.
type Store interface {
	PutFacts(ctx context.Context, tenant string, facts []queue.Fact) error
	Facts(ctx context.Context, tenant string, groups ...string) ([]queue.Fact, error)
	Claim(ctx context.Context, tenant, task, by string, d time.Duration) (bool, error)
}

// Reconciler reads, every so often, the forms of a tenant's Pages, and queues the leads that no
// webhook brought. How far each form was read stands in the store, as facts: it survives a
// restart, and another edge goes on from there; where it is lost, a day is read again, and what
// came before does not come twice. Begin at [Reconciler.round].
type Reconciler struct {
	Every  time.Duration
	Tenant string
	Pages  []string
	Sender *Sender
	// Store is the open queue, nil where there is none; Drains reports whether this edge
	// drains the tenant's leads.
	Store  func() Store
	Drains func() bool
	// Take queues the leads of a body as a webhook's, and returns how many were new.
	Take   func(ctx context.Context, body []byte) (fresh int, err error)
	Logger *zap.Logger
	Now    func() time.Time

	by      string
	until   int64              // Meta asked to wait until then, in ms, as far as it is known here
	refused bool               // the token was, the last time
	said    map[string]string  // what was logged of a form or Page, until it is otherwise
	wrong   map[string]trouble // the same, as others see it
	listed  *pageAccess        // of the Page whose forms were listed when Meta asked to wait
	shown   atomic.Pointer[shown]
	stop    context.CancelFunc
	owner   sync.WaitGroup
}

// Start reads now and then, until Stop; where Every is 0, never.
func (r *Reconciler) Start() {
	if r.Every == 0 {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.by, r.said, r.stop = rand.Text(), make(map[string]string), cancel
	r.owner.Go(func() {
		ticker := time.NewTicker(min(max(r.Every/2, soonLooks), looks))
		defer ticker.Stop()
		for {
			r.look(ctx)
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return
			}
		}
	})
}

// Stop breaks off a reading, and waits for it: what was queued stays, and what was not is read
// the next time.
func (r *Reconciler) Stop() {
	if r.stop != nil {
		r.stop()
	}
	r.owner.Wait()
}

// look reads if that is due, and no other edge does.
func (r *Reconciler) look(ctx context.Context) {
	q := r.Store()
	if q == nil || !r.Drains() {
		r.shown.Store(nil)
		return
	}
	if r.now() < r.until {
		return
	}
	if r.claim(ctx, q) != nil {
		return // a store that does not answer says so itself
	}
	defer func() { _, _ = q.Claim(context.WithoutCancel(ctx), r.Tenant, task, r.by, time.Millisecond) }()
	known, err := r.known(ctx, q)
	r.until = known.until
	defer r.show(known)
	if err != nil || r.now() < r.until || r.now() < known.last+r.Every.Milliseconds() {
		return
	}
	r.round(ctx, q, known)
}

// claim has this edge read, for now.
func (r *Reconciler) claim(ctx context.Context, q Store) error {
	ours, err := q.Claim(ctx, r.Tenant, task, r.by, min(max(4*r.Every, soonClaim), claimFor))
	if err == nil && !ours {
		err = errElsewhere
	}
	return err
}

func (r *Reconciler) now() int64 { return r.Now().UnixMilli() }

// found says that webhooks lost leads, as far as that can be told.
func (r *Reconciler) found(form string, n int, before bool) {
	fields := []zap.Field{zap.String("tenant", r.Tenant), zap.String("form", form), zap.Int("leads", n)}
	if !before {
		r.Logger.Info("leads of a form were read that no webhook brought here; it was not read before", fields...)
		return
	}
	r.Logger.Warn("webhooks missed leads of a form, and reading it found them: check that the app still subscribes leadgen, "+
		"and that the Page still has the app (`caddy leadgate setup meta` shows both)", fields...)
}

// tell logs what keeps a form or a Page from being read, once, and when it is read again.
func (r *Reconciler) tell(what string, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	text := ""
	if err != nil {
		text = err.Error()
	}
	r.note(what, text, err)
	if err != nil {
		switch refusal, ok := errors.AsType[*Refusal](err); {
		case ok && refusal.Wait > 0:
			text = "to wait" // by whichever of its ways Meta says it
		case ok && refusal.Code != "":
			text = refusal.Code
		}
	}
	was := r.said[what]
	if text == was {
		return
	}
	where := []zap.Field{zap.String("tenant", r.Tenant), zap.String("of", what)}
	if text == "" {
		delete(r.said, what)
		r.Logger.Info("leads can be read again", where...)
		return
	}
	r.said[what] = text
	r.Logger.Warn("leads that webhooks may have missed cannot be read now; it is tried again", append(where, zap.Error(err))...)
}
