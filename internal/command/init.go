package command

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/leadgate/leadgate/internal/scaffold"
)

// initial is `init` with its flags.
type initial struct {
	env *Env
	scaffold.Answers

	config string
	force  bool
}

func (env *Env) init() *cobra.Command {
	i := &initial{env: env}
	var questions []*question
	cmd := &cobra.Command{
		Use:   "init [--site <domain> --provider <name>... <flag>...]",
		Short: "Writes a first Caddyfile, and says what to type where",
		Long: `Writes a first Caddyfile and a file with its secrets, which only you can read,
and says what to type into the dashboards of who posts and of who receives. On a
terminal it asks for what no flag says; elsewhere a flag that is needed and
missing is an error. The Caddyfile is checked as caddy validate does before it
is written. Files that are there are left alone, unless --force is given; the
secrets in such a file are kept. A URL with a password or a query is a secret.

Tokens, the verify token and the secret that forwarded events are signed with
are made up. A secret that stands in the environment under its name in the file
is taken from there, so that it need not stand in a command: META_APP_SECRET,
META_CAPI_TOKEN, META_PAGE_TOKEN, TWILIO_AUTH_TOKEN, REDIS_URL (of the queue),
and those that would be made up.

Examples:

  caddy leadgate init
  META_APP_SECRET=… caddy leadgate init --site bots.example.com \
    --provider whatsapp --forward https://n8n.example.com/webhook/leads`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := i.answer(cmd, questions); err != nil {
				return err
			}
			if err := i.write(); err != nil {
				return err
			}
			return writeAll(cmd.OutOrStdout(), "Written: "+i.config+", and "+i.EnvFile+" with its secrets.\n\n"+i.Words(program(), i.config))
		},
	}
	cmd.Flags().StringVar(&i.config, "config", "Caddyfile", "The Caddyfile to write")
	cmd.Flags().StringVar(&i.EnvFile, "envfile", "leadgate.env", "The file with the secrets to write")
	cmd.Flags().BoolVar(&i.force, "force", false, "Write over files that are there")
	for _, q := range i.questions() {
		q.addFlag(cmd)
		questions = append(questions, q)
	}
	return cmd
}

// answer finds the answers: in flags, in the environment, and by asking.
func (i *initial) answer(cmd *cobra.Command, questions []*question) error {
	given := secretsOfEnvironment()
	if err := i.mayWrite(); err != nil {
		return err
	}
	i.Secrets = secretsOfEnvironment() // and of the file that is written over
	for _, q := range questions {
		if err := q.take(i, cmd.Flags().Changed(q.flag), given[q.secret]); err != nil {
			return err
		}
	}
	if err := i.Fits(); err != nil { // before anything is asked
		return err
	}
	if f, ok := cmd.InOrStdin().(*os.File); ok && term.IsTerminal(int(f.Fd())) { // /dev/null is none
		a := &asker{in: cmd.InOrStdin(), out: cmd.ErrOrStderr()}
		for _, q := range questions {
			if err := a.about(i, q, cmd.Flags().Changed(q.flag)); err != nil {
				return err
			}
		}
	}
	i.MakeUp()
	if err := i.Check(); err != nil {
		return err
	}
	for _, q := range questions {
		if cmd.Flags().Changed(q.flag) {
			if err := q.useless(&i.Answers); err != nil {
				return err
			}
		}
	}
	return nil
}

// secretsOfEnvironment are those that stand there.
func secretsOfEnvironment() map[string]string {
	secrets := make(map[string]string)
	for _, name := range scaffold.AllSecrets() {
		secrets[name] = os.Getenv(name)
	}
	return secrets
}

// mayWrite refuses to write over files, but where it is wanted; then the secrets that stand in
// the environment file are kept.
func (i *initial) mayWrite() error {
	if filepath.Clean(i.config) == filepath.Clean(i.EnvFile) {
		return errors.New("--config and --envfile are one file: write two names")
	}
	if !isCaddyfile(i.config) {
		return fmt.Errorf("--config %s would be no Caddyfile to caddy run, which goes by the name: write one that begins with Caddyfile, "+
			"or ends in .caddyfile", i.config)
	}
	if strings.Contains(i.EnvFile, ",") {
		return fmt.Errorf("--envfile %s has a comma, at which caddy run would cut it: write another name", i.EnvFile)
	}
	for _, f := range [...]struct{ flag, name string }{{"config", i.config}, {"envfile", i.EnvFile}} {
		_, err := os.Lstat(f.name)
		switch {
		case err != nil && !errors.Is(err, os.ErrNotExist):
			return fmt.Errorf("looking for --%s: %w", f.flag, err)
		case err == nil && !i.force:
			return fmt.Errorf("%s is there already: write another name with --%s, or --force to write over it", f.name, f.flag)
		case err == nil && f.flag == "envfile":
			if err := loadEnv(f.name); err != nil {
				return err
			}
		}
	}
	return nil
}

// isCaddyfile reports whether Caddy takes a file of this name for a Caddyfile.
func isCaddyfile(name string) bool {
	base := strings.ToLower(filepath.Base(name))
	return strings.HasSuffix(base, ".caddyfile") || strings.HasPrefix(base, "caddyfile") && filepath.Ext(base) != ".json"
}

// write checks the configuration, and writes it and its secrets.
func (i *initial) write() error {
	caddyfile := i.Caddyfile()
	undo, err := i.setEnv()
	if err != nil {
		return err
	}
	err = i.env.Validate([]byte(caddyfile), i.config)
	undo()
	if err != nil {
		return fmt.Errorf("the Caddyfile that these answers make does not load, and nothing was written: %w", err)
	}
	secrets := i.EnvFileText()
	if i.force {
		secrets += i.others()
	}
	if err := writeFile(i.EnvFile, secrets, 0o600, i.force); err != nil {
		return err
	}
	if err := writeFile(i.config, caddyfile, 0o644, i.force); err != nil {
		if !i.force {
			_ = os.Remove(i.EnvFile) // it was not there before
		}
		return err
	}
	return nil
}

// setEnv sets the secrets as caddy run --envfile will, for the check; undo takes them away.
func (i *initial) setEnv() (undo func(), err error) {
	var set []string
	undo = func() {
		for _, name := range set {
			_ = os.Unsetenv(name)
		}
	}
	for name, value := range i.Secrets {
		if _, there := os.LookupEnv(name); there || value == "" {
			continue
		}
		if err := os.Setenv(name, value); err != nil {
			undo()
			return nil, fmt.Errorf("setting %s: %w", name, err)
		}
		set = append(set, name)
	}
	return undo, nil
}

// others are the lines of an environment file that is written over, but comments and the
// secrets that the Caddyfile needs: one that it no longer does may be nowhere else.
func (i *initial) others() string {
	text, err := os.ReadFile(i.EnvFile)
	if err != nil {
		return "" // none is there; that one may be read was seen before
	}
	var b strings.Builder
	for line := range strings.Lines(string(text)) {
		name, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		if line = strings.TrimRight(line, "\r\n"); name != "" && name[0] != '#' && !slices.Contains(i.Needs(), name) {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

// writeFile writes a file as a whole or not at all, and over another one only where force says so.
func writeFile(name, text string, mode os.FileMode, force bool) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*") // only its owner can read it
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	if !force { // a link fails where there is a file of the name by now
		if err = os.Link(f.Name(), name); err != nil && !errors.Is(err, os.ErrExist) {
			if _, there := os.Lstat(name); errors.Is(there, os.ErrNotExist) {
				force = true // the file system has no links
			}
		}
	}
	if force {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}

// program is how this program is called in a shell.
func program() string {
	self := os.Args[0]
	switch {
	case strings.Contains(self, string(filepath.Separator)+"go-build"):
		return "go run ."
	case strings.ContainsAny(self, " '\""):
		return "caddy"
	}
	return self
}
