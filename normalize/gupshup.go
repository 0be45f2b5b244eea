package normalize

import (
	"strconv"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

// ProviderGupshup is the name of Gupshup's webhooks.
const ProviderGupshup = "gupshup"

// Gupshup normalizes a body that Gupshup posted. Its formats are told apart by
// their shape, never by a version (docs.gupshup.io, "Inbound events"): V2, an
// envelope of its own, whatever version it names; V3, Meta's body with
// gs_app_id; and the bare value of a change. What Gupshup posts to try a callback
// URL gives no event.
//
//	{"app":"DemoApp","timestamp":1736535600123,"version":2,"type":"message","payload":{}}
//	{"gs_app_id":"0a6f5e4d-…","object":"whatsapp_business_account","entry":[{}]}
//	{"contacts":[{}],"messages":[{}]}
func Gupshup(b *Batch, body []byte, ingestedAt int64) error {
	if err := b.parse(body); err != nil {
		return err
	}
	root := b.doc.Root()
	src := &b.source
	*src = source{provider: ProviderGupshup, ingestedAt: ingestedAt}
	env := envelopeOf(root)
	src.appID = first(b.id(env.gsAppID), b.id(env.appID))
	src.account.App, src.account.routing.AppID = src.appID, src.appID
	switch {
	case string(env.object.Bytes()) == "whatsapp_business_account", !env.object.Exists() && env.entry.Kind() == '[':
		src.channel, src.version = ChannelWhatsApp, versionV3
		b.entries(src, root)
	case env.payload.Kind() == '{', env.app.Kind() == '"':
		b.gupshupV2(src, root, &env)
	case isBareValue(root):
		if !isProbe(root) {
			b.bareValue(src, root)
		}
	default:
		b.unknownObject(src, env.object, root)
	}
	return nil
}

// envelope is what may stand at the top of a body, found in one pass.
type envelope struct {
	gsAppID, object, entry                               jsondoc.Node // V3
	app, appID, phone, timestamp, version, kind, payload jsondoc.Node // V2
}

var envelopeMembers = jsondoc.NewMembers("gs_app_id", "object", "entry",
	"app", "appId", "phone", "timestamp", "version", "type", "payload")

func envelopeOf(root jsondoc.Node) (env envelope) {
	envelopeMembers.Find(root, &env.gsAppID, &env.object, &env.entry,
		&env.app, &env.appID, &env.phone, &env.timestamp, &env.version, &env.kind, &env.payload)
	return env
}

// gupshupV2 normalizes Gupshup's own envelope; raw is always the whole body.
//
//	{"app":"DemoApp","phone":"15550783881","timestamp":1736535600123,"version":2,"type":"message","payload":{}}
//	{"app":"DemoApp","timestamp":1736535600123,"version":2,"type":"user-event","payload":{"phone":15551234567,"type":"opted-in"}}
//	{"app":"DemoApp","appId":"0a6f5e4d-…","phone":"15550783881","timestamp":1736535600123,"version":2,"type":"onboarding-event","payload":{}}
//	{"app":"DemoApp","timestamp":1736535600123,"version":2,"type":"billing-event","payload":{"deductions":{},"references":{}}}
func (b *Batch) gupshupV2(src *source, root jsondoc.Node, env *envelope) {
	src.channel, src.version, src.field = ChannelWhatsApp, b.gupshupVersion(env.version), b.id(env.kind)
	src.account.App, src.account.DisplayPhoneNumber = first(b.id(env.app), src.appID), b.id(env.phone)
	kind, payload := string(env.kind.Bytes()), env.payload
	switch {
	case payload.Kind() != '{':
		// Nothing to read, but nothing to lose either.
	case kind == "message":
		b.gupshupMessage(src, root, env)
		return
	case isProbe(payload), isCallbackSet(payload):
		return
	case kind == "message-event":
		b.gupshupEvent(src, root, env)
		return
	}
	b.account(src, jsondoc.Node{}, root, root)
	e := &b.Events[len(b.Events)-1]
	switch kind {
	case "user-event":
		b.customer(e, b.id(payload.Get("phone")), b.id(payload.Get("userId")), jsondoc.Node{})
	case "billing-event":
		b.billing(e, payload)
	}
}

// isCallbackSet reports whether the payload of a user event is what V2 posts when a
// callback URL is set.
//
//	{"phone":"callbackSetPhone","type":"sandbox-start"}
func isCallbackSet(payload jsondoc.Node) bool {
	return string(payload.Get("phone").Bytes()) == "callbackSetPhone" && string(payload.Get("type").Bytes()) == "sandbox-start"
}

var versionV2 = Text(`"v2"`)

// gupshupVersion is v2, or what the envelope says it is: the seed's carries "v3".
func (b *Batch) gupshupVersion(n jsondoc.Node) Text {
	if n.Kind() == '"' {
		return first(b.id(n), versionV2)
	}
	if v, ok := n.Int(); ok && v != 2 {
		start := len(b.arena)
		b.arena = append(strconv.AppendInt(append(b.arena, `"v`...), v, 10), '"')
		return b.built(start)
	}
	return versionV2
}

// isProbe reports whether the value of a V3 change, or the payload of a V2 event,
// is what Gupshup posts when a callback URL is set, and from time to time since
// (docs.gupshup.io, "Platform Webhook Event: Connectivity Check").
//
//	{"type":"connectivity-check","initiator":"gupshup"}
//	{"statuses":[{"type":"set-callback"}]}
func isProbe(value jsondoc.Node) bool {
	probe := isProbeType(value.Get("type"))
	for m := value.First(); value.Kind() == '{' && m.Exists(); m = m.Next() {
		if m.Kind() != '[' {
			continue
		}
		for el := m.First(); el.Exists(); el = el.Next() {
			if string(m.Key()) != "statuses" || el.Get("status").Exists() || !isProbeType(el.Get("type")) {
				return false // it carries something else, perhaps besides
			}
			probe = true
		}
	}
	return probe
}

func isProbeType(t jsondoc.Node) bool {
	switch string(t.Bytes()) {
	case "set-callback", "connectivity-check":
		return true
	}
	return false
}
