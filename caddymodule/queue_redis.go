package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/finding"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/redis"
	"github.com/leadgate/leadgate/internal/wording"
)

// RedisQueue is the settings of a queue in Redis.
type RedisQueue struct {
	// redis: where it is: redis://, rediss:// or unix://. Several URLs are the
	// nodes of a Cluster. Redis 7 or Valkey.
	URLs []string `json:"urls,omitempty"`

	// redis: the name of the master that Sentinels look after, and their addresses.
	SentinelMaster string   `json:"sentinel_master,omitempty"`
	Sentinels      []string `json:"sentinels,omitempty"`

	// redis: the user and password of the sentinels themselves, where they ask for them.
	SentinelUsername string `json:"sentinel_username,omitempty"`
	SentinelPassword string `json:"sentinel_password,omitempty"`

	// redis: how many replicas must have an event before its webhook is answered
	// 200; with fewer it is answered 503, and is posted again. Default: 0.
	Wait int `json:"wait,omitempty"`

	// redis: how long they are waited for. Default: 1s.
	WaitTimeout caddy.Duration `json:"wait_timeout,omitempty"`

	// redis: what the keys begin with. Default: leadgate.
	Prefix string `json:"prefix,omitempty"`
}

func redisOptions() options[RedisQueue] {
	return options[RedisQueue]{
		{name: "sentinel", args: "<master> <host:port>... [{ username … ; password … }]", parse: (*RedisQueue).parseSentinel},
		{name: "wait", args: "<replicas> [<timeout>]", parse: (*RedisQueue).parseWait, check: (*RedisQueue).checkWait},
		{
			name: "prefix", args: "<prefix>", def: "leadgate", at: func(q *RedisQueue) value { return nameValue{&q.Prefix} },
			check: (*RedisQueue).checkPrefix,
		},
	}
}

// sentinelOptions are those of the block behind sentinel.
func sentinelOptions() options[RedisQueue] {
	return options[RedisQueue]{
		{name: "username", args: "<name>", at: func(q *RedisQueue) value { return textValue{&q.SentinelUsername} }},
		{name: "password", args: "<secret>", at: func(q *RedisQueue) value { return textValue{&q.SentinelPassword} }},
	}
}

func (*RedisQueue) name() string          { return "redis" }
func (*RedisQueue) usage() string         { return "redis <url>" }
func (*RedisQueue) optionNames() []string { return redisOptions().names() }

func (q *RedisQueue) words(words []string) error {
	q.URLs = words
	return nil
}

func (q *RedisQueue) parse(d *caddyfile.Dispenser) error {
	if err := redisOptions().parse(q, d, "queue redis", nil); err != nil {
		return err
	}
	if err := q.checkAddress(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

func (q *RedisQueue) parseSentinel(d *caddyfile.Dispenser) error {
	option, words := d.Val(), d.RemainingArgs()
	if err := literals(option, words); err != nil {
		return d.WrapErr(err)
	}
	if len(words) < 2 {
		return d.Err("sentinel needs the master's name and at least one address: write `sentinel mymaster 10.0.0.1:26379`")
	}
	q.SentinelMaster, q.Sentinels = words[0], words[1:]
	if err := sentinelOptions().parse(q, d, "sentinel", nil); err != nil {
		return err
	}
	if err := q.checkSentinelUser(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

func (q *RedisQueue) checkSentinelUser() error {
	switch {
	case q.SentinelUsername != "" && q.SentinelPassword == "":
		return errors.New("queue redis: sentinel: username needs a password: write `password <secret>` below it")
	case q.SentinelPassword != "" && q.SentinelMaster == "":
		return errors.New("queue redis: a sentinel's password stands without a sentinel: write `sentinel <master> <host:port>...`")
	}
	return nil
}

// longestWait leaves time for an answer before providers lose their patience.
const longestWait = 4 * time.Second

func (q *RedisQueue) parseWait(d *caddyfile.Dispenser) error {
	option, words := d.Val(), d.RemainingArgs()
	if len(words) == 0 || len(words) > 2 {
		return d.Err("wait takes a number of replicas, and how long they are waited for: write `wait 1` or `wait 1 500ms`")
	}
	if err := (numberValue{&q.Wait}).parse(option, words[:1]); err != nil {
		return d.WrapErr(err)
	}
	if len(words) == 2 {
		if err := (timeValue{&q.WaitTimeout}).parse(option, words[1:]); err != nil {
			return d.WrapErr(err)
		}
		if q.WaitTimeout == 0 {
			return d.Err("wait: a timeout of 0 would wait for ever: write one such as 1s, or leave it out")
		}
	}
	if err := q.checkWait(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

func (q *RedisQueue) checkWait() error {
	timeout := time.Duration(q.WaitTimeout)
	switch {
	case q.Wait < 0:
		return fmt.Errorf("queue redis: wait '%d' is no number of replicas: write `wait 1`, or leave it out", q.Wait)
	case timeout < 0, timeout > 0 && timeout < time.Millisecond, timeout > longestWait:
		return fmt.Errorf("queue redis: wait: a timeout of %s is not between 1ms and %s: a provider must have its answer within 5 seconds",
			timeout, longestWait)
	}
	return nil
}

func (q *RedisQueue) checkAddress() error {
	if len(q.URLs) == 0 && q.SentinelMaster == "" {
		return errors.New("queue redis needs a URL: write `queue redis redis://127.0.0.1:6379`")
	}
	return nil
}

func (q *RedisQueue) checkPrefix() error {
	if q.Prefix != "" && !wording.ValidName(q.Prefix) {
		return fmt.Errorf("queue redis: prefix '%s' is not of letters, digits, dots, dashes and underscores, at most 64", q.Prefix)
	}
	return nil
}

func (q *RedisQueue) foreign() string {
	if len(q.URLs) == 0 && q.SentinelMaster == "" && len(q.Sentinels) == 0 && q.Prefix == "" &&
		q.SentinelUsername == "" && q.SentinelPassword == "" && q.Wait == 0 && q.WaitTimeout == 0 {
		return ""
	}
	return "has settings of queue redis: write `\"kind\": \"redis\"`, or delete them"
}

func (q *RedisQueue) provision(repl *caddy.Replacer) (*store, error) {
	r := *q
	if err := redisOptions().resolve(&r, nil); err != nil {
		return nil, err
	}
	if err := errors.Join(r.checkAddress(), r.checkSentinelUser()); err != nil {
		return nil, err
	}
	cfg, where, err := r.config(repl)
	if err != nil {
		return nil, err
	}
	if r.readsFiles() {
		cfg.Again = func() (redis.Config, error) {
			cfg, _, err := r.config(caddy.NewReplacer())
			return cfg, err
		}
	}
	s := &store{
		key:   "redis:" + where.identity + " " + cfg.Prefix,
		shown: "redis " + strings.Join(where.shown, " ") + " " + cfg.Prefix,
		open: func(o queue.Options, logger *zap.Logger) (queue.Queue, error) {
			cfg := cfg
			cfg.Logger = logger
			id := edgeIdentity(logger)
			cfg.Edge, cfg.Process = id.Edge, id.Process
			return redis.Open(cfg, o)
		},
		try: func(ctx context.Context) error { return redis.Try(ctx, cfg) },
		renew: func(q queue.Queue) {
			if open, ok := q.(*redis.Store); ok {
				open.Renew(cfg)
			}
		},
	}
	s.examine = func(ctx context.Context) finding.List { return redis.Examine(ctx, s.shown, cfg) }
	return s, nil
}
