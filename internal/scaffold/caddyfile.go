package scaffold

import (
	"fmt"
	"strings"

	"github.com/leadgate/leadgate/internal/links"
)

// writer writes lines, indented as Caddy formats them.
type writer struct {
	strings.Builder
	depth int
}

// line writes one; what ends in { opens a block, and } closes it.
func (w *writer) line(text string) {
	if text == "}" {
		w.depth--
	}
	if text != "" {
		w.WriteString(strings.Repeat("\t", w.depth))
	}
	w.WriteString(text + "\n")
	if strings.HasSuffix(text, "{") && !strings.HasPrefix(text, "#") {
		w.depth++
	}
}

func (w *writer) lines(texts ...string) {
	for _, t := range texts {
		w.line(t)
	}
}

// shared is the name of the snippet that several blocks have their destinations from.
const shared = "destinations"

// Caddyfile is the configuration.
func (a *Answers) Caddyfile() string {
	w := new(writer)
	w.lines("# Written by `caddy leadgate init`. Secrets stand in "+a.EnvFile+", which only you can read.", "{")
	a.global(w)
	w.lines("}", "")
	if len(a.blocks()) > 1 {
		w.lines("# Where the events of all blocks below go.", "("+shared+") {")
		a.destinations(w)
		w.lines("}", "")
	}
	w.line(a.Site + " {")
	for _, p := range a.blocks() {
		a.block(w, p)
		w.line("")
	}
	if a.Conversions {
		w.lines(`# POST {"eventName":"Purchase","waPhone":"+15551234567","value":12.5,"currency":"USD","orderId":"A-1"}`,
			"leadgate_conversions /conversions {", "tenant "+a.Tenant, "token {env."+ConversionsToken+"}", "}", "")
	}
	if a.LinkPhone != "" {
		w.lines("# For landing pages, QR codes and other networks: "+a.base()+"/go/chat", "leadgate_link /go/* {", "tenant "+a.Tenant,
			"link chat {", "to whatsapp "+a.LinkPhone, `text "Ref {code}. Hi! I would like to know more"`, "}", "}", "")
	}
	w.lines("# Without it Caddy answers 200 to a mistyped path, and its webhooks are lost.", "respond 404", "}")
	return w.String()
}

// global writes the global options.
func (a *Answers) global(w *writer) {
	w.lines("# Tokens in URLs stay out of the logs.", "log {", "format filter {", "wrap console", "request>uri query {",
		"replace hub.verify_token REDACTED", "replace token REDACTED")
	if a.LinkPhone != "" {
		for _, id := range links.IDs() {
			w.line("delete " + id)
		}
	}
	w.line("}")
	if a.LinkPhone != "" {
		w.line("request>headers>Referer delete")
	}
	w.lines("}", "}", "", "# Slow clients may not hold connections.", "servers {", "timeouts {", "read_body 10s", "read_header 5s", "}", "}",
		"", "leadgate {")
	switch {
	case a.secretRedis():
		w.line("queue redis {env." + RedisURL + "}")
	case a.Redis != "":
		w.line("queue redis " + a.Redis)
	default:
		w.lines("# In a file. Several edges, and most real bots, take Redis: queue redis redis://127.0.0.1:6379", "queue embedded")
	}
	w.line("}")
}

// block writes a provider's leadgate block.
func (a *Answers) block(w *writer, p Provider) {
	path := a.path(p)
	if p.block == "whapi" {
		path += "*" // it also posts below
	}
	w.lines("leadgate "+path+" {", "provider "+p.block+" {")
	switch p.block {
	case "meta":
		w.lines("app_secret {env."+AppSecret+"}", "verify_token {env."+VerifyToken+"}")
	case "twilio":
		w.lines("auth_token {env."+TwilioAuthToken+"}", "public_url "+a.base())
	default:
		w.line("token header Authorization \"Bearer {env." + p.token + "}\"")
	}
	w.line("}")
	match := a.matches()
	if p.block != "meta" || len(match) == 0 {
		w.line("tenant " + a.Tenant)
		a.destinationsOf(w)
		w.line("}")
		return
	}
	w.line("tenant " + a.Tenant + " {")
	w.lines(match...)
	a.destinationsOf(w)
	w.lines("}", "}")
}

// destinationsOf writes a block's destinations, or where they stand.
func (a *Answers) destinationsOf(w *writer) {
	if len(a.blocks()) > 1 {
		w.line("import " + shared)
		return
	}
	a.destinations(w)
}

// destinations writes the tenant's destinations.
func (a *Answers) destinations(w *writer) {
	if a.Forward != "" {
		to := a.Forward
		if a.secretForward() {
			to = "{env." + ForwardURL + "}"
		}
		w.lines("forward "+to+" {", "name crm", "sign {env."+SigningSecret+"}", "}")
	}
	endpoint := func() {
		if a.Endpoint != "" {
			w.line("endpoint " + a.Endpoint)
		}
	}
	if a.Dataset != "" {
		w.lines("capi "+a.Channel()+" {", "dataset "+a.Dataset, "access_token {env."+CAPIToken+"}")
		if a.Channel() == "whatsapp" && a.WabaID != "" {
			w.line("waba_id " + a.WabaID)
		}
		endpoint()
		w.line("}")
	}
	if a.LeadAds {
		w.lines("leads {", "access_token {env."+PageToken+"}")
		endpoint()
		w.line("}")
	}
}

// isN8N is for n8n's usual addresses.
func (a *Answers) isN8N() bool {
	return strings.Contains(strings.ToLower(a.Forward), "n8n") || strings.Contains(a.Forward, ":5678/")
}

// path is where a provider posts to.
func (*Answers) path(p Provider) string { return "/webhooks/" + p.block }

// hook is the URL to type into a dashboard.
func (a *Answers) hook(p Provider) string { return fmt.Sprintf("%s%s", a.base(), a.path(p)) }
