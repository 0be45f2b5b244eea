package redis

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/redis/cluster"
	"github.com/leadgate/leadgate/internal/queue/redis/server"
)

// watcher looks for what loses what was acknowledged without an error: a goroutine of its
// own asks the servers once a minute, and after a reconnect, and looks for the markers more
// often. See [Store.Alerts].
type watcher struct {
	r     *Store
	quit  chan struct{}
	owner sync.WaitGroup
	looks atomic.Int64 // so far

	mu     sync.Mutex
	alerts map[string]queue.Alert

	// The rest belongs to the goroutine.
	looked  time.Time
	dialed  int64
	servers map[string]watched // by run id
	marks   map[string]string  // the markers that were seen
}

// watched is what was seen of a server.
type watched struct {
	evicted   int64
	journaled bool
}

func (w *watcher) start(r *Store) {
	w.r, w.quit = r, make(chan struct{})
	w.alerts, w.servers, w.marks = map[string]queue.Alert{}, map[string]watched{}, map[string]string{}
	w.owner.Go(func() {
		tick := time.NewTicker(r.timing.mark)
		defer tick.Stop()
		for {
			w.look()
			w.looks.Add(1)
			select {
			case <-w.quit:
				return
			case <-tick.C:
			}
		}
	})
}

func (w *watcher) stop() {
	close(w.quit)
	w.owner.Wait()
}

// Alerts implements [queue.Watched].
func (r *Store) Alerts() []queue.Alert {
	r.watch.mu.Lock()
	defer r.watch.mu.Unlock()
	var all []queue.Alert
	for _, reason := range queue.AlertReasons() {
		if a, on := r.watch.alerts[reason]; on {
			all = append(all, a)
		}
	}
	return all
}

// set notes whether there is an alert, and logs what is new.
func (w *watcher) set(reason, text string) {
	w.mu.Lock()
	before, was := w.alerts[reason]
	if text == "" {
		delete(w.alerts, reason)
	} else {
		w.alerts[reason] = queue.Alert{Reason: reason, Text: text}
	}
	w.mu.Unlock()
	switch {
	case text != "" && text != before.Text:
		w.r.log.Error(text, zap.String("alert", reason))
	case text == "" && was:
		w.r.log.Info("what was wrong with redis is over", zap.String("alert", reason))
	}
}

// acknowledge ends the alert that Redis was emptied: somebody has seen to it, and loaded a
// configuration.
func (w *watcher) acknowledge() { w.set(queue.AlertEmptied, "") }

func (w *watcher) look() {
	ctx, cancel := context.WithTimeout(w.r.life, 2*w.r.timing.timeout)
	defer cancel()
	// Not on the connections for leases: where INFO is refused, a new one of those may
	// mean another server.
	w.seeMarks(ctx)
	w.r.relist(ctx)
	dialed := w.r.servers.dialed.Load()
	if now := time.Now(); now.Sub(w.looked) >= w.r.timing.watch || dialed != w.dialed {
		if w.askServers(ctx) == nil {
			w.looked, w.dialed = now, dialed
		}
	}
}

// askServers asks each server, and sets the alerts by what all say.
func (w *watcher) askServers(ctx context.Context) error {
	if w.r.servers.mute.Load() {
		return nil
	}
	var found sightings
	ask := func(ctx context.Context, c redis.UniversalClient) error {
		info, err := c.Info(ctx).Result()
		if redis.HasErrorPrefix(err, "NOPERM") {
			w.r.servers.mute.Store(true)
			return nil
		}
		if err == nil {
			found.add(w.see(server.Fields(info)))
		}
		return err
	}
	err := eachServer(ctx, w.r.client, ask)
	if err != nil || w.r.servers.mute.Load() {
		return err
	}
	w.set(queue.AlertEvicting, found.evicting)
	w.set(queue.AlertUnreplicated, found.unreplicated())
	return nil
}

// sightings are what is wrong of any server, "" for nothing.
type sightings struct{ evicting, unjournaled, unguarded string }

func (s *sightings) add(t sightings) {
	s.evicting = cmp.Or(t.evicting, s.evicting)
	s.unjournaled = cmp.Or(t.unjournaled, s.unjournaled)
	s.unguarded = cmp.Or(t.unguarded, s.unguarded)
}

// unreplicated names both of its reasons where both hold.
func (s *sightings) unreplicated() string {
	if s.unjournaled != "" && s.unguarded != "" {
		return s.unjournaled + "; and " + s.unguarded
	}
	return s.unjournaled + s.unguarded
}

// see compares what a server says with what it said before.
func (w *watcher) see(f map[string]string) (s sightings) {
	id := f["run_id"]
	before, known := w.servers[id]
	evicted, _ := strconv.ParseInt(f["evicted_keys"], 10, 64)
	if !known {
		before = watched{evicted: evicted}
		if len(w.servers) > 0 {
			before.evicted = 0 // it was started since
		}
	}
	s.evicting = server.Evicting(f, evicted-before.evicted)
	on := f["aof_enabled"] == "1"
	if before.journaled && !on {
		s.unjournaled = "redis no longer keeps its append-only file, so that a crash loses what came since: set appendonly yes"
		on = true // until it is
	}
	if server.LosesOnFailover(f, w.r.sentinels(), w.r.wait.Load().replicas) {
		s.unguarded = server.FailoverLoses
	}
	w.servers[id] = watched{evicted: evicted, journaled: on}
	return s
}

// eachServer calls fn with the server, or with a Cluster's masters, one after the other.
func eachServer(ctx context.Context, client redis.UniversalClient, fn func(context.Context, redis.UniversalClient) error) error {
	nodes, ok := client.(*cluster.Client)
	if !ok {
		return fn(ctx, client)
	}
	var mu sync.Mutex
	return nodes.ForEachMaster(ctx, func(ctx context.Context, c *redis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		return fn(ctx, c)
	})
}

// seeMarks looks for the markers: keys that nobody removes. A Cluster has many, so that each
// node of some size has one.
func (w *watcher) seeMarks(ctx context.Context) {
	keys := w.r.markers()
	pipe := w.r.client.Pipeline()
	values := make([]*redis.StringCmd, len(keys))
	for i, key := range keys {
		values[i] = pipe.Get(ctx, key)
	}
	_, _ = pipe.Exec(ctx) // each has its own error
	var gone bool
	var missing []string
	for i, v := range values {
		before, seen := w.marks[keys[i]]
		switch found, err := v.Result(); {
		case err == nil:
			gone = gone || seen && found != before // somebody else has put one there
			w.marks[keys[i]] = found
		case redis.HasErrorPrefix(err, "WRONGTYPE"):
		case isNil(err):
			gone = gone || seen
			missing = append(missing, keys[i])
		}
	}
	if gone {
		w.r.tenants.Clear()
		w.set(queue.AlertEmptied, "redis was emptied: what Leadgate kept in it is gone, events that waited among it "+
			"(FLUSHALL or FLUSHDB, a restart without persistence, a failover to an empty replica); "+
			"find out why, and load the configuration again to end this alert")
	}
	w.mark(ctx, missing)
}

// mark puts markers where there are none: others than before, so that each edge sees it.
func (w *watcher) mark(ctx context.Context, keys []string) {
	name := nonce()
	for chunk := range slices.Chunk(keys, pipelineCommands) {
		pipe := w.r.client.Pipeline()
		set := make([]*redis.StatusCmd, len(chunk))
		for i, key := range chunk {
			set[i] = pipe.SetArgs(ctx, key, name, redis.SetArgs{Mode: "NX"})
		}
		_, _ = pipe.Exec(ctx)
		for i, s := range set {
			if s.Err() == nil {
				w.marks[chunk[i]] = name
			} else {
				delete(w.marks, chunk[i]) // another edge was faster, or Redis takes nothing now
			}
		}
	}
}
