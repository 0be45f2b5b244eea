package redis

import (
	"context"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

// Timing is the protocol between edges, shortened: a sweep every sweep,
// leases of ttl, renewed three times in it, held for two thirds of it.
func Timing(sweep, ttl, timeout time.Duration) timing {
	return timing{sweep: sweep, ttl: ttl, renew: ttl / 3, hold: ttl * 2 / 3, silence: ttl / 4, trim: time.Hour,
		watch: sweep, mark: sweep, timeout: timeout}
}

// Tidying is the same, for a store that tidies at each sweep.
func (t timing) Tidying() timing {
	t.trim = t.sweep
	return t
}

// Unhurried is the timing of every day, with as long for an answer as a busy machine takes.
func Unhurried() timing {
	t := defaultTiming
	t.timeout = time.Minute
	return t
}

// OpenWith is Open with a timing of its own.
func OpenWith(cfg Config, opts queue.Options, timing timing) (*Store, error) {
	return open(cfg, opts, timing)
}

// RememberedID is what Redis remembers of an id.
func RememberedID(id queue.ID) int64 { return rememberedID(id) }

// IsPlain reports whether a group is packed plainly, unless PackGeneral was called.
func IsPlain(g *queue.Group) bool { return plain(g) }

// PackGeneral has a store that has appended nothing yet pack every group as a general
// one.
func PackGeneral(r *Store) { r.appender.packer.general = true }

// Silence is the timing with another patience for looks.
func (t timing) Silence(d time.Duration) timing {
	t.silence = d
	return t
}

// TakeOverNote goes on with the note of a webhook that was there a moment ago.
func TakeOverNote(ctx context.Context, r *Store, g *queue.Group) error {
	n := &note{r: r, keys: r.keys(g.Tenant), name: noteName(g), by: nonce()}
	result := queue.Result{New: make([]bool, len(g.Events)), Jobs: make([]queue.Admission, len(g.Jobs))}
	return n.finish(ctx, g, &result)
}

// Looks is how often the servers were looked at.
func (r *Store) Looks() int64 { return r.watch.looks.Load() }
