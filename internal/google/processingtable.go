package google

import (
	"slices"
	"time"
)

// processingTable is what is known of the reasons in the status of a request:
// ProcessingErrorReason, without its prefix.
var processingTable = Table{"in the status of a request",
	slices.Concat(timing, clickErrors, consentErrors, configurationErrors, otherProducts)}

var timing = []Explanation{
	{Reason: "DUPLICATE_TRANSACTION_ID", Action: Done, Sentence: "Google already has the event", Fix: "nothing to do"},
	{Reason: "DUPLICATE_GCLID", Action: Shift, Letter: ReasonRefused, Again: []time.Duration{time.Minute, time.Minute, time.Minute},
		Sentence: "Google already has a conversion of this click at this second",
		Fix:      "give two conversions of one click different seconds in eventTime"},
	{Reason: "TOO_RECENT_CLICK", Action: SendAgain, Letter: ReasonRefused, FromHour: true,
		Again:    []time.Duration{MinClickAge, MinClickAge, MinClickAge, 12 * time.Hour},
		Sentence: "the click is so young that Google does not know it yet", Fix: "nothing to do: it is sent again; `hold` says how long it " +
			"is kept back first"},
	{Reason: "DESTINATION_TOO_RECENTLY_CREATED", Action: SendAgain, Letter: ReasonRefused,
		Again:    []time.Duration{6 * time.Hour, 6 * time.Hour, 6 * time.Hour, 12 * time.Hour},
		Sentence: "the conversion action is only some hours old", Fix: "nothing to do: it is sent again in six hours"},
	{Reason: "INTERNAL_ERROR", Action: SendAgain, Letter: ReasonRefused, Again: []time.Duration{time.Hour, 6 * time.Hour},
		Sentence: "Google had an error of its own", Fix: "nothing to do: it is sent again"},
	{Reason: "CLICK_NOT_FOUND", Action: SendAgain, Letter: ReasonRefused, Again: []time.Duration{24 * time.Hour}, Quiet: true,
		Sentence: "Google finds no click of this account that the event belongs to: it is another account's, was too young, or no phone " +
			"number matches", Fix: "check `account` and that auto-tagging is on; for events without a click id this is normal"},
}

var clickErrors = dead(ReasonRefused, []Explanation{
	{Reason: "INVALID_GCLID", Sentence: badID, Fix: badIDFix},
	{Reason: "INVALID_GBRAID", Sentence: badID, Fix: badIDFix},
	{Reason: "INVALID_WBRAID", Sentence: badID, Fix: badIDFix},
	{Reason: "INVALID_AD_IDENTIFIERS", Sentence: badID, Fix: badIDFix},
	{Reason: "INVALID_CLICK", Sentence: "Google does not count the click", Fix: "nothing to do"},
	{Reason: "EXPIRED_CLICK", Letter: ReasonExpired, Sentence: "the click is older than the conversion action's click window",
		Fix: "set the click-through window of the conversion action to 90 days; it does not count backwards"},
	{Reason: "EVENT_TOO_OLD", Letter: ReasonExpired, Sentence: "the event is too old for Google", Fix: "nothing to do"},
	{Reason: "CONVERSION_PRECEDES_CLICK", Sentence: "the event is older than its click",
		Fix: "check the clock, and the time zone of eventTime"},
	{Reason: "INVALID_EVENT", Sentence: "Google cannot use the event", Fix: "correct the event's source and replay it"},
	{Reason: "INVALID_FORMAT", Sentence: "a field has not the form that Google wants", Fix: "correct the event's source and replay it"},
	{Reason: "OPERATING_ACCOUNT_MISMATCH_FOR_AD_IDENTIFIER", Foreign: true, Sentence: foreignClick, Fix: foreignClickFix},
	{Reason: "INVALID_OPERATING_ACCOUNT_FOR_CLICK", Foreign: true, Sentence: foreignClick, Fix: foreignClickFix},
	{Reason: "ONE_PER_CLICK_CONVERSION_ACTION_NOT_PERMITTED_WITH_BRAID",
		Sentence: "a conversion action that counts one per click takes no gbraid and wbraid",
		Fix:      "set its Count to Every in Google Ads, and replay the dead letter"},
})

const (
	badID    = "the click id is none that Google gave out: it was changed, cut, lower-cased or made up"
	badIDFix = "find out what changes it on its way to the link (a redirect, a tool that lower-cases); for a test only the click of a real " +
		"ad counts"
	foreignClick    = "the click is of an ad of another account"
	foreignClickFix = "set `account` to the account that pays for the ad and owns the conversion action; one alone may be a stray link"
)

var consentErrors = dead(ReasonConsent, []Explanation{
	{Reason: "DENIED_CONSENT", Sentence: "the person has denied consent", Fix: "nothing to do: it must not be sent again"},
	{Reason: "NO_CONSENT", Sentence: "the account itself is set to send no data without consent",
		Fix: "look at the consent settings of the Google Ads account"},
	{Reason: "UNKNOWN_CONSENT", Sentence: "consent is needed (Europe's Economic Area, the United Kingdom, Switzerland), and none was said",
		Fix: "write `consent granted granted` if your visitors consented, or have the link carry consent=1"},
})

var configurationErrors = []Explanation{
	{Reason: "DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED", Action: Halt, Sentence: termsNotSigned, Fix: enhanced},
	{Reason: "INVALID_CUSTOM_VARIABLE", Action: Halt, Sentence: "a custom variable is none of the account's", Fix: ours},
	{Reason: "CUSTOM_VARIABLE_NOT_ENABLED", Action: Halt, Sentence: "a custom variable is not switched on", Fix: ours},
	{Reason: "EXTERNAL_ATTRIBUTION_DATA_MISSING", Action: Halt,
		Sentence: "the conversion action is for attribution of somebody else, whose data the event lacks",
		Fix:      "use a conversion action that Google attributes: Import > CRM or other source > Track conversions from clicks"},
}

// otherProducts are of other uses of the API.
var otherProducts = dead(ReasonRefused, patterns("Google refused the event for a reason of another product than ours",
	"check the type of the conversion action; read the reason's meaning in the Data Manager API's reference",
	"ORIGINAL_CONVERSIONS_NOT_FOUND", "*_NOT_FOUND_FOR_*", "MATCH_ID_*", "EVENT_ID_*", "INSUFFICIENT_*", "*_CALL", "*DEK*", "*KEK*", "*WIP*",
	"AWS_*", "*DECRYPTION*", "INVALID_MERCHANT_ID", "INVALID_MOBILE_ID_*"))

// warningTable is what is known of warnings, in an answer and in a status.
var warningTable = Table{"warning", warnings(patterns("a custom variable was ignored: the account has it not, or not switched on", "",
	"CUSTOM_VARIABLE_NOT_ENABLED", "CUSTOM_VARIABLE_NOT_PREDEFINED", "CUSTOM_VARIABLES_NOT_SUPPORTED_WITH_GBRAID_OR_WBRAID"),
	patterns("the cart was ignored, or a part of it", "",
		"CART_DATA_NOT_SUPPORTED_WITH_GBRAID_OR_WBRAID", "CART_DATA_ITEM_MERCHANT_PRODUCT_ID_MISSING", "CART_DATA_ITEM_UNIT_PRICE_MISSING",
		"INVALID_MERCHANT_ID", "INVALID_MERCHANT_FEED_LANGUAGE_CODE"),
	patterns("a hash was ignored: it is no SHA-256", "", "INVALID_SHA256_FORMAT"),
	patterns("one of several click ids was ignored", "", "ADIDENTIFIER_NOT_USED"),
	patterns("a field was ignored: it is not as Google wants it", "",
		"GENERIC", "INVALID_CLIENT_ID", "INVALID_SUBDIVISION_CODE", "INVALID_REGION_CODE", "INVALID_SUBCONTINENT_CODE",
		"INVALID_CONTINENT_CODE", "INVALID_DEVICE_CATEGORY", "INVALID_DEVICE_SCREEN_RESOLUTION", "INVALID_NUMBER_FORMAT",
		"FIELD_VALUE_TOO_LONG", "FIELD_VALUE_TOO_SHORT", "VALUE_TOO_HIGH", "VALUE_TOO_LOW", "TOO_MANY_ELEMENTS", "DUPLICATE_ELEMENTS"))}

// patterns are rows that differ by their reason alone.
func patterns(sentence, fix string, reasons ...string) []Explanation {
	rows := make([]Explanation, 0, len(reasons))
	for _, r := range reasons {
		rows = append(rows, Explanation{Reason: r, Sentence: sentence, Fix: fix})
	}
	return rows
}

// dead are rows that make dead letters, with that reason where they have none.
func dead(letter string, rows []Explanation) []Explanation {
	for i := range rows {
		rows[i].Action, rows[i].Letter = Die, or(rows[i].Letter, letter)
		rows[i].Fix = or(rows[i].Fix, "read Google's own message; correct the event's source and replay it")
	}
	return rows
}

func warnings(lists ...[]Explanation) []Explanation {
	rows := slices.Concat(lists...)
	for i := range rows {
		rows[i].Action = Ignored
		rows[i].Fix = "nothing to do: the event counts without it"
	}
	return rows
}
