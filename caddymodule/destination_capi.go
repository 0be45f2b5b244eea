package caddymodule

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/destination/dataset"
	"github.com/leadgate/leadgate/internal/intake"
	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/wording"
)

var capiChannels = []string{"whatsapp", "messenger", "instagram"}

func (c *CAPI) checkChannels() error {
	for i, channel := range c.Channels {
		if !slices.Contains(capiChannels, channel) {
			return fmt.Errorf("capi channel '%s' is unknown: write %s, or none for all", channel, wording.Or(capiChannels))
		}
		if slices.Contains(c.Channels[:i], channel) {
			return fmt.Errorf("capi channel '%s' stands twice", channel)
		}
	}
	return nil
}

// settings reads the options through get, which replaces placeholders.
func (c *CAPI) settings(get func(option, text string) (string, error)) (s capi.Settings, err error) {
	text := func(into *string, option, value string) {
		if value != "" && err == nil {
			*into, err = get(option, value)
		}
	}
	text(&s.Dataset, "dataset", c.Dataset)
	text(&s.AccessToken, "access_token", c.AccessToken)
	text(&s.EventName, "event_name", c.EventName)
	text(&s.GraphVersion, "graph_version", c.GraphVersion)
	text(&s.Endpoint, "endpoint", c.Endpoint)
	text(&s.AppSecret, "app_secret", c.AppSecret)
	text(&s.TestEventCode, "test_event_code", c.TestEventCode)
	text(&s.PartnerAgent, "partner_agent", c.PartnerAgent)
	text(&s.WabaID, "waba_id", c.WabaID)
	if err != nil {
		return s, err
	}
	s.LeadOn = capi.LeadOn(c.LeadOn)
	s.AutomaticEvents = capi.AutomaticEvents(c.AutomaticEvents)
	s.AutomaticValueDivisor = int64(c.AutomaticValueDivisor)
	s.InstagramIDField = c.InstagramIDField
	s.OnTimeoutDrop = c.OnTimeout == "drop"
	s.NoMatchKeys = c.MatchKeys == "none"
	s.UserAgent = "Leadgate/" + Version()
	if s.DataProcessingOptions, err = parseLDU(c.DataProcessingOptions); err != nil {
		return s, err
	}
	for _, o := range []struct{ option, value, words string }{
		{"match_keys", c.MatchKeys, "on none"},
		{"on_timeout", c.OnTimeout, "retry drop"},
	} {
		if words := strings.Fields(o.words); o.value != "" && !slices.Contains(words, o.value) {
			return s, fmt.Errorf("%s '%s' is unknown: write %s", o.option, o.value, wording.Or(words))
		}
	}
	switch {
	case c.Batch < 0 || c.Batch > capi.MaxBatch:
		return s, fmt.Errorf("batch %d is not from 1 to %d, the most events that Meta takes in one request", c.Batch, capi.MaxBatch)
	case time.Duration(c.RetryFor) > capi.MaxAge:
		return s, fmt.Errorf("retry_for is longer than 7d, the age up to which Meta takes an event")
	}
	return s, nil
}

// parseLDU reads LDU [<country> <state>].
func parseLDU(words []string) (*capi.LDU, error) {
	wrong := fmt.Errorf("data_processing_options '%s': write LDU, or LDU <country> <state> such as LDU 1 1000", strings.Join(words, " "))
	switch {
	case len(words) == 0:
		return nil, nil
	case words[0] != "LDU" || len(words) != 1 && len(words) != 3:
		return nil, wrong
	case len(words) == 1:
		return &capi.LDU{}, nil
	}
	country, err1 := strconv.Atoi(words[1])
	state, err2 := strconv.Atoi(words[2])
	if err1 != nil || err2 != nil {
		return nil, wrong
	}
	return &capi.LDU{Country: country, State: state}, nil
}

func (c *CAPI) provision(a *App, t *intake.Tenant, repl *caddy.Replacer) (d *destination.Destination, named bool, err error) {
	where := "tenant " + t.Name + ": destination " + cmp.Or(c.Name, t.Name+"-capi-"+c.Dataset)
	if err := c.checkChannels(); err != nil {
		return nil, false, fmt.Errorf("%s: %w", where, err)
	}
	settings, err := c.settings(func(option, text string) (string, error) { return replaceText(repl, option, text) })
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", where, err)
	}
	settings.RememberClicks = time.Duration(a.RememberClicks)
	if err := settings.Validate(); err != nil {
		return nil, false, fmt.Errorf("%s: %w", where, err)
	}
	name := c.Name
	if name == "" {
		name = t.Name + "-capi-" + settings.Dataset
	}
	if !wording.ValidName(name) {
		return nil, false, fmt.Errorf("%s: the name '%s' is not of letters, digits, dots, dashes and underscores, at most 64: write `name <name>`", where, name)
	}
	linger := time.Second
	if c.Linger != nil {
		if err := notNegative(jsonDuration("linger", *c.Linger)); err != nil {
			return nil, false, fmt.Errorf("%s: %w", where, err)
		}
		linger = time.Duration(*c.Linger)
	}
	d = &destination.Destination{
		Dest: queue.Dest{Tenant: t.Name, Name: name}, Kind: dataset.Kind, Target: settings.Dataset,
		Planner:     &dataset.Planner{Settings: settings, Channels: c.Channels, Dedupe: time.Duration(a.Dedupe)},
		Concurrency: capiConcurrency, RetryFor: cmp.Or(time.Duration(c.RetryFor), capi.MaxAge),
		Batch: cmp.Or(c.Batch, capi.MaxBatch), Linger: linger,
	}
	d.Sender = dataset.NewSender(dataset.Config{
		Settings: settings, Credentials: c.credentials, OnEvents: metrics.Conversions(name), Logger: a.logger.Named("capi"),
	})
	d.Options = capiOptions(&settings)
	d.Options["channel"], d.Options["retry_for"], d.Options["batch"], d.Options["linger"] = c.Channels, d.RetryFor, d.Batch, linger
	for _, warning := range settings.Warnings() {
		a.logger.Warn(warning, zap.String("destination", name))
	}
	return d, c.Name != "", nil
}

// credentials reads the secrets anew, for when Meta has refused the last ones.
func (c *CAPI) credentials() (accessToken, appSecret string, err error) {
	repl := caddy.NewReplacer()
	if accessToken, err = replaceText(repl, "access_token", c.AccessToken); err != nil {
		return "", "", err
	}
	if c.AppSecret != "" {
		appSecret, err = replaceText(repl, "app_secret", c.AppSecret)
	}
	return accessToken, appSecret, err
}

// capiConcurrency is how many batches are under way at once.
const capiConcurrency = 4
