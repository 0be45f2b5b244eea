// Package importer posts a file of conversions to the endpoint of a
// leadgate_conversions block, and reports what became of each line. Begin with
// [Run].
//
// The rows of the file are read one by one (rows.go), gathered into batches, and
// posted until the endpoint has them (post.go), or checked without it (check.go).
// It imports conversions, for what an item is; and no Caddy.
package importer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/leadgate/leadgate/internal/conversions"
	"github.com/leadgate/leadgate/internal/hosts"
	"github.com/leadgate/leadgate/internal/printable"
)

// Options say what is posted, where, and how it is reported. What the user wrote is
// named in errors by its flag.
type Options struct {
	To, Token string
	DryRun    bool              // check the lines and post nothing
	Words     map[string]string // for a dry run: the CRM's words for event names
	From      int               // the first line to post, from 1
	Batch     int               // how many lines to post at once, up to conversions.MaxItems
	RetryFor  time.Duration     // how long to try again when the edge cannot take a batch
	UserAgent string

	Out      io.Writer // the report
	Progress io.Writer // where a line shows how far it is; nil: nobody looks
}

// Run reads the lines of a file, posts them in batches, and reports each in its
// order. It fails if any of them was not taken. The options are those that
// [Options.Check] finds nothing wrong with.
func Run(ctx context.Context, o Options, in io.Reader) error {
	im := &importer{Options: o, out: bufio.NewWriter(o.Out), now: time.Now, sleep: sleepFor}
	im.post = im.postBatch
	if o.DryRun {
		im.post = im.check
	}
	return im.run(ctx, in)
}

// importer is a run.
type importer struct {
	Options
	out    *bufio.Writer
	now    func() time.Time
	sleep  func(context.Context, time.Duration) error
	post   func(context.Context, []line) ([]conversions.Result, error)
	client *http.Client

	counts map[string]int
	done   int // lines reported
}

// line is a line that is an object.
type line struct {
	number int
	text   []byte
}

// stopped is why an import ended before the end of its file.
type stopped struct {
	line int // the first that was not posted
	why  error
}

func (s *stopped) Error() string {
	return fmt.Sprintf("stopped at line %d: %v; go on with --from-line %d", s.line, s.why, s.line)
}

func (s *stopped) Unwrap() error { return s.why }

// from says from which line on, where it is not the first.
func from(line int) string {
	if line <= 1 {
		return ""
	}
	return fmt.Sprintf(" from line %d on (--from-line)", line)
}

// run reads the lines, posts them in batches, and reports each in its order.
func (im *importer) run(ctx context.Context, in io.Reader) error {
	if im.Batch < 1 || im.Batch > conversions.MaxItems {
		return fmt.Errorf("--batch %d is not from 1 to %d", im.Batch, conversions.MaxItems)
	}
	im.counts = make(map[string]int)
	err := errors.Join(im.lines(ctx, in), im.summary())
	if flushErr := im.out.Flush(); err == nil && flushErr != nil {
		err = fmt.Errorf("writing the report: %w", flushErr)
	}
	im.showProgress("\n")
	if err != nil {
		return err
	}
	if bad := im.counts["invalid"] + im.counts["failed"]; bad > 0 {
		return fmt.Errorf("%d of %d lines were not taken", bad, im.done)
	}
	if im.done == 0 {
		return errors.New("nothing was read: the file has no line of a conversion" + from(im.From))
	}
	return nil
}

func (im *importer) lines(ctx context.Context, in io.Reader) error {
	next, err := rows(bufio.NewReaderSize(in, 64<<10))
	if err != nil {
		return err
	}
	var batch []line
	bytesIn := 0
	send := func() error {
		if len(batch) == 0 {
			return nil
		}
		err := im.send(ctx, batch)
		batch, bytesIn = batch[:0], 0
		return err
	}
	for {
		number, text, tooLong, err := next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return errors.Join(send(), fmt.Errorf("reading line %d: %w", number, err))
		}
		if number < im.From || len(text) == 0 && !tooLong {
			continue
		}
		if problem := lineProblem(text, tooLong); problem != nil {
			// What stands before it is reported before it.
			if err := send(); err != nil {
				return err
			}
			im.report(number, problem)
			continue
		}
		if len(batch) == im.Batch || bytesIn+len(text)+2 > conversions.MaxBody {
			if err := send(); err != nil {
				return err
			}
		}
		batch = append(batch, line{number, text})
		bytesIn += len(text) + 1
	}
	return send()
}

// send posts a batch and reports its lines.
func (im *importer) send(ctx context.Context, batch []line) error {
	results, err := im.post(ctx, batch)
	if err != nil {
		return &stopped{batch[0].number, err}
	}
	for i := range results {
		im.report(batch[i].number, &results[i])
	}
	im.showProgress("")
	if err := im.out.Flush(); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// report writes what became of a line.
func (im *importer) report(number int, r *conversions.Result) {
	im.done++
	im.counts[r.Status]++
	first := fmt.Sprintf("%7d  %s  ", number, printable.Fit(r.Status, 9))
	indent := strings.Repeat(" ", len(first))
	switch {
	case r.Error == nil:
		_, _ = im.out.WriteString(strings.TrimRight(first, " ") + "\n") // Flush tells
	default:
		_, _ = im.out.WriteString(printable.Wrap(printable.HidePhones(printable.Line(*r.Error)), first, indent, printable.Width))
		if r.Fix != nil {
			_, _ = im.out.WriteString(printable.Wrap(printable.Line(*r.Fix), indent+"→ ", indent+"  ", printable.Width))
		}
	}
}

func (im *importer) summary() error {
	var text strings.Builder
	fmt.Fprintf(&text, "%d lines:", im.done)
	for _, status := range []string{"valid", "queued", "duplicate", "no_click", "invalid", "failed"} {
		if n := im.counts[status]; n > 0 {
			fmt.Fprintf(&text, " %d %s,", n, status)
		}
	}
	_, err := im.out.WriteString(strings.TrimRight(text.String(), ",:") + "\n")
	return err
}

// showProgress writes over the line that shows how far it is.
func (im *importer) showProgress(end string) {
	if im.Progress != nil {
		_, _ = fmt.Fprintf(im.Progress, "\r%d lines, %d not taken%s", im.done, im.counts["invalid"]+im.counts["failed"], end)
	}
}

// sleepFor waits, or until ctx ends.
func sleepFor(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Check finds what is wrong with the options, before a file is opened.
func (o *Options) Check() error {
	if o.DryRun {
		return nil
	}
	u := hosts.WebURL(o.To)
	switch {
	case o.To == "" || o.Token == "":
		return errors.New("write --to <url> and --token <token>, or --dry-run")
	case u == nil:
		return errors.New("--to is no URL: write one such as https://bots.example.com/conversions")
	case hosts.Check(u.Hostname()) != nil:
		return fmt.Errorf("--to: %w", hosts.Check(u.Hostname()))
	case len(o.Words) > 0:
		return errors.New("--map is for --dry-run; for the edge write `map` in the leadgate_conversions block")
	}
	return nil
}
