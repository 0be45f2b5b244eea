package redis

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/redis/lua"
	"github.com/leadgate/leadgate/internal/queue/redis/server"
)

// note is a heavy group on its way. It is stored by several calls of the append
// script, a part by each, under a note, and is still stored whole or not at all:
//
//  1. the group's record is written down, in pieces that expire;
//  2. the note is written: from now on the group is queued for certain. In the same step
//     its events claim their codes, those that are known already, too;
//  3. the script stores one part after the other, and keeps under the note what
//     became of each: first the events, to learn which are new, then the jobs;
//  4. note and pieces are removed, and it is kept for a minute that this was done.
//
// Until 2 nothing of the group is remembered or delivered. After it any edge that
// finds the note goes on where it stands: the one to which the webhook is delivered
// again, since the note's name is made of the events' ids, or the keeper of notes of
// any edge (see note_keeper.go).
//
// The note is a hash: by, which attempt wrote it; parts, how many pieces there are;
// plan, how it goes in parts, see note_gone.go; and by the number of each part what the
// script answered to it. A piece is an S2
// block of a part of the record.
type note struct {
	r      *Store
	keys   tenantKeys
	name   string // the same for each delivery of a webhook
	by     string // the attempt: another for each
	pieces int
	packer packer
}

func noteName(g *queue.Group) string {
	h := sha256.New()
	h.Write([]byte(g.Tenant))
	for i := range g.Events {
		h.Write(g.Events[i].ID[:])
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// key, done and piece are keys in Redis, field is the note's in the hash of all notes.
func (n *note) key() string  { return n.keys.note(n.name) }
func (n *note) done() string { return n.key() + ":done" }
func (n *note) piece(i int) string {
	return n.key() + ":" + n.by + ":" + strconv.Itoa(i)
}
func (n *note) field() string {
	return shownTenant(n.keys.tenant) + " " + n.name + " " + n.by
}

// storeNoted stores a group under a note, or goes on with the note that an earlier
// delivery of the webhook wrote.
func (r *Store) storeNoted(ctx context.Context, g *queue.Group, result *queue.Result) error {
	n := &note{r: r, keys: r.keys(g.Tenant), name: noteName(g), by: r.cfg.newToken()}
	found := redis.NewStringCmd(ctx, "HGET", n.key(), "by")
	r.durably(ctx, []waited{{n.keys, found}})
	by, err := found.Result()
	if errors.Is(err, redis.Nil) {
		by, err = n.write(ctx, g)
	}
	switch {
	case err != nil:
		return err
	case by != n.by:
		n.by = by
		return n.finish(ctx, g, result)
	}
	p := split(g)
	if err := n.store(ctx, g, &p, result); err != nil {
		return n.unlessFinished(ctx, g, err)
	}
	return n.remove(ctx, true)
}

// write writes the pieces and the note, and returns by which attempt the note is: an
// earlier one may have been faster.
func (n *note) write(ctx context.Context, g *queue.Group) (by string, err error) {
	if err := n.r.client.HSet(ctx, n.r.notesKey(), n.field(), n.r.now()).Err(); err != nil {
		return "", err
	}
	if err = n.writePieces(ctx, g); err == nil {
		by, err = n.confirm(ctx, g)
	}
	switch {
	case err == nil && by == n.by:
		return by, nil
	case err == nil || server.Answered(err) || errors.Is(err, queue.ErrClaimed):
		// Redis has refused it, or another attempt was first: what was written
		// helps nobody. If this fails, it expires.
		_ = n.removePieces(ctx)
	}
	return by, err
}

// confirm writes the note, if all pieces are there. It returns by which attempt the
// note is.
func (n *note) confirm(ctx context.Context, g *queue.Group) (string, error) {
	p := split(g)
	remember := n.r.options.Load().RememberClicks.Milliseconds()
	args := []any{n.pieces, n.by, noteLife.Milliseconds(), n.keys.base, planOf(g, &p), n.r.now(), remember, appendClaims(nil, g)}
	for _, name := range destinationNames(g) {
		args = append(args, name)
	}
	by, err := n.r.runDurably(ctx, n.keys, lua.NoteWrite, []string{n.key(), n.keys.dests()}, args...).Text()
	if err == nil && by == answerClaimed {
		err = noteProblem{queue.ErrClaimed}
	}
	if err == nil && by == "" {
		err = fmt.Errorf("%w: it took longer than %s", queue.ErrUnavailable, pieceLife)
	}
	return by, err
}

// finish goes on with a note that another attempt wrote. own is this delivery of the
// webhook, nil if it is not known. What the other has stored is a duplicate of it;
// what this call stores stands in result, if both have the same jobs.
func (n *note) finish(ctx context.Context, own *queue.Group, result *queue.Result) error {
	found, err := n.r.client.HMGet(ctx, n.key(), "by", "parts", "plan").Result()
	if err != nil {
		return err
	}
	by, _ := found[0].(string)
	pieces, _ := found[1].(string)
	plan, _ := found[2].(string)
	if by == "" {
		return n.unlessFinished(ctx, own, errGone)
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
		return n.without(ctx, own, plan, result)
	}
	g, p, err := decodeGroup(n.keys.tenant, record)
	if err != nil {
		return noteProblem{err}
	}
	if own == nil || !alike(own, g) {
		result = &queue.Result{New: make([]bool, len(g.Events)), Jobs: make([]queue.Admission, len(g.Jobs))}
	}
	if err := n.store(ctx, g, p, result); err != nil {
		return n.unlessFinished(ctx, own, err)
	}
	return n.remove(ctx, true)
}

// alike reports whether two groups have as many events, and jobs for the same
// destinations.
func alike(g, h *queue.Group) bool {
	return len(g.Events) == len(h.Events) && slices.EqualFunc(g.Jobs, h.Jobs, func(a, b queue.Job) bool { return a.Dest == b.Dest })
}

// remove removes the note, if it is still this attempt's, and the pieces: the group is
// stored, or can't be stored under this note.
func (n *note) remove(ctx context.Context, finished bool) error {
	kept := int64(0)
	if finished {
		kept = noteDone.Milliseconds()
	}
	if err := n.r.run(ctx, lua.NoteRemove, []string{n.key(), n.done()}, n.by, kept).Err(); err != nil {
		return err
	}
	return n.removePieces(ctx)
}
