package command

import (
	"fmt"
	"os"
	"os/signal"

	"github.com/spf13/cobra"

	"github.com/leadgate/leadgate/internal/doctor"
	"github.com/leadgate/leadgate/internal/finding"
	"github.com/leadgate/leadgate/internal/wording"
)

func (env *Env) doctor() *cobra.Command {
	var config, adapter string
	var envFiles []string
	cmd := &cobra.Command{
		Use:   "doctor [--config <path> [--adapter <name>]] [--envfile <path>]",
		Short: "Checks a configuration, and all that it needs to be there",
		Long: `Checks a configuration as caddy validate does, and then what it needs: secrets,
the queue, the destinations, the tokens and datasets of capi blocks, and the
order of the site's directives. A running edge of this configuration is asked
which words of its webhooks it does not know. Nothing is posted, stored or
opened that a running edge has open, so it may run beside one. Secrets are never
shown.

Each line begins with ok, warn or fail, and says what to do about the latter
two. Only what keeps the edge from working is a fail: a configuration that
doesn't load, or a queue that can't be used. Then the command fails.

Without --config the Caddyfile of this folder is read. Environment variables and
files that the configuration names are read as the edge would read them: run the
command as the user, and with the environment, that the edge has. --envfile
loads a file of KEY=value lines, as that of caddy run does.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt)
			defer stop()
			for _, file := range envFiles {
				if err := loadEnv(file); err != nil {
					return err
				}
			}
			found, err := env.Examine(ctx, config, adapter)
			if err != nil {
				return err
			}
			if err := writeAll(cmd.OutOrStdout(), doctor.Report(found)); err != nil {
				return err
			}
			if n := found.Count(finding.Fail); n > 0 {
				return fmt.Errorf("%s failed: the edge does not work like this", wording.Count(n, "check"))
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&config, "config", "c", "", "Configuration file")
	cmd.Flags().StringVarP(&adapter, "adapter", "a", "", "Name of config adapter to apply")
	cmd.Flags().StringSliceVar(&envFiles, "envfile", nil, "Environment file(s) to load")
	return cmd
}
