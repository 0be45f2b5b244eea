package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"reflect"

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

	// The kinds, one a line: their settings stand beside each other in JSON.

	EmbeddedQueue
	RedisQueue
}

// defaultQueue is the store where none is configured.
const defaultQueue = "embedded"

// storeKind is the settings of one kind of store.
type storeKind interface {
	name() string
	// usage is what to write behind `queue`: "redis <url>".
	usage() string
	// optionNames are the options of its block.
	optionNames() []string
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

// kinds are all kinds of stores: those of the fields that are one.
func (q *Queue) kinds() (all []storeKind) {
	for _, field := range reflect.ValueOf(q).Elem().Fields() {
		if k, ok := reflect.TypeAssert[storeKind](field.Addr()); ok {
			all = append(all, k)
		}
	}
	return all
}

// of is the settings of the configured kind, nil if there is no such kind.
func (q *Queue) of() storeKind {
	for _, k := range q.kinds() {
		if k.name() == q.Kind || q.Kind == "" && k.name() == defaultQueue {
			return k
		}
	}
	return nil
}

// kindTexts is what all kinds say of themselves.
func (q *Queue) kindTexts(of func(storeKind) string) (texts []string) {
	for _, k := range q.kinds() {
		texts = append(texts, of(k))
	}
	return texts
}

// store is a queue's configuration with its placeholders replaced.
type store struct {
	key     string // the store's identity: what it is, without settings and credentials
	shown   string // for people
	open    func(queue.Options, *zap.Logger) (queue.Queue, error)
	try     func(context.Context) error        // whether the store lets this configuration in; nil: there is nothing to try
	renew   func(queue.Queue)                  // has the open store use this configuration's settings; nil: there are none
	maxSize int64                              // bytes of what waits and of dead letters; 0 where the store itself has a limit
	examine func(context.Context) finding.List // what the doctor says of it
}

func (q *Queue) provision() (*store, error) {
	kind := q.of()
	if kind == nil {
		return nil, fmt.Errorf("queue '%s' is unknown: it is %s", q.Kind, wording.Or(q.kindTexts(storeKind.name)))
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
		usage := q.kindTexts(func(k storeKind) string { return "`queue " + k.usage() + "`" })
		return nil, d.Errf("queue '%s' is unknown: write %s", q.Kind, wording.Or(usage))
	}
	if err := kind.words(words); err != nil {
		return nil, d.WrapErr(err)
	}
	return q, kind.parse(d)
}
