package caddymodule

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/leadgate/leadgate/internal/conversions"
	"github.com/leadgate/leadgate/internal/hosts"
	"github.com/leadgate/leadgate/internal/printable"
)

func importCommand() *cobra.Command {
	im := new(importer)
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "import <file> (--to <url> --token <token> | --dry-run)",
		Short: "Posts conversions from a file to a conversions endpoint",
		Long: `Posts conversions to the endpoint of a leadgate_conversions block, and reports
what became of each line: its number, the status (queued, duplicate, no_click,
invalid or failed), and for the last three why, and what to do. The file has a
JSON object a line, as the endpoint takes them, or is CSV with those names in
its first line, between commas, semicolons or tabs; - is the standard input.

  {"eventName":"Purchase","waPhone":"+15551234567","value":12.5,"currency":"USD","orderId":"A-1"}

  eventName,waPhone,value,currency,orderId
  Purchase,+15551234567,12.5,USD,A-1

It fails if any line was invalid or failed. While the edge answers 503 or cannot
be reached, it tries again, for --retry-for. Where that was not enough it says
from which line to go on, with --from-line; what was queued already is not
queued twice (with an orderId for as long as dedupe, without for 24 hours).

--dry-run posts nothing, and checks what can be checked without the edge: not
whether the contact clicked an ad. Words of the CRM that the block maps to event
names must be mapped here too: --map won=Purchase.

Examples:

  caddy leadgate import sales.jsonl --dry-run
  caddy leadgate import sales.jsonl --to https://bots.example.com/conversions \
    --token "$CRM_TOKEN"`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			im.out = bufio.NewWriter(cmd.OutOrStdout())
			im.progress = terminal(cmd.ErrOrStderr())
			im.now, im.sleep = time.Now, sleepFor
			if dryRun {
				im.post = im.check
			} else {
				if err := im.checkTarget(); err != nil {
					return err
				}
				im.post = im.postBatch
			}
			in := cmd.InOrStdin()
			if args[0] != "-" {
				f, err := os.Open(args[0])
				if err != nil {
					return fmt.Errorf("opening the file: %w", err)
				}
				defer f.Close()
				in = f
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt)
			defer stop()
			return im.run(ctx, in)
		},
	}
	cmd.Flags().StringVar(&im.to, "to", "", "The URL of a leadgate_conversions block")
	cmd.Flags().StringVar(&im.token, "token", "", "Its token")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "Check the lines and post nothing")
	cmd.Flags().StringToStringVar(&im.words, "map", nil, "For --dry-run: the CRM's words for event names, as word=Name")
	cmd.Flags().IntVar(&im.from, "from-line", 1, "The first line to post")
	cmd.Flags().IntVar(&im.batch, "batch", conversions.MaxItems, "How many lines to post at once, up to 1000")
	cmd.Flags().DurationVar(&im.retryFor, "retry-for", 10*time.Minute, "How long to try again when the edge cannot take a batch")
	return cmd
}

// importer posts a file of conversions.
type importer struct {
	to, token   string
	words       map[string]string
	from, batch int
	retryFor    time.Duration

	out      *bufio.Writer
	progress io.Writer // nil: nobody looks
	now      func() time.Time
	sleep    func(context.Context, time.Duration) error
	post     func(context.Context, []importLine) ([]conversions.Result, error)
	client   *http.Client

	counts map[string]int
	done   int // lines reported
}

// importLine is a line that is an object.
type importLine struct {
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
	if im.batch < 1 || im.batch > conversions.MaxItems {
		return fmt.Errorf("--batch %d is not from 1 to %d", im.batch, conversions.MaxItems)
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
		return errors.New("nothing was read: the file has no line of a conversion" + from(im.from))
	}
	return nil
}

func (im *importer) lines(ctx context.Context, in io.Reader) error {
	next, err := importSource(bufio.NewReaderSize(in, 64<<10))
	if err != nil {
		return err
	}
	var batch []importLine
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
		number, line, tooLong, err := next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return errors.Join(send(), fmt.Errorf("reading line %d: %w", number, err))
		}
		if number < im.from || len(line) == 0 && !tooLong {
			continue
		}
		if problem := lineProblem(line, tooLong); problem != nil {
			// What stands before it is reported before it.
			if err := send(); err != nil {
				return err
			}
			im.report(number, problem)
			continue
		}
		if len(batch) == im.batch || bytesIn+len(line)+2 > conversions.MaxBody {
			if err := send(); err != nil {
				return err
			}
		}
		batch = append(batch, importLine{number, line})
		bytesIn += len(line) + 1
	}
	return send()
}

// send posts a batch and reports its lines.
func (im *importer) send(ctx context.Context, batch []importLine) error {
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
	if im.progress != nil {
		_, _ = fmt.Fprintf(im.progress, "\r%d lines, %d not taken%s", im.done, im.counts["invalid"]+im.counts["failed"], end)
	}
}

// terminal is w if it is a terminal, else nil.
func terminal(w io.Writer) io.Writer {
	if p, ok := w.(*printable.Writer); ok {
		w = p.W // what is written over lines that stand there is our own
	}
	if isTerminal(w) {
		return w
	}
	return nil
}

// isTerminal says whether a stream is one where a person sits.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
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

func (im *importer) checkTarget() error {
	u := hosts.WebURL(im.to)
	switch {
	case im.to == "" || im.token == "":
		return errors.New("write --to <url> and --token <token>, or --dry-run")
	case u == nil:
		return errors.New("--to is no URL: write one such as https://bots.example.com/conversions")
	case checkHost(u.Hostname()) != nil:
		return fmt.Errorf("--to: %w", checkHost(u.Hostname()))
	case len(im.words) > 0:
		return errors.New("--map is for --dry-run; for the edge write `map` in the leadgate_conversions block")
	}
	return nil
}
