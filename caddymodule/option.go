package caddymodule

import (
	"fmt"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// option is one row in the table of a block's options. The parser of the Caddyfile,
// the answer to an unknown option, the checks of what only JSON can say, the
// defaults, what differs where a name stands twice, and the README's table are all
// made of it.
type option[T any] struct {
	name string // in the Caddyfile; in messages also where JSON has it
	args string // what stands behind it, as the README has it: "<duration>"
	def  string // the default, as the Caddyfile would have it; "" if there is none
	help string // for the README
	many bool   // it may stand several times, and adds up
	// misplaced is set where the word belongs elsewhere, which parse says.
	misplaced bool

	// Either: at is where the setting is kept, and how it is read.
	at func(*T) value
	// Or: parse reads what stands behind the word and in its block.
	parse func(*T, *caddyfile.Dispenser) error
	// check says what is wrong with a setting of JSON's, instead of at's own check.
	check func(*T) error
	// shown is the default where the README says it in words, or has to explain it.
	shown string
}

// options are a block's, in the order in which messages list them.
type options[T any] []option[T]

func (o options[T]) names() []string {
	names := make([]string, 0, len(o))
	for i := range o {
		if !o[i].misplaced {
			names = append(names, o[i].name)
		}
	}
	return names
}

// parse reads a block of a Caddyfile, whose name messages give as where. after, if
// not nil, looks at the settings after each option: all before it were right, so
// that a mistake is in its line.
func (o options[T]) parse(c *T, d *caddyfile.Dispenser, where string, after func(*T) error) error {
	seen := make(map[string]bool)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		name := d.Val()
		at := slices.IndexFunc(o, func(row option[T]) bool { return row.name == name })
		if at < 0 {
			return unknownOption(d, where, o.names())
		}
		row := &o[at]
		if seen[name] && !row.many {
			return d.Errf("%s is already specified", name)
		}
		seen[name] = true
		if err := row.read(c, d); err != nil {
			return err
		}
		if after == nil {
			continue
		}
		if err := after(c); err != nil {
			return d.WrapErr(err)
		}
	}
	return nil
}

func (row *option[T]) read(c *T, d *caddyfile.Dispenser) error {
	if row.parse != nil {
		return row.parse(c, d)
	}
	if err := row.at(c).parse(row.name, d.RemainingArgs()); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

// resolve checks the settings, replaces their placeholders by what replace says,
// and fills in the defaults. c must be the caller's own copy; what it points at
// stays as it is.
func (o options[T]) resolve(c *T, replace func(option, text string) (string, error)) error {
	for i := range o {
		row := &o[i]
		if row.check != nil {
			if err := row.check(c); err != nil {
				return err
			}
		}
		if row.at == nil {
			continue
		}
		v := row.at(c)
		if row.check == nil {
			if err := v.check(row.name); err != nil {
				return err
			}
		}
		if v, ok := v.(placeholders); ok {
			if err := v.replace(row.name, replace); err != nil {
				return err
			}
		}
		if row.def != "" && v.empty() {
			if err := v.parse(row.name, strings.Fields(row.def)); err != nil {
				panic(fmt.Sprintf("the default of %s: %v", row.name, err))
			}
		}
	}
	return nil
}

// settings are resolved settings by the names of their options, for
// [destination.Destination.Options].
func (o options[T]) settings(c *T) map[string]any {
	out := make(map[string]any, len(o))
	for i := range o {
		if o[i].at != nil {
			out[o[i].name] = o[i].at(c).get()
		}
	}
	return out
}

// withoutPlaceholders leaves out texts with placeholders, so that what stands in a
// Caddyfile can be looked at where file and line are known.
func withoutPlaceholders(_, text string) (string, error) {
	if strings.Contains(text, "{") {
		return "", nil
	}
	return text, nil
}
