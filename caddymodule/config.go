package caddymodule

import (
	"encoding/json"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/intake"
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

	// Where the tenant's events are posted.
	Forward []*Forward `json:"forward,omitempty"`

	// The datasets that the tenant's conversions are reported to.
	CAPI []*CAPI `json:"capi,omitempty"`
}

// Forward is a destination that gets events by POST.
type Forward struct {
	// Where events are posted. Placeholders are replaced at load.
	URL string `json:"url"`

	// The destination's name, and so its queue's identity.
	// Default: <tenant>-<host>[-<port>].
	Name string `json:"name,omitempty"`

	// The kinds of events wanted: messages, statuses, echoes,
	// automatic_events, account, conversions, standby (what is said while
	// another app or agent answers), all; ads narrows them to ad clicks.
	// Default: messages, statuses and automatic_events.
	Only []string `json:"only,omitempty"`

	// Headers added to each request.
	Header map[string][]string `json:"header,omitempty"`

	// A secret for Standard Webhooks signatures: whsec_ and base64, or any other text.
	Sign string `json:"sign,omitempty"`

	// Post the provider's own bytes and signature headers instead of the unified JSON.
	Raw bool `json:"raw,omitempty"`

	// How long one request may take. Default: 10s.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	// How many requests may be under way at once. Default: 8.
	Concurrency int `json:"concurrency,omitempty"`

	// Requests a second, with bursts of one second's worth. Default: 0, unlimited.
	Rate float64 `json:"rate,omitempty"`

	// For how long after its first attempt an event is tried again. Default: 72h.
	RetryFor caddy.Duration `json:"retry_for,omitempty"`

	// How long a failing event holds back its contact's later ones: a
	// duration, or forever. Default: 5m.
	Hold string `json:"hold,omitempty"`
}

// CAPI is a dataset that conversions are reported to.
type CAPI struct {
	// The channels whose events are reported here: whatsapp, messenger,
	// instagram. Default: those that no other capi of the tenant names.
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

	// How many events go in one request. Default and most: 1000.
	Batch int `json:"batch,omitempty"`

	// How long an event waits for others to share its request. Default: 1s.
	Linger *caddy.Duration `json:"linger,omitempty"`

	// What becomes of events whose request timed out after it was sent, when
	// Meta may have counted them: retry or drop. Default: retry.
	OnTimeout string `json:"on_timeout,omitempty"`

	// For how long an event is tried again. Default and most: 168h (7d).
	RetryFor caddy.Duration `json:"retry_for,omitempty"`
}

// Handler is the leadgate directive: it answers the webhooks of one provider,
// and either queues their events for the tenants' destinations or, where the
// block has none, hands them to the next handler (inline).
type Handler struct {
	// Who posts here.
	ProviderRaw json.RawMessage `json:"provider,omitempty" caddy:"namespace=leadgate.providers inline_key=name"`

	// The largest body, in bytes. Default: 3 MiB, the most that Meta sends.
	MaxBody int64 `json:"max_body,omitempty"`

	// How many events one webhook may bring. One with more, or with over 16
	// times max_body of unified JSON, becomes one event of kind account with
	// the whole body as raw. Default: 1000, the most that Meta sends.
	MaxEvents int `json:"max_events,omitempty"`

	// Tenants that are told apart by the ids in the webhook.
	Tenants []*Tenant `json:"tenants,omitempty"`

	// The tenant of everything that no other one matches. Its match is empty.
	Tenant *Tenant `json:"tenant,omitempty"`

	provider Provider
	methods  []string // of webhooks, and GET where the provider has a handshake
	app      *App
	block    *intake.Block
	logger   *zap.Logger
}

// The defaults of the options.
const (
	defaultMaxBody     = 3 << 20
	defaultMaxEvents   = 1000
	defaultMaxInflight = 256 << 20
	defaultTenant      = "default"
	defaultConcurrency = 8
)
