package caddymodule

import (
	"context"
	"errors"
	"fmt"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/finding"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/wording"
)

// Queue is the store.
type Queue struct {
	// embedded, a file for one edge, or redis, for production and several edges.
	Kind string `json:"kind"`

	EmbeddedQueue
	RedisQueue
}

// defaultQueue is the store where none is configured.
const defaultQueue = "embedded"

// storeKind is the settings of one kind of store.
type storeKind interface {
	name() string
	// words takes what stands behind the kind in a Caddyfile.
	words(words []string) error
	// parse reads its block, and says what is missing.
	parse(d *caddyfile.Dispenser) error
	// foreign is what to say where another kind is configured, and settings of this
	// one stand there, which would be passed over; "" where none do.
	foreign() string
	// provision checks the settings and replaces their placeholders.
	provision(repl *caddy.Replacer) (*store, error)
}

// kinds are all kinds of stores.
func (q *Queue) kinds() []storeKind { return []storeKind{&q.EmbeddedQueue, &q.RedisQueue} }

// of is the settings of the configured kind, nil if there is no such kind.
func (q *Queue) of() storeKind {
	for _, k := range q.kinds() {
		if k.name() == q.Kind || q.Kind == "" && k.name() == defaultQueue {
			return k
		}
	}
	return nil
}

func (q *Queue) kindNames() (names []string) {
	for _, k := range q.kinds() {
		names = append(names, k.name())
	}
	return names
}

// store is a queue's configuration with its placeholders replaced.
type store struct {
	key     string // the store's identity: what it is, without settings and credentials
	shown   string // for people
	open    func(queue.Options, *zap.Logger) (queue.Queue, error)
	maxSize int64                              // bytes of what waits and of dead letters; 0 where the store itself has a limit
	examine func(context.Context) finding.List // what the doctor says of it
}

func (q *Queue) provision() (*store, error) {
	kind := q.of()
	if kind == nil {
		return nil, fmt.Errorf("queue '%s' is unknown: it is %s", q.Kind, wording.Or(q.kindNames()))
	}
	for _, other := range q.kinds() {
		if problem := other.foreign(); problem != "" && other != kind {
			return nil, errors.New("queue " + kind.name() + " " + problem)
		}
	}
	return kind.provision(caddy.NewReplacer())
}

func parseQueue(d *caddyfile.Dispenser) (*Queue, error) {
	q := new(Queue)
	if !d.NextArg() {
		return nil, d.Err("queue needs a kind: write `queue embedded` or `queue redis redis://127.0.0.1:6379`")
	}
	q.Kind = d.Val()
	words := d.RemainingArgs()
	if err := anyLiterals(q.Kind, words); err != nil {
		return nil, d.WrapErr(err)
	}
	kind := q.of()
	if kind == nil || q.Kind == "" {
		return nil, d.Errf("queue '%s' is unknown: write `queue embedded` or `queue redis <url>`", q.Kind)
	}
	if err := kind.words(words); err != nil {
		return nil, d.WrapErr(err)
	}
	return q, kind.parse(d)
}
