package cluster

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/leadgate/leadgate/internal/queue/redis/server"
)

const (
	// Patience is how long a call is made again that a Cluster refuses, since it moves the
	// slot: twice that, and a timeout, is what a provider waits at most.
	Patience   = 1500 * time.Millisecond
	pauseLasts = 20 * time.Millisecond
)

// ErrSplit and ErrMoved are why a Cluster has not carried out a call. It can be made again.
var (
	ErrSplit = errors.New("the Cluster is moving the slot of these keys to another node, and takes nothing for it meanwhile")
	ErrMoved = errors.New("the Cluster has moved these keys, and is asked where they are")
)

// IsMoving reports whether an error is [ErrSplit] or [ErrMoved].
func IsMoving(err error) bool { return errors.Is(err, ErrSplit) || errors.Is(err, ErrMoved) }

// Refusal is why a node of a Cluster has not carried out a command.
type Refusal int

// All refusals.
const (
	NotRefused  Refusal = iota
	HasMoved            // another node keeps its keys: MOVED
	IsElsewhere         // another node has them already, or is to make them: ASK
	IsSplit             // they are on two nodes, or may be: TRYAGAIN
	IsNotReady          // the Cluster, or the node
)

// RefusalOf is what a command's error says.
func RefusalOf(err error) Refusal {
	switch {
	case err == nil:
		return NotRefused
	case redis.HasErrorPrefix(err, "MOVED"):
		return HasMoved
	case redis.HasErrorPrefix(err, "ASK"):
		return IsElsewhere
	case redis.HasErrorPrefix(err, "TRYAGAIN"):
		return IsSplit
	case redis.HasErrorPrefix(err, "CLUSTERDOWN"), redis.HasErrorPrefix(err, "READONLY"),
		redis.HasErrorPrefix(err, "MASTERDOWN"), redis.HasErrorPrefix(err, "LOADING"):
		return IsNotReady
	}
	return NotRefused
}

// redirectHook makes calls again that a node has not carried out: on another node, and, if
// nobody else is kept waiting by that, a moment later.
type redirectHook struct{ t *topology }

func (redirectHook) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h redirectHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		call := func(cmds []redis.Cmder) { cmds[0].SetErr(next(ctx, cmds[0])) }
		cmds := []redis.Cmder{cmd}
		call(cmds)
		h.follow(ctx, cmds, call)
		return cmd.Err()
	}
}

func (h redirectHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		call := func(cmds []redis.Cmder) { _ = Stamp(cmds, next(ctx, cmds)) }
		call(cmds)
		h.follow(ctx, cmds, call)
		for _, cmd := range cmds {
			if err := cmd.Err(); err != nil {
				return err
			}
		}
		return nil
	}
}

// follow makes those again that were refused, until none is or there is no more time. call
// makes them where they belong by what is known of the Cluster.
func (h redirectHook) follow(ctx context.Context, cmds []redis.Cmder, call func([]redis.Cmder)) {
	var end time.Time
	for round := 0; ; round++ {
		moved, later, elsewhere := h.sortRefused(cmds)
		if len(moved)+len(later)+len(elsewhere) == 0 {
			return
		}
		if end.IsZero() {
			end = time.Now().Add(Patience)
		}
		if round > 0 || len(later) > 0 {
			// Nor are the others followed then, which would overtake them.
			if IsHurried(ctx) || !Pause(ctx, end) {
				return
			}
		}
		if len(moved) > 0 {
			h.t.reload()
		}
		if again := append(moved, later...); len(again) > 0 {
			clearErrors(again)
			call(again)
		}
		for addr, list := range elsewhere {
			h.ask(ctx, addr, list)
		}
	}
}

// sortRefused returns those commands that belong to another node, those that may go well
// later, and by its address those that one other node may carry out, if it is asked to.
func (h redirectHook) sortRefused(cmds []redis.Cmder) (moved, later []redis.Cmder, elsewhere map[string][]redis.Cmder) {
	for _, cmd := range cmds {
		switch err := cmd.Err(); RefusalOf(err) {
		case NotRefused:
		case HasMoved:
			moved = append(moved, cmd)
		case IsElsewhere:
			if elsewhere == nil {
				elsewhere = map[string][]redis.Cmder{}
			}
			words := strings.Fields(err.Error()) // ASK <slot> <address>
			addr := h.t.nodeNamed(words[len(words)-1])
			if addr == "" {
				later = append(later, cmd)
				continue
			}
			elsewhere[addr] = append(elsewhere[addr], cmd)
		default:
			later = append(later, cmd)
		}
	}
	return moved, later, elsewhere
}

// ask makes calls on the node to which their slot is being moved.
func (h redirectHook) ask(ctx context.Context, addr string, cmds []redis.Cmder) {
	clearErrors(cmds)
	pipe := h.t.client(addr).Pipeline()
	for _, cmd := range cmds {
		pipe.Do(ctx, "ASKING")
		_ = pipe.Process(ctx, cmd)
	}
	all, err := pipe.Exec(ctx)
	_ = Stamp(all, err)
}

// Stamp has commands that were never sent fail: where Redis refuses the password, go-redis
// returns that, and leaves the commands as if they had gone well.
func Stamp(cmds []redis.Cmder, err error) error {
	if err == nil || slices.ContainsFunc(cmds, func(c redis.Cmder) bool { return c.Err() != nil }) {
		return err
	}
	for _, cmd := range cmds {
		cmd.SetErr(err)
	}
	return err
}

func clearErrors(cmds []redis.Cmder) {
	for _, cmd := range cmds {
		cmd.SetErr(nil)
	}
}

// hurry is in a context of calls that are not made again later: others wait for them.
type hurry struct{}

// Hurried is ctx for calls that are not made again later.
func Hurried(ctx context.Context) context.Context { return context.WithValue(ctx, hurry{}, true) }

// IsHurried reports whether ctx is of such calls.
func IsHurried(ctx context.Context) bool { return ctx.Value(hurry{}) != nil }

// Pause waits a moment before calls are made again. It reports whether there is time
// for that before ctx and end.
func Pause(ctx context.Context, end time.Time) bool {
	if time.Until(end) < pauseLasts {
		return false
	}
	wait := time.NewTimer(pauseLasts)
	defer wait.Stop()
	select {
	case <-wait.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// topologyHook has the Cluster asked again when a call fails.
type topologyHook struct{ t *topology }

func (topologyHook) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h topologyHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		return h.look(next(ctx, cmd))
	}
}

func (h topologyHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		for _, cmd := range cmds {
			cmd.SetErr(h.look(cmd.Err()))
		}
		return err
	}
}

// look returns the error that a command has from now on.
func (h topologyHook) look(err error) error {
	refused := RefusalOf(err)
	switch {
	case err == nil || errors.Is(err, redis.Nil):
		return err
	case refused == IsElsewhere || refused == IsSplit:
		return ErrSplit
	case refused == HasMoved:
		err = ErrMoved
	case server.Answered(err) && refused != IsNotReady:
		return err
	}
	h.t.failed()
	return err
}
