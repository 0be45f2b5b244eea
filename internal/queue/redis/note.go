package redis

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/redis/go-redis/v9"

	"github.com/leadgate/leadgate/internal/queue"
)

// A group that is too much for one call of the script is queued in parts, under a
// note, and still whole or not at all:
//
//  1. the whole group is written down, in pieces that expire;
//  2. the note is written, from when on the group is queued for certain;
//  3. the script stores one part after the other, and keeps under the note what
//     became of each: first the events, so that it is known which are new, then
//     the jobs;
//  4. pieces and note are removed.
//
// Until 2 nothing of the group is remembered or delivered. After it any edge that
// finds the note goes on where it stands: the one that the webhook is redelivered
// to, since the note's name is made of the event ids, or the keeper of notes.
//
//	w:<note>             hash: by, which attempt wrote it; parts, how many pieces there are; the script's answer to each part
//	w:<note>:<by>:<n>    a piece, from 1: an S2 block of a part of the group's record
//	w:<note>:busy        an edge's keeper is at it
//
// All edges find notes by the hash <prefix>:notes: tenant, note and attempt, and
// when it began (ms).
const (
	pieceBytes = 512 << 10
	pieceLimit = 4 << 20             // what no piece comes near
	pieceLife  = 10 * time.Minute    // of a group that is not whole
	noteLife   = 30 * 24 * time.Hour // of one that is
	noteAge    = 10 * time.Second    // then whoever wrote it has had the time to finish it
	// heavyAtOnce is how many heavy groups an edge stores at once; each costs it
	// its bytes twice.
	heavyAtOnce = 2
	// So much goes to Redis in one round trip.
	roundCalls = 16
	roundBytes = 4 << 20
)

func (r *Store) notesKey() string { return r.prefix + ":notes" }

// note is a group on its way in parts.
type note struct {
	r      *Store
	keys   redisKeys
	name   string
	by     string
	pieces int
	layout layout
}

// noteName is the same for each delivery of a webhook.
func noteName(g *queue.Group) string {
	h := sha256.New()
	h.Write([]byte(g.Tenant))
	for i := range g.Events {
		h.Write(g.Events[i].ID[:])
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func (n *note) key() string { return n.keys.note(n.name) }
func (n *note) piece(i int) string {
	return n.key() + ":" + n.by + ":" + strconv.Itoa(i)
}
func (n *note) field() string {
	return shownTenant(n.keys.tenant) + " " + n.name + " " + n.by
}

// appendInParts stores groups of which one is heavy, in their order. It is done
// by the caller, so that other webhooks don't wait behind it.
func (r *Store) appendInParts(ctx context.Context, groups []queue.Group) []queue.Result {
	if !r.heavy.enter() {
		return queue.Failed(len(groups), queue.ErrUnavailable)
	}
	defer r.heavy.leave()
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return queue.Failed(len(groups), context.Cause(ctx))
	}
	results := make([]queue.Result, 0, len(groups))
	for len(groups) > 0 {
		n := 0
		for n < len(groups) && !heavy(&groups[n]) {
			n++
		}
		if n > 0 {
			results = append(results, r.gather(ctx, groups[:n])...)
			groups = groups[n:]
			continue
		}
		results = append(results, r.appendHeavy(ctx, &groups[0]))
		groups = groups[1:]
	}
	return results
}

func (r *Store) appendHeavy(ctx context.Context, g *queue.Group) queue.Result {
	const doing = "queueing events"
	if err := errors.Join(r.server.refused(), g.Validate()); err != nil {
		return queue.Result{Err: err}
	}
	result := queue.Result{New: make([]bool, len(g.Events)), Jobs: make([]queue.Outcome, len(g.Jobs))}
	for i := range result.Jobs {
		result.Jobs[i] = queue.Duplicate
	}
	err := r.storeHeavy(ctx, g, &result)
	switch {
	case err == nil:
		return result
	case ctx.Err() != nil:
		return queue.Result{Err: context.Cause(ctx)}
	}
	return queue.Result{Err: noteError(doing, err)}
}

// noteProblem is an error that is none of Redis's: it doesn't pass by itself.
type noteProblem struct{ error }

func (p noteProblem) Unwrap() error { return p.error }

// noteError says what an error means to the queue.
func noteError(doing string, err error) error {
	if p, ok := errors.AsType[noteProblem](err); ok {
		return fmt.Errorf("%s: %w", doing, p.error)
	}
	return redisError(doing, err)
}

func (r *Store) storeHeavy(ctx context.Context, g *queue.Group, result *queue.Result) error {
	if err := r.introduce(ctx, g.Tenant); err != nil {
		return err
	}
	err := r.storeNoted(ctx, g, result)
	if errors.Is(err, errPiecesGone) {
		// That note is removed, and here is the whole webhook.
		err = r.storeNoted(ctx, g, result)
	}
	return err
}

func (r *Store) storeNoted(ctx context.Context, g *queue.Group, result *queue.Result) error {
	n := &note{r: r, keys: r.keys(g.Tenant), name: noteName(g), by: nonce()}
	by, err := r.client.HGet(ctx, n.key(), "by").Result()
	if errors.Is(err, redis.Nil) {
		by, err = n.write(ctx, g)
	}
	switch {
	case err != nil:
		return err
	case by != n.by:
		return n.finish(ctx, g, result)
	}
	p := split(g)
	if err := n.store(ctx, g, &p, result); err != nil {
		return err
	}
	return n.remove(ctx)
}

func nonce() string {
	b := make([]byte, 8)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// write writes the pieces and the note, and returns by whom the note is.
func (n *note) write(ctx context.Context, g *queue.Group) (by string, err error) {
	if err := n.r.client.HSet(ctx, n.r.notesKey(), n.field(), n.r.now()).Err(); err != nil {
		return "", err
	}
	if err = n.writePieces(ctx, g); err == nil {
		by, err = n.settle(ctx, g)
	}
	switch {
	case err == nil && by == n.by:
		return by, nil
	case err == nil || answered(err):
		// Redis has refused it, or another attempt was first: what was written
		// helps nobody. If this fails, it expires.
		_ = n.removePieces(ctx)
	}
	return by, err
}

func (n *note) writePieces(ctx context.Context, g *queue.Group) error {
	p := split(g)
	record := appendGroup(nil, g, &p)
	for len(record) > 0 {
		pipe := n.r.client.Pipeline()
		for bytes := 0; len(record) > 0 && bytes < roundBytes; {
			size := min(len(record), pieceBytes)
			n.pieces++
			pipe.Set(ctx, n.piece(n.pieces), s2.Encode(nil, record[:size]), pieceLife)
			record = record[size:]
			bytes += size
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (n *note) settle(ctx context.Context, g *queue.Group) (string, error) {
	args := []any{n.pieces, n.by, noteLife.Milliseconds(), n.keys.base}
	for _, name := range destinationNames(g) {
		args = append(args, name)
	}
	by, err := n.r.run(ctx, scriptNoteWrite, []string{n.key(), n.keys.dests()}, args...).Text()
	if err == nil && by == "" {
		err = fmt.Errorf("%w: it took longer than %s", queue.ErrUnavailable, pieceLife)
	}
	return by, err
}

// finish goes on with a note that another attempt wrote, an earlier delivery of the
// webhook own, which is nil if that is not known. What that has stored is a duplicate;
// what this call stores stands in result, if both had the same jobs.
func (n *note) finish(ctx context.Context, own *queue.Group, result *queue.Result) error {
	found, err := n.r.client.HMGet(ctx, n.key(), "by", "parts").Result()
	if err != nil {
		return err
	}
	by, _ := found[0].(string)
	pieces, _ := found[1].(string)
	if by == "" {
		return nil // it has been finished meanwhile
	}
	n.by = by
	if n.pieces, err = strconv.Atoi(pieces); err != nil {
		return noteProblem{fmt.Errorf("reading note: %w", err)}
	}
	record, err := n.read(ctx)
	if err != nil {
		return err
	}
	if record == nil {
		return n.without(ctx)
	}
	g, p, err := decodeGroup(n.keys.tenant, record)
	if err != nil {
		return noteProblem{err}
	}
	if own == nil || !alike(own, g) {
		result = &queue.Result{New: make([]bool, len(g.Events)), Jobs: make([]queue.Outcome, len(g.Jobs))}
	}
	if err := n.store(ctx, g, p, result); err != nil {
		return err
	}
	return n.remove(ctx)
}

// errPiecesGone says that Redis has lost pieces of a webhook, by an eviction or by
// hand.
var errPiecesGone = errors.New("pieces of a large webhook are gone from redis: what was not queued of it is lost, unless it is delivered again")

// without ends a note that has lost a piece, unless it has been finished meanwhile.
func (n *note) without(ctx context.Context) error {
	by, err := n.r.client.HGet(ctx, n.key(), "by").Result()
	if errors.Is(err, redis.Nil) || err == nil && by != n.by {
		return nil
	}
	if err == nil {
		err = n.remove(ctx)
	}
	if err == nil {
		err = noteProblem{errPiecesGone}
	}
	return err
}

// alike says whether two groups have the same number of events, and jobs for the
// same destinations.
func alike(g, h *queue.Group) bool {
	return len(g.Events) == len(h.Events) && slices.EqualFunc(g.Jobs, h.Jobs, func(a, b queue.Job) bool { return a.Dest == b.Dest })
}

// read returns the group's record, nil if a piece is gone.
func (n *note) read(ctx context.Context) (record []byte, err error) {
	const atOnce = roundBytes / pieceBytes
	for first := 1; first <= n.pieces; first += atOnce {
		pipe := n.r.client.Pipeline()
		var cmds []*redis.StringCmd
		for i := first; i < first+atOnce && i <= n.pieces; i++ {
			cmds = append(cmds, pipe.Get(ctx, n.piece(i)))
		}
		_, _ = pipe.Exec(ctx)
		for _, cmd := range cmds {
			block, err := cmd.Bytes()
			if errors.Is(err, redis.Nil) {
				return nil, nil
			}
			if err != nil {
				return nil, err
			}
			size, err := s2.DecodedLen(block)
			if err == nil && size > pieceLimit {
				err = errors.New("a piece is too large")
			}
			var piece []byte
			if err == nil {
				piece, err = s2.Decode(nil, block)
			}
			if err != nil {
				return nil, noteProblem{fmt.Errorf("reading note: %w", err)}
			}
			record = append(record, piece...)
		}
	}
	return record, nil
}

// errGone says that another edge has finished the note.
var errGone = errors.New("the note is gone")

// store stores the parts that are not stored yet. In result it notes what this
// call stored: what was stored before is a duplicate.
func (n *note) store(ctx context.Context, g *queue.Group, p *partition, result *queue.Result) error {
	counters := p.counters(g)
	fresh := make([]bool, len(g.Events)) // whoever stored them
	anyFresh, clicked := false, false
	var calls []*partCall
	for i, first := 0, 0; i < len(p.events); i++ {
		end := p.events[i]
		calls = append(calls, n.call(i, queue.Group{Tenant: g.Tenant, Events: g.Events[first:end], Counters: counters[i]}, first))
		first = end
	}
	err := n.send(ctx, calls, func(c *partCall) {
		for i, isNew := range c.result.New {
			fresh[c.first+i] = isNew
			anyFresh = anyFresh || isNew
			clicked = clicked || isNew && c.group.Events[i].Click != nil
			result.New[c.first+i] = isNew && !c.before
		}
	})
	if clicked {
		n.r.clicked.Store(true)
	}
	if err != nil || !anyFresh {
		return ignoreGone(err)
	}
	calls = calls[:0]
	for i, first := 0, 0; i < len(p.jobs); i++ {
		end, number := p.jobs[i], len(p.events)+i
		if part, any := jobsPart(g, g.Jobs[first:end], fresh); any {
			part.Counters = counters[number]
			calls = append(calls, n.call(number, part, first))
		}
		first = end
	}
	return ignoreGone(n.send(ctx, calls, func(c *partCall) {
		for i, outcome := range c.result.Jobs {
			if outcome == queue.Queued && !c.before {
				n.r.lease.wake(c.group.Jobs[i].Dest)
			}
			if !c.before {
				result.Jobs[c.first+i] = outcome
			}
		}
	}))
}

func ignoreGone(err error) error {
	if errors.Is(err, errGone) {
		return nil
	}
	return err
}

// partCall is the call of a part.
type partCall struct {
	appendCall
	group  queue.Group
	result queue.Result
	first  int  // the index of its first event or job in the whole group
	before bool // it was stored before
}

func (n *note) call(number int, g queue.Group, first int) *partCall {
	c := &partCall{group: g, first: first}
	c.result = queue.Result{New: make([]bool, len(g.Events)), Jobs: make([]queue.Outcome, len(g.Jobs))}
	c.appendCall = appendCall{
		keys: n.keys, groups: []appendRef{{&c.group, &c.result}}, bytes: wireSize(&c.group), note: n.name + " " + n.by, part: number,
	}
	return c
}

// send makes calls, some in each round trip, and hands over each that is answered.
func (n *note) send(ctx context.Context, calls []*partCall, take func(*partCall)) error {
	for len(calls) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		count, bytes := 0, 0
		for count < len(calls) && count < roundCalls && (count == 0 || bytes+calls[count].bytes <= roundBytes) {
			bytes += calls[count].bytes
			count++
		}
		again, err := n.round(ctx, calls[:count], take)
		if err == nil && len(again) > 0 {
			_, err = n.round(ctx, again, take)
		}
		if err != nil {
			return err
		}
		calls = calls[count:]
	}
	return nil
}

// round makes calls in one round trip. It returns from which one on they must be
// made again: order is kept, and one that was answered answers the same again.
func (n *note) round(ctx context.Context, calls []*partCall, take func(*partCall)) (again []*partCall, err error) {
	n.layout.reset()
	cmds := make([]redis.Cmder, len(calls))
	for i, c := range calls {
		c.cmd = n.r.appendCommand(&c.appendCall, &n.layout)
		cmds[i] = c.cmd
	}
	pipeline(ctx, n.r.client, cmds)
	for i, c := range calls {
		reply, err := c.cmd.Text()
		switch {
		case err != nil:
			return nil, err
		case reply == "-":
			return nil, errGone
		case reply == "=" && !c.unpaged:
			for _, rest := range calls[i:] {
				rest.unpaged = true
			}
			return calls[i:], nil
		}
		reply, c.before = strings.CutPrefix(reply, "~")
		if err := c.groups[0].read(reply); err != nil {
			return nil, noteProblem{err}
		}
		take(c)
	}
	return nil, nil
}

// remove removes note and pieces at once: the group is stored.
// remove removes the note, if it is still this attempt's, and the pieces.
func (n *note) remove(ctx context.Context) error {
	if err := n.r.run(ctx, scriptNoteRemove, []string{n.key()}, n.by).Err(); err != nil {
		return err
	}
	return n.removePieces(ctx)
}

func (n *note) removePieces(ctx context.Context) error {
	var keys []string
	for i := range n.pieces {
		keys = append(keys, n.piece(i+1))
	}
	if len(keys) > 0 {
		if err := n.r.client.Unlink(ctx, keys...).Err(); err != nil {
			return err
		}
	}
	return n.r.client.HDel(ctx, n.r.notesKey(), n.field()).Err()
}
