package command

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/leadgate/leadgate/internal/scaffold"
)

// question is a flag of init, and what a person is asked where it is not given.
type question struct {
	flag, usage string
	ask         string                         // "": it is a flag alone
	when        func(a *scaffold.Answers) bool // nil: always asked
	used        func(a *scaffold.Answers) bool // nil: when it is asked; else also a flag alone has its use
	with        string                         // what it goes with, where it is not always of use
	suggest     string                         // what an empty line means
	secret      string                         // the variable that it is; it is not shown while it is typed
	text        *string                        // or one of these two:
	yes         *bool
	set         func(text string) error // takes what was written
	written     string
}

// questions are all of init's, in the order in which they are asked.
func (i *initial) questions() []*question {
	whatsapp := func(a *scaffold.Answers) bool { return a.Has("whatsapp") || a.NeedsWABA() }
	return []*question{
		{flag: "site", usage: "The domain of the edge, such as bots.example.com", ask: "Domain of this edge", set: i.setSite},
		{
			flag: "provider", usage: "Who posts the webhooks: " + strings.Join(scaffold.Names(), ", ") + "; meta is the first three",
			ask: "Who posts to it (" + strings.Join(scaffold.Names(), ", ") + ")", suggest: "whatsapp", set: i.setProviders,
		},
		{flag: "tenant", usage: "A name for the bot or the customer", ask: "A name for the bot", suggest: "bot", text: &i.Tenant},
		{
			flag: "app-secret", usage: "The secret of the app at Meta", ask: "App secret (App settings → Basic)", secret: scaffold.AppSecret,
			when: (*scaffold.Answers).IsMeta, with: "--provider whatsapp, messenger or instagram",
		},
		{
			flag: "twilio-auth-token", usage: "Twilio's auth token", ask: "Twilio's auth token", secret: scaffold.TwilioAuthToken,
			when: func(a *scaffold.Answers) bool { return a.Has("twilio") }, with: "--provider twilio",
		},
		{
			flag: "forward", usage: "The URL that events are posted to: n8n, Make, a CRM", ask: "URL that gets the events (n8n, Make, a CRM)",
			suggest: i.Listener(), text: &i.Forward,
		},
		{
			flag: "dataset", usage: "The dataset at Meta that leads and sales are reported to", ask: "Dataset at Meta to report to, if you have one",
			text: &i.Dataset,
		},
		{
			flag: "capi-token", usage: "The token for the dataset", ask: "Token for the dataset", secret: scaffold.CAPIToken,
			when: func(a *scaffold.Answers) bool { return a.Dataset != "" }, with: "--dataset",
		},
		{
			flag: "conversions", usage: "Let a CRM post sales to /conversions", ask: "Shall a CRM post sales",
			when: func(a *scaffold.Answers) bool { return a.Dataset != "" }, yes: &i.Conversions, with: "--dataset",
		},
		{
			flag: "waba-id", usage: "The WhatsApp Business Account's id", ask: "WhatsApp Business Account id", when: whatsapp, text: &i.WabaID,
			used: func(a *scaffold.Answers) bool { return whatsapp(a) || a.Dataset != "" && a.Channel() == "whatsapp" },
			with: "--provider whatsapp, or --dataset and a provider of WhatsApp's",
		},
		{
			flag: "phone-number-id", usage: "WhatsApp's phone number id, where the account has numbers of other bots, too",
			text: &i.PhoneNumberID,
			used: func(a *scaffold.Answers) bool { return a.Has("whatsapp") }, with: "--provider whatsapp",
		},
		{
			flag: "lead-ads", usage: "Read the forms of lead ads, too", ask: "Do you have lead ads with forms",
			when: func(a *scaffold.Answers) bool { return a.Has("messenger") }, yes: &i.LeadAds,
			used: (*scaffold.Answers).IsMeta, with: "--provider messenger",
		},
		{
			flag: "page-token", usage: "The token to read leads with", ask: "Token to read leads with", secret: scaffold.PageToken,
			when: func(a *scaffold.Answers) bool { return a.LeadAds }, with: "--lead-ads",
		},
		{
			flag: "page-id", usage: "The Facebook Page's id", ask: "Facebook Page's id", text: &i.PageID,
			when: func(a *scaffold.Answers) bool { return a.Has("messenger") || a.LeadAds }, with: "--provider messenger",
		},
		{
			flag: "instagram-id", usage: "The Instagram account's id", ask: "Instagram account's id", text: &i.InstagramID,
			when: func(a *scaffold.Answers) bool { return a.Has("instagram") }, with: "--provider instagram",
		},
		{
			flag: "link-phone", usage: "The number that a link leads to, for landing pages and QR codes: +15550783881",
			ask: "Number for a link on landing pages (+1555…), if you want one", text: &i.LinkPhone,
		},
		{
			flag: "redis", usage: "Keep the queue in Redis: redis://127.0.0.1:6379 (or " + scaffold.RedisURL + " in the environment)",
			ask: "Redis for the queue (redis://…), else a file", text: &i.Redis,
			when: func(a *scaffold.Answers) bool { return a.Redis == "" },
			used: func(*scaffold.Answers) bool { return true },
		},
		{flag: "endpoint", usage: "Instead of Meta's Graph API, for a rehearsal: http://127.0.0.1:9099", text: &i.Endpoint},
		{flag: "verify-token", usage: "A verify token, instead of one that is made up", secret: scaffold.VerifyToken},
	}
}

// useless says of a flag that was given that nothing comes of it, with these answers.
func (q *question) useless(a *scaffold.Answers) error {
	used := q.used
	if used == nil {
		used = q.when
	}
	if used == nil || used(a) {
		return nil
	}
	return fmt.Errorf("--%s is of no use here: it goes with %s", q.flag, q.with)
}

func (i *initial) setSite(text string) (err error) {
	i.Site, err = scaffold.Site(text)
	return err
}

func (i *initial) setProviders(text string) error {
	i.Providers = nil
	for name := range strings.FieldsFuncSeq(text, func(c rune) bool { return c == ',' || c == ' ' }) {
		if name = strings.ToLower(name); name == "meta" {
			i.Providers = append(i.Providers, "whatsapp", "messenger", "instagram")
			continue
		}
		i.Providers = append(i.Providers, name)
	}
	return i.Fits()
}

func (q *question) addFlag(cmd *cobra.Command) {
	if q.yes != nil {
		cmd.Flags().BoolVar(q.yes, q.flag, false, q.usage)
		return
	}
	usage := q.usage
	if q.secret != "" {
		usage += " (or " + q.secret + " in the environment)"
	}
	cmd.Flags().StringVar(&q.written, q.flag, "", usage)
}

// take takes what the flag says. A secret of the environment would win over the one that is written
// into the file.
func (q *question) take(i *initial, given bool, environment string) error {
	if q.yes != nil {
		return nil
	}
	if !given {
		switch q.flag {
		case "tenant":
			i.Tenant = q.suggest
		case "redis":
			i.Redis = i.Secrets[scaffold.RedisURL]
		}
		return nil
	}
	text := strings.TrimSpace(q.written)
	if q.secret != "" && environment != "" && environment != text {
		return fmt.Errorf("--%s is another one than %s of the environment, which the edge would take: unset that, or leave the flag out",
			q.flag, q.secret)
	}
	return q.put(i, text)
}

// put puts an answer where it belongs.
func (q *question) put(i *initial, text string) error {
	switch {
	case q.set != nil:
		return q.set(text)
	case q.secret != "":
		i.Secrets[q.secret] = text
	default:
		*q.text = text
	}
	return nil
}
