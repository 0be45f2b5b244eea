package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/redis/cluster"
	"github.com/leadgate/leadgate/internal/queue/redis/lua"
	"github.com/leadgate/leadgate/internal/queue/redis/server"
)

// waiting is for how many replicas what is acknowledged waits, and how long.
type waiting struct {
	replicas int
	timeout  time.Duration
}

func (c *Config) waiting() *waiting {
	return &waiting{replicas: c.Wait, timeout: cmp.Or(c.WaitTimeout, time.Second)}
}

// sentinels reports whether sentinels look after the server.
func (r *Store) sentinels() bool { return r.cfg.SentinelMaster != "" }

// waited is a command of a tenant that is acknowledged only when replicas have what it
// wrote, and what it found written before.
type waited struct {
	keys tenantKeys
	cmd  redis.Cmder
}

func (w waited) isSplit() bool { return errors.Is(w.cmd.Err(), cluster.ErrSplit) }

// durably makes calls, in a round trip, and has those fail that too few replicas have.
// They are carried out all the same: who repeats one, as a provider does that had a 503,
// waits again.
//
// WAIT looks at what was written on its own connection, so it goes with the calls: after a
// failover another connection may lead to another master, which has all that it knows of.
// A call that writes nothing, since its event is a duplicate, must wait for who wrote it;
// so a key is written before WAIT.
func (r *Store) durably(ctx context.Context, calls []waited) {
	w := r.wait.Load()
	if w.replicas == 0 {
		cmds := make([]redis.Cmder, len(calls))
		for i := range calls {
			cmds[i] = calls[i].cmd
		}
		pipeline(ctx, r.client, cmds)
		return
	}
	end := time.Now().Add(cluster.Patience)
	for round := 0; len(calls) > 0 && round < waitRounds; round++ {
		tried := r.access.Load()
		var all sync.WaitGroup
		for node, part := range r.byNode(ctx, calls) {
			all.Go(func() { w.store(ctx, node, part, r.clustered()) })
		}
		all.Wait()
		calls = r.unsent(ctx, calls, tried)
		switch {
		case !slices.ContainsFunc(calls, waited.isSplit):
		case cluster.IsHurried(ctx) || !cluster.Pause(ctx, end):
			calls = slices.DeleteFunc(calls, waited.isSplit)
		default:
			round-- // it has an end of its own
		}
	}
}

// byNode sorts calls by the servers that keep their tenants.
func (r *Store) byNode(ctx context.Context, calls []waited) map[*redis.Client][]waited {
	nodes := map[*redis.Client][]waited{}
	switch c := r.client.(type) {
	case *redis.Client:
		nodes[c] = calls
	case *cluster.Client:
		for _, call := range calls {
			node, err := c.MasterForKey(ctx, call.keys.waited())
			if err != nil {
				call.cmd.SetErr(err)
				c.Failed()
				continue
			}
			nodes[node] = append(nodes[node], call)
		}
	}
	return nodes
}

// writeForWait writes a key, also where Redis is full: an operator makes room there.
const writeForWait = "#!lua flags=allow-oom\nreturn redis.call('set', KEYS[1], '', 'ex', 60)"

// store makes the calls of one server. A node of a Cluster may refuse one tenant for now,
// and take another: there a key of each is written.
func (w *waiting) store(ctx context.Context, node *redis.Client, calls []waited, each bool) {
	pipe := node.WithTimeout(node.Options().ReadTimeout + w.timeout).Pipeline()
	for _, call := range calls {
		_ = pipe.Process(ctx, call.cmd)
	}
	written, of := map[string]*redis.Cmd{}, func(call waited) string { return call.keys.tenant }
	if !each {
		of = func(waited) string { return "" }
	}
	for _, call := range calls {
		if tenant := of(call); written[tenant] == nil {
			written[tenant] = pipe.Eval(ctx, writeForWait, []string{call.keys.waited()})
		}
	}
	have := redis.NewIntCmd(ctx, "WAIT", w.replicas, w.timeout.Milliseconds())
	_ = pipe.Process(ctx, have)
	made, err := pipe.Exec(ctx)
	_ = cluster.Stamp(made, err) // a node's own client has no hook that does it
	err = have.Err()
	if err == nil && have.Val() < int64(w.replicas) {
		err = fmt.Errorf("%w: %d of %d replicas had it after %s (wait %d)",
			queue.ErrUnavailable, have.Val(), w.replicas, w.timeout, w.replicas)
	}
	for _, call := range calls {
		if call.cmd.Err() != nil {
			continue
		}
		if refused := written[of(call)].Err(); cluster.RefusalOf(refused) != cluster.NotRefused {
			// An error of another kind: the call itself was carried out.
			call.cmd.SetErr(fmt.Errorf("%w: replicas can't be asked whether they have it: %s", queue.ErrUnavailable, refused.Error()))
		} else if err := cmp.Or(refused, err); err != nil {
			call.cmd.SetErr(err)
		}
	}
}

// errUnsent is of a call that has not been carried out and is to be made again: should it
// not be, since too much moves, it must not look as if it had been.
var errUnsent = errors.New("redis has not carried out the call: it is to be made again")

// unsent are the calls that were not carried out, and can be now: for want of the script's
// text, of the right server or of the right password.
func (r *Store) unsent(ctx context.Context, calls []waited, tried *access) (again []waited) {
	nodes, _ := r.client.(*cluster.Client)
	moved := false
	for _, call := range calls {
		switch err := call.cmd.Err(); {
		case err == nil:
		case len(lua.Unknown([]redis.Cmder{call.cmd})) > 0:
			call.cmd.SetErr(errUnsent)
			again = append(again, call)
		case nodes != nil && cluster.RefusalOf(err) == cluster.HasMoved:
			call.cmd.SetErr(cluster.ErrMoved)
			again, moved = append(again, call), true
		case nodes != nil && (cluster.RefusalOf(err) == cluster.IsSplit || cluster.RefusalOf(err) == cluster.IsElsewhere):
			call.cmd.SetErr(cluster.ErrSplit)
			again = append(again, call)
		case nodes != nil && refusedLogin(err) && r.reread(tried):
			again = append(again, call)
		case nodes != nil && (!server.Answered(err) || redis.HasErrorPrefix(err, "CLUSTERDOWN") || redis.HasErrorPrefix(err, "READONLY")) &&
			!errors.Is(err, queue.ErrUnavailable):
			nodes.Failed()
		}
	}
	if moved {
		// Whoever asks all masters has asked who they are.
		_ = nodes.ForEachMaster(ctx, func(context.Context, *redis.Client) error { return nil })
	}
	return again
}

// runDurably is run for what is acknowledged.
func (r *Store) runDurably(ctx context.Context, k tenantKeys, s *lua.Script, keys []string, args ...any) *redis.Cmd {
	cmd := r.call(ctx, s, keys, args...)
	r.durably(ctx, []waited{{k, cmd}})
	return cmd
}
