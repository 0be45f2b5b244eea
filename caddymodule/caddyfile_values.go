package caddymodule

import (
	"strconv"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/dustin/go-humanize"

	"github.com/leadgate/leadgate/internal/wording"
)

// once reports options that stand twice in one block.
type once map[string]bool

func (o once) check(d *caddyfile.Dispenser) error {
	if o[d.Val()] {
		return d.Errf("%s is already specified", d.Val())
	}
	o[d.Val()] = true
	return nil
}

// literals reads the values of an option, at least one, none of them empty.
func literals(d *caddyfile.Dispenser) ([]string, error) {
	option := d.Val()
	args, err := literalArgs(d)
	if err == nil && len(args) == 0 {
		err = d.Errf("%s needs a value; if one stands there as {$NAME}, that variable is not set, or empty", option)
	}
	return args, err
}

func literalArgs(d *caddyfile.Dispenser) ([]string, error) {
	option := d.Val()
	args := d.RemainingArgs()
	if len(args) > 0 {
		if problem := separator(args); problem != "" {
			return nil, d.Errf("%s %s", option, problem)
		}
	}
	for _, arg := range args {
		if blank(arg) {
			return nil, d.Errf("%s has an empty value", option)
		}
		if problem := misspelt(arg); problem != "" {
			return nil, d.Errf("%s %s", option, problem)
		}
	}
	return args, nil
}

// literal reads the one value of an option.
func literal(d *caddyfile.Dispenser) (string, error) {
	option := d.Val()
	args, err := literals(d)
	if err != nil {
		return "", err
	}
	if len(args) > 1 {
		return "", d.Errf("%s takes one value, not %d", option, len(args))
	}
	return args[0], nil
}

func duration(d *caddyfile.Dispenser) (caddy.Duration, error) {
	option := d.Val()
	text, err := literal(d)
	if err != nil {
		return 0, err
	}
	dur, err := caddy.ParseDuration(text)
	if err != nil || dur <= 0 {
		return 0, d.Errf("%s '%s' is no duration: write one such as 10s, 5m, 72h or 7d", option, text)
	}
	return caddy.Duration(dur), nil
}

// optionalDuration is for options where 0 means something else than the default.
func optionalDuration(d *caddyfile.Dispenser) (*caddy.Duration, error) {
	option := d.Val()
	text, err := literal(d)
	if err != nil {
		return nil, err
	}
	dur, err := caddy.ParseDuration(text)
	if err != nil || dur < 0 {
		return nil, d.Errf("%s '%s' is no duration: write one such as 1s or 0s", option, text)
	}
	value := caddy.Duration(dur)
	return &value, nil
}

func positiveInt(d *caddyfile.Dispenser) (int, error) {
	option := d.Val()
	text, err := literal(d)
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, d.Errf("%s '%s' is no whole number from 1 up", option, text)
	}
	return n, nil
}

// size reads a number of bytes from 1 to most; example is one in the message.
func size(d *caddyfile.Dispenser, most uint64, example string) (int64, error) {
	option := d.Val()
	text, err := literal(d)
	if err != nil {
		return 0, err
	}
	n, err := humanize.ParseBytes(text)
	if err != nil || n == 0 || n > most {
		return 0, d.Errf("%s '%s' is no size: write one such as %s", option, text, example)
	}
	return int64(n), nil
}

func nameArg(d *caddyfile.Dispenser, option string) (string, error) {
	name, err := literal(d)
	if err != nil {
		return "", err
	}
	if !wording.ValidName(name) {
		return "", d.Errf("%s '%s' is not of letters, digits, dots, dashes and underscores, at most 64", option, name)
	}
	return name, nil
}

// providerNames lists the registered providers, guests included.
func providerNames() []string {
	var names []string
	for _, m := range caddy.GetModules("leadgate.providers") {
		names = append(names, m.ID.Name())
	}
	return names
}
