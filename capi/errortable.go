package capi

import "time"

// unknownParameter stands for every other 100/2804xxx.
var unknownParameter = Explanation{Code: 100, Class: BadEvent,
	Sentence: "Meta refuses a parameter of the event, by a rule of the Conversions API that is not in this table",
	Fix: "read Meta's own message; correct the event's source and replay it; where all events of an account of Europe or Japan are refused, " +
		"it may be Meta's rule for restrictive regions, which has no public code"}

// restrictiveRegion is what Meta says of some events of pages and accounts that
// are registered in Europe or Japan, by its rules for privacy; which ones it
// depends on the event, its data and the customer's region. The subcode is not
// public, and the title comes in the caller's language, so that this only makes
// the sentence better: the class is that of any other refused parameter.
var restrictiveRegion = Explanation{Code: 100, Class: BadEvent,
	Sentence: "Meta takes no such messaging event of this page or account, for where it is registered or where the customer is (" +
		restrictiveRegionTitle + ")",
	Fix: "nothing to mend, and no use to replay it; Meta's support can say what it takes of this account"}

const restrictiveRegionTitle = "Messaging Event Within Messaging Restrictive Region"

// unknownCode stands for codes that nobody has described.
var unknownCode = Explanation{Class: Transient,
	Sentence: "this code is not in the table",
	Fix:      "nothing is lost: it is tried again; read Meta's own message"}

// noWaba is said where an event went out without a WhatsApp business account.
const noWaba = "set `waba_id` in the `capi` block: webhooks of Whapi, Twilio, Gupshup V2 and bare 360dialog carry no WABA id"

// table is what is known of the Graph API's codes, from Meta's error reference,
// the Conversions API pages and what implementers of chat events have seen.
// Subcodes stand before their general code.
var table = []Explanation{
	{Code: 1, Class: Transient, Sentence: "Meta has an unknown error, often a temporary one; a request that is too large gets it too",
		Fix: "nothing to do: it is tried again; if it stays, set a smaller `batch`"},
	{Code: 2, Class: Transient, Sentence: "a service of Meta is temporarily unavailable", Fix: "nothing to do: it is tried again"},

	{Code: 4, Class: Throttled, Sentence: "the app has made too many calls",
		Fix: "nothing to do: it waits; if it stays, ask Meta for the Full Access tier of the Marketing API"},
	{Code: 17, Class: Throttled, Sentence: "the token's user has made too many calls",
		Fix: "nothing to do: it waits; a system user's token has limits of its own"},
	{Code: 32, Class: Throttled, Sentence: "the page has made too many calls", Fix: "nothing to do: it waits"},
	{Code: 341, Class: Throttled, Sentence: "the app has reached a temporary limit", Fix: "nothing to do: it waits"},
	{Code: 368, Class: Throttled, Wait: time.Hour, Sentence: "Meta has blocked the action for a while, for its policies",
		Fix: "look at the account's quality in the Business Support Home; it is tried again once an hour"},
	{Code: 10, Subcode: 1893063, Class: Throttled, Wait: time.Hour, Sentence: "Meta has barred the page from messaging for a while",
		Fix: "look at the page's quality in the Business Support Home; it is tried again once an hour"},
	{Code: 506, Class: Throttled, Wait: time.Hour, Sentence: "Meta takes the request for a repetition of one that it already has",
		Fix: "it is tried again once an hour; if it stays, drop the dead letters of this batch"},
	{Code: 613, Class: Throttled, Sentence: "a limit of calls of this kind is reached", Fix: "nothing to do: it waits"},
	{Code: 80000, Class: Throttled, Sentence: "the ad account has made too many Insights calls", Fix: "nothing to do: it waits"},
	{Code: 80001, Class: Throttled, Sentence: "the page has made too many calls with this token", Fix: "nothing to do: it waits"},
	{Code: 80002, Class: Throttled, Sentence: "the Instagram account has made too many calls", Fix: "nothing to do: it waits"},
	{Code: 80003, Class: Throttled, Sentence: "the ad account has made too many custom audience calls", Fix: "nothing to do: it waits"},
	{Code: 80004, Class: Throttled, Sentence: "the ad account has made too many ads management calls, which Conversions API calls count among",
		Fix: "nothing to do: it waits"},
	{Code: 80005, Class: Throttled, Sentence: "the page has made too many lead ads calls", Fix: "nothing to do: it waits"},
	{Code: 80006, Class: Throttled, Sentence: "the page has made too many Messenger calls", Fix: "nothing to do: it waits"},
	{Code: 80007, Class: Throttled, Sentence: "the WhatsApp business account has made too many calls", Fix: "nothing to do: it waits"},
	{Code: 80008, Class: Throttled, Sentence: "the WhatsApp business account has made too many management calls",
		Fix: "nothing to do: it waits"},
	{Code: 80009, Class: Throttled, Sentence: "too many catalog calls", Fix: "nothing to do: it waits"},
	{Code: 80014, Class: Throttled, Sentence: "too many catalog batch calls", Fix: "nothing to do: it waits"},

	{Code: 102, Class: Token, Sentence: "the session of the access token has ended", Fix: newToken},
	{Code: 190, Subcode: 458, Class: Token, Sentence: "the token's user has removed the app", Fix: newToken},
	{Code: 190, Subcode: 459, Class: Token, Sentence: "the token's user must log in at facebook.com first", Fix: newToken},
	{Code: 190, Subcode: 460, Class: Token, Sentence: "the token's user has changed the password, or Meta has ended the session",
		Fix: newToken},
	{Code: 190, Subcode: 463, Class: Token, Sentence: "the access token has expired", Fix: newToken},
	{Code: 190, Subcode: 464, Class: Token, Sentence: "the token's user is not confirmed", Fix: newToken},
	{Code: 190, Subcode: 467, Class: Token, Sentence: "the access token is no longer valid", Fix: newToken},
	{Code: 190, Subcode: 492, Class: Token, Sentence: "the token's user has no role on the page any more", Fix: newToken},
	{Code: 190, Class: Token, Sentence: "the access token is wrong or has ended", Fix: newToken},

	{Code: 3, Class: Permission, Sentence: "the app may not make this call",
		Fix: "give the app access to the Conversions API (Marketing API) in the App Dashboard"},
	{Code: 10, Class: Permission, Sentence: "the permission was not given or has been taken away", Fix: permissions},
	{Code: 100, Subcode: 33, Class: Permission, Sentence: "the dataset does not exist, or the token may not use it",
		Fix: "check `dataset`, and assign the dataset to the token's system user in the Business Settings"},
	{Code: 100, Subcode: 2494191, Class: Permission, Sentence: "the app may not take the chat from who has it (Conversation Routing); the " +
		"edge makes no such call", Fix: "look at the routing roles of the number in Meta's Business Suite"},
	{Code: 138038, Class: Permission, Sentence: "only the primary app of the chat's entry point may do this (Conversation Routing); the " +
		"edge makes no such call", Fix: "look at the routing roles of the number in Meta's Business Suite"},
	{Code: 210, Class: Permission, Sentence: "Meta wants the Page's own token here, and the token is a person's or a system user's",
		Fix: "ask for it with GET /<page id>?fields=access_token, by that token, and put it where `access_token` reads it"},
	{Code: 200, LastCode: 299, Class: Permission, Sentence: "a permission is missing", Fix: permissions},

	{Code: 803, Class: Configuration, Sentence: "Meta has nothing of the name that was asked for, which is no id",
		Fix: "check `dataset`: its id is of digits alone"},
	{Code: 104, Class: Configuration, Sentence: "appsecret_proof is missing or does not fit the token",
		Fix: "set `app_secret` to the secret of the app that the token belongs to"},
	{Code: 2635, Class: Configuration, Sentence: "the version of the Graph API has expired",
		Fix: "set `graph_version` to a newer one, v27.0 for example"},
	{Code: 100, Subcode: 2804118, Class: Configuration, Sentence: "the dataset belongs to another WhatsApp business account",
		Fix: "ask for the right dataset with GET /<waba id>/dataset and set `dataset`"},
	{Code: 100, Subcode: 2804131, Class: Configuration, Sentence: "the event's page id does not fit the dataset, which belongs to a " +
		"WhatsApp business account or to another page", Fix: "give Messenger, Instagram and WhatsApp a `capi` block each, with the dataset " +
		"of the page or account"},
	{Code: 100, Subcode: 2804132, Class: Configuration, Sentence: "no WhatsApp business account is linked to the dataset; a website pixel " +
		"is none, and a new dataset may need some minutes", Fix: "make the dataset with POST /<waba id>/dataset and set `dataset`"},

	{Code: 100, Subcode: 2804003, Class: BadEvent, Sentence: "the event is older than seven days",
		Fix: "nothing to do: Meta takes no older events"},
	{Code: 100, Subcode: 2018382, Class: BadEvent, Sentence: "the lead form of a message is none of the page's; the edge makes no such call",
		Fix: "correct the form's id where the message is sent"},
	{Code: 100, Subcode: 2804016, Class: BadEvent, Sentence: "Meta refuses the event's data; the code is known of website events alone",
		Fix: "read Meta's own message; correct the event's source and replay it"},
	{Code: 100, Subcode: 2804030, Class: BadEvent, Sentence: "the data processing options are none that Meta knows",
		Fix: "write `data_processing_options LDU`, alone or with a country and a state of Meta's list"},
	{Code: 100, Subcode: 2804043, Class: BadEvent, Sentence: "extinfo is malformed; chat events carry none",
		Fix: "leave app_data out of what is posted"},
	{Code: 100, Subcode: 2804050, Class: BadEvent, Sentence: "user_data does not say enough to find the person",
		Fix: "a chat's event needs a click with ctwa_clid, or the page's or Instagram account's id and the person's; " +
			"a stage of a lead its lead_id, an e-mail address or a phone number"},
	{Code: 100, Subcode: 2804063, Class: BadEvent, Sentence: "messaging_channel is missing",
		Fix: "it must be whatsapp, messenger or instagram"},
	{Code: 100, Subcode: 2804064, Class: BadEvent, Sentence: "user_data has fields that chat events may not have (fbc, fbp, " +
		"client_ip_address, client_user_agent)", Fix: "leave them out"},
	{Code: 100, Subcode: 2804066, Class: BadEvent, Sentence: "the event name is not allowed for chat events",
		Fix: "use LeadSubmitted, QualifiedLead, Purchase or another of Meta's closed list; Lead itself is refused"},
	{Code: 100, Subcode: 2804081, Class: BadEvent, Sentence: "the currency is missing or is none",
		Fix: "give an ISO 4217 currency, USD for example"},
	{Code: 100, Subcode: 2804087, Class: BadEvent, Sentence: "the ctwa_clid is none that Meta gave out: it must be a real click's, " +
		"unchanged and not hashed", Fix: "made-up ids never pass; use a click of a running ad for a test"},
	{Code: 100, Subcode: 2804116, Class: BadEvent, Sentence: "a ctwa_clid needs the WhatsApp business account (or the page) beside it",
		Fix: noWaba},
	{Code: 100, Class: BadEvent, Sentence: "Meta refuses a parameter",
		Fix: "read Meta's own message; correct the event's source and replay it"},
}

const (
	newToken    = "make a new token (a system user's token that does not expire is best) and put it where `access_token` reads it"
	permissions = "the token needs whatsapp_business_management and whatsapp_business_manage_events, page_events or " +
		"instagram_manage_events, and the dataset must be assigned to its user"
)
