package google

import "slices"

// errorTable is what is known of the reasons in an answer to a request: ErrorReason of
// the Data Manager API, and of the machinery before it.
var errorTable = Table{"in the answer to a request", slices.Concat(destinationErrors, eventErrors, requestErrors)}

// destinationErrors park the destination.
var destinationErrors = []Explanation{
	{Reason: "PERMISSION_DENIED", Action: Halt, Sentence: "the credential may not write to the account",
		Fix: "add its e-mail under Admin > Access and security > Users with level Standard, in the account or in a manager above it; " +
			"through a manager, set `login_account`"},
	{Reason: "NOT_FOUND", Action: Halt, Sentence: "the account or the conversion action does not exist, or the credential does not see it",
		Fix: checkNumbers},
	{Reason: "INVALID_DESTINATION", Action: Halt, Sentence: "account and conversion action don't fit each other",
		Fix: "`account` is the account that owns the conversion action: with cross-account tracking, the manager"},
	{Reason: "INVALID_CONVERSION_ACTION_ID", Action: Halt, Sentence: "the account has no such conversion action",
		Fix: "write the number behind ctId= in the conversion action's address, and in `account` the account that owns it"},
	{Reason: "INVALID_CONVERSION_ACTION_TYPE", Action: Halt, Sentence: "the conversion action takes no imported clicks",
		Fix: "make one of type Import > CRM or other source > Track conversions from clicks"},
	{Reason: "NOT_ALLOWLISTED", Action: Halt, Sentence: "the account or project may not use this part of the API yet",
		Fix: "ask Google's support"},
	{Reason: "TERMS_AND_CONDITIONS_NOT_SIGNED", Action: Halt, Sentence: "the account has not accepted the terms for this",
		Fix: "accept them in Google Ads: Goals > Settings > Customer data terms"},
	{Reason: "REQUIRED_PREREQUISITE_LINK_MISSING", Action: Halt, Sentence: "the accounts are not linked to each other",
		Fix: "link the manager and the account, or correct `login_account`"},
	{Reason: "OPERATING_ACCOUNT_LOGIN_ACCOUNT_MISMATCH", Action: Halt, Sentence: "the login account has no access to the account",
		Fix: "set `login_account` to the manager that the credential is a user of, or leave it out"},
	{Reason: "LINKED_ACCOUNT_ONLY_ALLOWED_WITH_DATA_PARTNER_LOGIN_ACCOUNT", Action: Halt,
		Sentence: "a linked account is for data partners alone", Fix: "report it: the edge sends none"},
	{Reason: "UNSUPPORTED_*_FOR_DATA_PARTNER", Action: Halt, Sentence: "data partners may not do this",
		Fix: "use a credential of the advertiser"},
	{Reason: "DESTINATION_ACCOUNT_NOT_ENABLED_ENHANCED_CONVERSIONS_FOR_LEADS", Action: Halt,
		Sentence: "the account has not switched on enhanced conversions for leads, which hashed phones need", Fix: enhanced},
	{Reason: "DESTINATION_ACCOUNT_DATA_POLICY_PROHIBITS_ENHANCED_CONVERSIONS", Action: Halt,
		Sentence: "the account's data policy prohibits enhanced conversions, which hashed phones need", Fix: "write `match_keys none`"},
	{Reason: "DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED", Action: Halt, Sentence: termsNotSigned, Fix: enhanced},
	{Reason: "SERVICE_DISABLED", Action: Halt, Sentence: "the Data Manager API is not switched on in the credential's Cloud project",
		Fix: "switch it on in the Google Cloud console; it takes some minutes"},
	{Reason: "ACCESS_TOKEN_SCOPE_INSUFFICIENT", Action: Halt, Sentence: "the token is for another API",
		Fix: "make the refresh token anew for the scope " + Scope},
	{Reason: "ACCESS_TOKEN_EXPIRED", Action: Halt, Sentence: "Google refuses the access token, and a new one, too", Fix: newKey},
	{Reason: "ACCESS_TOKEN_TYPE_UNSUPPORTED", Action: Halt, Sentence: "Google refuses the access token, and a new one, too", Fix: newKey},
	{Reason: "CREDENTIALS_MISSING", Action: Halt, Sentence: "Google found no access token in the request",
		Fix: "check `endpoint`, and any proxy between here and Google, which may take the header away"},
	{Reason: "USER_PROJECT_DENIED", Action: Halt, Sentence: "the credential may not use the project that it names for quota",
		Fix: "give it the role Service Usage Consumer, or take quota_project_id out of the credentials"},
	{Reason: "CONSUMER_INVALID", Action: Halt, Sentence: "the Cloud project of the credential is gone", Fix: newKey},
}

const (
	checkNumbers   = "check `account`, `login_account` and the numbers behind `convert`"
	newKey         = "make a new key (or refresh token), put it where `credentials` reads it, and keep the clock right"
	enhanced       = "switch on enhanced conversions in Google Ads and accept the customer data terms, or write `match_keys none`"
	termsNotSigned = "the account has not accepted the customer data terms, which hashed phones need"
)

// eventErrors make the event that they name a dead letter.
var eventErrors = dead(ReasonRefused, []Explanation{
	{Reason: "REQUIRED_FIELD_MISSING", Sentence: "a field that Google needs is missing"},
	{Reason: "INVALID_FORMAT", Sentence: "a field has not the form that Google wants"},
	{Reason: "INVALID_HEX_ENCODING", Sentence: "a hash is no hex"},
	{Reason: "INVALID_BASE64_ENCODING", Sentence: "a hash is no Base64"},
	{Reason: "INVALID_SHA256_FORMAT", Sentence: "a hash is no SHA-256"},
	{Reason: "INVALID_POSTAL_CODE", Sentence: "the postal code is none"},
	{Reason: "INVALID_COUNTRY_CODE", Sentence: "the country is none"},
	{Reason: "INVALID_ENUM_VALUE", Sentence: "a word is none of Google's", Fix: "check `event_source` and `consent`"},
	{Reason: "INVALID_NUMBER_FORMAT", Sentence: "a number is none"},
	{Reason: "INVALID_CURRENCY_CODE", Sentence: "the currency is none", Fix: "give an ISO 4217 currency, USD for example"},
	{Reason: "INVALID_EVENT", Sentence: "Google cannot use the event"},
	{Reason: "NO_IDENTIFIERS_PROVIDED", Sentence: "the event has neither a click id nor a phone or e-mail",
		Fix: "report conversions of contacts who came by a link with a Google click"},
	{Reason: "TOO_MANY_USER_IDENTIFIERS", Sentence: "the event has over ten hashes"},
	{Reason: "EVENT_TIME_INVALID", Sentence: "the event's time is in the future, or too long ago", Fix: "check the clock, and eventTime of " +
		"what is posted"},
	{Reason: "FIELD_VALUE_TOO_LONG", Sentence: "a field is too long"},
	{Reason: "FIELD_VALUE_TOO_SHORT", Sentence: "a field is too short"},
	{Reason: "TOO_MANY_ELEMENTS", Sentence: "a list is too long"},
	{Reason: "TOO_FEW_ELEMENTS", Sentence: "a list is too short"},
	{Reason: "RESERVED_NAME_USED", Sentence: "a name is reserved"},
})

// requestErrors are of the request, or of Google itself.
var requestErrors = []Explanation{
	{Reason: "TOO_MANY_EVENTS", Action: TryAgain, Sentence: "the request has too many events", Fix: ours},
	{Reason: "TOO_MANY_DESTINATIONS", Action: TryAgain, Sentence: "the request has too many destinations", Fix: ours},
	{Reason: "DUPLICATE_DESTINATION_REFERENCE", Action: TryAgain, Sentence: "two destinations have one name", Fix: ours},
	{Reason: "MULTIPLE_DATA_TYPES_NOT_ALLOWED", Action: TryAgain, Sentence: "the request mixes kinds of data", Fix: ours},
	{Reason: "INVALID_REQUEST_ID", Action: Unknown, Sentence: "Google knows no request of that id (any more), so that nobody can say what " +
		"became of its events", Fix: "look into the conversion action's diagnostics in Google Ads"},
	{Reason: "INTERNAL_ERROR", Action: TryAgain, Sentence: "Google has an error of its own", Fix: nothing},
	{Reason: "DEADLINE_EXCEEDED", Action: TryAgain, Sentence: "Google was not ready in time", Fix: nothing},
	{Reason: "RESOURCE_EXHAUSTED", Action: Wait, Sentence: "a limit of requests is reached", Fix: "nothing to do: it waits"},
	{Reason: "RATE_LIMIT_EXCEEDED", Action: Wait, Sentence: "a limit of requests is reached", Fix: "nothing to do: it waits; a larger " +
		"`linger` makes fewer requests"},
}

const (
	ours    = "report it: this is a bug in Leadgate"
	nothing = "nothing to do: it is tried again"
)
