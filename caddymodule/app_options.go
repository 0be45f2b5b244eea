package caddymodule

import (
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
)

func appOptions() options[App] {
	return options[App]{
		{name: "queue", parse: func(a *App, d *caddyfile.Dispenser) (err error) {
			a.Queue, err = parseQueue(d)
			return err
		}},
		{
			name: "max_inflight_body", args: "<size>", def: "256MiB",
			at:   func(a *App) value { return sizeValue{&a.MaxInflightBody, 1 << 62, "256MiB"} },
			help: "bytes of bodies that are being read; over it requests get 503, before anything is read of them",
		},
		{
			name: "max_backlog", args: "<n>", def: "1000000", at: func(a *App) value { return numberValue{&a.MaxBacklog} },
			help: "per destination; what comes beyond becomes its dead letter `overflow`",
		},
		{
			name: "dedupe", args: "<duration>", def: "7d", at: func(a *App) value { return timeValue{&a.Dedupe} },
			help: "how long an event's id is remembered at the least, whatever time a copy of it carries",
		},
		{
			name: "remember_clicks", args: "<duration>", def: "28d", at: func(a *App) value { return timeValue{&a.RememberClicks} },
			help: "how long a contact's click is kept",
		},
		{
			name: "keep_dead", args: "<duration>", def: "30d", at: func(a *App) value { return timeValue{&a.KeepDead} },
			help: "how long dead letters are kept",
		},
		{
			name: "grace", args: "<duration>", def: "3s", at: func(a *App) value { return timeOr0{&a.Grace} },
			help: "how long the last release of a store waits for deliveries in flight",
		},
		{
			name: "silence", args: "<duration>", shown: "off", at: func(a *App) value { return timeValue{&a.Silence} }, check: (*App).checkSilence,
			help: "after how long without a webhook for a tenant a warning is logged, once, and a line when they come again",
		},
	}
}

func (a *App) checkSilence() error {
	if a.Silence < 0 {
		return fmt.Errorf("silence '%s' is no time: write one such as 6h, or nothing at all", time.Duration(a.Silence))
	}
	return nil
}

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

// UnmarshalCaddyfile sets up the app from the global option `leadgate { … }`.
func (a *App) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if err := noValue(d); err != nil {
		return err
	}
	return appOptions().parse(a, d, "global leadgate", nil)
}

var _ caddyfile.Unmarshaler = (*App)(nil)
