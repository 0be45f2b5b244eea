package normalize

import "github.com/leadgate/leadgate/internal/jsondoc"

// Provider360dialog is the name of 360dialog's webhooks.
const Provider360dialog = "360dialog"

// Dialog360 normalizes a body that 360dialog posted: Meta's own from its Cloud
// API product, and the bare value of a change from the on-premise one
// (waba.360dialog.io).
//
//	{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"field":"messages","value":{}}]}]}
//	{"contacts":[{}],"messages":[{}]}
func Dialog360(b *Batch, body []byte, ingestedAt int64) error {
	if err := b.parse(body); err != nil {
		return err
	}
	root := b.doc.Root()
	src := &b.source
	*src = source{provider: Provider360dialog, ingestedAt: ingestedAt}
	object := root.Get("object")
	switch {
	case string(object.Bytes()) == "whatsapp_business_account", !object.Exists() && root.Get("entry").Kind() == '[':
		src.channel, src.version = ChannelWhatsApp, versionV3
		b.entries(src, root)
	case isBareValue(root):
		b.bareValue(src, root)
	default:
		b.unknownObject(src, object, root)
	}
	return nil
}

// isBareValue reports whether the body is what stands in a change's value.
func isBareValue(root jsondoc.Node) bool {
	for _, key := range [...]string{"messages", "statuses", "message_echoes", "contacts", "errors"} {
		if root.Get(key).Kind() == '[' {
			return true
		}
	}
	return root.Get("standby").Kind() == '{'
}

// bareValue normalizes a body that is the value of a change, as the on-premise
// API posted it and as one of Gupshup's pages has it. On-premise has the type
// voice, group_id, and an image:{id} instead of image_url in a referral.
//
//	{"contacts":[{"profile":{"name":"John Doe"},"wa_id":"15551234567"}],
//	 "messages":[{"from":"15551234567","id":"ABEGVVUVVVVVAhAxYzAbCdEf","timestamp":"1736535600","type":"text","text":{"body":"Hello"},
//	  "referral":{"headline":"…","source_type":"ad","source_id":"120226305854810726","source_url":"https://fb.me/3cr4Wqqkv",
//	 "image":{"id":"1003383421387256"}}}]}
//	{"statuses":[{"id":"gBEGVVUVVVVVAgkAbCdEfGhIjKl","recipient_id":"15551234567","status":"read","timestamp":"1736535600"}]}
//	{"errors":[{"code":1014,"title":"Internal error"}]}
//	{"metadata":{"phone_number_id":"106540352242922"},"standby":{"messages":[{}],"message_echoes":[{}],"statuses":[{}]}}
func (b *Batch) bareValue(src *source, root jsondoc.Node) {
	src.channel, src.version = ChannelWhatsApp, versionV3
	metadata := root.Get("metadata")
	src.account.PhoneNumberID = b.id(metadata.Get("phone_number_id"))
	src.account.DisplayPhoneNumber = b.id(metadata.Get("display_phone_number"))
	if !b.cloudValue(src, root) {
		b.account(src, jsondoc.Node{}, root, root)
	}
}
