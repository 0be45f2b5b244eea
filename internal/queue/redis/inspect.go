package redis

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"
)

// Report is what a look at one Redis server found. What the user may not ask it
// (INFO, CONFIG GET) is empty.
type Report struct {
	Addr       string
	Name       string // redis or valkey
	Version    string // as the server calls it: 7.2.4
	TooOld     bool   // Leadgate needs Redis 7.0, or Valkey
	Durability string // in words: what a crash of the server may lose
	Failover   string // in words: what may be lost when another takes its place
	Guarded    bool   // by min-replicas-to-write, by wait, or since nothing takes its place
	Journaled  bool   // it has an append-only file, so that a crash loses seconds at most
	Policy     string // maxmemory-policy; noeviction is the right one
	LoneNode   bool   // a node of a Cluster that was not named as one: it keeps only a part of the keys

	replication map[string]string // of INFO
	runID       string            // another for each start of the server
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
		report.setFailover(r.sentinels(), cfg.waiting())
		mu.Lock()
		defer mu.Unlock()
		all = append(all, report)
		return nil
	}
	switch c := client.(type) {
	case *clusterClient:
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

func checkServer(ctx context.Context, c redis.UniversalClient) (Report, error) {
	if err := c.Ping(ctx).Err(); err != nil {
		return Report{}, err
	}
	report, err := identify(ctx, c)
	if err != nil && answered(err) {
		return Report{Durability: durabilityOf(nil)}, nil
	}
	if err == nil {
		err = report.readSettings(ctx, c)
	}
	return report, err
}

// identify asks a server who it is.
func identify(ctx context.Context, c redis.UniversalClient) (Report, error) {
	info, err := c.Info(ctx).Result()
	if err != nil {
		return Report{}, err
	}
	fields := infoFields(info)
	report := Report{Name: "redis", Version: fields["redis_version"], runID: fields["run_id"], replication: fields}
	if v := fields["valkey_version"]; v != "" {
		report.Name, report.Version = "valkey", v
	}
	major, _, _ := strings.Cut(report.Version, ".")
	n, err := strconv.Atoi(major)
	report.TooOld = err == nil && n < 7
	// Valkey has another name for the field than Redis.
	report.LoneNode = cmp.Or(fields["redis_mode"], fields["server_mode"]) == "cluster"
	return report, nil
}

// readSettings asks a server how it is set up. It may refuse to say.
func (r *Report) readSettings(ctx context.Context, c redis.UniversalClient) error {
	settings := map[string]string{}
	for _, pattern := range []string{"appendonly", "appendfsync", "save", "maxmemory-policy"} {
		found, err := c.ConfigGet(ctx, pattern).Result()
		if err != nil && !answered(err) {
			return err
		}
		maps.Copy(settings, found)
	}
	r.Durability, r.Journaled, r.Policy = durabilityOf(settings), settings["appendonly"] == "yes", settings["maxmemory-policy"]
	return nil
}

// durabilityOf says what a crash may lose with these settings.
func durabilityOf(settings map[string]string) string {
	appendonly, known := settings["appendonly"]
	switch {
	case !known:
		return "not known: this user may not run CONFIG GET"
	case appendonly == "yes" && settings["appendfsync"] == "always":
		return "loses nothing (appendfsync always)"
	case appendonly == "yes" && settings["appendfsync"] == "no":
		return "loses nothing if only redis crashes, and what the system had not written yet, often 30 seconds, " +
			"if the machine does (appendfsync no)"
	case appendonly == "yes":
		return "may lose the last two seconds (appendfsync everysec)"
	case strings.TrimSpace(settings["save"]) != "":
		return "loses everything since the last snapshot (no append-only file); set appendonly yes"
	}
	return "loses everything (no append-only file, no snapshots); set appendonly yes"
}

// setFailover says what a failover may lose.
func (r *Report) setFailover(sentinels bool, wait *waiting) {
	replicas := r.replication["connected_slaves"]
	r.Guarded = !losesOnFailover(r.replication, sentinels, wait.replicas)
	switch {
	case r.replication == nil:
		r.Failover, r.Guarded = "not known: this user may not run INFO", true
	case (replicas == "0" || replicas == "") && !sentinels:
		r.Failover = "there is none, since it has no replicas"
	case wait.replicas > 0:
		r.Failover = fmt.Sprintf("loses nothing that was acknowledged, unless a replica takes over that is none of the %d that had it (wait %d)",
			wait.replicas, wait.replicas)
	case r.Guarded:
		r.Failover = "may lose the last moment, and of a partition as many seconds as min-replicas-max-lag says; with `wait 1` it loses neither"
	default:
		r.Failover = "may lose the last moment, and all that its master acknowledged while it was cut off from its replicas"
	}
}

// infoFields reads the lines of INFO.
func infoFields(info string) map[string]string {
	fields := map[string]string{}
	for line := range strings.Lines(info) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			fields[k] = v
		}
	}
	return fields
}
