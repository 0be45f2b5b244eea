package redis

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/finding"
	"github.com/leadgate/leadgate/internal/queue/redis/cluster"
	"github.com/leadgate/leadgate/internal/queue/redis/server"
)

// examineTimeout is how long Examine waits for a Redis.
const examineTimeout = 5 * time.Second

// Examine is what the doctor says of the servers of a configuration. shown is what
// it is called.
func Examine(ctx context.Context, shown string, c Config) (found finding.List) {
	ctx, cancel := context.WithTimeout(ctx, examineTimeout)
	defer cancel()
	reports, err := Check(ctx, c)
	if err != nil {
		found.Fail("queue "+shown+": "+err.Error(), "start it, or correct the URL, user and password; "+
			"until it is there, webhooks are answered 503 and providers send them again")
	}
	for i := range reports {
		found = append(found, reports[i].Findings()...)
	}
	return found
}

// Check looks at the servers of a configuration without opening the store:
// the one, or a Cluster's masters. The error says that one can't be reached.
func Check(ctx context.Context, cfg Config) ([]server.Report, error) {
	r := &Store{cfg: cfg, timing: defaultTiming, log: zap.NewNop()}
	client, err := r.connect(1, new(atomic.Int64))
	if err != nil {
		return nil, fmt.Errorf("checking redis: %w", err)
	}
	defer client.Close()
	var mu sync.Mutex
	var all []server.Report
	look := func(ctx context.Context, c redis.UniversalClient, addr string) error {
		report, err := server.Ask(ctx, c)
		if err != nil {
			return err
		}
		report.Addr = addr
		report.SetFailover(r.sentinels(), cfg.Wait)
		mu.Lock()
		defer mu.Unlock()
		all = append(all, report)
		return nil
	}
	switch c := client.(type) {
	case *cluster.Client:
		err = c.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
			return look(ctx, node, node.Options().Addr)
		})
		for i := range all {
			all[i].LoneNode = false
		}
	case *redis.Client:
		err = look(ctx, c, c.Options().Addr)
	}
	if err != nil {
		return nil, queueError("checking redis", err)
	}
	return all, nil
}
