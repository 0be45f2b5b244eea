package caddymodule

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/leadgate/leadgate/internal/wording"
)

// What a configuration in Caddy's own JSON may say and a Caddyfile cannot.

// nulls refuses a null where a tenant or a destination should be.
func (h *Handler) nulls() error {
	if slices.Contains(h.Tenants, nil) {
		return errors.New("a null stands in `tenants`: delete it")
	}
	for _, t := range append(slices.Clone(h.Tenants), h.Tenant) {
		if t != nil && (slices.Contains(t.Forward, nil) || slices.Contains(t.CAPI, nil)) {
			return errors.New("a null stands in `forward` or `capi`: delete it")
		}
	}
	return nil
}

// jsonNumber is an option that is a number or a time.
type jsonNumber struct {
	option string
	value  int64
}

func jsonDuration(option string, d caddy.Duration) jsonNumber {
	if d > 0 && time.Duration(d) < time.Microsecond {
		return jsonNumber{option, -1} // a number of seconds, most likely, which JSON takes as nanoseconds
	}
	return jsonNumber{option, int64(d)}
}

// notNegative refuses numbers that would mean no limit, or no time at all.
func notNegative(numbers ...jsonNumber) error {
	for _, n := range numbers {
		if n.value < 0 {
			return fmt.Errorf("%s is negative, or a time without its unit: write a number such as 8, a time such as \"10s\", or nothing at all", n.option)
		}
	}
	return nil
}

func (a *App) checkNumbers() error {
	numbers := []jsonNumber{
		{"max_backlog", int64(a.MaxBacklog)}, jsonDuration("dedupe", a.Dedupe), jsonDuration("remember_clicks", a.RememberClicks),
		jsonDuration("keep_dead", a.KeepDead),
	}
	if a.Grace != nil {
		numbers = append(numbers, jsonDuration("grace", *a.Grace))
	}
	if a.Queue != nil {
		numbers = append(numbers, jsonNumber{"queue: max_size", a.Queue.MaxSize})
	}
	return notNegative(numbers...)
}

func (f *Forward) checkNumbers() error {
	if !(f.Rate >= 0) || f.Rate > 1e9 {
		return fmt.Errorf("rate %v is no number of requests a second: write one such as 50, or 0 for no limit", f.Rate)
	}
	return notNegative(jsonDuration("timeout", f.Timeout), jsonDuration("retry_for", f.RetryFor), jsonNumber{"concurrency", int64(f.Concurrency)})
}

// check refuses settings of the other kind of queue, which would be passed over.
func (q *Queue) check() error {
	redis := len(q.URLs) > 0 || q.SentinelMaster != "" || len(q.Sentinels) > 0 || q.Prefix != ""
	switch {
	case q.Kind != "redis" && redis:
		return errors.New("queue embedded has settings of queue redis: write `\"kind\": \"redis\"`, or delete them")
	case q.Kind == "redis" && (q.Path != "" || q.MaxSize != 0):
		return errors.New("queue redis has settings of queue embedded (path, max_size): delete them, or write `\"kind\": \"embedded\"`")
	case q.Prefix != "" && !wording.ValidName(q.Prefix):
		return fmt.Errorf("queue redis: prefix '%s' is not of letters, digits, dots, dashes and underscores, at most 64", q.Prefix)
	}
	return nil
}
