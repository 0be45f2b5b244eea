package redis

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/leadgate/leadgate/internal/queue"
)

// errGone says that the note is gone and was not finished, as far as is known: Redis has
// thrown it away. Whoever has the webhook stores it anew.
var errGone = errors.New("the note of a large webhook is gone")

// unlessFinished forgives that the note is gone if it was finished. Without a delivery of
// the webhook nothing else could be done about it.
func (n *note) unlessFinished(ctx context.Context, own *queue.Group, err error) error {
	if !errors.Is(err, errGone) {
		return err
	}
	if own == nil {
		return nil
	}
	by, failure := n.r.get(ctx, n.done())
	switch {
	case failure != nil:
		return failure
	case by == n.by:
		return nil
	}
	return err
}

// errPiecesGone says that Redis has lost pieces of a webhook, by an eviction or by
// hand.
var errPiecesGone = errors.New("pieces of a large webhook are gone from redis: " +
	"what was not queued of it is lost, unless it is delivered again")

// without goes on with a note that has lost a piece. This delivery of the webhook, if
// there is one, takes the place of what is lost. Without one the note stays for such a
// delivery to find, and is looked for no more.
func (n *note) without(ctx context.Context, own *queue.Group, plan string, result *queue.Result) error {
	by, err := n.r.client.HGet(ctx, n.key(), "by").Result()
	switch {
	case errors.Is(err, redis.Nil) || err == nil && by != n.by:
		return n.unlessFinished(ctx, own, errGone)
	case err != nil:
		return err
	case own == nil:
		if err := n.removePieces(ctx); err != nil {
			return err
		}
		return noteProblem{errPiecesGone}
	}
	p, ok := partitionOf(plan, own)
	if ok {
		err = n.unlessFinished(ctx, own, n.store(ctx, own, &p, result))
	}
	if err == nil {
		err = n.remove(ctx, ok)
	}
	if err == nil && !ok {
		err = noteProblem{errPiecesGone}
	}
	return err
}

// planOf says how a group goes in parts, and for which destinations: the ends of its
// parts of events and of jobs, and a digest of the destinations.
func planOf(g *queue.Group, p *partition) string {
	return joinInts(p.events) + " " + joinInts(p.jobs) + " " + destinationsDigest(g)
}

// partitionOf is a plan's partition, if it is one of this delivery: it has the events and
// the destinations that the one had to which the plan belongs.
func partitionOf(plan string, own *queue.Group) (p partition, ok bool) {
	words := strings.Split(plan, " ")
	if len(words) != 3 || words[2] != destinationsDigest(own) {
		return p, false
	}
	p = partition{events: splitInts(words[0]), jobs: splitInts(words[1])}
	return p, p.fits(own)
}

func destinationsDigest(g *queue.Group) string {
	h := sha256.New()
	for i := range g.Jobs {
		d := &g.Jobs[i].Dest
		h.Write([]byte(d.Tenant + " " + d.Name + "\n"))
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

func joinInts(list []int) string {
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = strconv.Itoa(n)
	}
	return strings.Join(words, ",")
}

// splitInts reads what joinInts wrote. What is no number is 0, which no partition has.
func splitInts(s string) (list []int) {
	if s == "" {
		return nil
	}
	for word := range strings.SplitSeq(s, ",") {
		n, _ := strconv.Atoi(word)
		list = append(list, n)
	}
	return list
}
