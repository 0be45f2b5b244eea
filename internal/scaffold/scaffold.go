// Package scaffold makes a first configuration out of a few answers: a Caddyfile, the
// secrets that it reads from the environment, and what to type into the dashboards of
// those who post to it. It asks nobody and writes no file. Begin with [Answers], and with
// [Answers.Check], which says what is missing.
//
// It imports leaves alone.
package scaffold

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// Answers are what a first configuration depends on. Empty is not wanted, or not known.
type Answers struct {
	Site      string   // bots.example.com, or http://localhost:8080
	Tenant    string   // the bot's name
	Providers []string // of Providers, one at least
	// Of Meta, by which its events are found. Without any the tenant gets all that comes.
	WabaID, PhoneNumberID, PageID, InstagramID string

	Forward     string // the URL that events are posted to
	Dataset     string // Meta's, of the first provider that can have one
	Conversions bool   // a CRM may post conversions
	LeadAds     bool   // forms of lead ads are read
	LinkPhone   string // +15550783881: where a link leads
	Redis       string // redis://…; else the embedded queue
	Endpoint    string // instead of Meta's Graph API: a rehearsal

	EnvFile string            // the name that the Caddyfile calls the file with the secrets by
	Secrets map[string]string // by the name of their variable
}

// Provider is who may post.
type Provider struct {
	Name  string // as it is asked for
	block string // as the Caddyfile calls it
	token string // the variable of the word that it sends along; "" for none
	omits bool   // its webhooks don't name the WhatsApp Business Account
}

// Providers are those that there are. The first three are Meta's, and share a block.
var Providers = []Provider{
	{Name: "whatsapp", block: "meta"},
	{Name: "messenger", block: "meta"},
	{Name: "instagram", block: "meta"},
	{Name: "360dialog", block: "360dialog", token: "D360_TOKEN"},
	{Name: "gupshup", block: "gupshup", token: "GUPSHUP_TOKEN", omits: true}, //nolint:gosec // a variable's name
	{Name: "whapi", block: "whapi", token: "WHAPI_TOKEN", omits: true},
	{Name: "twilio", block: "twilio", omits: true},
}

// Names are the providers' names.
func Names() (names []string) {
	for _, p := range Providers {
		names = append(names, p.Name)
	}
	return names
}

// Secrets that somebody else gives, and of which the Caddyfile names those it needs.
const (
	AppSecret       = "META_APP_SECRET" //nolint:gosec // a variable's name
	CAPIToken       = "META_CAPI_TOKEN" //nolint:gosec // likewise
	PageToken       = "META_PAGE_TOKEN"
	TwilioAuthToken = "TWILIO_AUTH_TOKEN" //nolint:gosec // likewise
	RedisURL        = "REDIS_URL"         // if a password is in it, or it was given so
	ForwardURL      = "FORWARD_URL"       // if a password or a query is in it
)

// Secrets that are made up.
const (
	VerifyToken      = "META_VERIFY_TOKEN" //nolint:gosec // a variable's name
	SigningSecret    = "FORWARD_SIGNING_SECRET"
	ConversionsToken = "CONVERSIONS_TOKEN"
)

// AllSecrets are the names of all secrets that a Caddyfile may need.
func AllSecrets() []string {
	names := []string{AppSecret, VerifyToken, TwilioAuthToken, SigningSecret, CAPIToken, PageToken, ConversionsToken, RedisURL}
	for _, p := range Providers {
		if p.token != "" {
			names = append(names, p.token)
		}
	}
	return names
}

// Has reports whether any of these posts.
func (a *Answers) Has(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return slices.Contains(a.Providers, name) })
}

// IsMeta reports whether Meta itself posts.
func (a *Answers) IsMeta() bool { return a.Has("whatsapp", "messenger", "instagram") }

// Channel is the one whose conversions the dataset gets.
func (a *Answers) Channel() string {
	switch {
	case a.Has("whatsapp", "360dialog", "gupshup", "whapi", "twilio"):
		return "whatsapp"
	case a.Has("messenger"):
		return "messenger"
	}
	return "instagram"
}

// NeedsWABA reports whether conversions need the account's id, since no webhook has it.
func (a *Answers) NeedsWABA() bool {
	return a.Dataset != "" && slices.ContainsFunc(a.providers(), func(p Provider) bool { return p.omits })
}

// providers are those that post, in the order of Providers.
func (a *Answers) providers() (list []Provider) {
	for _, p := range Providers {
		if slices.Contains(a.Providers, p.Name) {
			list = append(list, p)
		}
	}
	return list
}

// blocks are those that the Caddyfile needs, each once.
func (a *Answers) blocks() (list []Provider) {
	for _, p := range a.providers() {
		if !slices.ContainsFunc(list, func(q Provider) bool { return q.block == p.block }) {
			list = append(list, p)
		}
	}
	return list
}

// matches are the ids that Meta's events are found by.
func (a *Answers) matches() (lines []string) {
	for _, m := range [...]struct{ channel, key, value string }{
		{"whatsapp", "phone_number_id", a.PhoneNumberID}, {"whatsapp", "waba_id", a.WabaID},
		{"messenger", "page_id", a.PageID}, {"instagram", "instagram_id", a.InstagramID},
	} {
		// The number is one of the account's: with it the account's other ones are others'.
		wider := m.key == "waba_id" && a.PhoneNumberID != ""
		// Forms of lead ads are the Page's, whatever else is posted.
		if m.value != "" && !wider && (a.Has(m.channel) || m.key == "page_id" && a.LeadAds) {
			lines = append(lines, "match "+m.key+" "+m.value)
		}
	}
	return lines
}

// Needs are the variables that the Caddyfile reads, in the order of the file.
func (a *Answers) Needs() (names []string) {
	add := func(wanted bool, more ...string) {
		if wanted {
			names = append(names, more...)
		}
	}
	add(a.IsMeta(), AppSecret, VerifyToken)
	for _, p := range a.blocks() {
		add(p.token != "", p.token)
	}
	add(a.Has("twilio"), TwilioAuthToken)
	add(a.secretForward(), ForwardURL)
	add(a.Forward != "", SigningSecret)
	add(a.Dataset != "", CAPIToken)
	add(a.LeadAds, PageToken)
	add(a.Conversions, ConversionsToken)
	add(a.secretRedis(), RedisURL)
	return names
}

// given reports whether a secret comes from somebody else, so that it is no use to make one up.
func given(name string) bool {
	return slices.Contains([]string{AppSecret, CAPIToken, PageToken, TwilioAuthToken, RedisURL, ForwardURL}, name)
}

// MakeUp makes up the secrets that are needed, not there, and nobody else's: 32 hex digits of
// chance.
func (a *Answers) MakeUp() {
	if a.Secrets == nil {
		a.Secrets = make(map[string]string)
	}
	if a.secretRedis() {
		a.Secrets[RedisURL] = a.Redis
	}
	if a.secretForward() {
		a.Secrets[ForwardURL] = a.Forward
	}
	for _, name := range a.Needs() {
		if a.Secrets[name] == "" && !given(name) {
			b := make([]byte, 16)
			_, _ = rand.Read(b) // never fails
			a.Secrets[name] = hex.EncodeToString(b)
		}
	}
}

// secretRedis reports whether the URL of Redis stands with the secrets: there is a password in it,
// which others may not read, or it comes from there.
func (a *Answers) secretRedis() bool {
	u, err := url.Parse(a.Redis)
	return err == nil && (u.User != nil || u.Query().Has("password") || a.Redis != "" && a.Redis == a.Secrets[RedisURL])
}

// secretForward reports whether the URL that events are posted to stands with the secrets: what
// is in front of its host or behind its path may be one.
func (a *Answers) secretForward() bool {
	u, err := url.Parse(a.Forward)
	return err == nil && (u.User != nil || u.RawQuery != "")
}

// EnvFileText is the file with the secrets.
func (a *Answers) EnvFileText() string {
	var b strings.Builder
	b.WriteString("# Secrets of the Caddyfile. Keep this file to yourself, and out of version control.\n")
	for _, name := range a.Needs() {
		fmt.Fprintf(&b, "%s=%s\n", name, a.Secrets[name])
	}
	return b.String()
}

// CheckSecret refuses what an environment file cannot hold as it is: Caddy takes # for a comment
// wherever it stands.
func CheckSecret(value string) error {
	for _, c := range value {
		if unicode.IsSpace(c) || unicode.IsControl(c) || strings.ContainsRune("#\"'`\\", c) {
			return fmt.Errorf("has a character that an environment file cannot hold: %q", c)
		}
	}
	return nil
}
