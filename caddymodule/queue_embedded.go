package caddymodule

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/finding"
	"github.com/leadgate/leadgate/internal/printable"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/embedded"
)

// EmbeddedQueue is the settings of a queue in files.
type EmbeddedQueue struct {
	// embedded: the folder of the file. Default: <Caddy's data directory>/leadgate.
	Path string `json:"path,omitempty"`

	// embedded: how many bytes may wait, dead letters included; over it
	// webhooks are answered 503. Default: 4 GiB.
	MaxSize int64 `json:"max_size,omitempty"`
}

func embeddedOptions() options[EmbeddedQueue] {
	return options[EmbeddedQueue]{
		{
			name: "max_size", args: "<size>", def: "4GiB", at: func(q *EmbeddedQueue) value { return sizeValue{&q.MaxSize, 1 << 62, "4GiB"} },
			check: func(q *EmbeddedQueue) error { return notNegative("queue: max_size", q.MaxSize) },
		},
	}
}

func (*EmbeddedQueue) name() string          { return "embedded" }
func (*EmbeddedQueue) usage() string         { return "embedded" }
func (*EmbeddedQueue) optionNames() []string { return embeddedOptions().names() }

func (q *EmbeddedQueue) words(words []string) error {
	if len(words) > 1 {
		return fmt.Errorf("queue embedded takes one folder, not %d", len(words))
	}
	q.Path = strings.Join(words, "")
	return nil
}

func (q *EmbeddedQueue) parse(d *caddyfile.Dispenser) error {
	return embeddedOptions().parse(q, d, "queue embedded", nil)
}

func (q *EmbeddedQueue) foreign() string {
	if q.Path == "" && q.MaxSize == 0 {
		return ""
	}
	return "has settings of queue embedded (path, max_size): delete them, or write `\"kind\": \"embedded\"`"
}

// lockTimeout must exceed the grace of a drain, so that a request that arrives
// while the same file is being closed waits for it.
const lockTimeout = 15 * time.Second

func (q *EmbeddedQueue) provision(repl *caddy.Replacer) (*store, error) {
	r := *q
	if err := embeddedOptions().resolve(&r, nil); err != nil {
		return nil, err
	}
	path, err := r.folder(repl)
	if err != nil {
		return nil, err
	}
	return &store{
		key:     "embedded:" + path,
		shown:   "embedded " + path,
		maxSize: r.MaxSize,
		open: func(o queue.Options, logger *zap.Logger) (queue.Queue, error) {
			return embedded.Open(embedded.Config{Dir: path, Logger: logger, LockTimeout: lockTimeout}, o)
		},
		examine: func(context.Context) finding.List { return embedded.Examine(path, r.MaxSize) },
	}, nil
}

// folder is the whole path of the queue's folder.
func (q *EmbeddedQueue) folder(repl *caddy.Replacer) (string, error) {
	path := filepath.Join(caddy.AppDataDir(), "leadgate")
	if q.Path != "" {
		var err error
		if path, err = replaceText(repl, "queue embedded", q.Path); err != nil {
			return "", err
		}
		switch {
		case strings.Contains(path, "://"):
			return "", fmt.Errorf("queue embedded takes a folder, and %s is a URL: write `queue redis <url>`", printable.URL(path))
		case path == "~" || strings.HasPrefix(path, "~/"):
			return "", fmt.Errorf("queue embedded: %s would be a folder called ~: write the whole path, or {env.HOME}%s", path, path[1:])
		}
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("queue embedded: finding the folder: %w", err)
	}
	return path, nil
}
