package caddymodule

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/leadgate/leadgate/internal/google"
	"github.com/leadgate/leadgate/internal/wording"
)

// Google is a Google Ads account that conversions are reported to.
type Google struct {
	// The destination's name. Default: <tenant>-google-<account's digits>.
	Name string `json:"name,omitempty"`

	// The account that owns the conversion actions, as Google Ads shows it:
	// 123-456-7890.
	Account string `json:"account"`

	// The manager account through which the credential reaches it. Default: the
	// account itself.
	LoginAccount string `json:"login_account,omitempty"`

	// The content of a service account's key file, or of an authorized_user's. With
	// {file.*} it is read again when Google refuses it.
	Credentials string `json:"credentials"`

	// The number of the conversion action that each event name is reported to. Lead is
	// for each new click that Google gave.
	Convert map[string]string `json:"convert"`

	// The Data Manager API. Default: https://datamanager.googleapis.com.
	Endpoint string `json:"endpoint,omitempty"`

	// Where events happen, in Google's word: MESSAGE, WEB, PHONE, APP, IN_STORE or
	// OTHER. Default: MESSAGE.
	EventSource string `json:"event_source,omitempty"`

	// Whether hashed phone numbers and e-mail addresses are sent: on or none.
	// Default: on.
	MatchKeys string `json:"match_keys,omitempty"`

	// Whether contacts without a click of Google's are reported by phone number or
	// e-mail address alone: on or off. Default: off.
	WithoutClick string `json:"without_click,omitempty"`

	// Whether people consent that their data goes to Google for ads, and that ads are
	// personalized by it: two words of granted, denied and unset, where a link does
	// not say. Default: unset unset.
	Consent []string `json:"consent,omitempty"`

	// How old a click must be before an event of it is sent: Google does not know
	// younger ones. Default: 6h.
	Hold *caddy.Duration `json:"hold,omitempty"`

	// When it is first asked what became of a request. Default: 30m.
	AskAfter caddy.Duration `json:"ask_after,omitempty"`

	// How many events go in one request. Default and most: 2000.
	Batch int `json:"batch,omitempty"`

	// How long an event waits for others to share its request. Default: 1m.
	Linger *caddy.Duration `json:"linger,omitempty"`

	// For how long an event is tried again; whatever it says, no longer than its click
	// is 90 days old. Default and most: 2160h (90d).
	RetryFor caddy.Duration `json:"retry_for,omitempty"`
}

// googleOptions are the options of google. What google.Settings.Validate tests is not
// tested here.
func googleOptions() options[Google] {
	return options[Google]{
		{
			name: "name", args: "<name>", shown: "`<tenant>-google-<digits>`", at: func(g *Google) value { return nameValue{&g.Name} },
			help: "the queue's identity",
		},
		{
			name: "account", args: "<id>", shown: "required", at: func(g *Google) value { return textValue{&g.Account} },
			help: "owns the conversion actions: 123-456-7890",
		},
		{
			name: "login_account", args: "<id>", shown: "`account`", at: func(g *Google) value { return textValue{&g.LoginAccount} },
			help: "a manager through which the credential reaches it",
		},
		{
			name: "credentials", args: "<key>", shown: "required", at: func(g *Google) value { return textValue{&g.Credentials} },
			help: "a service account's key file, or an authorized_user's; with `{file.*}` it is read again when Google refuses it",
		},
		{
			name: "convert", args: "<event name> <conversion action>", many: true, shown: "required",
			at:   func(g *Google) value { return convertValue{g} },
			help: "several; `Lead` is for each new click that Google gave, other names are posted, or said in the chat",
		},
		{
			name: "endpoint", args: "<url>", def: google.DefaultEndpoint, at: func(g *Google) value { return textValue{&g.Endpoint} },
		},
		{
			name: "event_source", args: "<word>", def: google.DefaultEventSource,
			at:   func(g *Google) value { return wordValue{&g.EventSource, nil} },
			help: "`MESSAGE`, `WEB`, `PHONE`, `APP`, `IN_STORE` or `OTHER`",
		},
		{
			name: "match_keys", args: "on|none", def: "on", at: func(g *Google) value { return wordValue{&g.MatchKeys, oneOf("on", "none")} },
			help: "hashed phone number and e-mail beside the click",
		},
		{
			name: "without_click", args: "on|off", def: "off", at: func(g *Google) value { return wordValue{&g.WithoutClick, oneOf("on", "off")} },
			help: "report by phone or e-mail alone, too",
		},
		{
			name: "consent", args: "<ad_user_data> <ad_personalization>", def: "unset unset",
			at:   func(g *Google) value { return listValue{&g.Consent, testConsent} },
			help: "each `granted`, `denied` or `unset`; a link's own consent wins",
		},
		{
			name: "hold", args: "<duration>", def: "6h", check: (*Google).checkHold, at: func(g *Google) value { return timeOr0{&g.Hold} },
			help: "an event is not sent before its click is that old",
		},
		{
			name: "ask_after", args: "<duration>", def: "30m", check: (*Google).checkAskAfter,
			at:   func(g *Google) value { return timeValue{&g.AskAfter} },
			help: "when it is first asked what became of a request, for up to 24 hours",
		},
		{
			name: "batch", args: "<n>", def: strconv.Itoa(google.MaxBatch), check: (*Google).checkBatch,
			at:   func(g *Google) value { return numberValue{&g.Batch} },
			help: "events in one request at the most",
		},
		{
			name: "linger", args: "<duration>", def: "1m", at: func(g *Google) value { return timeOr0{&g.Linger} },
			help: "how long an event waits for others to share its request",
		},
		{
			name: "retry_for", args: "<duration>", def: "90d", check: (*Google).checkRetryFor,
			at:   func(g *Google) value { return timeValue{&g.RetryFor} },
			help: "Google credits no older click",
		},
	}
}

func (*Google) optionNames() []string { return googleOptions().names() }

// convertValue is the conversion actions by event name.
type convertValue struct{ g *Google }

func (v convertValue) parse(option string, words []string) error {
	if err := literals(option, words); err != nil {
		return err
	}
	if len(words) != 2 {
		return errors.New("convert needs an event name and a conversion action: write `convert Purchase 6507654321`")
	}
	if _, twice := v.g.Convert[words[0]]; twice {
		return fmt.Errorf("convert %s stands twice: a name has one conversion action", words[0])
	}
	if v.g.Convert == nil {
		v.g.Convert = make(map[string]string)
	}
	v.g.Convert[words[0]] = words[1]
	return v.check(option)
}

func (v convertValue) check(string) error {
	for _, name := range slices.Sorted(maps.Keys(v.g.Convert)) {
		if !wording.ValidName(name) {
			return fmt.Errorf("convert %q is no event name: write one of letters, digits and underscores, such as Purchase", name)
		}
		if _, ok := google.ActionID(v.g.Convert[name]); !ok {
			return fmt.Errorf("convert %s %q is no conversion action: write the number behind ctId= in its address in Google Ads",
				name, v.g.Convert[name])
		}
	}
	if _, both := v.g.Convert["LeadSubmitted"]; both && v.g.Convert["Lead"] != "" {
		return errors.New("convert LeadSubmitted is Lead, as Meta calls it in chats: write Lead alone")
	}
	return nil
}
func (v convertValue) get() any    { return v.g.Convert }
func (v convertValue) empty() bool { return len(v.g.Convert) == 0 }

func testConsent(words []string) error {
	_, err := parseConsent(words)
	return err
}

func parseConsent(words []string) (c google.Consent, err error) {
	if len(words) != 2 {
		return c, errors.New("consent needs two words, of ad_user_data and of ad_personalization: write `consent granted denied`")
	}
	for i, to := range []*google.Grant{&c.AdUserData, &c.AdPersonalization} {
		g, ok := google.GrantNamed(words[i])
		if !ok {
			return c, fmt.Errorf("consent '%s' is unknown: write granted, denied or unset", words[i])
		}
		*to = g
	}
	return c, nil
}

// askFor is how long it is asked what became of a request.
const askFor = 24 * time.Hour

func (g *Google) checkAskAfter() error {
	if time.Duration(g.AskAfter) > askFor {
		return errors.New("ask_after is longer than 24h, for which it is asked what became of a request")
	}
	return notNegative("ask_after", nanoseconds(g.AskAfter))
}

func (g *Google) checkHold() error {
	if g.Hold != nil && time.Duration(*g.Hold) >= google.MaxClickAge {
		return errors.New("hold is 90d or longer: Google credits no click that is so old")
	}
	return timeOr0{&g.Hold}.check("hold")
}

func (g *Google) checkBatch() error {
	if g.Batch < 0 || g.Batch > google.MaxBatch {
		return fmt.Errorf("batch %d is not from 1 to %d, the most events that Google takes in one request", g.Batch, google.MaxBatch)
	}
	return nil
}

func (g *Google) checkRetryFor() error {
	if time.Duration(g.RetryFor) > google.MaxClickAge {
		return errors.New("retry_for is longer than 90d, the age up to which Google credits a click")
	}
	return notNegative("retry_for", nanoseconds(g.RetryFor))
}

// parse reads `google { … }`.
func (g *Google) parse(d *caddyfile.Dispenser) error {
	if d.NextArg() {
		return d.Errf("google takes nothing on its line, and not '%s': write its options in a block", d.Val())
	}
	if err := googleOptions().parse(g, d, "google", (*Google).checkText); err != nil {
		return err
	}
	if err := g.missing(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

func (g *Google) missing() error {
	switch {
	case g.Account == "":
		return errors.New("google needs an account: write `account 123-456-7890`, the account that owns the conversion actions")
	case g.Credentials == "":
		return errors.New("google needs credentials: write `credentials {file./run/secrets/google.json}`, the key file of a service account")
	case len(g.Convert) == 0:
		return errors.New("google reports nothing without a conversion action: write `convert Lead 6501234567`")
	}
	return nil
}

// checkText looks at what stands in the text; placeholders are looked at when they
// have been replaced.
func (g *Google) checkText() error {
	r, err := g.resolve(withoutPlaceholders)
	if err != nil {
		return err
	}
	s, err := r.settings()
	if err != nil {
		return err
	}
	s.Account = cmp.Or(s.Account, "1234567890")
	return s.Validate()
}

// resolve is the settings with defaults, their placeholders replaced.
func (g *Google) resolve(replace func(option, text string) (string, error)) (*Google, error) {
	r := *g
	if err := googleOptions().resolve(&r, replace); err != nil {
		return nil, err
	}
	r.Account, r.LoginAccount = digitsOf(r.Account), digitsOf(r.LoginAccount)
	return &r, nil
}

// digitsOf is an account's number without its hyphens; what is none stays as it is.
func digitsOf(account string) string {
	if id, ok := google.AccountID(account); ok {
		return id
	}
	return account
}
