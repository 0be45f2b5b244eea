package caddymodule

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/destination/dataset"
	"github.com/leadgate/leadgate/internal/wording"
)

// CAPI is a dataset that conversions are reported to.
type CAPI struct {
	// The channels whose events are reported here: whatsapp, messenger,
	// instagram; or lead_ads alone, for what becomes of lead ads' leads in a CRM.
	// Default: the chats that no other capi of the tenant names.
	Channels []string `json:"channels,omitempty"`

	// The destination's name. Default: <tenant>-capi-<dataset>.
	Name string `json:"name,omitempty"`

	// The dataset's id.
	Dataset string `json:"dataset"`

	// A token that may send events to the dataset. With {file.*} it is read
	// again when Meta refuses it.
	AccessToken string `json:"access_token"`

	// The event that a first contact is reported as. Default: Lead, which
	// Meta knows as LeadSubmitted in chats.
	EventName string `json:"event_name,omitempty"`

	// When a lead is reported: click, once for each distinct click; contact,
	// once per contact within remember_clicks; or never. Default: click.
	LeadOn string `json:"lead_on,omitempty"`

	// Whether the leads and purchases that Meta detected are reported: on,
	// leads (no purchases) or off. Default: on.
	AutomaticEvents string `json:"automatic_events,omitempty"`

	// What an automatic purchase's value is divided by. Default: 1000.
	AutomaticValueDivisor int `json:"automatic_value_divisor,omitempty"`

	// The Graph API's version. Default: v27.0.
	GraphVersion string `json:"graph_version,omitempty"`

	// The Graph API. Default: https://graph.facebook.com.
	Endpoint string `json:"endpoint,omitempty"`

	// The app's secret, for appsecret_proof. Default: none.
	AppSecret string `json:"app_secret,omitempty"`

	// Shows the events in the Events Manager's test view. They count all the same.
	TestEventCode string `json:"test_event_code,omitempty"`

	// Who sends the events, as Meta lists it.
	PartnerAgent string `json:"partner_agent,omitempty"`

	// LDU, with country and state, for Limited Data Use.
	DataProcessingOptions []string `json:"data_processing_options,omitempty"`

	// Whether hashed phone numbers, e-mail addresses and external ids are
	// sent: on or none. Default: on.
	MatchKeys string `json:"match_keys,omitempty"`

	// The name of the Instagram account's field.
	// Default: instagram_business_account_id.
	InstagramIDField string `json:"instagram_id_field,omitempty"`

	// The WhatsApp Business Account, for providers whose webhooks carry none.
	WabaID string `json:"waba_id,omitempty"`

	// With lead_ads: the CRM whose stages are reported. Default: CRM.
	LeadEventSource string `json:"lead_event_source,omitempty"`

	// How many events go in one request. Default and most: 1000.
	Batch int `json:"batch,omitempty"`

	// How long an event waits for others to share its request. Default: 1s.
	Linger *caddy.Duration `json:"linger,omitempty"`

	// What becomes of events in doubt, which were sent, and nothing says whether Meta
	// has them: no answer came, or the edge died or lost the right to send before it
	// kept the answer. retry sends them again, drop makes them dead letters
	// `unconfirmed`. Default: retry.
	OnTimeout string `json:"on_timeout,omitempty"`

	// For how long an event is tried again. Default and most: 168h (7d).
	RetryFor caddy.Duration `json:"retry_for,omitempty"`
}

// capiOptions are the options of capi. What capi.Settings.Validate tests is not
// tested here.
func capiOptions() options[CAPI] {
	return options[CAPI]{
		{
			name: "name", args: "<name>", shown: "`<tenant>-capi-<dataset>`", at: func(c *CAPI) value { return nameValue{&c.Name} },
			help: "the queue's identity",
		},
		{
			name: "dataset", args: "<id>", shown: "required", at: func(c *CAPI) value { return textValue{&c.Dataset} },
			help: "the id that the Events Manager shows",
		},
		{
			name: "access_token", args: "<token>", shown: "required", at: func(c *CAPI) value { return textValue{&c.AccessToken} },
			help: "with `{file.*}` it is read again when Meta refuses it",
		},
		{
			name: "event_name", args: "<name>", def: capi.DefaultEventName, at: func(c *CAPI) value { return textValue{&c.EventName} },
			help: "sent as `LeadSubmitted`, since Meta refuses `Lead` in chats",
		},
		{
			name: "lead_on", args: "click|contact|never", def: string(capi.LeadOnClick),
			at:   func(c *CAPI) value { return wordValue{&c.LeadOn, nil} },
			help: "a lead for each distinct click, one per contact, or none",
		},
		{
			name: "automatic_events", args: "on|leads|off", def: string(capi.AutomaticEventsOn),
			at:   func(c *CAPI) value { return wordValue{&c.AutomaticEvents, nil} },
			help: "leads and purchases that Meta detected",
		},
		{
			name: "automatic_value_divisor", args: "<n>", def: strconv.Itoa(capi.DefaultDivisor),
			at:   func(c *CAPI) value { return numberValue{&c.AutomaticValueDivisor} },
			help: "of the values of those purchases",
		},
		{
			name: "graph_version", args: "<version>", def: capi.DefaultGraphVersion, at: func(c *CAPI) value { return textValue{&c.GraphVersion} },
		},
		{
			name: "endpoint", args: "<url>", def: capi.DefaultEndpoint, at: func(c *CAPI) value { return textValue{&c.Endpoint} },
		},
		{
			name: "app_secret", args: "<secret>", at: func(c *CAPI) value { return textValue{&c.AppSecret} },
			help: "adds `appsecret_proof`",
		},
		{
			name: "test_event_code", args: "<code>", at: func(c *CAPI) value { return textValue{&c.TestEventCode} },
			help: "shows the events in the Events Manager's test view; they count all the same",
		},
		{
			name: "partner_agent", args: "<agent>", at: func(c *CAPI) value { return textValue{&c.PartnerAgent} },
			help: "who sends the events, as Meta lists it",
		},
		{
			name: "data_processing_options", args: "LDU [<country> <state>]",
			at:   func(c *CAPI) value { return listValue{&c.DataProcessingOptions, testLDU} },
			help: "Limited Data Use",
		},
		{
			name: "match_keys", args: "on|none", def: "on", at: func(c *CAPI) value { return wordValue{&c.MatchKeys, oneOf("on", "none")} },
			help: "hashed phone number, e-mail, external id",
		},
		{
			name: "instagram_id_field", args: "<field>", def: capi.InstagramBusinessAccountID,
			at: func(c *CAPI) value { return wordValue{&c.InstagramIDField, nil} },
		},
		{
			name: "waba_id", args: "<id>", at: func(c *CAPI) value { return textValue{&c.WabaID} },
			help: "for providers whose webhooks carry none",
		},
		{
			name: "lead_event_source", args: "<name>", shown: "CRM", at: func(c *CAPI) value { return textValue{&c.LeadEventSource} },
			help: "of `capi lead_ads` alone: the CRM whose stages are reported",
		},
		{
			name: "batch", args: "<n>", def: strconv.Itoa(capi.MaxBatch), check: (*CAPI).checkBatch,
			at:   func(c *CAPI) value { return numberValue{&c.Batch} },
			help: "events in one request at the most",
		},
		{
			name: "linger", args: "<duration>", def: "1s", at: func(c *CAPI) value { return timeOr0{&c.Linger} },
			help: "how long an event waits for others to share its request",
		},
		{
			name: "on_timeout", args: "retry|drop", def: "retry", at: func(c *CAPI) value { return wordValue{&c.OnTimeout, oneOf("retry", "drop")} },
			help: "events that were sent and of which nothing says whether Meta has them: `retry` misses none, `drop` repeats none " +
				"([in doubt](docs/conversions.md#in-doubt))",
		},
		{
			name: "retry_for", args: "<duration>", def: "7d", check: (*CAPI).checkRetryFor,
			at:   func(c *CAPI) value { return timeValue{&c.RetryFor} },
			help: "Meta takes no older events",
		},
	}
}

func (*CAPI) optionNames() []string { return capiOptions().names() }

func (c *CAPI) checkBatch() error {
	if c.Batch < 0 || c.Batch > capi.MaxBatch {
		return fmt.Errorf("batch %d is not from 1 to %d, the most events that Meta takes in one request", c.Batch, capi.MaxBatch)
	}
	return nil
}

func (c *CAPI) checkRetryFor() error {
	if time.Duration(c.RetryFor) > capi.MaxAge {
		return errors.New("retry_for is longer than 7d, the age up to which Meta takes an event")
	}
	return notNegative("retry_for", nanoseconds(c.RetryFor))
}

// parse reads `capi [<channel>...] { … }`.
func (c *CAPI) parse(d *caddyfile.Dispenser) error {
	c.Channels = d.RemainingArgs()
	if err := c.checkChannels(); err != nil {
		return d.WrapErr(err)
	}
	if err := capiOptions().parse(c, d, "capi", (*CAPI).checkText); err != nil {
		return err
	}
	switch {
	case c.Dataset == "":
		return d.Err("capi needs a dataset: write `dataset <id>`, the id that the Events Manager shows")
	case c.AccessToken == "":
		return d.Err("capi needs an access_token: write `access_token {env.META_CAPI_TOKEN}`")
	}
	return nil
}

// checkText looks at what stands in the text; placeholders are looked at when they
// have been replaced.
func (c *CAPI) checkText() error {
	if err := c.checkStages(); err != nil {
		return err
	}
	r, err := c.resolve(withoutPlaceholders)
	if err != nil {
		return err
	}
	s := r.settings()
	s.Dataset = cmp.Or(s.Dataset, "1")
	s.AccessToken = cmp.Or(s.AccessToken, "a placeholder")
	return s.Validate()
}

func (c *CAPI) checkChannels() error {
	for i, channel := range c.Channels {
		switch {
		case channel == dataset.LeadAds && len(c.Channels) > 1:
			return errors.New("capi lead_ads stands alone: its dataset is told what becomes of forms' leads in a CRM, and of no chat; " +
				"write a block for each")
		case channel != dataset.LeadAds && !slices.Contains(dataset.Channels, channel):
			return fmt.Errorf("capi channel '%s' is unknown: write %s, none for all chats, or lead_ads", channel, wording.Or(dataset.Channels))
		}
		if slices.Contains(c.Channels[:i], channel) {
			return fmt.Errorf("capi channel '%s' stands twice", channel)
		}
	}
	return nil
}

// resolve is the settings with defaults, their placeholders replaced.
func (c *CAPI) resolve(replace func(option, text string) (string, error)) (*CAPI, error) {
	r := *c
	if err := capiOptions().resolve(&r, replace); err != nil {
		return nil, err
	}
	return &r, nil
}

func testLDU(words []string) error {
	_, err := dataset.ParseLDU(words)
	return err
}
