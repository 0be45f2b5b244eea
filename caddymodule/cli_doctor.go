package caddymodule

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/leadgate/leadgate/internal/wording"
)

func doctorCommand() *cobra.Command {
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
			if err := quiet(); err != nil {
				return err
			}
			return examine(ctx, cmd.OutOrStdout(), config, adapter)
		},
	}
	cmd.Flags().StringVarP(&config, "config", "c", "", "Configuration file")
	cmd.Flags().StringVarP(&adapter, "adapter", "a", "", "Name of config adapter to apply")
	cmd.Flags().StringSliceVar(&envFiles, "envfile", nil, "Environment file(s) to load")
	return cmd
}

// examine checks a configuration file and writes what it finds.
func examine(ctx context.Context, out io.Writer, file, adapter string) error {
	d := new(doctor)
	if err := d.examine(ctx, file, adapter); err != nil {
		return err
	}
	if err := writeAll(out, d.report()); err != nil {
		return err
	}
	if n := d.count(levelFail); n > 0 {
		return fmt.Errorf("%s failed: the edge does not work like this", wording.Count(n, "check"))
	}
	return nil
}

func (d *doctor) examine(ctx context.Context, file, adapter string) error {
	config, name, _, err := caddycmd.LoadConfig(file, adapter)
	switch {
	case err != nil:
		d.fail("config: "+err.Error(), "correct it; caddy validate says the same")
		return nil //nolint:nilerr // it is a finding
	case name == "":
		return fmt.Errorf("there is no Caddyfile in this folder: write --config <path>")
	}
	if err := validateConfig(config); err != nil {
		d.fail("config "+name+": "+withoutChain(err.Error()), "correct it; what else is wrong shows then")
		return nil
	}
	d.ok("config " + name + " is valid")
	s, err := readSites(config)
	if err != nil {
		return err
	}
	if len(s.blocks) == 0 {
		d.warn("no site has a leadgate block", "write `leadgate <path> { provider … }` into a site")
		return nil
	}
	d.sites(s)
	checks := append(d.queueChecks(ctx, s), d.destinationChecks(ctx, s)...)
	d.append(concurrently(append(checks, wordCheck(ctx, config))))
	return nil
}

// validateConfig does what `caddy validate` does: it loads everything, and
// starts nothing.
func validateConfig(config []byte) error {
	var cfg *caddy.Config
	if err := caddy.StrictUnmarshalJSON(caddy.RemoveMetaFields(config), &cfg); err != nil {
		return fmt.Errorf("decoding config: %w", err)
	}
	// What is wrong comes back as an error; the rest of what is logged on the way
	// would hide the findings.
	if cfg.Logging == nil {
		cfg.Logging = new(caddy.Logging)
	}
	if cfg.Logging.Logs == nil {
		cfg.Logging.Logs = make(map[string]*caddy.CustomLog)
	}
	if cfg.Logging.Logs[caddy.DefaultLoggerName] == nil {
		cfg.Logging.Logs[caddy.DefaultLoggerName] = new(caddy.CustomLog)
	}
	cfg.Logging.Logs[caddy.DefaultLoggerName].Level = "ERROR"
	return caddy.Validate(cfg)
}

// quiet has Caddy log nothing until a configuration says otherwise. The writer
// stays, since Caddy logs that it has another one.
func quiet() error {
	return caddy.Validate(&caddy.Config{Logging: &caddy.Logging{Logs: map[string]*caddy.CustomLog{
		caddy.DefaultLoggerName: {BaseLog: caddy.BaseLog{Level: "PANIC"}},
	}}})
}

// chain is what Caddy puts before the error of a module: each of its parents.
var chain = regexp.MustCompile(`^(loading \S+ app module|provision [a-z0-9_.]+|server [^:]+|setting up [a-z ]+|(route|subroute|handler|position) \d+|` +
	`loading (handler|matcher) modules|loading module '[^']+'|loading [a-z ]*modules?): `)

// withoutChain is an error's own text.
func withoutChain(text string) string {
	for {
		rest := strings.TrimPrefix(text, chain.FindString(text))
		if rest == text {
			return text
		}
		text = rest
	}
}

// decodeInto turns a part of the configuration that was read as any into what it
// is.
func decodeInto(from, into any) error {
	b, err := json.Marshal(from)
	if err != nil {
		return fmt.Errorf("reading config: %w", err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("reading config: %w", err)
	}
	return nil
}
