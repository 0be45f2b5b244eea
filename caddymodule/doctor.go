package caddymodule

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	"github.com/leadgate/leadgate/internal/command"
	"github.com/leadgate/leadgate/internal/doctor"
	"github.com/leadgate/leadgate/internal/finding"
	"github.com/leadgate/leadgate/internal/sites"
)

// examineConfig loads a configuration file as Caddy does, and has the doctor examine
// what it says.
func examineConfig(ctx context.Context, file, adapter string) (found finding.List, err error) {
	if err := quiet(); err != nil {
		return nil, err
	}
	config, name, _, err := caddycmd.LoadConfig(file, adapter)
	switch {
	case err != nil:
		found.Fail("config: "+err.Error(), "correct it; caddy validate says the same")
		return found, nil //nolint:nilerr // it is a finding
	case name == "":
		return nil, errors.New("there is no Caddyfile in this folder: write --config <path>")
	}
	if err := validateConfig(config); err != nil {
		found.Fail("config "+name+": "+withoutChain(err.Error()), "correct it; what else is wrong shows then")
		return found, nil
	}
	found.OK("config " + name + " is valid")
	subject, err := subjectOf(config)
	if err != nil {
		return nil, err
	}
	if len(subject.Sites.Blocks) == 0 {
		found.Warn("no site has a leadgate block", "write `leadgate <path> { provider … }` into a site")
		return found, nil
	}
	return append(found, doctor.Examine(ctx, subject)...), nil
}

// validateCaddyfile checks a Caddyfile that is in no file yet.
func validateCaddyfile(text []byte, name string) error {
	if err := quiet(); err != nil {
		return err
	}
	config, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt(text, map[string]any{"filename": name})
	if err != nil {
		return err
	}
	if len(warnings) > 0 {
		return errors.New(warnings[0].String())
	}
	if err := validateConfig(config); err != nil {
		return errors.New(withoutChain(err.Error()))
	}
	return nil
}

// readConfig is the JSON of a configuration file, which a command does not load.
func readConfig(file, adapter string) ([]byte, error) {
	if err := quiet(); err != nil {
		return nil, err
	}
	config, name, _, err := caddycmd.LoadConfig(file, adapter)
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading config: %w", err)
	case name == "":
		return nil, errors.New("there is no Caddyfile in this folder: write --config <path>")
	}
	return config, nil
}

// configuredLinks are the links of a configuration file.
func configuredLinks(file, adapter string) (list []command.LinkPlace, err error) {
	config, err := readConfig(file, adapter)
	if err != nil {
		return nil, err
	}
	found, err := sites.Read(config, readTenants, providerFacts)
	if err != nil {
		return nil, err
	}
	for _, b := range found.Links {
		unreached := found.Unreached(b)
		for _, name := range b.Names {
			list = append(list, command.LinkPlace{
				Tenant: b.Tenant, Name: name, URL: strings.TrimSuffix(b.URL, "/") + "/" + name, Unreached: unreached,
			})
		}
	}
	return list, nil
}

// subjectOf reads what the doctor looks at out of Caddy's JSON.
func subjectOf(config []byte) (*doctor.Subject, error) {
	var root struct {
		Admin caddy.AdminConfig
		Apps  struct{ Leadgate App }
	}
	// What does not fit this does not load either.
	if err := json.Unmarshal(config, &root); err != nil {
		return nil, fmt.Errorf("reading config: %w", err)
	}
	found, err := sites.Read(config, readTenants, providerFacts)
	if err != nil {
		return nil, err
	}
	q := root.Apps.Leadgate.Queue
	if q == nil {
		q = &Queue{Kind: defaultQueue}
	}
	return &doctor.Subject{
		Sites: found,
		Queue: q.examine,
		Admin: adminEndpoint(&root.Admin),
	}, nil
}

// examine is what the doctor says of a queue.
func (q *Queue) examine(ctx context.Context) (found finding.List) {
	store, err := q.provision()
	if err != nil {
		found.Fail("queue: "+err.Error(), "")
		return found
	}
	return store.examine(ctx)
}

// adminEndpoint is where Caddy's own commands would ask; nil if nowhere.
func adminEndpoint(c *caddy.AdminConfig) *doctor.Endpoint {
	if c.Disabled {
		return nil
	}
	at, err := caddy.ParseNetworkAddress(cmp.Or(c.Listen, caddy.DefaultAdminListen))
	if err != nil {
		return nil
	}
	e := &doctor.Endpoint{Network: at.Network, Address: at.JoinHostPort(0), Origin: "http://" + at.JoinHostPort(0)}
	if at.IsUnixNetwork() {
		e.Origin = "http://127.0.0.1"
	}
	return e
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
var chain = regexp.MustCompile(`^(loading \S+ app module|provision [a-z0-9_.]+|server [^:]+|setting up [a-z ]+|` +
	`(route|subroute|handler|position) \d+|` +
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
