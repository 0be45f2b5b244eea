package caddymodule

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/leadgate/leadgate/internal/delivery"
	dests "github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/destination/forward"
	"github.com/leadgate/leadgate/internal/printable"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/wording"
	"github.com/leadgate/leadgate/normalize"
)

// wants is which kinds of events a destination wants, a bit for each Kind and one
// for what another app or agent answers, and whether ad clicks alone.
type wants struct {
	kinds uint8
	ads   bool
}

const (
	wantMessages    = 1 << normalize.KindMessage
	wantEchoes      = 1 << normalize.KindEcho
	wantStatuses    = 1 << normalize.KindStatus
	wantAutomatic   = 1 << normalize.KindAutomaticEvent
	wantAccount     = 1 << normalize.KindAccount
	wantConversions = 1 << normalize.KindConversion
	wantStandby     = 1 // no Kind is 0
	wantAll         = wantMessages | wantEchoes | wantStatuses | wantAutomatic | wantAccount | wantConversions | wantStandby
	wantDefault     = wantMessages | wantStatuses | wantAutomatic
)

// onlyBits are the words of `only`. ads is no kind: it narrows the others.
var onlyBits = map[string]uint8{
	"messages": wantMessages, "statuses": wantStatuses, "echoes": wantEchoes,
	"automatic_events": wantAutomatic, "account": wantAccount, "conversions": wantConversions,
	"standby": wantStandby, "all": wantAll, "ads": 0,
}

func parseOnly(words []string) (wants, error) {
	var w wants
	for _, word := range words {
		bits, ok := onlyBits[word]
		if !ok {
			return w, fmt.Errorf("only '%s' is unknown: write %s", word, wording.Or(onlyWords))
		}
		w.kinds |= bits
		w.ads = w.ads || word == "ads"
	}
	switch {
	case w.kinds == 0 && w.ads:
		w.kinds = wantMessages | wantAutomatic
	case w.kinds == 0:
		w.kinds = wantDefault
	}
	return w, nil
}

// event says whether the destination wants an event.
func (w wants) event(ev *normalize.Event) bool {
	kind := uint8(1) << ev.Kind
	// Another app or agent answers in a standby thread, so what is said there is
	// for those who will not answer, too: they say so, or listen to both sides.
	if string(ev.RawLastEventType) == `"standby"` {
		kind = wantStandby | wantEchoes
	}
	if w.kinds&kind == 0 {
		return false
	}
	return !w.ads || ev.Kind == normalize.KindAutomaticEvent || ev.Referral.IsAd()
}

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

func (f *Forward) provision(t *tenant, repl *caddy.Replacer) (d *destination, named bool, err error) {
	name := f.Name
	where := func(option string) string {
		return "tenant " + t.name + ": destination " + cmp.Or(name, printable.URL(f.URL)) + ": " + option
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
		name = defaultForwardName(t.name, u)
	}
	if !wording.ValidName(name) {
		return nil, false, fmt.Errorf("%s: the name '%s' is not of letters, digits, dots, dashes and underscores, at most 64: write `name <name>`", where("name"), name)
	}
	w, _ := parseOnly(f.Only)
	wanted, err := dests.ParseWants(f.Only...)
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", where("only"), err)
	}
	hold, err := parseHold(f.Hold)
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", where("hold"), err)
	}
	if err := f.checkNumbers(); err != nil {
		return nil, false, fmt.Errorf("tenant %s: destination %s: %w", t.name, name, err)
	}
	cfg := forward.Config{
		URL: target, Tenant: t.name, Raw: f.Raw, Version: Version(),
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
	sender, err := forward.New(cfg)
	if err != nil {
		return nil, false, fmt.Errorf("tenant %s: destination %s: %w", t.name, name, err)
	}
	d = &destination{
		Destination: delivery.Destination{
			Dest: queue.Dest{Tenant: t.name, Name: name}, Kind: "forward", Target: printable.URL(target), Sender: sender,
			Planner: &forward.Planner{Wants: wanted, Raw: f.Raw}, Raw: f.Raw,
			Ordered: true, Concurrency: cfg.Concurrency, Rate: f.Rate,
			RetryFor: cmp.Or(time.Duration(f.RetryFor), 72*time.Hour), Hold: hold, Batch: 1,
		},
		wants: w, raw: f.Raw,
	}
	d.settings = settings{
		"url": target, "raw": f.Raw, "only": w, "header": cfg.Header, "sign": cfg.Sign, "timeout": cfg.Timeout,
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
