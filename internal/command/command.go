package caddymodule

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/leadgate/leadgate/capi/capitest"
	"github.com/leadgate/leadgate/internal/intake"
	"github.com/leadgate/leadgate/internal/printable"
	"github.com/leadgate/leadgate/internal/samples"
	"github.com/leadgate/leadgate/internal/wording"
	"github.com/leadgate/leadgate/normalize"
)

// command is `caddy leadgate`.
func command() caddycmd.Command {
	return caddycmd.Command{
		Name:  "leadgate",
		Usage: "<command>",
		Short: "Tries out and looks into Leadgate: webhooks, conversions, destinations",
		CobraFunc: func(cmd *cobra.Command) {
			cmd.AddCommand(sendCommand(), normalizeCommand(), listenCommand(), fakeMetaCommand(),
				explainCommand(), destinationsCommand(), deadCommand(), importCommand(), doctorCommand())
			cmd.RunE = onlySubcommands
			cmd.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return noEmptyFlags(cmd) }
			printing(cmd)
		},
	}
}

// onlySubcommands is what a command does that has others below it: a name that
// is none of theirs is an error, and without one they are listed.
func onlySubcommands(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	var names []string
	for _, sub := range cmd.Commands() {
		names = append(names, sub.Name())
	}
	return fmt.Errorf("%s has no command '%s': %s", cmd.CommandPath(), printable.Line(args[0]), wording.Meant(args[0], names))
}

// noEmptyFlags refuses a flag that was given without a value, as "$NAME" is where
// the variable is not set: it would be taken for all.
func noEmptyFlags(cmd *cobra.Command) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if text := f.Value.String(); (text == "" || text == "[]") && err == nil {
			err = fmt.Errorf("--%s is empty: give it a value, or leave it out", f.Name)
		}
	})
	return err
}

// printing lets no command below cmd print a control character that an event, a
// provider or another program wrote: neither in its output nor in its error.
// JSON stays the same JSON.
func printing(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		printing(sub)
		run := sub.RunE
		if run == nil {
			continue
		}
		sub.RunE = func(cmd *cobra.Command, args []string) error {
			out, log := &printable.Writer{W: cmd.OutOrStdout()}, &printable.Writer{W: cmd.ErrOrStderr()}
			cmd.SetOut(out)
			cmd.SetErr(log)
			err := run(cmd, args)
			if flushed := errors.Join(out.Flush(), log.Flush()); err == nil {
				err = flushed
			}
			if err != nil && printable.Text(err.Error()) != err.Error() {
				return &printableError{err}
			}
			return err
		}
	}
}

// asItIs is where a command writes what other programs read byte for byte: on a
// terminal, with controls escaped all the same.
func asItIs(out io.Writer, terminal func(any) bool) io.Writer {
	if p, ok := out.(*printable.Writer); ok && !terminal(p.W) {
		return p.W
	}
	return out
}

// printableError is an error whose text holds controls.
type printableError struct{ err error }

func (e *printableError) Error() string { return printable.Text(e.err.Error()) }
func (e *printableError) Unwrap() error { return e.err }

func sendCommand() *cobra.Command {
	var to, provider, secret, sample string
	cmd := &cobra.Command{
		Use:   "send --to <url> --secret <secret> (--sample <name> | <file>)",
		Short: "Posts a webhook as the provider would, signed",
		Long: `Posts a webhook as the provider would: signed with the app secret, or with
the token as a header and in the query. Prints the answer, and what became of
the webhook (queued, duplicate, empty, unmatched, inline); fails unless a
leadgate block took it. A sample is a new event each time.

` + printable.Wrap(strings.Join(samples.Names(), ", "), "Samples: ", "  ", printable.Width) + `
Example:

  caddy leadgate send --to http://127.0.0.1:8080/webhooks/meta --secret demo-secret --sample click`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			body, err := webhookBody(cmd.InOrStdin(), sample, args)
			if err != nil {
				return err
			}
			body, err = asPosted(provider, body)
			if err != nil {
				return err
			}
			return send(cmd.Context(), cmd.OutOrStdout(), to, provider, secret, body)
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "where to post")
	cmd.Flags().StringVar(&provider, "provider", "", "the provider that posts (default: the sample's, else meta)")
	cmd.Flags().StringVar(&secret, "secret", "", "the app secret or token")
	cmd.Flags().StringVar(&sample, "sample", "", "a built-in webhook instead of a file")
	_ = cmd.MarkFlagRequired("to")
	cmd.PreRun = func(*cobra.Command, []string) {
		if provider == "" {
			provider = samples.Provider(sample)
		}
	}
	return cmd
}

// webhookBody is the sample, the file, or what comes in.
func webhookBody(stdin io.Reader, sample string, args []string) ([]byte, error) {
	switch {
	case sample != "" && len(args) > 0:
		return nil, errors.New("a sample and a file exclude each other")
	case sample != "":
		return samples.Render(sample, time.Now())
	case len(args) == 0 && isTerminal(stdin):
		return nil, errors.New("write a file or --sample <name>; samples are " + strings.Join(samples.Names(), ", "))
	case len(args) == 0 || args[0] == "-":
		body, err := io.ReadAll(stdin)
		if err == nil && len(bytes.TrimSpace(body)) == 0 {
			return nil, errors.New("nothing came in: write a file or --sample <name>; samples are " + strings.Join(samples.Names(), ", "))
		}
		return body, err
	default:
		return os.ReadFile(args[0])
	}
}

// asPosted is a file's content as the provider would post it: a form has no line
// end, which an editor puts there.
func asPosted(provider string, body []byte) ([]byte, error) {
	p, err := newProvider(provider)
	if err != nil {
		return nil, err
	}
	if contentType(p) == formType {
		body = bytes.TrimRight(body, "\r\n")
	}
	return body, nil
}

// contentType is that of a provider's webhooks.
func contentType(p Provider) string {
	if c, ok := p.(ContentTyper); ok {
		return c.ContentType()
	}
	return "application/json"
}

const formType = "application/x-www-form-urlencoded"

func send(ctx context.Context, out io.Writer, to, provider, secret string, body []byte) error {
	p, err := newProvider(provider)
	if err != nil {
		return err
	}
	if webURL(to) == nil {
		return fmt.Errorf("--to %s is no URL: write one such as http://localhost:8080/webhooks/%s", printable.Line(to), provider)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("making the request: %w", err)
	}
	req.Header.Set("Content-Type", contentType(p))
	req.Header.Set("User-Agent", "Leadgate/"+Version())
	if s, ok := p.(RequestSigner); ok && secret != "" {
		s.SignRequest(req, body, secret)
	}
	client := http.Client{
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("posting: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	outcome := resp.Header.Get(intake.OutcomeHeader)
	_, _ = fmt.Fprintln(out, strings.TrimSpace(resp.Status+" "+printable.Line(outcome)))
	if len(answer) > 0 {
		_, _ = fmt.Fprintln(out, string(answer))
	}
	switch {
	case outcome == "":
		return fmt.Errorf("no leadgate block answered this (%s, without %s): --to is not the path of one, or not its site's host name, and the webhook is lost",
			resp.Status, intake.OutcomeHeader)
	case outcome == "inline" && resp.StatusCode >= http.StatusBadRequest:
		return fmt.Errorf("the handler after the leadgate block answered %s: the block has no destination, so that its events go there; write `forward <url>` into it, or a handler behind it", resp.Status)
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("the edge answered %s%s", resp.Status, sendHint(resp.StatusCode, provider, secret))
	}
	if note := sendNotes[outcome]; note != "" {
		_, _ = fmt.Fprintln(out, note)
	}
	return nil
}

// webURL reads the URL of a web server, whole; nil for anything else.
func webURL(text string) *url.URL {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil
	}
	return u
}

// sendNotes say what an outcome means that is no delivery.
var sendNotes = map[string]string{
	"duplicate": "The edge knew this event: nothing was queued again.",
	"inline":    "The block has no destination: the events went to the handler after it, whose answer this is.",
	"empty":     "Nothing came of it: it has no event, or none that a destination's `only` wants.",
	"unmatched": "No tenant's match fits it: `caddy leadgate dead list --destination unmatched` shows it, and the edge's log what to write.",
}

// sendHint says what a status usually means.
func sendHint(status int, provider, secret string) string {
	switch {
	case status == http.StatusUnauthorized && secret == "":
		return " to provider " + provider + "'s webhook: write --secret, the app_secret, auth_token or token of the leadgate block"
	case status == http.StatusUnauthorized:
		return ": --secret is not the app_secret or token of the leadgate block, or the block is not for " + provider + ", as whom this was posted (--provider)"
	case status == http.StatusBadRequest:
		return ": the body is nothing that " + provider + " posts, or the block is for another provider (--provider)"
	case status == http.StatusServiceUnavailable:
		return ": the queue cannot take it; the edge's log says why"
	}
	return ""
}

// newProvider makes a provider without secrets.
func newProvider(name string) (Provider, error) {
	info, err := caddy.GetModule("leadgate.providers." + name)
	if err != nil {
		return nil, fmt.Errorf("provider '%s' is unknown: write one of %s", name, strings.Join(providerNames(), ", "))
	}
	p, ok := info.New().(Provider)
	if !ok {
		return nil, fmt.Errorf("module %s is no provider", info.ID)
	}
	return p, nil
}

func normalizeCommand() *cobra.Command {
	var provider, tenant, contentTypeFlag, sample string
	var at int64
	cmd := &cobra.Command{
		Use:   "normalize [--provider <name>] [--tenant <name>] [--at <ms>] [<file> | --sample <name>]",
		Short: "Prints a webhook's events as unified JSON, a line each",
		Long: `Prints a webhook's events as unified JSON, a line each. Reads the file, or
what comes in, or takes a sample of send. Nothing is verified, stored or sent.

raw is byte for byte what stands in the webhook, as it is for a destination;
only its line breaks, which a line can't hold, become spaces. On a terminal,
control characters are escaped (\u202e), which is the same JSON.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			body, err := webhookBody(cmd.InOrStdin(), sample, args)
			if err != nil {
				return err
			}
			if sample != "" && !cmd.Flags().Changed("provider") {
				provider = samples.Provider(sample)
			}
			if body, err = asPosted(provider, body); err != nil {
				return err
			}
			p, err := newProvider(provider)
			if err != nil {
				return err
			}
			if contentTypeFlag == "" {
				contentTypeFlag = contentType(p)
			}
			if at == 0 {
				at = time.Now().UnixMilli()
			}
			r, err := http.NewRequestWithContext(cmd.Context(), http.MethodPost, "http://localhost/", bytes.NewReader(body))
			if err != nil {
				return err
			}
			r.Header.Set("Content-Type", contentTypeFlag)
			var batch normalize.Batch
			if err := p.Normalize(r, body, at, &batch); err != nil {
				return err
			}
			out := bufio.NewWriter(asItIs(cmd.OutOrStdout(), isTerminal))
			for i := range batch.Events {
				batch.Events[i].SetTenant(tenant)
				line, _ := batch.Events[i].AppendJSON(nil)
				if _, err := out.Write(append(onOneLine(line), '\n')); err != nil {
					return err
				}
			}
			return out.Flush()
		},
	}
	cmd.Flags().StringVar(&provider, "provider", "meta", "the provider that posted it (default: the sample's, else meta)")
	cmd.Flags().StringVar(&sample, "sample", "", "a built-in webhook instead of a file")
	cmd.Flags().StringVar(&tenant, "tenant", defaultTenant, "the tenant, which the ids depend on")
	cmd.Flags().Int64Var(&at, "at", 0, "when the edge took it, UNIX ms (default: now)")
	cmd.Flags().StringVar(&contentTypeFlag, "content-type", "", "the webhook's Content-Type (default: the provider's usual one)")
	return cmd
}

// onOneLine makes spaces of a JSON text's line breaks, all of which stand between
// its tokens, and leaves every other byte as it is. It works in place.
func onOneLine(text []byte) []byte {
	for i, c := range text {
		if c == '\n' || c == '\r' {
			text[i] = ' '
		}
	}
	return text
}

func fakeMetaCommand() *cobra.Command {
	var listen string
	cmd := &cobra.Command{
		Use:   "fake-meta [--listen <address>]",
		Short: "Answers as Meta's Conversions API would, and prints what it accepts",
		Long: `Answers as Meta's Conversions API would: it refuses what Meta refuses, with its
codes, and prints each event that it accepts as a line of JSON. Point a capi
block's endpoint at it for a rehearsal. Nothing reaches Meta.

What it accepted can also be read at /_leadgate/accepted.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := new(net.ListenConfig).Listen(cmd.Context(), "tcp", listen)
			if err != nil {
				return fmt.Errorf("listening: %w", err)
			}
			out, log := cmd.OutOrStdout(), cmd.ErrOrStderr()
			fake := &capitest.Server{
				Keep:     10_000,
				OnAccept: func(a capitest.Accepted) { _ = json.NewEncoder(out).Encode(a) },
				OnRefuse: func(dataset string, e *capitest.Error) {
					_, _ = fmt.Fprintf(log, "refused for dataset %s: %v\n", dataset, e)
				},
			}
			_, _ = fmt.Fprintf(log, "fake Meta listens: write `endpoint http://%s` in a capi block\n", l.Addr())
			server := &http.Server{Handler: fake, ReadHeaderTimeout: 10 * time.Second}
			ended := make(chan struct{})
			stop := context.AfterFunc(cmd.Context(), func() {
				defer close(ended)
				_ = server.Close()
			})
			err = server.Serve(l)
			if !stop() {
				<-ended
			}
			if errors.Is(err, http.ErrServerClosed) {
				return nil
			}
			return err
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:9099", "the address to listen on")
	return cmd
}
