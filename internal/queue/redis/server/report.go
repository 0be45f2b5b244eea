// Package server is what a Redis server says of itself, by INFO and CONFIG GET, and what that
// means for a queue: a [Report] of one, with what the doctor finds in it, and what an edge
// watches while it runs ([Evicting], [LosesOnFailover]).
package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
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
	RunID       string            // another for each start of the server
}

// Ask looks at a server, which may refuse to say anything of itself.
func Ask(ctx context.Context, c redis.UniversalClient) (Report, error) {
	if err := c.Ping(ctx).Err(); err != nil {
		return Report{}, err
	}
	report, err := Identify(ctx, c)
	if Answered(err) {
		return Report{Durability: durabilityOf(nil)}, nil
	}
	if err == nil {
		err = report.ReadSettings(ctx, c)
	}
	return report, err
}

// Identify asks a server who it is.
func Identify(ctx context.Context, c redis.UniversalClient) (Report, error) {
	info, err := c.Info(ctx).Result()
	if err != nil {
		return Report{}, err
	}
	fields := Fields(info)
	report := Report{Name: "redis", Version: fields["redis_version"], RunID: fields["run_id"], replication: fields}
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

// ReadSettings asks a server how it is set up. It may refuse to say.
func (r *Report) ReadSettings(ctx context.Context, c redis.UniversalClient) error {
	settings := map[string]string{}
	for _, pattern := range []string{"appendonly", "appendfsync", "save", "maxmemory-policy"} {
		found, err := c.ConfigGet(ctx, pattern).Result()
		if err != nil && !Answered(err) {
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

// SetFailover says what a failover may lose, of a server that sentinels look after or not, and
// of which so many replicas have what is acknowledged.
func (r *Report) SetFailover(sentinels bool, wait int) {
	replicas := r.replication["connected_slaves"]
	r.Guarded = !LosesOnFailover(r.replication, sentinels, wait)
	switch {
	case r.replication == nil:
		r.Failover, r.Guarded = "not known: this user may not run INFO", true
	case (replicas == "0" || replicas == "") && !sentinels:
		r.Failover = "there is none, since it has no replicas"
	case wait > 0:
		r.Failover = fmt.Sprintf("loses nothing that was acknowledged, unless a replica takes over that is none of the %d that had it (wait %d)",
			wait, wait)
	case r.Guarded:
		r.Failover = "may lose the last moment, and of a partition as many seconds as min-replicas-max-lag says; with `wait 1` it loses neither"
	default:
		r.Failover = "may lose the last moment, and all that its master acknowledged while it was cut off from its replicas"
	}
}

// Answered reports whether an error is the server's own answer.
func Answered(err error) bool {
	_, ok := errors.AsType[redis.Error](err)
	return ok
}

// Fields reads the lines of INFO.
func Fields(info string) map[string]string {
	fields := map[string]string{}
	for line := range strings.Lines(info) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			fields[k] = v
		}
	}
	return fields
}
