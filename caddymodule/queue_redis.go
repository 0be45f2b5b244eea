package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/finding"
	"github.com/leadgate/leadgate/internal/hosts"
	"github.com/leadgate/leadgate/internal/printable"
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

	// redis: what the keys begin with. Default: leadgate.
	Prefix string `json:"prefix,omitempty"`
}

func redisOptions() options[RedisQueue] {
	return options[RedisQueue]{
		{name: "sentinel", args: "<master> <host:port>...", parse: (*RedisQueue).parseSentinel},
		{
			name: "prefix", args: "<prefix>", def: "leadgate", at: func(q *RedisQueue) value { return nameValue{&q.Prefix} },
			check: (*RedisQueue).checkPrefix,
		},
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
	if len(q.URLs) == 0 && q.SentinelMaster == "" && len(q.Sentinels) == 0 && q.Prefix == "" {
		return ""
	}
	return "has settings of queue redis: write `\"kind\": \"redis\"`, or delete them"
}

func (q *RedisQueue) provision(repl *caddy.Replacer) (*store, error) {
	r := *q
	if err := redisOptions().resolve(&r, nil); err != nil {
		return nil, err
	}
	if err := r.checkAddress(); err != nil {
		return nil, err
	}
	cfg := redis.Config{SentinelMaster: r.SentinelMaster, Prefix: r.Prefix}
	var shown []string
	for _, text := range r.URLs {
		text, at, err := redisURL(repl, text)
		if err != nil {
			return nil, err
		}
		cfg.URLs, shown = append(cfg.URLs, text), append(shown, at)
	}
	for _, text := range r.Sentinels {
		text, err := sentinelAddress(repl, text)
		if err != nil {
			return nil, err
		}
		cfg.Sentinels, shown = append(cfg.Sentinels, text), append(shown, "sentinel "+r.SentinelMaster+" "+text)
	}
	slices.Sort(shown)
	s := &store{
		key:   "redis:" + strings.Join(shown, ",") + " " + cfg.Prefix,
		shown: "redis " + strings.Join(shown, " ") + " " + cfg.Prefix,
		open: func(o queue.Options, logger *zap.Logger) (queue.Queue, error) {
			cfg.Logger = logger
			id := edgeIdentity(logger)
			cfg.Edge, cfg.Process = id.Edge, id.Process
			return redis.Open(cfg, o)
		},
	}
	s.examine = func(ctx context.Context) finding.List { return redis.Examine(ctx, s.shown, cfg) }
	return s, nil
}

// redisURL checks a URL; shown is what may be shown of it.
func redisURL(repl *caddy.Replacer, option string) (text, shown string, err error) {
	if text, err = replaceText(repl, "queue redis", option); err != nil {
		return "", "", err
	}
	u, err := url.Parse(text)
	if err != nil || !slices.Contains([]string{"redis", "rediss", "unix"}, u.Scheme) {
		return "", "", errors.New("queue redis: a URL is not redis://, rediss:// or unix://: write one such as redis://127.0.0.1:6379")
	}
	if err := hosts.Check(u.Hostname()); err != nil {
		return "", "", fmt.Errorf("queue redis: %w", err)
	}
	if strings.Contains(u.Host, ",") || strings.Contains(u.Path, ",") {
		return "", "", errors.New("queue redis: a URL has a comma: write several with a space between them")
	}
	if u.Scheme != "unix" && strings.Trim(u.Path, "/0123456789") != "" {
		return "", "", errors.New("queue redis: the path of a URL is the number of a database, 0 for example: " +
			"write one such as redis://127.0.0.1:6379/0")
	}
	u.User = nil
	db := u.Query().Get("db")
	u.RawQuery, u.Fragment = "", ""
	shown = strings.TrimSuffix(u.String(), "/")
	if db != "" {
		shown += "?db=" + db
	}
	return text, shown, nil
}

func sentinelAddress(repl *caddy.Replacer, option string) (string, error) {
	text, err := replaceText(repl, "queue redis: sentinel", option)
	if err != nil {
		return "", err
	}
	host, _, err := net.SplitHostPort(text)
	if err != nil {
		return "", fmt.Errorf("queue redis: sentinel '%s' is no host and port: write one such as 10.0.0.1:26379", printable.URL(text))
	}
	if err := hosts.Check(host); err != nil {
		return "", fmt.Errorf("queue redis: sentinel: %w", err)
	}
	return text, nil
}
