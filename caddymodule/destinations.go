package caddymodule

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/destination/forward"
	"github.com/leadgate/leadgate/internal/intake"
	"github.com/leadgate/leadgate/internal/printable"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/wording"
)

// holdForever makes a failing event hold back its contact until it is gone.
const holdForever = -1

func parseHold(text string) (time.Duration, error) {
	switch text {
	case "":
		return 5 * time.Minute, nil
	case "forever":
		return holdForever, nil
	}
	d, err := caddy.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("hold '%s' is no duration: write one such as 5m, or forever", text)
	}
	return d, nil
}

func (f *Forward) provision(t *intake.Tenant, repl *caddy.Replacer) (d *destination.Destination, named bool, err error) {
	name := f.Name
	where := func(option string) string {
		return "tenant " + t.Name + ": destination " + cmp.Or(name, printable.URL(f.URL)) + ": " + option
	}
	target, err := replaceText(repl, where("url"), f.URL)
	if err != nil {
		return nil, false, err
	}
	if err := checkURL(target); err != nil {
		return nil, false, fmt.Errorf("%s: %w", where("url"), err)
	}
	u, _ := url.Parse(target)
	if name == "" {
		name = defaultForwardName(t.Name, u)
	}
	if !wording.ValidName(name) {
		return nil, false, fmt.Errorf("%s: the name '%s' is not of letters, digits, dots, dashes and underscores, at most 64: write `name <name>`", where("name"), name)
	}
	wanted, err := destination.ParseWants(f.Only...)
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", where("only"), err)
	}
	hold, err := parseHold(f.Hold)
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", where("hold"), err)
	}
	if err := f.checkNumbers(); err != nil {
		return nil, false, fmt.Errorf("tenant %s: destination %s: %w", t.Name, name, err)
	}
	cfg := forward.Config{
		URL: target, Tenant: t.Name, Raw: f.Raw, Version: Version(),
		Timeout: cmp.Or(time.Duration(f.Timeout), 10*time.Second), Concurrency: cmp.Or(f.Concurrency, defaultConcurrency),
		Header: make(http.Header),
	}
	for field, values := range f.Header {
		for _, v := range values {
			text, err := replaceText(repl, where("header "+field), v)
			if err != nil {
				return nil, false, err
			}
			if problem := headerProblem(field, text); problem != "" {
				return nil, false, fmt.Errorf("%s: %s", where("header"), problem)
			}
			cfg.Header.Add(field, text)
		}
	}
	if f.Sign != "" {
		if cfg.Sign, err = replaceText(repl, where("sign"), f.Sign); err != nil {
			return nil, false, err
		}
	}
	sender, err := forward.NewSender(cfg)
	if err != nil {
		return nil, false, fmt.Errorf("tenant %s: destination %s: %w", t.Name, name, err)
	}
	d = &destination.Destination{
		Dest: queue.Dest{Tenant: t.Name, Name: name}, Kind: "forward", Target: printable.URL(target), Sender: sender,
		Planner: &forward.Planner{Wants: wanted, Raw: f.Raw}, Raw: f.Raw,
		Ordered: true, Concurrency: cfg.Concurrency, Rate: f.Rate,
		RetryFor: cmp.Or(time.Duration(f.RetryFor), 72*time.Hour), Hold: hold, Batch: 1,
	}
	d.Options = map[string]any{
		"url": target, "raw": f.Raw, "only": wanted, "header": cfg.Header, "sign": cfg.Sign, "timeout": cfg.Timeout,
		"concurrency": cfg.Concurrency, "rate": f.Rate, "retry_for": d.RetryFor, "hold": hold,
	}
	return d, f.Name != "", nil
}

// defaultForwardName is <tenant>-<host>[-<port>]; an IPv6 address keeps its
// digits, with dashes for colons.
func defaultForwardName(tenant string, u *url.URL) string {
	name := tenant + "-" + strings.ReplaceAll(u.Hostname(), ":", "-")
	if port := u.Port(); port != "" {
		name += "-" + port
	}
	return name
}
