package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/leadgate/leadgate/internal/queue/redis/cluster"
)

// silence keeps go-redis from writing a line to stderr for each failed dial: the store
// returns and logs errors itself. go-redis has one logger, so this holds for all that
// uses it in the process.
var silence = sync.OnceFunc(func() { redis.SetLogger(noLog{}) })

type noLog struct{}

func (noLog) Printf(context.Context, string, ...any) {}

// connect makes a client, with a pool of a size or of the default size (0), that
// counts its connections. It dials nothing yet.
func (r *Store) connect(poolSize int, dialed *atomic.Int64) (redis.UniversalClient, error) {
	silence()
	all, err := r.cfg.options()
	if err != nil {
		return nil, err
	}
	if r.access.Load() == nil {
		r.access.Store(r.cfg.access(all[0]))
	}
	opt := all[0]
	r.setUp(opt, dialed)
	if poolSize > 0 {
		opt.PoolSize = poolSize
	}
	switch {
	case r.cfg.SentinelMaster != "":
		return r.hooked(redis.NewFailoverClient(&redis.FailoverOptions{
			MasterName: r.cfg.SentinelMaster, SentinelAddrs: r.cfg.Sentinels,
			CredentialsProviderContext: opt.CredentialsProviderContext, DB: opt.DB, TLSConfig: opt.TLSConfig,
			MaxRetries: opt.MaxRetries, DialerRetries: opt.DialerRetries, DialTimeout: opt.DialTimeout,
			ReadTimeout: opt.ReadTimeout, WriteTimeout: opt.WriteTimeout, ContextTimeoutEnabled: true,
			DisableIdentity: true, Protocol: 2, PoolSize: opt.PoolSize, OnConnect: opt.OnConnect,
		})), nil
	case len(all) > 1:
		return r.hooked(cluster.New(all, r.timing.timeout)), nil
	}
	return r.hooked(redis.NewClient(opt)), nil
}

// options reads the URLs.
func (c *Config) options() ([]*redis.Options, error) {
	if len(c.URLs) == 0 {
		return nil, errors.New("reading redis URL: there is none")
	}
	all := make([]*redis.Options, len(c.URLs))
	for i, u := range c.URLs {
		opt, err := parseRedisURL(u)
		if err != nil {
			return nil, err
		}
		if i > 0 && (opt.Network != all[0].Network || (opt.TLSConfig == nil) != (all[0].TLSConfig == nil) ||
			opt.Username != all[0].Username || opt.Password != all[0].Password) {
			return nil, errors.New("reading redis URLs: the nodes of a Cluster must have the same scheme, user and password")
		}
		all[i] = opt
	}
	if (c.SentinelMaster == "") != (len(c.Sentinels) == 0) {
		return nil, errors.New("reading sentinels: a master's name and at least one host:port are needed")
	}
	if len(all) == 1 {
		return all, nil
	}
	if c.SentinelMaster != "" {
		return nil, errors.New("reading redis URLs: with sentinels there is one URL, for user, password, database and TLS")
	}
	for _, o := range all {
		if o.Network != "tcp" || o.DB != 0 {
			return nil, errors.New("reading redis URLs: the nodes of a Cluster are redis:// or rediss:// URLs without a database")
		}
	}
	return all, nil
}

// setUp sets what all connections have in common.
func (r *Store) setUp(opt *redis.Options, dialed *atomic.Int64) {
	// No blind repeats: a call that timed out may have been carried out. The
	// timeouts are such that an append that meets a dead connection has its
	// answer before the provider loses its patience.
	opt.MaxRetries = -1
	opt.DialerRetries = 1
	opt.DialTimeout = cmp.Or(opt.DialTimeout, r.timing.timeout)
	opt.ReadTimeout = cmp.Or(opt.ReadTimeout, r.timing.timeout)
	opt.WriteTimeout = cmp.Or(opt.WriteTimeout, r.timing.timeout)
	opt.ContextTimeoutEnabled = true
	opt.DisableIdentity = true
	opt.Protocol = 2
	opt.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	opt.Username, opt.Password, opt.CredentialsProviderContext = "", "", r.login
	opt.OnConnect = func(ctx context.Context, c *redis.Conn) error { return r.admit(ctx, c, dialed) }
}

// parseRedisURL reads a URL; its errors don't show it, for it holds a password.
func parseRedisURL(s string) (*redis.Options, error) {
	opt, err := redis.ParseURL(s)
	if err == nil {
		return opt, nil
	}
	if bad, ok := errors.AsType[*url.Error](err); ok {
		err = bad.Err
	}
	shown := "a redis URL"
	if scheme, rest, ok := strings.Cut(s, "://"); ok {
		host := rest[strings.LastIndexByte(rest, '@')+1:]
		host, _, _ = strings.Cut(host, "?")
		shown = scheme + "://" + host
	}
	return nil, fmt.Errorf("reading redis URL %s: %w; write redis://, rediss:// or unix://, as in redis://user:password@host:6379/0",
		shown, err)
}
