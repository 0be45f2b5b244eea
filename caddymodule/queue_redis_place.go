package caddymodule

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/leadgate/leadgate/internal/hosts"
	"github.com/leadgate/leadgate/internal/printable"
	"github.com/leadgate/leadgate/internal/queue/redis"
)

// redisPlace is where a Redis is: what it is called, and what tells it from others,
// however its URLs are written, and whatever user and password stand in them.
type redisPlace struct {
	shown    []string
	identity string
}

// config is the store's configuration, as its placeholders are now.
func (q *RedisQueue) config(repl *caddy.Replacer) (cfg redis.Config, where redisPlace, err error) {
	r := *q
	if err := sentinelOptions().resolve(&r, func(option, text string) (string, error) {
		return replaceText(repl, "queue redis: sentinel "+option, text)
	}); err != nil {
		return cfg, where, err
	}
	cfg = redis.Config{
		SentinelMaster: r.SentinelMaster, SentinelUsername: r.SentinelUsername, SentinelPassword: r.SentinelPassword,
		Prefix: r.Prefix, Wait: r.Wait, WaitTimeout: time.Duration(r.WaitTimeout),
	}
	var identities []string
	for _, text := range r.URLs {
		text, shown, identity, err := redisURL(repl, text)
		if err != nil {
			return cfg, where, err
		}
		cfg.URLs, where.shown, identities = append(cfg.URLs, text), append(where.shown, shown), append(identities, identity)
	}
	if len(identities) == 1 && r.SentinelMaster != "" {
		// Of its URL only the database counts.
		_, db, _ := strings.Cut(identities[0], " ")
		identities = []string{"sentinel " + r.SentinelMaster + " " + db}
	}
	for _, text := range r.Sentinels {
		text, err := sentinelAddress(repl, text)
		if err != nil {
			return cfg, where, err
		}
		cfg.Sentinels, where.shown = append(cfg.Sentinels, text), append(where.shown, "sentinel "+r.SentinelMaster+" "+text)
		identities = append(identities, text)
	}
	slices.Sort(where.shown)
	slices.Sort(identities)
	where.identity = strings.Join(slices.Compact(identities), ",")
	return cfg, where, nil
}

// readsFiles reports whether a part of the configuration stands in a file, which may
// change while it is in force.
func (q *RedisQueue) readsFiles() bool {
	texts := append(slices.Clone(q.URLs), q.SentinelUsername, q.SentinelPassword)
	return slices.ContainsFunc(texts, func(s string) bool { return strings.Contains(s, "{file.") })
}

// redisURL checks a URL; shown is what may be shown of it, and identity the same however
// it is written.
func redisURL(repl *caddy.Replacer, option string) (text, shown, identity string, err error) {
	if text, err = replaceText(repl, "queue redis", option); err != nil {
		return "", "", "", err
	}
	u, err := url.Parse(text)
	if err != nil || !slices.Contains([]string{"redis", "rediss", "unix"}, u.Scheme) {
		return "", "", "", errors.New("queue redis: a URL is not redis://, rediss:// or unix://: write one such as redis://127.0.0.1:6379")
	}
	if err := hosts.Check(u.Hostname()); err != nil {
		return "", "", "", fmt.Errorf("queue redis: %w", err)
	}
	if strings.Contains(u.Host, ",") || strings.Contains(u.Path, ",") {
		return "", "", "", errors.New("queue redis: a URL has a comma: write several with a space between them")
	}
	if u.Scheme != "unix" && strings.Trim(u.Path, "/0123456789") != "" {
		return "", "", "", errors.New("queue redis: the path of a URL is the number of a database, 0 for example: " +
			"write one such as redis://127.0.0.1:6379/0")
	}
	u.User = nil
	db := u.Query().Get("db")
	u.RawQuery, u.Fragment = "", ""
	shown = strings.TrimSuffix(u.String(), "/")
	if db != "" {
		shown += "?db=" + db
	}
	return text, shown, redisIdentity(u, db), nil
}

// redisIdentity is the address of a server and its database: without a port it is 6379,
// and without a number the database is 0.
func redisIdentity(u *url.URL, db string) string {
	if u.Scheme == "unix" {
		return u.Scheme + "://" + cmp.Or(u.Path, u.Opaque) + " " + cmp.Or(db, "0")
	}
	return strings.ToLower(u.Hostname()) + ":" + cmp.Or(u.Port(), "6379") + " " + redisDatabase(u, db)
}

func redisDatabase(u *url.URL, db string) string { return cmp.Or(db, strings.Trim(u.Path, "/"), "0") }

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
