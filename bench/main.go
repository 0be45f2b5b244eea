// Bench measures what Leadgate costs beside bare Caddy, on this machine:
//
//	go run ./bench                   # acknowledgements, in rounds, ratios to bare Caddy
//	go run ./bench -drain            # deliveries, appends with a backlog, disk
//	go run ./bench -heap 1000000     # the edge's live heap
//	go run ./bench -soak 1h          # whether all stays as it is for an hour
//
// It builds the Caddy of this repository, starts everything it needs on the
// loopback (redis-server must be on the PATH for the scenarios with Redis), and
// prints tables, with -markdown for docs/performance.md, with -json for
// programs. Stores and logs go into -dir, which should be on the disk that is
// to be measured. CPU times are read from /proc, so it needs Linux.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/leadgate/leadgate/internal/freeport"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == sinkCommand {
		exit(serveSink(os.Args[2]))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	exit(err)
}

func exit(err error) {
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// options are the flags.
type options struct {
	rounds, connections, latency, rate, requests, heap, appends int
	seconds, warm                                               float64
	only, dir, backlogs, profile, queues                        string
	soak                                                        time.Duration
	soakRate                                                    int
	drain, json, markdown                                       bool
}

func parseFlags(args []string) (*options, error) {
	o := new(options)
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.IntVar(&o.rounds, "rounds", 5, "how often each scenario is measured, in turn with the others")
	f.Float64Var(&o.seconds, "seconds", 5, "how long one measurement takes")
	f.Float64Var(&o.warm, "warm", 1, "seconds of the same load before it, not counted")
	f.IntVar(&o.connections, "connections", 64, "keep-alive connections of the closed loop; 0 leaves it out")
	f.IntVar(&o.latency, "latency", 4, "connections of the second closed loop, for latencies; 0 leaves it out")
	f.IntVar(&o.rate, "rate", 3300, "webhooks a second of the open loop; 0 leaves it out")
	f.StringVar(&o.only, "only", "", "scenarios to measure, by name and with commas, and the bare Caddy that they are compared with; a "+
		"wrong name lists all")
	f.IntVar(&o.requests, "requests", 0, "distinct webhooks to sign; 0 = as many as bare Caddy could use up in a measurement")
	f.BoolVar(&o.drain, "drain", false, "measure deliveries and backlogs instead")
	f.StringVar(&o.backlogs, "backlog", "0,100000,1000000", "with -drain: the backlogs, with commas; appends are measured at the last one")
	f.IntVar(&o.appends, "appends", 50_000, "with -drain: how many appends are timed, each time")
	f.IntVar(&o.heap, "heap", 0, "measure the heap after so many webhooks instead")
	f.DurationVar(&o.soak, "soak", 0, "look for so long at an edge under load instead, on each of -queue, whether it stays what it is")
	f.StringVar(&o.queues, "queue", "embedded,redis", "with -soak: on which queues, with commas")
	f.IntVar(&o.soakRate, "soak-rate", 500, "with -soak: webhooks a second")
	f.StringVar(&o.dir, "dir", "bench/out", "where stores and logs go, from the repository's root")
	f.StringVar(&o.profile, "profile", "", "folder for CPU and heap profiles of each edge while it is measured, for go tool pprof; they "+
		"cost a little")
	f.BoolVar(&o.json, "json", false, "print JSON")
	f.BoolVar(&o.markdown, "markdown", false, "print Markdown")
	if err := f.Parse(args); err != nil {
		return nil, flag.ErrHelp // it has printed what is wrong
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("reading flags: %q is none", f.Arg(0))
	}
	if o.rounds < 1 || o.seconds <= 0 || o.warm < 0 || o.appends < 1 || o.soak < 0 || o.soakRate < 1 ||
		min(o.connections, o.latency, o.rate, o.requests, o.heap) < 0 {
		return nil, errors.New("reading flags: counts and times are not negative, -rounds, -seconds and -appends at least one")
	}
	return o, nil
}

func (o *options) format() string {
	switch {
	case o.json:
		return "json"
	case o.markdown:
		return "markdown"
	}
	return "text"
}

// sections are the closed loop, the one for latencies and the open loop.
func (o *options) sections() []section {
	var out []section
	if o.connections > 0 {
		out = append(out, section{key: 'c', title: fmt.Sprintf("Closed loop, %d connections", o.connections), connections: o.connections})
	}
	if o.latency > 0 {
		out = append(out, section{key: 'l', title: fmt.Sprintf("Latency, closed loop, %d connections", o.latency), connections: o.latency})
	}
	if o.rate > 0 {
		out = append(out, section{key: 'o', title: fmt.Sprintf("Open loop, %d webhooks a second", o.rate), connections: max(o.connections, 64),
			rate: o.rate})
	}
	return out
}

func run(ctx context.Context, args []string) (err error) {
	o, err := parseFlags(args)
	if err != nil {
		return err
	}
	var only []string
	if o.only != "" {
		only = strings.Split(o.only, ",")
	}
	if err := checkNames(only); err != nil {
		return err
	}
	b := &bench{
		rounds: o.rounds, length: seconds(o.seconds), warm: seconds(o.warm), only: only,
		working: func(format string, args ...any) {
			fmt.Fprintf(os.Stderr, time.Now().Format("15:04:05 ")+format+"\n", args...)
		},
	}
	r := &report{Rounds: o.rounds, Seconds: o.seconds}
	if o.profile != "" {
		b.profile = o.profile
		if err := os.MkdirAll(o.profile, 0o700); err != nil {
			return fmt.Errorf("making folder: %w", err)
		}
	}
	root, err := b.build(ctx, o.dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.builds.dir)) }()
	if r.Machine, err = describe(ctx, b.builds.caddy, b.builds.dir, root); err != nil {
		return err
	}
	if b.port, err = freeport.Find(); err != nil {
		return err
	}
	switch {
	case o.drain:
		err = b.drainInto(ctx, r, o)
	case o.soak > 0:
		r.Soaks, err = b.measureSoaks(ctx, o.soak, o.queues, o.soakRate, max(o.connections, 1))
	case o.heap > 0:
		r.Heaps, err = b.measureHeaps(ctx, o.heap, max(o.connections, 1))
	default:
		err = b.acknowledgeInto(ctx, r, o)
	}
	if err != nil {
		return err
	}
	r.Goals = r.goals()
	if err := r.write(os.Stdout, o.format()); err != nil {
		return err
	}
	return r.uneven()
}

func (b *bench) drainInto(ctx context.Context, r *report, o *options) (err error) {
	var backlogs []int
	for text := range strings.SplitSeq(o.backlogs, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 0 {
			return fmt.Errorf("reading -backlog: %q is no number of events", text)
		}
		backlogs = append(backlogs, n)
	}
	r.Drains, err = b.measureDrains(ctx, backlogs, o.appends)
	return err
}

func (b *bench) acknowledgeInto(ctx context.Context, r *report, o *options) error {
	if err := b.prepare(ctx, o.requests, max(o.connections, 1)); err != nil {
		return err
	}
	for _, s := range o.sections() {
		a, err := b.measureSection(ctx, s)
		if err != nil {
			return err
		}
		r.Acknowledgements = append(r.Acknowledgements, a)
	}
	return nil
}

// build makes a folder of this run's own in dir, and builds the Caddy into it.
func (b *bench) build(ctx context.Context, dir string) (root string, err error) {
	mod, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("finding repository: %w", err)
	}
	root = filepath.Dir(strings.TrimSpace(string(mod)))
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(root, dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("making folder: %w", err)
	}
	if b.builds.self, err = os.Executable(); err != nil {
		return "", fmt.Errorf("finding myself: %w", err)
	}
	if b.builds.dir, err = os.MkdirTemp(dir, "run-"); err != nil {
		return "", fmt.Errorf("making folder: %w", err)
	}
	b.builds.caddy = filepath.Join(b.builds.dir, "caddy")
	b.working("building Caddy")
	build := exec.CommandContext(ctx, "go", "build", "-o", b.builds.caddy, ".") //nolint:gosec // into our own folder
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building Caddy: %w\n%s", err, out)
	}
	return root, nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
