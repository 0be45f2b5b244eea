package caddymodule

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/leadgate/leadgate/internal/links"
	"github.com/leadgate/leadgate/internal/wording"
)

func linksOptions() options[Links] {
	return options[Links]{
		{name: "tenant", args: "<name>", help: "whose links these are", at: func(l *Links) value { return nameValue{&l.Tenant} }},
		{name: "link", args: "<name> { … }", many: true, parse: (*Links).parseLink},
		{
			name: "params", args: "<name>...", many: true, at: func(l *Links) value { return listValue{&l.Params, checkParams} },
			help: "more query parameters to keep, up to 10: of campaigns, not of persons",
		},
		{
			name: "claim", args: "<duration>", def: "7d", at: func(l *Links) value { return timeValue{&l.Claim} },
			help: "how long a click's code waits for the first contact that sends it",
		},
	}
}

func linkOptions() options[Link] {
	return options[Link]{
		{
			name: "to", args: "<chat> <address>", at: func(l *Link) value { return wordsValue(l.setTarget) }, shown: "required",
			help: "`whatsapp +15550783881`, `messenger <page>`, `instagram <user>` or `telegram <bot>`",
		},
		{
			name: "text", args: "<text>", at: func(l *Link) value { return textValue{&l.Text} },
			help: "what the visitor sends, with `{code}` in it; WhatsApp needs it, the others take the code beside the text",
		},
		{
			name: "mode", args: "redirect|page", def: "redirect", at: func(l *Link) value { return wordValue{&l.Mode, oneOf("redirect", "page")} },
			help: "`page`: a page with one button, since on iOS a redirect often stays in the browser",
		},
	}
}

func checkParams(names []string) error {
	for i, name := range names {
		if problem := links.CheckParam(name); problem != "" {
			return errors.New("params: " + problem)
		}
		if slices.Contains(names[:i], name) {
			return fmt.Errorf("params: %s stands twice", name)
		}
	}
	return nil
}

var linkName = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)

// parseLink reads a link.
func (l *Links) parseLink(d *caddyfile.Dispenser) error {
	name, err := literal("link", d.RemainingArgs())
	if err != nil {
		return d.WrapErr(err)
	}
	link := &Link{Name: strings.ToLower(name)}
	if !linkName.MatchString(link.Name) {
		return d.WrapErr(badLinkName(name))
	}
	if slices.ContainsFunc(l.Links, func(other *Link) bool { return other.Name == link.Name }) {
		return d.Errf("link %s stands twice: give one of them another name", link.Name)
	}
	if err := linkOptions().parse(link, d, "link "+link.Name, (*Link).checkText); err != nil {
		return err
	}
	if err := link.checkWhole(); err != nil && !link.open() {
		return d.WrapErr(err)
	}
	l.Links = append(l.Links, link)
	return nil
}

func badLinkName(name string) error {
	return fmt.Errorf("link '%s': a name is of a-z, 0-9 and hyphens, at most 40", name)
}

func (l *Link) setTarget(words []string) error {
	l.To = words[0]
	if err := l.target().Check(false); err != nil {
		return err
	}
	if len(words) != 2 {
		return fmt.Errorf("to %s takes one value behind it, not %d: write one such as `to whatsapp +15550783881`, `to messenger <page>`, "+
			"`to instagram <user>` or `to telegram <bot>`", l.To, len(words)-1)
	}
	l.Address = words[1]
	return nil
}

// open reports whether placeholders have to be read before it can be said whether the
// link is right.
func (l *Link) open() bool {
	return strings.Contains(l.Address, "{") || strings.Contains(strings.ReplaceAll(l.Text, links.Placeholder, ""), "{")
}

// checkText looks at what stands in the text, so that a mistake has its line.
func (l *Link) checkText() error {
	if l.To == "" || strings.Contains(l.Address, "{") {
		return nil
	}
	return l.target().Check(true)
}

// checkWhole looks at a link that has been read.
func (l *Link) checkWhole() error {
	at := "link " + l.Name + ": "
	if l.To == "" {
		return errors.New(at + "it leads nowhere: write `to whatsapp +15550783881`, for example")
	}
	if err := l.target().Check(true); err != nil {
		return fmt.Errorf("%s%w", at, err)
	}
	if err := l.made().Check(); err != nil {
		return fmt.Errorf("%s%w", at, err)
	}
	return nil
}

// read is the links with their placeholders replaced, and their defaults.
func (l *Links) read(replace func(option, text string) (string, error)) (*Links, error) {
	where := "leadgate_link: tenant " + l.Tenant + ": "
	r := &Links{Tenant: l.Tenant, Params: slices.Clone(l.Params), Claim: l.Claim}
	if err := linksOptions().resolve(r, nil); err != nil {
		return nil, fmt.Errorf("%s%w", where, err)
	}
	for _, link := range l.Links {
		if link == nil {
			return nil, errors.New("a null stands in `links`: delete it")
		}
		made := *link
		made.Name = strings.ToLower(link.Name)
		err := linkOptions().resolve(&made, func(option, text string) (string, error) { return replaceAround(option, text, replace) })
		if err == nil && made.Address != "" {
			made.Address, err = replace("to", made.Address)
		}
		if err != nil {
			return nil, fmt.Errorf("%slink %s: %w", where, made.Name, err)
		}
		r.Links = append(r.Links, &made)
	}
	return r, nil
}

// replaceAround replaces the placeholders of a text but for the code's.
func replaceAround(option, text string, replace func(option, text string) (string, error)) (string, error) {
	parts := strings.Split(text, links.Placeholder)
	for i, part := range parts {
		if !strings.Contains(part, "{") {
			continue
		}
		var err error
		if parts[i], err = replace(option, part); err != nil {
			return "", err
		}
	}
	return strings.Join(parts, links.Placeholder), nil
}

// check looks at what needs no placeholder.
func (l *Links) check() error {
	switch {
	case l.Tenant == "":
		return errors.New("leadgate_link needs a tenant: write `tenant <name>`")
	case !wording.ValidName(l.Tenant):
		return fmt.Errorf("leadgate_link: tenant '%s' is not of letters, digits, dots, dashes and underscores, at most 64", l.Tenant)
	case len(l.Links) == 0:
		return errors.New("leadgate_link needs a link: write `link summer { … }` with the lines `to whatsapp +15550783881` and " +
			"`text \"Ref {code}. Hi!\"` in it")
	case len(l.Params) > links.MaxParams:
		return fmt.Errorf("leadgate_link: tenant %s: params has %d names: keep at most %d", l.Tenant, len(l.Params), links.MaxParams)
	}
	return checkParams(l.Params)
}

// checkWhole looks at links whose placeholders are known.
func (l *Links) checkWhole() error {
	if err := l.check(); err != nil {
		return err
	}
	seen := make(map[string]bool, len(l.Links))
	for _, link := range l.Links {
		where := "leadgate_link: tenant " + l.Tenant + ": "
		if !linkName.MatchString(link.Name) {
			return fmt.Errorf("%s%w", where, badLinkName(link.Name))
		}
		if seen[link.Name] {
			return fmt.Errorf("%slink %s stands twice: give one of them another name", where, link.Name)
		}
		seen[link.Name] = true
		if err := link.checkWhole(); err != nil {
			return fmt.Errorf("%s%w", where, err)
		}
	}
	return nil
}

func parseLinks(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	l := new(Links)
	if err := l.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	return l, nil
}

// UnmarshalCaddyfile sets up the handler from `leadgate_link [<matcher>] { … }`.
func (l *Links) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if err := noValue(d); err != nil {
		return err
	}
	if err := linksOptions().parse(l, d, "leadgate_link", nil); err != nil {
		return err
	}
	if err := l.check(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

var _ caddyfile.Unmarshaler = (*Links)(nil)
