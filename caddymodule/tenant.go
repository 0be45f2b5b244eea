package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/finding"
	"github.com/leadgate/leadgate/internal/intake"
	"github.com/leadgate/leadgate/internal/phone"
	"github.com/leadgate/leadgate/internal/sites"
)

// Tenant is one bot or customer: the ids that select its events, and its
// destinations. Tenant names are global: the same name in several blocks is the
// same tenant, and its destinations are the union.
type Tenant struct {
	// The tenant's name, of letters, digits, dots, dashes and underscores.
	// Default, for settings that stand directly in the block: default.
	Name string `json:"name,omitempty"`

	// Which events are the tenant's, by the business's own ids. The keys are
	// phone_number_id, phone, waba_id, page_id, instagram_id, app, channel_id
	// and account_sid; all values are alternatives.
	Match map[string][]string `json:"match,omitempty"`

	// Conversions that are said in the tenant's chats.
	Convert []*InChat `json:"convert,omitempty"`

	// What asks Meta what the tenant's ads are called, and what they cost.
	Ads *Ads `json:"ads,omitempty"`

	// Destinations, a field for each kind: a list of what is a kind. Its name in
	// JSON is the kind's, and its directive in the Caddyfile.

	// Where the tenant's events are posted.
	Forward []*Forward `json:"forward,omitempty"`

	// The datasets that the tenant's conversions are reported to.
	CAPI []*CAPI `json:"capi,omitempty"`

	// The Google Ads accounts that the tenant's conversions are reported to.
	Google []*Google `json:"google,omitempty"`

	// What fetches the answers of lead ads' forms; one at the most.
	Leads []*Leads `json:"leads,omitempty"`
}

// kind is the settings of one destination, as a configuration has them. The
// packages in internal/destination are what the kinds do.
type kind interface {
	// parse reads a Caddyfile from behind the directive.
	parse(d *caddyfile.Dispenser) error
	// optionNames are the options of its block.
	optionNames() []string
	// provision checks the settings and replaces their placeholders.
	provision(a *App, tenant string, repl *caddy.Replacer) (*destination.Destination, error)
	// reports reports whether conversions are reported to it.
	reports() bool
	// names says why conversions of a name are not reported to it, nil where they are.
	names(event string) error
	// isNamed reports whether its name was written, and is not the default.
	isNamed() bool
	// examine is what the doctor says of it; of those with the same key once.
	examine(ctx context.Context, tenant string) finding.List
	key() string
}

// kindField is a field of Tenant that lists the destinations of a kind.
type kindField struct {
	name  string // of the kind
	index int
}

// kindFields finds them.
func kindFields() (fields []kindField) {
	t := reflect.TypeFor[Tenant]()
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Type.Kind() == reflect.Slice && f.Type.Elem().Implements(reflect.TypeFor[kind]()) {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			fields = append(fields, kindField{name, i})
		}
	}
	return fields
}

// newKind makes the settings of a kind, all empty.
func (f kindField) newKind() kind {
	return reflect.New(reflect.TypeFor[Tenant]().Field(f.index).Type.Elem().Elem()).Interface().(kind)
}

func kindNames() []string {
	var names []string
	for _, f := range kindFields() {
		names = append(names, f.name)
	}
	return names
}

// add adds a destination of the kind.
func (f kindField) add(t *Tenant, k kind) {
	list := reflect.ValueOf(t).Elem().Field(f.index)
	list.Set(reflect.Append(list, reflect.ValueOf(k)))
}

// configured is a tenant's destination and the name of its kind.
type configured struct {
	kind
	name string
}

// destinations are all of the tenant's.
func (t *Tenant) destinations() (all []configured) {
	for _, f := range kindFields() {
		list := reflect.ValueOf(t).Elem().Field(f.index)
		for i := range list.Len() {
			all = append(all, configured{list.Index(i).Interface().(kind), f.name})
		}
	}
	return all
}

// nulls refuses a null where a tenant or a destination should be.
func (h *Handler) nulls() error {
	if slices.Contains(h.Tenants, nil) {
		return errors.New("a null stands in `tenants`: delete it")
	}
	for _, t := range append(slices.Clone(h.Tenants), h.Tenant) {
		if t == nil {
			continue
		}
		if err := t.nullRules(); err != nil {
			return err
		}
		for _, d := range t.destinations() {
			if reflect.ValueOf(d.kind).IsNil() {
				return errors.New("a null stands in `" + strings.Join(kindNames(), "` or `") + "`: delete it")
			}
		}
	}
	return nil
}

// site is a tenant as the survey and the doctor see it.
func (t *Tenant) site(name string) sites.Tenant {
	out := sites.Tenant{Name: name, Pages: t.Match["page_id"]}
	for _, d := range t.destinations() {
		check := func(ctx context.Context) finding.List { return d.examine(ctx, name) }
		if p, ok := d.kind.(interface {
			examinePages(ctx context.Context, tenant string, pages []string) finding.List
		}); ok {
			check = func(ctx context.Context) finding.List {
				return p.examinePages(ctx, name, slices.Clone(t.Match["page_id"]))
			}
		}
		out.Destinations = append(out.Destinations, sites.Destination{
			Kind: d.name, Reports: d.reports(), Names: d.names, Key: d.key(),
			OfLeads: ofLeads(d.kind), Check: check,
		})
	}
	if t.Ads != nil {
		out.Destinations = append(out.Destinations, t.Ads.adsSite(name))
	}
	return out
}

// matches are which tenant of a block matches a key and value.
type matches map[string]string

// tenantOptions are the options of a tenant; taken is what tenants of its block
// match.
func tenantOptions(taken matches) options[Tenant] {
	return append(options[Tenant]{
		convertOption(func(t *Tenant) *Tenant { return t }), adsOption(func(t *Tenant) *Tenant { return t }),
		{
			name: "match", args: "<key> <value>...", many: true, help: "the ids that its events have",
			parse: func(t *Tenant, d *caddyfile.Dispenser) error { return t.parseMatch(d, taken) },
		},
	}, kindOptions(func(t *Tenant) *Tenant { return t })...)
}

// kindOptions are the directives of all kinds; of is the tenant that they add to.
func kindOptions[T any](of func(*T) *Tenant) (rows options[T]) {
	for _, f := range kindFields() {
		rows = append(rows, option[T]{name: f.name, many: true, parse: func(t *T, d *caddyfile.Dispenser) error {
			k := f.newKind()
			if err := k.parse(d); err != nil {
				return err
			}
			f.add(of(t), k)
			return nil
		}})
	}
	return rows
}

func (t *Tenant) parseMatch(d *caddyfile.Dispenser, taken matches) error {
	if !d.NextArg() {
		return d.Errf("match needs a key, one of %s, and values", strings.Join(intake.MatchKeys, ", "))
	}
	key := d.Val()
	if !slices.Contains(intake.MatchKeys, key) {
		return d.Errf("match '%s' is unknown: write one of %s", key, strings.Join(intake.MatchKeys, ", "))
	}
	values := d.RemainingArgs()
	if err := t.addMatch(key, values, taken); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

func (t *Tenant) addMatch(key string, values []string, taken matches) error {
	if err := literals(key, values); err != nil {
		return err
	}
	if t.Match == nil {
		t.Match = make(map[string][]string)
	}
	if key == "phone" && len(values) > 1 && strings.HasPrefix(values[0], "+") && len(phone.Digits(values[0])) < 5 {
		return fmt.Errorf("match phone %s would be %d numbers: write one without spaces, or in quotes", strings.Join(values, " "), len(values))
	}
	for _, v := range values {
		if problem := intake.UnlikelyID(key, v); problem != "" {
			return errors.New(problem)
		}
		if other, ok := taken[key+"\n"+v]; ok && other != t.Name {
			return fmt.Errorf("match %s %s is already tenant %s's: an event has exactly one tenant", key, v, other)
		}
		taken[key+"\n"+v] = t.Name
	}
	t.Match[key] = append(t.Match[key], values...)
	return nil
}

// badDestinationName is the error about a name that no destination may have.
func badDestinationName(name string) error {
	return fmt.Errorf("the name '%s' is not of letters, digits, dots, dashes and underscores, at most 64: write `name <name>`", name)
}
