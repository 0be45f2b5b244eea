package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
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
	if len(r.cfg.URLs) == 0 {
		return nil, errors.New("reading redis URL: there is none")
	}
	all := make([]*redis.Options, len(r.cfg.URLs))
	for i, u := range r.cfg.URLs {
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
	opt := all[0]
	// No blind repeats: a call that timed out may have been carried out. The
	// timeouts are such that an append that meets a dead connection has its
	// answer before the provider loses its patience.
	opt.MaxRetries = -1
	opt.DialerRetries = 1
	if opt.DialTimeout == 0 {
		opt.DialTimeout = r.timing.timeout
	}
	if opt.ReadTimeout == 0 {
		opt.ReadTimeout = r.timing.timeout
	}
	if opt.WriteTimeout == 0 {
		opt.WriteTimeout = r.timing.timeout
	}
	opt.ContextTimeoutEnabled = true
	opt.DisableIdentity = true
	opt.Protocol = 2
	opt.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	if poolSize > 0 {
		opt.PoolSize = poolSize
	}
	onConnect := func(context.Context, *redis.Conn) error {
		dialed.Add(1)
		return nil
	}

	switch {
	case r.cfg.SentinelMaster != "" || len(r.cfg.Sentinels) > 0:
		if r.cfg.SentinelMaster == "" || len(r.cfg.Sentinels) == 0 {
			return nil, errors.New("reading sentinels: a master's name and at least one host:port are needed")
		}
		if len(all) > 1 {
			return nil, errors.New("reading redis URLs: with sentinels there is one URL, for user, password, database and TLS")
		}
		return redis.NewFailoverClient(&redis.FailoverOptions{
			MasterName: r.cfg.SentinelMaster, SentinelAddrs: r.cfg.Sentinels,
			Username: opt.Username, Password: opt.Password, DB: opt.DB, TLSConfig: opt.TLSConfig,
			MaxRetries: opt.MaxRetries, DialerRetries: opt.DialerRetries, DialTimeout: opt.DialTimeout,
			ReadTimeout: opt.ReadTimeout, WriteTimeout: opt.WriteTimeout, ContextTimeoutEnabled: true,
			DisableIdentity: true, Protocol: 2, PoolSize: opt.PoolSize, OnConnect: onConnect,
		}), nil
	case len(all) > 1:
		addrs := make([]string, len(all))
		for i, o := range all {
			if o.Network != "tcp" || o.DB != 0 {
				return nil, errors.New("reading redis URLs: the nodes of a Cluster are redis:// or rediss:// URLs without a database")
			}
			addrs[i] = o.Addr
		}
		if opt.TLSConfig != nil {
			// Of the first node only; each is checked by its own name.
			opt.TLSConfig = &tls.Config{
				MinVersion:         opt.TLSConfig.MinVersion,
				InsecureSkipVerify: opt.TLSConfig.InsecureSkipVerify, //nolint:gosec // only as the user's URL asks, by skip_verify
			}
		}
		return redis.NewClusterClient(&redis.ClusterOptions{
			Addrs: addrs, Username: opt.Username, Password: opt.Password, TLSConfig: opt.TLSConfig,
			MaxRetries: -1, DialerRetries: opt.DialerRetries, DialTimeout: opt.DialTimeout,
			ReadTimeout: opt.ReadTimeout, WriteTimeout: opt.WriteTimeout, ContextTimeoutEnabled: true,
			DisableIdentity: true, Protocol: 2, PoolSize: opt.PoolSize, OnConnect: onConnect,
		}), nil
	}
	opt.OnConnect = onConnect
	return redis.NewClient(opt), nil
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
