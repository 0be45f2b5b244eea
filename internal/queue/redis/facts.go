package redis

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
	"github.com/leadgate/leadgate/internal/queue/redis/lua"
)

// PutFacts implements [queue.Queue]. It is not one step: facts may be lost, and so may some
// of several.
func (r *Store) PutFacts(ctx context.Context, tenant string, facts []queue.Fact) error {
	const doing = "keeping facts"
	if err := queue.ValidateFacts(facts); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	groups := make(map[string][]queue.Fact)
	for _, f := range facts {
		groups[f.Group] = append(groups[f.Group], f)
	}
	for group, of := range groups {
		if err := r.putFacts(ctx, r.keys(tenant).facts(group), of); err != nil {
			return queueError(doing, err)
		}
	}
	return nil
}

// putFacts keeps those of a group. The hash goes with the last of them.
func (r *Store) putFacts(ctx context.Context, key string, facts []queue.Fact) error {
	now, last := r.now(), int64(0)
	var gone []string
	var kept []any
	for i := range facts {
		f := &facts[i]
		if len(f.Data) == 0 || f.Till <= now {
			gone = append(gone, f.Key)
			continue
		}
		last = max(last, f.Till)
		kept = append(kept, f.Key, codec.AppendFact(nil, f.Till, f.Data))
	}
	if err := r.roomForFacts(ctx, key, kept); err != nil {
		return err
	}
	pipe := r.client.Pipeline()
	if len(gone) > 0 {
		pipe.HDel(ctx, key, gone...)
	}
	for some := range slices.Chunk(kept, 2*factsAtOnce) {
		pipe.HSet(ctx, key, some...)
	}
	if last > 0 {
		// One alone of the two has an effect, and the longest time stands.
		for _, when := range [...]string{"NX", "GT"} {
			pipe.Do(ctx, "PEXPIRE", key, last-now, when)
		}
	}
	_, err := pipe.Exec(ctx)
	return err
}

// factsAtOnce is how many facts are written by one command.
const factsAtOnce = 100

// roomForFacts reports an error where a hash would have too many; those that are gone go first.
func (r *Store) roomForFacts(ctx context.Context, key string, kept []any) error {
	n, err := r.client.HLen(ctx, key).Result()
	if err != nil || int(n)+len(kept)/2 <= queue.MaxFacts {
		return err
	}
	all, err := r.restOfScan(ctx, key, r.client.HScan(ctx, key, 0, "", scanFields))
	if err != nil {
		return err
	}
	now := r.now()
	for name, record := range all {
		if till, _, err := codec.DecodeFact([]byte(record)); err == nil && till > now {
			continue
		}
		delete(all, name)
		if err := r.client.HDel(ctx, key, name).Err(); err != nil {
			return err
		}
	}
	for i := 0; i < len(kept); i += 2 {
		all[kept[i].(string)] = ""
	}
	if len(all) > queue.MaxFacts {
		return queue.ErrTooManyFacts
	}
	return nil
}

// Facts implements [queue.Queue].
func (r *Store) Facts(ctx context.Context, tenant string, groups ...string) (found []queue.Fact, err error) {
	const doing = "reading facts"
	k, now := r.keys(tenant), r.now()
	for some := range slices.Chunk(groups, pipelineCommands) {
		pipe := r.client.Pipeline()
		scans := make([]*redis.ScanCmd, len(some))
		for i, group := range some {
			scans[i] = pipe.HScan(ctx, k.facts(group), 0, "", scanFields)
		}
		_, _ = pipe.Exec(ctx) // each command keeps its own error
		for i, group := range some {
			all, err := r.restOfScan(ctx, k.facts(group), scans[i])
			if err != nil {
				return nil, queueError(doing, err)
			}
			from := len(found)
			for key, record := range all {
				till, data, err := codec.DecodeFact([]byte(record))
				if err != nil {
					return nil, fmt.Errorf("%s: %w", doing, err)
				}
				if till > now {
					found = append(found, queue.Fact{Group: group, Key: key, Data: data, Till: till})
				}
			}
			slices.SortFunc(found[from:], func(a, b queue.Fact) int { return strings.Compare(a.Key, b.Key) })
		}
	}
	return found, nil
}

// Claim implements [queue.Queue].
func (r *Store) Claim(ctx context.Context, tenant, task, by string, d time.Duration) (bool, error) {
	cmd := r.call(r.life, lua.Claim, []string{r.keys(tenant).claim(task)}, by, r.now(), max(d.Milliseconds(), 1))
	if err := r.do(ctx, &call{cmd: cmd}); err != nil {
		return false, queueError("claiming a task", err)
	}
	n, err := cmd.Int()
	return n == 1, queueError("claiming a task", err)
}
