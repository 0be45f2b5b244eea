// Package command is the commands of `caddy leadgate`, and what they print. It
// knows cobra, and no Caddy: what only Caddy can do stands in [Env]. Each command
// is a file that begins with its help; begin with [Add], which lists them.
//
// It talks to a running edge through the admin endpoint, whose answers package
// admin describes, and to sites as a provider or a CRM does.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/leadgate/leadgate/internal/finding"
	"github.com/leadgate/leadgate/internal/printable"
	"github.com/leadgate/leadgate/internal/setup"
	"github.com/leadgate/leadgate/internal/wording"
	"github.com/leadgate/leadgate/normalize"
)

// Env is what the commands need of the program that has them.
type Env struct {
	Version string
	// Provider makes one without secrets. Its error is a sentence to the user.
	Provider func(name string) (Provider, error)
	// Duration reads one as the Caddyfile does: 2h, 7d.
	Duration func(text string) (time.Duration, error)
	// AdminAddress is where an edge is asked: the address, else what the
	// configuration says, else Caddy's default.
	AdminAddress func(address, config, adapter string) (string, error)
	// AdminRequest asks there as Caddy's own commands do; body nil is none. An
	// answer that is none of success is an error that quotes it.
	AdminRequest func(address, method, uri string, body io.Reader) (*http.Response, error)
	// Chats are the leadgate blocks of a configuration, with the rules of their tenants.
	Chats func(config, adapter string) ([]Chats, error)
	// Examine loads a configuration and says what the doctor finds.
	Examine func(ctx context.Context, config, adapter string) (finding.List, error)
	// Meta reads the blocks of provider meta, with their secrets.
	Meta func(config, adapter string) ([]setup.Block, error)
	// Exit is an error that ends the program with a code, and says nothing itself.
	Exit func(code int) error
	// Validate checks a Caddyfile's text as caddy validate does; name is the file's.
	Validate func(caddyfile []byte, name string) error
	// Links reads the links of a configuration, by their names in lower case.
	Links func(config, adapter string) ([]LinkPlace, error)
}

// Provider reads the webhooks of one. It may say what they look like on the way:
//
//	ContentType() string                                       // application/json without it
//	SignRequest(r *http.Request, body []byte, secret string)   // as it signs them
type Provider interface {
	Normalize(r *http.Request, body []byte, receivedAt int64, batch *normalize.Batch) error
}

// Add gives a command those of Leadgate.
func Add(cmd *cobra.Command, env *Env) {
	cmd.AddCommand(env.send(), env.normalize(), listen(), fakeMeta(), fakeGoogle(), explain(), env.destinations(), env.dead(),
		env.contact(), env.init(), env.setup(), env.doctor(), repair(), env.importFile(), env.qr())
	cmd.RunE = onlySubcommands
	cmd.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return noEmptyFlags(cmd) }
	printing(cmd)
	wrapped := ".FlagUsagesWrapped " + strconv.Itoa(printable.Width)
	cmd.SetUsageTemplate(strings.ReplaceAll(cmd.UsageTemplate(), ".FlagUsages", wrapped)) // of all below it, too
	useLines(cmd)
}

// useLines has the first line of a command's use name its flags once.
func useLines(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		sub.DisableFlagsInUseLine = strings.Contains(sub.Use, "[")
		useLines(sub)
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
