package scaffold

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/leadgate/leadgate/internal/hosts"
	"github.com/leadgate/leadgate/internal/wording"
)

// Missing is an answer that is needed and not there.
type Missing struct {
	Flag string // without its dashes
	Why  string
}

func (m *Missing) Error() string { return "--" + m.Flag + " is missing: " + m.Why }

var (
	digits   = regexp.MustCompile(`^[0-9]{1,32}$`)
	e164     = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*(:([0-9]{1,5}))?$`)
)

// Check says what is missing, as a *Missing, or wrong.
func (a *Answers) Check() error {
	for _, m := range [...]struct {
		lacks     bool
		flag, why string
	}{
		{a.Site == "", "site", "the domain of this edge, such as bots.example.com"},
		{len(a.Providers) == 0, "provider", "who posts the webhooks: " + strings.Join(Names(), ", ")},
		{a.Tenant == "", "tenant", "a name for the bot or the customer"},
		{a.IsMeta() && a.Secrets[AppSecret] == "", "app-secret", "Meta signs webhooks with it; it is in the app's dashboard, " +
			"App settings, Basic"},
		{a.Has("twilio") && a.Secrets[TwilioAuthToken] == "", "twilio-auth-token", "Twilio signs webhooks with it; it is in the Console, " +
			"Account, API keys & tokens"},
		{a.Forward == "" && a.Dataset == "" && !a.LeadAds, "forward", "the URL that events are posted to, or --dataset"},
		{a.Dataset != "" && a.Secrets[CAPIToken] == "", "capi-token", "the dataset is reported to with it"},
		{a.NeedsWABA() && a.WabaID == "", "waba-id", "no webhook of these providers names the WhatsApp Business Account, and Meta " +
			"refuses conversions without it"},
		{a.LeadAds && a.Secrets[PageToken] == "", "page-token", "leads are read with it"},
		{a.Conversions && a.Dataset == "", "dataset", "conversions are reported to it"},
	} {
		if m.lacks {
			return &Missing{m.flag, m.why}
		}
	}
	if err := a.Fits(); err != nil {
		return err
	}
	if err := a.allOrNone(); err != nil {
		return err
	}
	for _, name := range a.Needs() {
		if err := CheckSecret(a.Secrets[name]); err != nil {
			return fmt.Errorf("%s %w", name, err)
		}
	}
	return nil
}

// Fits refuses answers that are none. Those that are missing are none of its.
func (a *Answers) Fits() error {
	for _, name := range a.Providers {
		if !slices.Contains(Names(), name) {
			return fmt.Errorf("--provider %s is unknown: %s", name, wording.Meant(name, Names()))
		}
	}
	if a.Tenant != "" && !wording.ValidName(a.Tenant) {
		return fmt.Errorf("--tenant %s is no name: write letters, digits, dots, dashes and underscores, at most 64", a.Tenant)
	}
	for _, id := range [...]struct{ flag, value string }{
		{"waba-id", a.WabaID}, {"phone-number-id", a.PhoneNumberID}, {"page-id", a.PageID}, {"instagram-id", a.InstagramID},
		{"dataset", a.Dataset},
	} {
		if id.value != "" && !digits.MatchString(id.value) {
			return fmt.Errorf("--%s %s is no id of Meta's: write its digits", id.flag, id.value)
		}
	}
	if a.LinkPhone != "" && !e164.MatchString(a.LinkPhone) {
		return fmt.Errorf("--link-phone %s is no number with its country: write it as +15550783881", a.LinkPhone)
	}
	for _, u := range [...]struct {
		flag, value string
		schemes     []string
	}{
		{"forward", a.Forward, []string{"http://", "https://"}}, {"endpoint", a.Endpoint, []string{"http://", "https://"}},
		{"redis", a.Redis, []string{"redis://", "rediss://", "unix://"}},
	} {
		if strings.Contains(u.value, "#") {
			return fmt.Errorf("--%s goes on behind a #, which is never sent: write it without", u.flag)
		}
		if u.value != "" && !isURL(u.value, u.schemes) {
			return fmt.Errorf("--%s is no URL: write one that begins with %s", u.flag, wording.Or(u.schemes))
		}
	}
	return nil
}

// allOrNone refuses lead ads without Meta, and ids of some of Meta's channels and not of all: where a tenant is found by
// ids, what has none of them is nobody's.
func (a *Answers) allOrNone() error {
	if a.LeadAds && !a.IsMeta() {
		return errors.New("--lead-ads are forms of Meta's: write --provider messenger beside the others")
	}
	if len(a.matches()) == 0 {
		return nil
	}
	for _, c := range [...]struct{ channel, flag, value string }{
		{"whatsapp", "waba-id", a.WabaID + a.PhoneNumberID}, {"messenger", "page-id", a.PageID}, {"instagram", "instagram-id", a.InstagramID},
	} {
		if a.Has(c.channel) && c.value == "" {
			return &Missing{c.flag, "with the id of another channel, what comes by " + c.channel + " would be nobody's; or leave all ids out"}
		}
	}
	return nil
}

func isURL(text string, schemes []string) bool {
	u, err := url.Parse(text)
	return err == nil && slices.Contains(schemes, u.Scheme+"://") &&
		(u.Host != "" || u.Scheme == "unix") && !strings.ContainsAny(text, " \t\r\n{}`\"")
}

// Site is an address as a Caddyfile has it, of what somebody wrote: a domain, or a URL without a
// path.
func Site(text string) (string, error) {
	text = strings.TrimSuffix(strings.TrimSpace(text), "/")
	rest := strings.TrimPrefix(text, "https://")
	if plain, ok := strings.CutPrefix(text, "http://"); ok {
		rest = plain
	}
	if text == "" {
		return "", &Missing{"site", "the domain of this edge, such as bots.example.com"}
	}
	if _, port, _ := strings.Cut(rest, ":"); !hostName.MatchString(rest) || len(port) > 4 && port > "65535" {
		return "", fmt.Errorf("--site %s is no domain: write one such as bots.example.com, without a path", text)
	}
	if strings.HasPrefix(text, "http://") {
		return text, nil
	}
	if host, _, _ := strings.Cut(rest, ":"); hosts.Local(host) {
		return "http://" + rest, nil // for a rehearsal: nobody has to trust a certificate of its own
	}
	return rest, nil
}

// base is the site's address as a URL.
func (a *Answers) base() string {
	if strings.HasPrefix(a.Site, "http://") {
		return a.Site
	}
	return "https://" + a.Site
}

// local reports whether nobody outside of this machine reaches the site.
func (a *Answers) local() bool {
	u, err := url.Parse(a.base())
	return err == nil && hosts.Local(u.Hostname())
}
