package links

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/linkcode"
	"github.com/leadgate/leadgate/internal/queue"
)

// Store is what a server needs of a [queue.Queue].
type Store interface {
	PutCode(ctx context.Context, tenant string, c queue.Code) (queue.Code, bool, error)
}

// patience is how long a visitor waits for the store.
const patience = 250 * time.Millisecond

// maxAsking is how many visits may wait for the store at once. A store that hangs lets
// none go, however long ago its visitor has reached the chat.
const maxAsking = 512

// draws is how often a code is drawn that is another one's already. One in a hundred
// thousand is, of a hundred million.
const draws = 8

// asking counts the visits that wait for the store.
type asking struct{ n atomic.Int64 }

// answer is what the store made of a visit.
type answer struct {
	code    string
	outcome string
}

// code is the code that a visit gets, "" for none, and what became of it. However the
// store does, it takes no longer than patience.
func (s *Server) code(r *http.Request, link *Link, printed bool) (code, outcome string) {
	scheme, host := s.Origin(r)
	v := visitOf(r, scheme, host, s.Params, printed)
	c := codeOf(link.Name, &v, s.Now().UnixMilli())
	client := s.Client(r)
	if s.asking.n.Add(1) > maxAsking {
		s.asking.n.Add(-1)
		s.warn(outcomeUnstored, "visits wait for the store, too many to wait for: links lead to the chat without a code", nil)
		return "", outcomeUnstored
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), patience)
	defer cancel()
	got := make(chan answer, 1)
	go func() {
		defer s.asking.n.Add(-1)
		got <- s.ask(ctx, c, client)
	}()
	select {
	case a := <-got:
		return a.code, a.outcome
	case <-ctx.Done():
		s.warn(outcomeUnstored, "the store takes longer than a visitor is kept waiting: links lead to the chat without a code", ctx.Err())
		return "", outcomeUnstored
	}
}

// ask has the store keep a code. It may outlive its visit.
func (s *Server) ask(ctx context.Context, c code, client string) answer {
	q, done, err := s.Open(ctx)
	if err != nil {
		return s.unstored(err)
	}
	defer done()
	if c.row.Tier == Static {
		return s.keep(ctx, q, c)
	}
	reached, back := s.Limits.take(s.Tenant, c.row.Link, client)
	if reached != within {
		return s.known(ctx, q, c, reached)
	}
	kept, fresh, err := s.put(ctx, q, c)
	if !fresh {
		back()
	}
	if errors.Is(err, queue.ErrTooManyCodes) {
		return s.crowded(ctx, q, c)
	}
	if err != nil {
		return s.unstored(err)
	}
	return answer{kept, outcomeOf(c.row.Tier, fresh)}
}

// keep has the store keep a code that is not limited.
func (s *Server) keep(ctx context.Context, q Store, c code) answer {
	kept, fresh, err := s.put(ctx, q, c)
	if err != nil {
		return s.unstored(err)
	}
	return answer{kept, outcomeOf(c.row.Tier, fresh)}
}

func outcomeOf(tier Tier, fresh bool) string {
	switch {
	case tier == Static:
		return outcomePlain
	case tier == Campaign:
		return outcomeCampaign
	case fresh:
		return outcomeClick
	}
	return outcomeRepeat
}

// known is for a visit beyond a limit: it gets the code that is there already for what
// it brings, and no new one. The store is offered the link's static code for it, which
// is taken, so that it stores nothing.
func (s *Server) known(ctx context.Context, q Store, c code, reached limit) answer {
	s.warnOf(reached)
	static, _, err := s.put(ctx, q, codeOf(c.row.Link, new(visit), 0))
	if err != nil {
		return s.unstored(err)
	}
	kept, _, err := s.offer(ctx, q, c, static)
	switch {
	case errors.Is(err, queue.ErrCodeTaken), errors.Is(err, queue.ErrTooManyCodes):
		return answer{"", outcomeLimited}
	case err != nil:
		return s.unstored(err)
	}
	return answer{kept, outcomeOf(c.row.Tier, false)}
}

// crowded is for a set of campaign parameters beyond those that a link may have: the
// visit is at least the link's.
func (s *Server) crowded(ctx context.Context, q Store, c code) answer {
	s.warn(outcomeLimited, "link "+c.row.Link+" has as many sets of campaign parameters as it may: new ones get the link's own code", nil)
	a := s.keep(ctx, q, codeOf(c.row.Link, new(visit), 0))
	if a.outcome == outcomePlain {
		a.outcome = outcomeLimited
	}
	return a
}

// put stores a code under its key, drawn anew while it is another's.
func (s *Server) put(ctx context.Context, q Store, c code) (kept string, fresh bool, err error) {
	for range draws {
		kept, fresh, err = s.offer(ctx, q, c, linkcode.Draw())
		if !errors.Is(err, queue.ErrCodeTaken) {
			break
		}
	}
	return kept, fresh, err
}

// offer has the store keep a drawn code under its key, or say which one it keeps there.
func (s *Server) offer(ctx context.Context, q Store, c code, drawn string) (kept string, fresh bool, err error) {
	row := queue.Code{Code: drawn, Key: c.key, Data: c.data(), At: s.Now().UnixMilli()}
	switch c.row.Tier {
	case Click:
		row.Claim = s.Claim
	case Campaign:
		row.Of = c.row.Link
	}
	stored, fresh, err := q.PutCode(ctx, s.Tenant, row)
	return stored.Code, fresh, err
}

func (s *Server) unstored(err error) answer {
	s.warn(outcomeUnstored, "the store does not keep a link's code: links lead to the chat without one", err)
	return answer{"", outcomeUnstored}
}

func (s *Server) warnOf(reached limit) {
	if reached == linkFull {
		s.warn(outcomeLimited, "a link has had 600 new codes in this minute: more visits get none", nil)
		return
	}
	s.warn(outcomeLimited, "an address has had 30 new codes in this minute: its visits get none; if all visitors come by one "+
		"address, that of a proxy, write `servers { trusted_proxies … }` in the global options", nil)
}

// sayings is when which warning was logged last.
type sayings struct{ unstored, limited atomic.Int64 }

// warn logs what goes wrong, once a minute.
func (s *Server) warn(outcome, sentence string, err error) {
	last := &s.sayings.limited
	if outcome == outcomeUnstored {
		last = &s.sayings.unstored
	}
	now, before := s.Now().UnixMilli(), last.Load()
	if now-before < minute.Milliseconds() && before != 0 || !last.CompareAndSwap(before, now) {
		return
	}
	s.Logger.Warn(sentence, zap.String("tenant", s.Tenant), zap.Error(err))
}
