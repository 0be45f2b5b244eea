package command

import (
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/spf13/cobra"

	"github.com/leadgate/leadgate/internal/conversions"
	"github.com/leadgate/leadgate/internal/importer"
)

func (env *Env) importFile() *cobra.Command {
	o := importer.Options{UserAgent: "Leadgate/" + env.Version}
	lead := leadImport{adminCLI: adminCLI{env: env}}
	cmd := &cobra.Command{
		Use:   "import (<file> (--to <url> --token <token> | --dry-run) | --leads <form id>)",
		Short: "Posts conversions from a file, or reads the leads of a form",
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

--leads <form id> reads the leads of a form of lead ads instead, up to 90 days
back (--since), and queues those that no webhook and no reading brought: nothing
comes twice. The running edge does it, with the token of the tenant's leads
block; it is asked at its admin endpoint, which --config names. --dry-run counts
them.

Examples:

  caddy leadgate import sales.jsonl --dry-run
  caddy leadgate import sales.jsonl --to https://bots.example.com/conversions \
    --token "$CRM_TOKEN"
  caddy leadgate import --leads 771234567890123 --config Caddyfile --since 30d --dry-run`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if problem := lead.misused(cmd, args); problem != nil {
				return problem
			}
			if lead.form != "" {
				return lead.run(cmd, o.DryRun)
			}
			o.Out, o.Progress = cmd.OutOrStdout(), terminal(cmd.ErrOrStderr())
			if err := o.Check(); err != nil {
				return err
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
			return importer.Run(ctx, o, in)
		},
	}
	lead.flags(cmd)
	cmd.Flags().StringVar(&o.To, "to", "", "The URL of a leadgate_conversions block")
	cmd.Flags().StringVar(&o.Token, "token", "", "Its token")
	cmd.Flags().BoolVar(&o.DryRun, "dry-run", false, "Check the lines and post nothing")
	cmd.Flags().StringToStringVar(&o.Words, "map", nil, "For --dry-run: the CRM's words for event names, as word=Name")
	cmd.Flags().IntVar(&o.From, "from-line", 1, "The first line to post")
	cmd.Flags().IntVar(&o.Batch, "batch", conversions.MaxItems, "How many lines to post at once, up to 1000")
	cmd.Flags().DurationVar(&o.RetryFor, "retry-for", 10*time.Minute, "How long to try again when the edge cannot take a batch")
	return cmd
}
