package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
)

// Report is what a look at one Redis server found. What the user may not
// ask it (INFO, CONFIG GET) is empty.
type Report struct {
	Addr       string
	Name       string // redis or valkey
	Version    string // as the server calls it: 7.2.4
	TooOld     bool   // Leadgate needs Redis 7.0, or Valkey
	Durability string // in words: what a crash of the server may lose
	Journaled  bool   // it has an append-only file, so that a crash loses seconds at most
	Policy     string // maxmemory-policy; noeviction is the right one
	LoneNode   bool   // a node of a Cluster that was not named as one: it keeps only a part of the keys
}

// Check looks at the servers of a configuration without opening the store:
// the one, or a Cluster's masters. The error says that one can't be reached.
func Check(ctx context.Context, cfg Config) ([]Report, error) {
	r := &Store{cfg: cfg, timing: defaultTiming, log: zap.NewNop()}
	client, err := r.connect(1, new(atomic.Int64))
	if err != nil {
		return nil, fmt.Errorf("checking redis: %w", err)
	}
	defer client.Close()
	var mu sync.Mutex
	var all []Report
	look := func(ctx context.Context, c redis.UniversalClient, addr string) error {
		report, err := checkServer(ctx, c)
		if err != nil {
			return err
		}
		report.Addr = addr
		mu.Lock()
		defer mu.Unlock()
		all = append(all, report)
		return nil
	}
	switch c := client.(type) {
	case *redis.ClusterClient:
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
		return nil, redisError("checking redis", err)
	}
	return all, nil
}

func checkServer(ctx context.Context, c redis.UniversalClient) (r Report, err error) {
	if err := c.Ping(ctx).Err(); err != nil {
		return r, err
	}
	info, err := c.Info(ctx, "server").Result()
	if err != nil {
		if answered(err) {
			r.Durability = durabilityOf(nil)
			return r, nil
		}
		return r, err
	}
	fields := infoFields(info)
	r.Name, r.Version = "redis", fields["redis_version"]
	if v := fields["valkey_version"]; v != "" {
		r.Name, r.Version = "valkey", v
	}
	major, _, _ := strings.Cut(r.Version, ".")
	n, err := strconv.Atoi(major)
	r.TooOld = err == nil && n < 7
	r.LoneNode = clusterMode(fields)
	settings := map[string]string{}
	for _, pattern := range []string{"appendonly", "appendfsync", "save", "maxmemory-policy"} {
		found, err := c.ConfigGet(ctx, pattern).Result()
		if err != nil && !answered(err) {
			return r, err
		}
		maps.Copy(settings, found)
	}
	r.Durability, r.Journaled, r.Policy = durabilityOf(settings), settings["appendonly"] == "yes", settings["maxmemory-policy"]
	return r, nil
}

// clusterMode says whether a server is a Cluster's node. Valkey has another name
// for the field than Redis.
func clusterMode(info map[string]string) bool {
	return cmp.Or(info["redis_mode"], info["server_mode"]) == "cluster"
}

// answered says whether an error is the server's own answer.
func answered(err error) bool {
	var refused redis.Error
	return errors.As(err, &refused)
}
