package caddymodule

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/printable"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/embedded"
	"github.com/leadgate/leadgate/internal/queue/redis"
)

// store is a queue's configuration with its placeholders replaced.
type store struct {
	key   string // the store's identity: what it is, without settings and credentials
	shown string // for people
	open  func(queue.Options, *zap.Logger) (queue.Queue, error)

	folder string        // embedded
	redis  *redis.Config // redis
}

func (q *Queue) provision() (*store, error) {
	repl := caddy.NewReplacer()
	switch q.Kind {
	case "", "embedded", "redis":
		if err := q.check(); err != nil {
			return nil, err
		}
	}
	switch q.Kind {
	case "", "embedded":
		path := filepath.Join(caddy.AppDataDir(), "leadgate")
		if q.Path != "" {
			var err error
			if path, err = replaceText(repl, "queue embedded", q.Path); err != nil {
				return nil, err
			}
			switch {
			case strings.Contains(path, "://"):
				return nil, fmt.Errorf("queue embedded takes a folder, and %s is a URL: write `queue redis <url>`", printable.URL(path))
			case path == "~" || strings.HasPrefix(path, "~/"):
				return nil, fmt.Errorf("queue embedded: %s would be a folder called ~: write the whole path, or {env.HOME}%s", path, path[1:])
			}
		}
		path, err := filepath.Abs(path)
		if err != nil {
			return nil, fmt.Errorf("queue embedded: finding the folder: %w", err)
		}
		if q.MaxSize == 0 {
			q.MaxSize = 4 << 30
		}
		return &store{
			key:    "embedded:" + path,
			shown:  "embedded " + path,
			folder: path,
			open: func(o queue.Options, logger *zap.Logger) (queue.Queue, error) {
				return embedded.Open(embedded.Config{Dir: path, Logger: logger, LockTimeout: lockTimeout}, o)
			},
		}, nil
	case "redis":
		return q.provisionRedis(repl)
	default:
		return nil, fmt.Errorf("queue '%s' is unknown: it is embedded or redis", q.Kind)
	}
}

// lockTimeout must exceed the grace of a drain, so that a request that arrives
// while the same file is being closed waits for it.
const lockTimeout = 15 * time.Second

func (q *Queue) provisionRedis(repl *caddy.Replacer) (*store, error) {
	if len(q.URLs) == 0 && q.SentinelMaster == "" {
		return nil, errors.New("queue redis needs a URL: write `queue redis redis://127.0.0.1:6379`")
	}
	cfg := redis.Config{SentinelMaster: q.SentinelMaster, Prefix: q.Prefix}
	if cfg.Prefix == "" {
		cfg.Prefix = "leadgate"
	}
	var shown []string
	for _, text := range q.URLs {
		text, err := replaceText(repl, "queue redis", text)
		if err != nil {
			return nil, err
		}
		u, err := url.Parse(text)
		if err != nil || !slices.Contains([]string{"redis", "rediss", "unix"}, u.Scheme) {
			return nil, errors.New("queue redis: a URL is not redis://, rediss:// or unix://: write one such as redis://127.0.0.1:6379")
		}
		if err := checkHost(u.Hostname()); err != nil {
			return nil, fmt.Errorf("queue redis: %w", err)
		}
		if strings.Contains(u.Host, ",") || strings.Contains(u.Path, ",") {
			return nil, errors.New("queue redis: a URL has a comma: write several with a space between them")
		}
		if u.Scheme != "unix" && strings.Trim(u.Path, "/0123456789") != "" {
			return nil, errors.New("queue redis: the path of a URL is the number of a database, 0 for example: write one such as redis://127.0.0.1:6379/0")
		}
		cfg.URLs = append(cfg.URLs, text)
		u.User = nil
		db := u.Query().Get("db")
		u.RawQuery, u.Fragment = "", ""
		s := strings.TrimSuffix(u.String(), "/")
		if db != "" {
			s += "?db=" + db
		}
		shown = append(shown, s)
	}
	for _, text := range q.Sentinels {
		text, err := replaceText(repl, "queue redis: sentinel", text)
		if err != nil {
			return nil, err
		}
		host, _, err := net.SplitHostPort(text)
		if err != nil {
			return nil, fmt.Errorf("queue redis: sentinel '%s' is no host and port: write one such as 10.0.0.1:26379", printable.URL(text))
		}
		if err := checkHost(host); err != nil {
			return nil, fmt.Errorf("queue redis: sentinel: %w", err)
		}
		cfg.Sentinels = append(cfg.Sentinels, text)
		shown = append(shown, "sentinel "+q.SentinelMaster+" "+text)
	}
	slices.Sort(shown)
	return &store{
		key:   "redis:" + strings.Join(shown, ",") + " " + cfg.Prefix,
		shown: "redis " + strings.Join(shown, " ") + " " + cfg.Prefix,
		redis: &cfg,
		open: func(o queue.Options, logger *zap.Logger) (queue.Queue, error) {
			cfg.Logger = logger
			return redis.Open(cfg, o)
		},
	}, nil
}
