package command

import (
	"bufio"
	"bytes"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/leadgate/leadgate/internal/samples"
	"github.com/leadgate/leadgate/internal/sites"
	"github.com/leadgate/leadgate/normalize"
)

func (env *Env) normalize() *cobra.Command {
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
			p, err := env.Provider(provider)
			if err != nil {
				return err
			}
			body = asPosted(p, body)
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
	cmd.Flags().StringVar(&tenant, "tenant", sites.DefaultTenant, "the tenant, which the ids depend on")
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
