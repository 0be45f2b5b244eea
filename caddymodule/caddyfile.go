package caddymodule

import (
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/leadgate/leadgate/internal/intake"
	"github.com/leadgate/leadgate/internal/phone"
	"github.com/leadgate/leadgate/internal/wording"
)

func parseGlobalOption(d *caddyfile.Dispenser, existing any) (any, error) {
	if existing != nil {
		return nil, d.Err("leadgate is already configured: write one leadgate block in the global options")
	}
	app := new(App)
	if err := app.UnmarshalCaddyfile(d); err != nil {
		return nil, err
	}
	return httpcaddyfile.App{Name: "leadgate", Value: caddyconfig.JSON(app, nil)}, nil
}

func parseHandler(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	handler := new(Handler)
	if err := handler.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	return handler, nil
}

// UnmarshalCaddyfile sets up the app from the global option:
//
//	leadgate {
//		queue embedded [<path>] {
//			max_size <size>
//		}
//		queue redis <url>... {
//			sentinel <master> <host:port>...
//			prefix <prefix>
//		}
//		max_inflight_body <size>
//		max_backlog     <n>
//		dedupe          <duration>
//		remember_clicks <duration>
//		keep_dead       <duration>
//		grace           <duration>
//		silence         <duration>
//	}
func (a *App) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if err := noValue(d); err != nil {
		return err
	}
	seen := make(once)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if err := seen.check(d); err != nil {
			return err
		}
		var err error
		switch d.Val() {
		case "queue":
			a.Queue, err = parseQueue(d)
		case "max_inflight_body":
			a.MaxInflightBody, err = size(d, 1<<62, "256MiB")
		case "max_backlog":
			a.MaxBacklog, err = positiveInt(d)
		case "dedupe":
			a.Dedupe, err = duration(d)
		case "remember_clicks":
			a.RememberClicks, err = duration(d)
		case "keep_dead":
			a.KeepDead, err = duration(d)
		case "grace":
			a.Grace, err = optionalDuration(d)
		case "silence":
			a.Silence, err = duration(d)
		default:
			return unknownOption(d, "global leadgate")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func parseQueue(d *caddyfile.Dispenser) (*Queue, error) {
	q := new(Queue)
	if !d.NextArg() {
		return nil, d.Err("queue needs a kind: write `queue embedded` or `queue redis redis://127.0.0.1:6379`")
	}
	q.Kind = d.Val()
	args, err := literalArgs(d)
	if err != nil {
		return nil, err
	}
	switch q.Kind {
	case "embedded":
		if len(args) > 1 {
			return nil, d.Errf("queue embedded takes one folder, not %d", len(args))
		}
		if len(args) == 1 {
			q.Path = args[0]
		}
	case "redis":
		q.URLs = args
	default:
		return nil, d.Errf("queue '%s' is unknown: write `queue embedded` or `queue redis <url>`", q.Kind)
	}
	seen := make(once)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if err := seen.check(d); err != nil {
			return nil, err
		}
		switch option := d.Val(); {
		case option == "max_size" && q.Kind == "embedded":
			if q.MaxSize, err = size(d, 1<<62, "4GiB"); err != nil {
				return nil, err
			}
		case option == "sentinel" && q.Kind == "redis":
			args, err := literals(d)
			if err != nil {
				return nil, err
			}
			if len(args) < 2 {
				return nil, d.Err("sentinel needs the master's name and at least one address: write `sentinel mymaster 10.0.0.1:26379`")
			}
			q.SentinelMaster, q.Sentinels = args[0], args[1:]
		case option == "prefix" && q.Kind == "redis":
			if q.Prefix, err = literal(d); err != nil {
				return nil, err
			}
			if !wording.ValidName(q.Prefix) {
				return nil, d.Errf("prefix '%s' is not of letters, digits, dots, dashes and underscores, at most 64", q.Prefix)
			}
		case q.Kind == "embedded":
			return nil, unknownOption(d, "queue embedded")
		default:
			return nil, unknownOption(d, "queue redis")
		}
	}
	if q.Kind == "redis" && len(q.URLs) == 0 && q.SentinelMaster == "" {
		return nil, d.Err("queue redis needs a URL: write `queue redis redis://127.0.0.1:6379`")
	}
	return q, nil
}

// UnmarshalCaddyfile sets up the handler from tokens:
//
//	leadgate [<matcher>] {
//		provider <name> {
//			…
//		}
//		max_body <size>
//		max_events <n>
//		tenant <name> {
//			match <key> <value>...
//			forward <url> {
//				…
//			}
//			capi [<channel>...] {
//				…
//			}
//		}
//		tenant <name>   # of the settings that stand directly in the block
//		forward <url> { … }
//		capi [<channel>...] { … }
//	}
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if err := noValue(d); err != nil {
		return err
	}
	var direct Tenant
	matches := make(map[string]string) // key and value → tenant
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		switch d.Val() {
		case "provider":
			if h.ProviderRaw != nil {
				return d.Err("provider is already specified: a leadgate block has one provider; write another block for another one")
			}
			if !d.NextArg() {
				return d.Errf("provider needs a name, one of %s", strings.Join(providerNames(), ", "))
			}
			name := d.Val()
			if !slices.Contains(providerNames(), name) {
				return d.Errf("provider '%s' is unknown: write one of %s", name, strings.Join(providerNames(), ", "))
			}
			provider, err := caddyfile.UnmarshalModule(d, "leadgate.providers."+name)
			if err != nil {
				return err
			}
			h.ProviderRaw = caddyconfig.JSONModuleObject(provider, "name", name, nil)
		case "max_body":
			if h.MaxBody != 0 {
				return d.Err("max_body is already specified")
			}
			var err error
			if h.MaxBody, err = size(d, 1<<31, "3MiB"); err != nil {
				return err
			}
		case "max_events":
			if h.MaxEvents != 0 {
				return d.Err("max_events is already specified")
			}
			var err error
			if h.MaxEvents, err = positiveInt(d); err != nil {
				return err
			}
		case "tenant":
			name, err := nameArg(d, "tenant")
			if err != nil {
				return err
			}
			if name == direct.Name || slices.ContainsFunc(h.Tenants, func(t *Tenant) bool { return t.Name == name }) {
				return d.Err(twiceInBlock(name))
			}
			t := &Tenant{Name: name}
			block := false
			for nesting := d.Nesting(); d.NextBlock(nesting); {
				block = true
				if err := t.parseOption(d, matches); err != nil {
					return err
				}
			}
			if !block {
				if direct.Name != "" {
					return d.Errf("tenant is already specified: %s", direct.Name)
				}
				direct.Name = name
				continue
			}
			if len(t.Match) == 0 {
				return d.Errf("tenant %s has no match, so nothing would reach it: write `match phone_number_id <id>`, or `tenant %s` alone on a line and its settings directly in the block", name, name)
			}
			h.Tenants = append(h.Tenants, t)
		case "forward", "capi":
			if err := direct.parseOption(d, nil); err != nil {
				return err
			}
		case "match":
			return d.Err("match stands inside a `tenant <name> { }`")
		default:
			return unknownOption(d, "leadgate")
		}
	}
	if h.ProviderRaw == nil {
		return d.Err("leadgate needs a provider: write `provider meta { … }`")
	}
	if direct.Name != "" || len(direct.Forward) > 0 || len(direct.CAPI) > 0 {
		h.Tenant = &direct
		if direct.Name == "" && slices.ContainsFunc(h.Tenants, func(t *Tenant) bool { return t.Name == defaultTenant }) {
			return d.Err(twiceInBlock(defaultTenant) + "; `" + defaultTenant + "` is the name of the settings that stand directly in the block, unless a line `tenant <name>` gives them another")
		}
	}
	return nil
}

// twiceInBlock is the error about a tenant that stands twice in one block: most
// often copied and not renamed, and then one customer would get another's events.
func twiceInBlock(name string) string {
	return "tenant " + name + " stands twice in this block: give one of them another name, or write its match and destinations into one"
}

// parseOption reads one option of a tenant.
func (t *Tenant) parseOption(d *caddyfile.Dispenser, matches map[string]string) error {
	switch d.Val() {
	case "match":
		if !d.NextArg() {
			return d.Errf("match needs a key, one of %s, and values", strings.Join(intake.MatchKeys, ", "))
		}
		key := d.Val()
		if !slices.Contains(intake.MatchKeys, key) {
			return d.Errf("match '%s' is unknown: write one of %s", key, strings.Join(intake.MatchKeys, ", "))
		}
		values, err := literals(d)
		if err != nil {
			return err
		}
		if t.Match == nil {
			t.Match = make(map[string][]string)
		}
		if key == "phone" && len(values) > 1 && strings.HasPrefix(values[0], "+") && len(phone.Digits(values[0])) < 5 {
			return d.Errf("match phone %s would be %d numbers: write one without spaces, or in quotes", strings.Join(values, " "), len(values))
		}
		for _, v := range values {
			if problem := intake.UnlikelyID(key, v); problem != "" {
				return d.Err(problem)
			}
			if other, taken := matches[key+"\n"+v]; taken && other != t.Name {
				return d.Errf("match %s %s is already tenant %s's: an event has exactly one tenant", key, v, other)
			}
			matches[key+"\n"+v] = t.Name
		}
		t.Match[key] = append(t.Match[key], values...)
	case "forward":
		f, err := parseForward(d)
		if err != nil {
			return err
		}
		t.Forward = append(t.Forward, f)
	case "capi":
		c, err := parseCAPI(d)
		if err != nil {
			return err
		}
		t.CAPI = append(t.CAPI, c)
	default:
		return unknownOption(d, "tenant "+t.Name)
	}
	return nil
}

var (
	_ caddyfile.Unmarshaler = (*App)(nil)
	_ caddyfile.Unmarshaler = (*Handler)(nil)
)
