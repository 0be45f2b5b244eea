package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/queue/redis/cluster"
	"github.com/leadgate/leadgate/internal/queue/redis/lua"
	"github.com/leadgate/leadgate/internal/queue/redis/server"
)

// access is who the store is to Redis, and to sentinels. Each new connection uses what
// is known then, and keeps it until it ends, as Redis does: so a password can be changed
// while the store is open.
type access struct{ user, password, sentinelUser, sentinelPassword string }

func (c *Config) access(opt *redis.Options) *access {
	return &access{opt.Username, opt.Password, c.SentinelUsername, c.SentinelPassword}
}

// login is what a new connection says who it is.
func (r *Store) login(context.Context) (user, password string, err error) {
	a := r.access.Load()
	return a.user, a.password, nil
}

// errNoPassword is what a server says that wants a password where none is known.
var errNoPassword = errors.New("NOAUTH: redis wants a user and password")

// admit looks at a new connection, and refuses one that could do nothing: it would stay
// in the pool when the password is known. So it does one that has not answered yet: what
// it answers later would be taken for the answer to the next call, and that one's for the
// answer to the call after it.
func (r *Store) admit(ctx context.Context, c *redis.Conn, dialed *atomic.Int64) error {
	a := r.access.Load()
	user, password := a.user, a.password
	sentinel := r.cfg.SentinelMaster != "" && !strings.Contains(c.String(), "FailoverClient")
	if sentinel {
		// go-redis has no way to change what it says to sentinels, so it says nothing.
		switch user, password = a.sentinelUser, a.sentinelPassword; {
		case user != "":
			return c.AuthACL(ctx, user, password).Err()
		case password != "":
			return c.Auth(ctx, password).Err()
		}
	} else {
		dialed.Add(1)
	}
	if user == "" && password == "" {
		switch err := c.Ping(ctx).Err(); {
		case redis.HasErrorPrefix(err, "NOAUTH"):
			return errNoPassword
		case err != nil && !server.Answered(err):
			return fmt.Errorf("greeting redis: %w", err)
		}
	}
	return nil
}

// Try connects as a configuration says, before it is taken. The error is that Redis, or
// a sentinel, refuses its user and password, or the user what the store must do: of one
// that can't be reached nothing is said.
func Try(ctx context.Context, cfg Config) error {
	cfg.Again = nil
	r := &Store{cfg: cfg, prefix: cfg.Prefix, timing: defaultTiming, log: zap.NewNop()}
	client, err := r.connect(1, new(atomic.Int64))
	if err != nil {
		return fmt.Errorf("trying redis: %w", err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, r.timing.timeout)
	defer cancel()
	var commands []any
	for name := range strings.FieldsSeq(neededCommands) {
		commands = append(commands, name)
	}
	if cfg.Wait > 0 {
		commands = append(commands, "wait")
	}
	call := lua.Try.Call(ctx, []string{r.tenantsKey()}, commands...)
	pipeline(ctx, client, []redis.Cmder{call})
	refused, err := call.Text()
	switch {
	case refusedLogin(err) || redis.HasErrorPrefix(err, "NOPERM"):
		return fmt.Errorf("redis refuses this user and password: %w", err)
	case err == nil && refused != "":
		return fmt.Errorf("redis refuses this user and password: NOPERM this user may not run the %q command on the keys of the queue", refused)
	}
	return nil
}

// neededCommands are what a store makes of keys, in scripts and without them: a user who may
// not run one of them is refused when a configuration is loaded, and not when it is first
// wanted. What Leadgate can do without is not among them.
const neededCommands = "eval evalsha scard hscan hget hset hdel hlen hexists hmget hincrby get mget set del unlink exists pexpire pttl " +
	"rename sadd srem smembers sismember sscan xadd xdel xlen xrange xrevrange xtrim zadd zcard zrange zrem"

// refusedLogin reports whether an error is that user and password are wrong, and so
// nothing was done. What sentinels say comes in other errors.
func refusedLogin(err error) bool {
	if err == nil {
		return false
	}
	text := err.Error()
	return strings.Contains(text, "WRONGPASS") || strings.Contains(text, "NOAUTH")
}

// Renew has new connections use a configuration's user and password, and appends wait as
// it says.
func (r *Store) Renew(cfg Config) {
	all, err := cfg.options()
	if err != nil {
		return // it would not have loaded
	}
	r.rereads.mu.Lock()
	defer r.rereads.mu.Unlock()
	r.rereads.again = cfg.Again
	r.wait.Store(cfg.waiting())
	if r.setAccess(cfg.access(all[0])) {
		r.servers.mute.Store(false) // this user may be allowed more
	}
	r.watch.acknowledge()
}

// setAccess reports whether it is news.
func (r *Store) setAccess(a *access) bool {
	if *a == *r.access.Load() {
		return false
	}
	r.access.Store(a)
	return true
}

// rereads is how a password is read anew that Redis refuses.
type rereads struct {
	mu    sync.Mutex
	again func() (Config, error)
	last  time.Time
}

// rereadEvery is how often at most.
const rereadEvery = time.Second

// reread reads user and password anew, since Redis has refused those that were tried. It
// reports whether there are others now.
func (r *Store) reread(tried *access) bool {
	r.rereads.mu.Lock()
	defer r.rereads.mu.Unlock()
	if *tried != *r.access.Load() {
		return true // somebody else was faster
	}
	if r.rereads.again == nil || time.Since(r.rereads.last) < rereadEvery {
		return false
	}
	r.rereads.last = time.Now()
	cfg, err := r.rereads.again()
	if err != nil {
		r.log.Error("redis refuses user and password, and they can't be read anew", zap.Error(err))
		return false
	}
	all, err := cfg.options()
	if err != nil || !r.setAccess(cfg.access(all[0])) {
		return false
	}
	r.log.Info("redis refused the password that was read at load: it was read again, and is another one now")
	return true
}

// hooked has a client read a refused password anew, and call again then.
func (r *Store) hooked(c redis.UniversalClient) redis.UniversalClient {
	c.AddHook(loginHook{r})
	return c
}

type loginHook struct{ r *Store }

func (loginHook) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h loginHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		tried := h.r.access.Load()
		err := next(ctx, cmd)
		if refusedLogin(err) && h.r.reread(tried) {
			cmd.SetErr(nil)
			err = next(ctx, cmd)
		}
		return err
	}
}

func (h loginHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		tried := h.r.access.Load()
		err := cluster.Stamp(cmds, next(ctx, cmds))
		refused := refusedOf(cmds)
		if len(refused) == 0 || !h.r.reread(tried) {
			return err
		}
		for _, cmd := range refused {
			cmd.SetErr(nil)
		}
		return cluster.Stamp(refused, next(ctx, refused))
	}
}

// refusedOf are the commands that were not carried out for want of a right password.
func refusedOf(cmds []redis.Cmder) (refused []redis.Cmder) {
	for _, cmd := range cmds {
		if refusedLogin(cmd.Err()) {
			refused = append(refused, cmd)
		}
	}
	return refused
}
