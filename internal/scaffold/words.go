package scaffold

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// Fields are those of Meta's webhooks that a channel needs, of one of Meta's objects.
type Fields struct{ Object, Where, Tick string }

// fields are what to tick in the app's dashboard.
func (a *Answers) fields() (list []Fields) {
	if a.Has("whatsapp") {
		list = append(list, Fields{"whatsapp_business_account", "WhatsApp → Configuration → Webhook", "messages, automatic_events"})
	}
	page := "messages, messaging_postbacks, messaging_referrals"
	switch {
	case a.Has("messenger") && a.LeadAds:
		page += ", leadgen"
	case a.LeadAds:
		page = "leadgen"
	case !a.Has("messenger"):
		page = ""
	}
	if page != "" {
		list = append(list, Fields{"page", "Webhooks → Page", page})
	}
	if a.Has("instagram") {
		list = append(list, Fields{"instagram", "Webhooks → Instagram", "messages, messaging_postbacks, messaging_referral"})
	}
	return list
}

var hexSecret = regexp.MustCompile(`^[0-9a-f]{32}$`)

// Words are what to do next: commands, and the lines to type into dashboards. caddy is how the
// program is called, config the name of the Caddyfile. Secrets that were made up stand in it,
// and those that were given do not.
func (a *Answers) Words(caddy, config string) string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	flags := "--config " + quote(config) + " --envfile " + quote(a.EnvFile)
	if u, err := url.Parse(a.Redis); err == nil && a.Redis != "" {
		where := cmp.Or(u.Host, u.Path)
		if a.secretRedis() {
			where += " (" + RedisURL + " of " + a.EnvFile + ")"
		}
		say("The queue is in Redis, at %s,\nwhich must run before the edge does.\n", where)
	}
	say("Start the edge:\n\n  %s run %s\n", caddy, flags)
	say("Look whether all that it needs is there:\n\n  %s leadgate doctor %s\n", caddy, flags)
	a.trial(say, caddy)
	if a.local() {
		say("Nobody outside of this machine can post to %s:\nthat is for a rehearsal. A public domain goes into --site.\n", a.base())
	}
	for _, p := range a.blocks() {
		a.dashboard(say, p, caddy, flags)
	}
	if a.Forward != "" {
		a.receiver(say)
	}
	if a.Conversions {
		say("Where your CRM posts sales to, with the header Authorization: Bearer <token>\n(in n8n "+
			"a Bearer Auth named Leadgate conversions token):\n\n  URL           %s/conversions\n  Token         %s\n",
			a.base(), a.Secrets[ConversionsToken])
	}
	if a.LinkPhone != "" {
		say("The link for landing pages, newsletters and other networks:\n\n  %s/go/chat\n", a.base())
	}
	return b.String()
}

// trial says how to post a made-up webhook.
func (a *Answers) trial(say func(string, ...any), caddy string) {
	if a.Forward == a.Listener() {
		say("A destination that prints what it gets, in a second terminal:\n\n  %s leadgate listen\n", caddy)
	}
	samples := map[string]string{"gupshup": "gupshup-click", "whapi": "whapi-click", "twilio": "twilio-click", "messenger": "messenger-ad",
		"instagram": "instagram-ad"}
	p := a.blocks()[0]
	secret, sample := p.token, samples[p.Name]
	switch p.block {
	case "meta":
		secret = AppSecret
	case "twilio":
		secret = TwilioAuthToken
	}
	if sample == "" {
		sample = "click"
	}
	say("Post a made-up webhook to it:\n\n  %s leadgate send --to %s \\\n    --provider %s --sample %s \\\n"+
		"    --secret \"$(sed -n s/^%s=//p %s)\"\n", caddy, a.hook(p), p.block, sample, secret, quote(a.EnvFile))
	if p.block == "meta" && len(a.matches()) > 0 {
		say("It prints 200 OK queued if the ids are the sample's, and 200 OK unmatched if\nthey are your own: either shows that address and " +
			"secret are right.\n")
	}
}

// Listener is where `caddy leadgate listen` listens.
func (*Answers) Listener() string { return "http://127.0.0.1:8082/" }

// dashboard says what to type at a provider.
func (a *Answers) dashboard(say func(string, ...any), p Provider, caddy, flags string) {
	switch p.block {
	case "meta":
		say("Into your app's dashboard at Meta, https://developers.facebook.com/apps:\n")
		for _, f := range a.fields() {
			say("  %s\n    Callback URL  %s\n    Verify token  %s\n    Fields        %s\n", f.Where, a.hook(p), a.Secrets[VerifyToken], f.Tick)
		}
		if s := a.Secrets[AppSecret]; !hexSecret.MatchString(s) {
			say("The app secret is not 32 hex digits, as Meta's are: its webhooks would be\nrefused.\n")
		}
		say("The edge must run while you verify. What else Meta needs is shown by the first,\nand made by the second of\n\n"+
			"  %s leadgate setup meta %s\n  %s leadgate setup meta %s --apply\n", caddy, flags, caddy, flags)
	case "twilio":
		say("Into Twilio's Console, Messaging → Senders → WhatsApp senders:\n\n  Webhook URL for incoming messages   %s#rc=5&rp=all\n"+
			"  Method                              POST\n", a.hook(p))
	case "gupshup":
		say("At Gupshup, for the app's webhook (docs/providers/gupshup.md has the call):\n\n  Callback URL  %s\n"+
			"  Header        Authorization: Bearer %s\n",
			a.hook(p), a.Secrets[p.token])
	case "whapi":
		say("At Whapi, by PATCH https://gate.whapi.cloud/settings (docs/providers/whapi.md):\n\n  url      %s\n"+
			"  mode     body\n  headers  {\"Authorization\":\"Bearer %s\"}\n", a.hook(p), a.Secrets[p.token])
	case "360dialog":
		say("In 360dialog's Hub, the number → WhatsApp Channel → Channel Webhook:\n\n  Webhook URL   %s\n"+
			"  Header        Authorization: Bearer %s\n",
			a.hook(p), a.Secrets[p.token])
	}
}

// receiver says how to verify what is forwarded.
func (a *Answers) receiver(say func(string, ...any)) {
	if a.isN8N() {
		say("Into n8n: import examples/n8n/leads.json (docs/n8n.md), and make a credential of\ntype Crypto:\n\n"+
			"  Name          Leadgate signing secret\n  Hmac Secret   %s\n", a.Secrets[SigningSecret])
		return
	}
	say("What is forwarded is signed by Standard Webhooks (docs/n8n.md, if it is n8n), with\n\n  Secret        %s\n", a.Secrets[SigningSecret])
}

var plain = regexp.MustCompile(`^[A-Za-z0-9_./@%+=:,-]+$`)

// quote is a word as a shell takes it.
func quote(word string) string {
	if plain.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
