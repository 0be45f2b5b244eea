package leads

import (
	"context"
	"strconv"
	"strings"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/queue"
)

// What is kept of readings, as facts of one group: of each form, by its id, the newest lead seen,
// in ms, and by keys that no form has what follows.
const (
	marks   = "leads read"
	last    = "\nlast"    // when a reading began that came to its end, or to Meta's: ms
	until   = "\nuntil"   // how long Meta asked to wait: ms
	reached = "\nreached" // of a reading that was broken off, the place that the next begins behind
	cutOff  = "\ncut "    // and a form's id: how far its list was read that was not read to its end
)

// place is a form of a Page. Without a form it is behind all of the Page's.
type place struct{ page, form string }

// progress is what is kept of readings.
type progress struct {
	forms       map[string]mark
	last, until int64
	reached     place
}

func (r *Reconciler) known(ctx context.Context, q Store) (*progress, error) {
	facts, err := q.Facts(ctx, r.Tenant, marks)
	p := &progress{forms: make(map[string]mark, len(facts))}
	for i := range facts {
		key, text := facts[i].Key, string(facts[i].Data)
		if form, ok := strings.CutPrefix(key, cutOff); ok {
			if c := readCut(facts[i].Data); c != nil {
				p.forms[form] = mark{p.forms[form].newest, c}
			}
			continue
		}
		n, _ := strconv.ParseInt(text, 10, 64)
		switch key {
		case last:
			p.last = n
		case until:
			p.until = n
		case reached:
			p.reached.page, p.reached.form, _ = strings.Cut(text, " ")
		default:
			p.forms[key] = mark{n, p.forms[key].cut}
		}
	}
	return p, err
}

// put keeps facts until no lead is left that they are about.
func (r *Reconciler) put(ctx context.Context, q Store, facts ...queue.Fact) {
	for i := range facts {
		f := &facts[i]
		if f.Group = marks; f.Till == 0 {
			f.Till = r.Now().Add(farthest).UnixMilli()
		}
	}
	if err := q.PutFacts(ctx, r.Tenant, facts); err != nil && ctx.Err() == nil {
		r.Logger.Warn("how far forms were read cannot be noted: it is read again", zap.String("tenant", r.Tenant), zap.Error(err))
	}
}

// moment is a fact of a time, in ms.
func moment(key string, ms int64) queue.Fact {
	return queue.Fact{Key: key, Data: strconv.AppendInt(nil, ms, 10)}
}

// reachedAt is the fact of a place.
func reachedAt(page, form string) queue.Fact {
	return queue.Fact{Key: reached, Data: []byte(page + " " + form)}
}
