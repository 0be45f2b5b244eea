package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/batch"
	"github.com/leadgate/leadgate/internal/queue/embedded/journal"
)

// The store's files in its folder.
const (
	fileName    = "leadgate.db"
	journalName = "leadgate.journal"
)

// Store is the store in a folder. Its methods are those of [queue.Queue].
type Store struct {
	path   string // of leadgate.db
	cfg    Config
	opts   atomic.Pointer[queue.Options]
	writer *batch.Batcher[*request]

	mu      sync.Mutex // held while a batch is made and becomes durable, and by readers
	db      *bolt.DB   // nil while the file could not be opened again
	txn     txn
	journal journal.Writer
	id      journal.ID // 0 until it was open once
	// syncedAt is when the journal was last synced, ms.
	syncedAt int64
	space    space
	closed   bool

	followed bool                  // the names of the files led to them when they were opened
	lost     atomic.Pointer[error] // why nothing is taken, see gone.go

	broken  atomic.Bool
	retryAt time.Time // when opening again may be tried; the writer's own

	facts facts

	drainsMu sync.Mutex
	drains   map[queue.Dest]map[*drain]struct{}

	life    context.Context // of the janitor
	end     context.CancelFunc
	janitor sync.WaitGroup
}

var (
	_ queue.Queue   = (*Store)(nil)
	_ queue.Watched = (*Store)(nil)
)

// Config is what an embedded store is given for its whole life.
type Config struct {
	Dir    string           // the folder of its files
	Now    func() time.Time // the clock; default time.Now
	Logger *zap.Logger      // default: none
	// LockTimeout is how long Open waits for a process that has the
	// file open. Default 5s.
	LockTimeout time.Duration
	// Tick makes the store look for what has expired, every minute of Now, and
	// try to open a file that failed again. Default: every second.
	Tick <-chan time.Time
}

// Open opens or makes the store in its folder, which is made for its owner alone.
func Open(cfg Config, opts queue.Options) (*Store, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = zap.NewNop()
	}
	if cfg.LockTimeout <= 0 {
		cfg.LockTimeout = 5 * time.Second
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("making folder of the queue: %w", err)
	}
	e := &Store{
		path:   filepath.Join(cfg.Dir, fileName),
		cfg:    cfg,
		drains: map[queue.Dest]map[*drain]struct{}{},
	}
	e.life, e.end = context.WithCancel(context.Background())
	e.opts.Store(&opts)
	if err := e.open(); err != nil {
		e.end()
		return nil, err
	}
	if err := e.compact(); err != nil {
		cfg.Logger.Warn("the queue's file could not be made smaller", zap.Error(err))
	}
	if err := e.resume(); err != nil {
		e.end()
		return nil, errors.Join(err, e.release())
	}
	e.writer = newWriter(e.commit)
	e.janitor.Go(e.tidy)
	return e, nil
}

// Configure implements [queue.Queue].
func (e *Store) Configure(o queue.Options) { e.opts.Store(&o) }

// Close implements [queue.Queue]: what was accepted is committed first.
func (e *Store) Close() error {
	e.mu.Lock()
	already := e.closed
	e.closed = true
	e.mu.Unlock()
	if already {
		e.janitor.Wait()
		e.writer.Close()
		return nil
	}
	e.end()
	e.janitor.Wait()
	e.writer.Close()
	e.mu.Lock()
	defer e.mu.Unlock()
	// Not needed, but a file that was closed is whole without its journal.
	if e.txn.tx != nil && len(e.txn.log) > 0 {
		if err := e.checkpoint(); err != nil {
			e.cfg.Logger.Warn("the last changes to the queue stay in its journal", zap.Error(err))
		}
	}
	if err := e.release(); err != nil {
		return fmt.Errorf("closing %s: %w", e.path, err)
	}
	return nil
}

// view reads in the open transaction. The writer waits meanwhile, so f must not
// take long; what it is lent is good until it returns.
func (e *Store) view(ctx context.Context, f func(*bolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.txn.tx == nil || e.closed {
		return errClosed
	}
	return guard(func() error { return f(e.txn.tx) })
}

var errClosed = fmt.Errorf("%w: its file is not open", queue.ErrUnavailable)

// do has one change made by the writer, and waits until it is durable. adds is
// about how many bytes it brings; a change that brings none goes through on a
// full disk.
func (e *Store) do(ctx context.Context, adds int64, run func(*txn) error) error {
	return e.doUnit(ctx, unit{run: run, adds: adds})
}

func (e *Store) doUnit(ctx context.Context, u unit) error {
	r := newRequest(1)
	r.units = append(r.units, u)
	if err := e.write(ctx, r); err != nil {
		return err
	}
	err := r.units[0].err
	r.free()
	return err
}

// tidy is the janitor: one goroutine that throws away what has expired, and
// pokes the writer while the file waits to be opened again.
func (e *Store) tidy() {
	tick := e.cfg.Tick
	if tick == nil {
		t := time.NewTicker(time.Second)
		defer t.Stop()
		tick = t.C
	}
	var last time.Time
	for {
		select {
		case <-e.life.Done():
			return
		case <-tick:
		}
		for _, d := range e.unready() {
			e.adopt(d)
		}
		e.mu.Lock()
		e.watch()
		e.mu.Unlock()
		now := e.cfg.Now()
		if e.broken.Load() {
			_ = e.do(e.life, 0, func(*txn) error { return nil })
			continue
		}
		if since := now.Sub(last); since >= 0 && since < time.Minute {
			continue
		}
		last = now
		if err := e.Sweep(e.life); err != nil && !errors.Is(err, context.Canceled) {
			e.cfg.Logger.Warn("what has expired could not be removed from the queue", zap.Error(err))
		}
	}
}
