package command

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/leadgate/leadgate/internal/inchat"
	"github.com/leadgate/leadgate/internal/samples"
	"github.com/leadgate/leadgate/internal/sites"
	"github.com/leadgate/leadgate/normalize"
)

func (env *Env) normalize() *cobra.Command {
	var provider, contentTypeFlag, sample string
	var at int64
	var p printer
	cmd := &cobra.Command{
		Use:   "normalize [--provider <name>] [--tenant <name> | --config <file>] [--at <ms>] [<file> | --sample <name>]",
		Short: "Prints a webhook's events as unified JSON, a line each",
		Long: `Prints a webhook's events as unified JSON, a line each. Reads the file, or
what comes in, or takes a sample of send. Nothing is verified, stored or sent.

raw is byte for byte what stands in the webhook, as it is for a destination;
only its line breaks, which a line can't hold, become spaces. On a terminal,
control characters are escaped (\u202e), which is the same JSON.

With --config events are of the tenants that its leadgate blocks match, and
after each stands a line for each rule of the tenant's convert that fires on
it, with the conversion that it makes.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			body, err := webhookBody(cmd.InOrStdin(), sample, args)
			if err != nil {
				return err
			}
			if sample != "" && !cmd.Flags().Changed("provider") {
				provider = samples.Provider(sample)
			}
			reader, err := env.Provider(provider)
			if err != nil {
				return err
			}
			if p.config != "" {
				if p.chats, err = env.chatsOf(p.config, p.adapter, provider); err != nil {
					return err
				}
			}
			body = asPosted(reader, body)
			if contentTypeFlag == "" {
				contentTypeFlag = contentType(reader)
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
			if err := reader.Normalize(r, body, at, &batch); err != nil {
				return err
			}
			return p.print(asItIs(cmd.OutOrStdout(), isTerminal), cmd.ErrOrStderr(), batch.Events, at)
		},
	}
	cmd.Flags().StringVar(&provider, "provider", "meta", "the provider that posted it (default: the sample's, else meta)")
	cmd.Flags().StringVar(&sample, "sample", "", "a built-in webhook instead of a file")
	cmd.Flags().StringVar(&p.tenant, "tenant", sites.DefaultTenant, "the tenant, which the ids depend on")
	cmd.Flags().StringVar(&p.config, "config", "", "a configuration whose tenants and convert rules are tried")
	cmd.Flags().StringVar(&p.adapter, "adapter", "", "its config adapter (default: caddyfile for a Caddyfile)")
	cmd.MarkFlagsMutuallyExclusive("tenant", "config")
	cmd.Flags().Int64Var(&at, "at", 0, "when the edge took it, UNIX ms (default: now)")
	cmd.Flags().StringVar(&contentTypeFlag, "content-type", "", "the webhook's Content-Type (default: the provider's usual one)")
	return cmd
}

// printer prints events, and with a configuration what its rules make of them.
type printer struct {
	tenant          string
	config, adapter string
	chats           []Chats
}

func (p *printer) print(to, log io.Writer, events []normalize.Event, at int64) error {
	out := bufio.NewWriter(to)
	var memory inchat.Reader
	fired := 0
	for i := range events {
		ev, name := &events[i], p.tenant
		t := tenantIn(p.chats, ev)
		if t != nil {
			name = t.Name
		}
		ev.SetTenant(name)
		line, _ := ev.AppendJSON(nil)
		if _, err := out.Write(append(onOneLine(line), '\n')); err != nil {
			return err
		}
		switch {
		case t != nil:
			n, err := printFirings(out, t, ev, at, &memory)
			if err != nil {
				return err
			}
			fired += n
		case p.config != "":
			_, _ = fmt.Fprintf(log, "no tenant of the configuration matches event %s\n", ev.ID())
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if p.config != "" && fired == 0 {
		_, _ = fmt.Fprintln(log, "no convert rule fires")
	}
	return nil
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
