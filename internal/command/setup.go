package command

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/graph"
	"github.com/leadgate/leadgate/internal/hosts"
	"github.com/leadgate/leadgate/internal/setup"
	"github.com/leadgate/leadgate/internal/wording"
)

func (env *Env) setup() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "setup",
		Short: "Shows what is set up at a platform, and sets up what is missing",
		Args:  cobra.ArbitraryArgs,
		RunE:  onlySubcommands,
	}
	cmd.AddCommand(env.setupMeta())
	return cmd
}

// setupFlags are those of `setup meta`.
type setupFlags struct {
	config, adapter, tenant  string
	appID, endpoint, address string
	envFiles                 []string
	apply, replace           bool
}

func (env *Env) setupMeta() *cobra.Command {
	var f setupFlags
	cmd := &cobra.Command{
		Use:   "meta [--config <path>] [--envfile <path>] [--tenant <name>] [--apply]",
		Short: "Shows what of an app at Meta is set up, and makes the rest",
		Long: `Shows what Meta has of the app whose webhooks a configuration takes: what the
tokens may and until when, who may read leads, the datasets, the subscriptions
of WhatsApp accounts and Pages to the app, and those of the app itself. Nothing
is changed, unless --apply is given: then it makes what is missing. It never
takes anything away: fields are added to those that are there, an account's
override_callback_uri is left alone, and an app's address that is another one
too, unless --replace-callback is given. Blocks of one app share its address:
one of them has it, that to which webhooks come if there is one. It may be run
again and again.

The exit code is 0 where nothing is missing, 2 where something is, and 1 where
something could not be read or made. Permissions and expired tokens are missing
as well, though nobody but you can change them.

It asks with the tokens of the configuration's capi and leads blocks. Where they
may not manage the app's subscriptions, set META_TOKEN to one that may: of a
system user, with whatsapp_business_management for WhatsApp, pages_show_list and
pages_manage_metadata for Pages (and pages_messaging for their messages). The
app is the tokens', and its own token is made of the app secret. Secrets are
never shown. While the app's address is set, Meta asks the edge for the
challenge: let it run.

Examples:

  caddy leadgate setup meta --config Caddyfile --envfile leadgate.env
  caddy leadgate setup meta --config Caddyfile --envfile leadgate.env --apply`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return env.runSetup(cmd, &f) },
	}
	cmd.Flags().StringVarP(&f.config, "config", "c", "", "Configuration file")
	cmd.Flags().StringVarP(&f.adapter, "adapter", "a", "", "Name of config adapter to apply")
	cmd.Flags().StringSliceVar(&f.envFiles, "envfile", nil, "Environment file(s) to load")
	cmd.Flags().StringVar(&f.tenant, "tenant", "", "Look at this tenant alone")
	cmd.Flags().BoolVar(&f.apply, "apply", false, "Make what is missing")
	cmd.Flags().BoolVar(&f.replace, "replace-callback", false,
		"With --apply: have the app's webhooks come here that go to an address of none of the blocks")
	cmd.Flags().StringVar(&f.appID, "app-id", "", "The app's id, if the tokens don't say it")
	cmd.Flags().StringVar(&f.address, "callback", "", "The webhook URL as Meta reaches it, if it is not the configuration's")
	cmd.Flags().StringVar(&f.endpoint, "endpoint", "", "Where META_TOKEN is good, if not at Meta: a rehearsal's http://127.0.0.1:9099")
	return cmd
}

var appIDs = regexp.MustCompile(`^[0-9]{1,20}$`)

func (env *Env) runSetup(cmd *cobra.Command, f *setupFlags) error {
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt)
	defer stop()
	if f.replace && !f.apply {
		return errors.New("--replace-callback changes something: write --apply, too")
	}
	if f.appID != "" && !appIDs.MatchString(f.appID) {
		return fmt.Errorf("--app-id %s is no app's id: write its digits", f.appID)
	}
	if problem := endpointProblem(f.endpoint); problem != "" {
		return errors.New("--endpoint " + problem)
	}
	for _, file := range f.envFiles {
		if err := loadEnv(file); err != nil {
			return err
		}
	}
	if f.endpoint != "" && os.Getenv("META_TOKEN") == "" {
		return errors.New("--endpoint is where META_TOKEN is good, and META_TOKEN is not set: for a rehearsal with the " +
			"configuration's tokens write `endpoint` into its capi and leads blocks")
	}
	blocks, err := env.Meta(f.config, f.adapter)
	if err != nil {
		return err
	}
	blocks, others, err := ofTenant(blocks, f.tenant)
	if err != nil {
		return err
	}
	if f.address != "" {
		if len(blocks) > 1 {
			return errors.New("--callback is one block's address, and there are several blocks: write --tenant, too")
		}
		if problem := callbackProblem(f.address, blocks[0].URL); problem != "" {
			return fmt.Errorf("--callback %s %s", f.address, problem)
		}
		blocks[0].URL = f.address
	}
	rows := setup.Run(ctx, &setup.Subject{
		Blocks: blocks, Others: others, AppID: f.appID, Token: moreToken(f.endpoint), Apply: f.apply, Replace: f.replace, Now: time.Now,
		UserAgent: "Leadgate/" + env.Version,
	})
	if err := writeAll(cmd.OutOrStdout(), setup.Report(rows)); err != nil {
		return err
	}
	switch {
	case setup.Count(rows, setup.Failed) > 0:
		return errors.New("something could not be read or made")
	case setup.Count(rows, setup.Missing) > 0:
		cmd.SilenceErrors = true // the table says it
		return env.Exit(2)
	}
	return nil
}

func endpointProblem(endpoint string) string {
	if endpoint == "" {
		return ""
	}
	return hosts.Endpoint(endpoint, capi.DefaultEndpoint, func(string) bool { return false })
}

// moreToken is the one of META_TOKEN; nil for none.
func moreToken(endpoint string) *setup.Access {
	token := os.Getenv("META_TOKEN")
	if token == "" {
		return nil
	}
	return &setup.Access{Name: "META_TOKEN", Credentials: graph.Credentials{Token: token}, Endpoint: endpoint}
}

// callbackProblem says what is wrong with the address at which Meta reaches a block; "" for nothing.
// own is the block's by the configuration.
func callbackProblem(text, own string) string {
	path := "/webhooks/meta"
	if u := hosts.WebURL(own); u != nil {
		path = u.Path
	}
	right := "https://bots.example.com" + path
	u := hosts.WebURL(text)
	switch {
	case u == nil || u.Hostname() == "" || strings.ContainsAny(text, " \t\r\n"):
		return "is no URL: write one like " + right
	case u.User != nil:
		return "holds a user or a password, which Meta does not send: write one like " + right
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(text, "#"):
		return "goes on behind its path, where Meta writes the challenge: write it without ? and #, like " + right
	case hosts.Check(u.Hostname()) != nil:
		return hosts.Check(u.Hostname()).Error()
	case u.Scheme == "http" && !hosts.Local(u.Hostname()):
		return "begins with http://, and Meta posts by https:// alone: write https://" + u.Host + u.Path
	case strings.Trim(u.Path, "/") == "" && strings.Trim(path, "/") != "":
		return "has no path, and the block's is " + path + ": write " + u.Scheme + "://" + u.Host + path
	}
	return ""
}

// ofTenant are the blocks that have a tenant, with this one alone, and the others; all without a
// name.
func ofTenant(blocks []setup.Block, name string) (found, others []setup.Block, err error) {
	var names []string
	for _, b := range blocks {
		has := false
		for _, t := range b.Tenants {
			names = append(names, t.Name)
			if t.Name == name {
				has = true
				b.Tenants = []setup.Tenant{t}
				found = append(found, b)
			}
		}
		if !has {
			others = append(others, b)
		}
	}
	switch {
	case len(blocks) == 0:
		return nil, nil, errors.New("no leadgate block has provider meta, so that there is nothing to set up at Meta")
	case name == "":
		return blocks, nil, nil
	case len(found) == 0:
		return nil, nil, wording.NoSuch("tenant", name, slices.Clone(names))
	}
	return found, others, nil
}
