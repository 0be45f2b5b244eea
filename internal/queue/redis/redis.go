package redis

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/batch"
	"github.com/leadgate/leadgate/internal/queue/redis/cluster"
	"github.com/leadgate/leadgate/internal/queue/redis/lua"
)

// Config says which Redis keeps the queue.
type Config struct {
	// URLs are redis://, rediss:// or unix:// URLs: one names a server, several
	// the nodes of a Cluster. With sentinels its user, password, database and
	// TLS are those of the master; its address is not used.
	URLs []string
	// SentinelMaster is the name of the master that Sentinels ("host:port") know.
	SentinelMaster string
	Sentinels      []string
	// SentinelUsername and SentinelPassword are the sentinels' own, if they have any.
	SentinelUsername string
	SentinelPassword string
	// Again reads the configuration anew, when Redis refuses its user and password:
	// they may stand in a file that has changed. nil: they can't have changed.
	Again func() (Config, error)
	// Wait is how many replicas must have what Append acknowledges, 0 for none, and
	// WaitTimeout how long it waits for them. Default: 1 s.
	Wait        int
	WaitTimeout time.Duration
	// Prefix begins every key. Default: leadgate.
	Prefix string
	// Edge and Process say whose leases these are, 16 hex digits each: Edge is of this
	// process alone while it lives, and of those before it, and Process of it alone, as
	// package identity has them. Leases of processes before it are taken at once.
	// Without them every lease is waited for until it ends.
	Edge, Process string
	// Now is the clock by which things are stored and expire. Default: time.Now.
	Now func() time.Time
	// Logger gets what was found at connecting, and when Redis goes and comes.
	Logger *zap.Logger
}

// Store is a queue in Redis. Its methods are those of [queue.Queue], and may be
// called at the same time.
type Store struct {
	cfg    Config
	prefix string
	token  string // the value of the leases that this store holds; another for each store
	timing timing
	log    *zap.Logger

	options  atomic.Pointer[queue.Options]
	access   atomic.Pointer[access]
	rereads  rereads
	wait     atomic.Pointer[waiting]
	client   redis.UniversalClient
	leases   redis.UniversalClient // connections of their own, so that renewals never wait for work
	appends  *batch.Batcher[*gathered]
	appender appender
	line     line // of appends to tenants whose slot a Cluster moves
	heavies
	calls   *batch.Batcher[*call]
	tenants sync.Map // tenants that are in the index, or are put there again: see relist

	servers  servers
	lease    leaseManager
	watch    watcher
	closing  sync.Once
	closeErr error
	life     context.Context // ends when the store closes
	end      context.CancelFunc
}

// heavies are the appends that do not go with others, see heavy.go and line.go.
type heavies struct {
	heavy   door          // of the callers that store a heavy group
	slots   chan struct{} // for those that do it now
	clicked atomic.Bool   // a heavy group had clicks, or one that stood in line, of which the appender doesn't know
}

var (
	_ queue.Queue   = (*Store)(nil)
	_ queue.Watched = (*Store)(nil)
)

// Open opens the store. It doesn't fail when Redis can't be reached: until
// it can, Append returns [queue.ErrUnavailable]. Bad URLs are errors.
func Open(cfg Config, opts queue.Options) (*Store, error) {
	return open(cfg, opts, defaultTiming)
}

func open(cfg Config, opts queue.Options, t timing) (*Store, error) {
	if cfg.Prefix == "" {
		cfg.Prefix = "leadgate"
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = zap.NewNop()
	}
	r := &Store{cfg: cfg, prefix: cfg.Prefix, timing: t, log: cfg.Logger, token: cfg.newToken()}
	r.life, r.end = context.WithCancel(context.Background())
	r.options.Store(&opts)
	r.rereads.again = cfg.Again
	r.wait.Store(cfg.waiting())
	var err error
	if r.client, err = r.connect(0, &r.servers.dialed); err != nil {
		return nil, fmt.Errorf("opening redis queue: %w", err)
	}
	if r.leases, err = r.connect(2, &r.servers.redialed); err != nil {
		return nil, fmt.Errorf("opening redis queue: %w", errors.Join(err, r.client.Close()))
	}
	r.appender.r = r
	r.appends = batch.New(batch.Config[*gathered]{Write: r.commit, Yield: true})
	r.line.start(r)
	r.calls = batch.New(batch.Config[*call]{Write: r.execute})
	r.slots = make(chan struct{}, heavyAtOnce)
	r.lease.start(r)
	r.watch.start(r)
	return r, nil
}

// Configure replaces the options.
func (r *Store) Configure(opts queue.Options) { r.options.Store(&opts) }

// Append implements [queue.Queue].
func (r *Store) Append(ctx context.Context, groups []queue.Group) []queue.Result {
	if len(groups) == 0 {
		return nil
	}
	for i := range groups {
		if heavy(&groups[i]) {
			return r.appendInParts(ctx, groups)
		}
	}
	return r.gather(ctx, groups)
}

// Close stops the store and waits for it; leases that are still held are given back.
func (r *Store) Close() error {
	r.closing.Do(func() {
		r.heavy.close()
		r.appends.Close()
		r.line.stop()
		r.lease.stop()
		r.watch.stop()
		r.calls.Close()
		r.end()
		if err := errors.Join(r.client.Close(), r.leases.Close()); err != nil {
			r.closeErr = fmt.Errorf("closing redis queue: %w", err)
		}
	})
	return r.closeErr
}

// nonce is 16 random hex digits.
func nonce() string {
	b := make([]byte, 8)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// now is the time by the edges' clock, ms.
func (r *Store) now() int64 { return r.cfg.Now().UnixMilli() }

// bounded is the life of a call for what many brought: nobody of them waits for a slot that
// a Cluster moves. In a Cluster a call is tried again, but no longer than one of a lone
// server takes at most.
func (r *Store) bounded(w *waiting) (context.Context, context.CancelFunc) {
	timeout := r.timing.timeout
	if w.replicas > 0 {
		timeout += w.timeout
	}
	if r.clustered() || w.replicas > 0 {
		return context.WithTimeout(cluster.Hurried(r.life), timeout)
	}
	return r.life, func() {}
}

// run calls a script now, on a connection of its own.
func (r *Store) run(ctx context.Context, s *lua.Script, keys []string, args ...any) *redis.Cmd {
	cmd := r.call(ctx, s, keys, args...)
	pipeline(ctx, r.client, []redis.Cmder{cmd})
	return cmd
}

// get is a value, "" for none.
func (r *Store) get(ctx context.Context, key string) (string, error) {
	v, err := r.client.Get(ctx, key).Result()
	if errors.Is(err, redis.Nil) {
		err = nil
	}
	return v, err
}
