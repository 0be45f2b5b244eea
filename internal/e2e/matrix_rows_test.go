package e2e

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/leadgate/leadgate/internal/edgetest"
)

// row is one way for an ad click to come in: a sample in normalize/testdata, whose
// golden file says what is in it. Every row gets every column.
type row struct {
	name     string // its tenant's too
	provider string
	sample   string
	channel  string

	// match is the key of `match` that finds the tenant, and the field of the
	// event's account that it names. Without one the row has a block of its own.
	match, account string

	// standby: it goes only to destinations that ask for what another app answers.
	standby bool

	// cannot says why a contact has no such identity, or a column nothing to show.
	// The test sees to it that it is so.
	cannot map[string]string
}

// The identities by which a sale can name a contact.
var identities = []string{"waPhone", "waId", "userId", "messageId", "ctwaClid"}

// Columns of which a row may have nothing.
const (
	reports = "lead and sale" // to Meta
	twice   = "second lead"   // for the contact's second click
)

// Reasons that several rows share.
const (
	noBSUID = "the sample is of a contact without one"
	noPhone = "a PSID or IGSID is no number"
	noClid  = "only WhatsApp has click ids: Meta matches by page and user"
	noMID   = "a bare referral is no message"
	inField = "an ad in WhatsApp Status gives no click id, and Meta takes nothing without one"
)

var (
	onlyPhone  = map[string]string{"userId": noBSUID}
	onlyUser   = map[string]string{"waPhone": noPhone, "waId": noPhone, "ctwaClid": noClid}
	onlyUserID = map[string]string{"waPhone": noPhone, "waId": noPhone, "ctwaClid": noClid, "messageId": noMID}
	statusAd   = map[string]string{"userId": noBSUID, "ctwaClid": inField, reports: inField}
	username   = map[string]string{"waPhone": "a contact with a username shows no number", "waId": "nor a wa_id"}
)

var rows = []row{
	{name: "whatsapp", provider: "meta", sample: "whatsapp/click.json", channel: "whatsapp",
		match: "phone_number_id", account: "phoneNumberId", cannot: onlyPhone},
	{name: "whatsapp-user-id", provider: "meta", sample: "whatsapp/click-user-id.json", channel: "whatsapp",
		match: "waba_id", account: "wabaId"},
	{name: "whatsapp-username", provider: "meta", sample: "whatsapp/click-username.json", channel: "whatsapp",
		match: "phone_number_id", account: "phoneNumberId", cannot: username},
	{name: "whatsapp-brazil", provider: "meta", sample: "whatsapp/click-brazil.json", channel: "whatsapp",
		match: "phone", account: "displayPhoneNumber", cannot: onlyPhone},
	{name: "whatsapp-standby", provider: "meta", sample: "whatsapp/standby-click.json", channel: "whatsapp",
		match: "phone_number_id", account: "phoneNumberId", standby: true},
	{name: "whatsapp-status-ad", provider: "meta", sample: "whatsapp/click-status-placement.json", channel: "whatsapp",
		match: "phone_number_id", account: "phoneNumberId", cannot: statusAd},

	{name: "gupshup-v2", provider: "gupshup", sample: "gupshup/click.json", channel: "whatsapp",
		match: "app", account: "app", cannot: onlyPhone},
	{name: "gupshup-v2-user-id", provider: "gupshup", sample: "gupshup/click-user-id.json", channel: "whatsapp",
		match: "phone", account: "displayPhoneNumber"},
	{name: "gupshup-v2-status-ad", provider: "gupshup", sample: "gupshup/click-status-placement.json", channel: "whatsapp",
		match: "app", account: "app", cannot: statusAd},
	{name: "gupshup-v3", provider: "gupshup", sample: "gupshup/v3-click.json", channel: "whatsapp",
		match: "phone_number_id", account: "phoneNumberId", cannot: onlyPhone},
	{name: "gupshup-v3-standby", provider: "gupshup", sample: "gupshup/v3-standby-click.json", channel: "whatsapp",
		match: "phone_number_id", account: "phoneNumberId", standby: true},

	{name: "gupshup-bare", provider: "gupshup", sample: "gupshup/bare-click.json", channel: "whatsapp",
		cannot: onlyPhone},

	{name: "whapi", provider: "whapi", sample: "whapi/click.json", channel: "whatsapp",
		match: "channel_id", account: "channelId", cannot: onlyPhone},
	{name: "whapi-link-preview", provider: "whapi", sample: "whapi/click-link-preview.json", channel: "whatsapp",
		match: "channel_id", account: "channelId", cannot: onlyPhone},
	{name: "whapi-ctwa-object", provider: "whapi", sample: "whapi/click-ctwa-object.json", channel: "whatsapp",
		match: "channel_id", account: "channelId", cannot: onlyPhone},
	{name: "whapi-status-ad", provider: "whapi", sample: "whapi/click-without-clid.json", channel: "whatsapp",
		match: "channel_id", account: "channelId", cannot: statusAd},

	{name: "360dialog", provider: "360dialog", sample: "360dialog/cloud-click.json", channel: "whatsapp",
		match: "phone_number_id", account: "phoneNumberId", cannot: onlyPhone},
	{name: "360dialog-on-premise", provider: "360dialog", sample: "360dialog/bare-click-clid.json", channel: "whatsapp",
		cannot: onlyPhone},
	{name: "360dialog-standby", provider: "360dialog", sample: "360dialog/standby-click.json", channel: "whatsapp",
		match: "phone_number_id", account: "phoneNumberId", standby: true},

	{name: "twilio", provider: "twilio", sample: "twilio/click.txt", channel: "whatsapp",
		match: "phone", account: "displayPhoneNumber", cannot: onlyPhone},
	{name: "twilio-user-id", provider: "twilio", sample: "twilio/click-user-id.txt", channel: "whatsapp",
		match: "phone", account: "displayPhoneNumber"},
	{name: "twilio-status-ad", provider: "twilio", sample: "twilio/click-without-clid.txt", channel: "whatsapp",
		match: "phone", account: "displayPhoneNumber", cannot: statusAd},

	{name: "messenger-message", provider: "meta", sample: "messenger/click-message.json", channel: "messenger",
		match: "page_id", account: "pageId", cannot: onlyUser},
	{name: "messenger-postback", provider: "meta", sample: "messenger/click-postback.json", channel: "messenger",
		match: "page_id", account: "pageId", cannot: onlyUser},
	{name: "messenger-referral", provider: "meta", sample: "messenger/click-referral.json", channel: "messenger",
		match: "page_id", account: "pageId", cannot: onlyUserID},
	{name: "messenger-optin", provider: "meta", sample: "messenger/click-optin.json", channel: "messenger",
		match: "page_id", account: "pageId", cannot: onlyUserID},
	{name: "messenger-no-ad-id", provider: "meta", sample: "messenger/click-no-ad-id.json", channel: "messenger",
		match: "page_id", account: "pageId", cannot: map[string]string{"waPhone": noPhone, "waId": noPhone, "ctwaClid": noClid,
			"messageId": noMID,
			twice:       "without click id and ad id two clicks of a day are one"}},
	{name: "messenger-standby", provider: "meta", sample: "messenger/standby-click.json", channel: "messenger",
		match: "page_id", account: "pageId", standby: true, cannot: onlyUser},
	{name: "messenger-standby-referral", provider: "meta", sample: "messenger/standby-click-referral.json", channel: "messenger",
		match: "page_id", account: "pageId", standby: true, cannot: onlyUserID},

	{name: "instagram-message", provider: "meta", sample: "instagram/click-message.json", channel: "instagram",
		match: "instagram_id", account: "instagramId", cannot: onlyUser},
	{name: "instagram-postback", provider: "meta", sample: "instagram/click-postback.json", channel: "instagram",
		match: "instagram_id", account: "instagramId", cannot: onlyUser},
	{name: "instagram-referral", provider: "meta", sample: "instagram/click-referral.json", channel: "instagram",
		match: "instagram_id", account: "instagramId", cannot: onlyUserID},
	{name: "instagram-standby", provider: "meta", sample: "instagram/standby-click-message.json", channel: "instagram",
		match: "instagram_id", account: "instagramId", standby: true, cannot: onlyUser},
	{name: "instagram-changes-message", provider: "meta", sample: "instagram/change-messages-click.json", channel: "instagram",
		match: "instagram_id", account: "instagramId", cannot: onlyUser},
	{name: "instagram-changes-referral", provider: "meta", sample: "instagram/change-click-referral.json", channel: "instagram",
		match: "instagram_id", account: "instagramId", cannot: onlyUserID},
	{name: "instagram-changes-standby", provider: "meta", sample: "instagram/change-standby-click.json", channel: "instagram",
		match: "instagram_id", account: "instagramId", standby: true, cannot: onlyUser},
}

// provider is how its webhooks are verified, and made so.
type provider struct {
	block     string
	signature string // the header that a raw destination verifies by
	sign      func(r *http.Request, body []byte)

	form     bool // its webhooks are forms
	timeless bool // they don't say when it happened
}

const matrixToken = "token-of-the-provider"

var providers = map[string]provider{
	"meta": {block: "app_secret " + edgetest.Secret + "\nverify_token word", signature: "X-Hub-Signature-256",
		sign: func(r *http.Request, body []byte) {
			r.Header.Set("X-Hub-Signature-256", edgetest.Sign(body))
		}},
	"gupshup":   {block: `token header Authorization "Bearer ` + matrixToken + `"`, sign: withToken},
	"whapi":     {block: `token header Authorization "Bearer ` + matrixToken + `"`, sign: withToken},
	"360dialog": {block: `token header Authorization "Bearer ` + matrixToken + `"`, sign: withToken},
	"twilio": {block: "auth_token " + edgetest.Secret, signature: "X-Twilio-Signature", form: true, timeless: true,
		sign: func(r *http.Request, body []byte) {
			form, _ := url.ParseQuery(string(body)) // a mistake would be a 401
			text := r.URL.String()
			names := make([]string, 0, len(form))
			for name := range form {
				names = append(names, name)
			}
			slices.Sort(names)
			for _, name := range names {
				text += name + strings.Join(form[name], "")
			}
			mac := hmac.New(sha1.New, []byte(edgetest.Secret))
			mac.Write([]byte(text))
			r.Header.Set("X-Twilio-Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		}},
}

func withToken(r *http.Request, _ []byte) { r.Header.Set("Authorization", "Bearer "+matrixToken) }
