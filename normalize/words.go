package normalize

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

// Place says where a word stands in a body of Meta's shape.
type Place uint8

// The places of words.
const (
	PlaceObject      Place = iota + 1 // a body's object
	PlaceEntry                        // a member of entry[] of Messenger and Instagram
	PlaceField                        // the field of a WhatsApp change
	PlacePageField                    // the field of a change of Messenger or Instagram
	PlaceList                         // a list or object in the value of a WhatsApp change
	PlaceMessage                      // a message's type
	PlaceSystem                       // a system message's type
	PlaceInteractive                  // an interactive message's type
	PlaceStatus                       // a status
	PlaceAttachment                   // an attachment's type
	PlaceItem                         // a member of messaging[] and standby[]
)

var placeNames = [...]string{
	"", "object", "entry member", "WhatsApp field", "page field", "value member", "message type", "system type", "interactive type",
	"status", "attachment type", "messaging event",
}

// String names the place: "attachment type"; "" for none.
func (p Place) String() string { return nameOf(placeNames[:], uint8(p)) }

// wordGroup is words of one place that become the same thing: "their own" is an
// event of a kind of their own, "nothing" is left to raw; else a kind, a
// message's type or a key of the unified JSON.
type wordGroup struct {
	place           Place
	becomes, source string
	words           string // separated by spaces
}

// metaWords is every word that we know of Meta's webhooks, WhatsApp's also as
// Gupshup (V3) and 360dialog pass them on: what becomes of it, and where we have
// it from, the page of Meta's documentation (developers.facebook.com) and its
// date. A word that is met and is not here becomes what its neighbours become, and is told
// of: see [Batch.Unknown]. Add it here with its source once it is understood.
var metaWords = []wordGroup{
	{PlaceObject, "their own", "Webhooks, Getting started, 2026", "whatsapp_business_account page instagram"},
	{PlaceObject, "account", "Webhooks, Getting started, 2026", "permissions user application certificate_transparency ad_account"},
	{PlaceEntry, "their own", "Messenger Platform, Webhooks, 2026", "id time uid messaging standby changes field value"},
	{PlaceEntry, "nothing", "Messenger Platform, message echoes, 18 Mar 2026", "hop_context"},
	{PlaceField, "their own", "WhatsApp, Webhook fields, Dec 2025", "messages automatic_events smb_message_echoes"},
	{PlaceField, "their own", "WhatsApp, webhook index, Sep 2026 (its page is missing)", "message_echoes"},
	{PlaceField, "their own", "WhatsApp, webhook reference standby, 4 Aug 2026", "standby"},
	{PlaceField, "account", "WhatsApp, Webhook fields, Dec 2025",
		"account_alerts account_review_update account_settings_update account_update " +
			"business_capability_update business_status_update calls flows history " +
			"message_template_components_update message_template_quality_update message_template_status_update " +
			"partner_solutions payment_configuration_update phone_number_name_update phone_number_quality_update " +
			"security smb_app_state_sync template_category_update tracking_events user_preferences"},
	{PlaceField, "account", "WhatsApp, webhook reference messaging_handovers, 22 Sep 2026", "messaging_handovers"},
	{PlaceField, "account", "WhatsApp, changelog, 11 Aug 2026 (no field to subscribe to; relays send it)", "user_id_update"},
	{PlaceField, "account", "WhatsApp, business usernames, 2025 and 2026",
		"phone_number_username_update business_username_updates business_username_update"},
	{PlaceField, "account", "WhatsApp, Groups API, 17 Jun 2026",
		"group_lifecycle_update group_participants_update group_settings_update group_status_update"},
	{PlaceField, "account", "implementers, 2025 and 2026", "account_mode account_offboarded account_reconnected consumer_profile contacts " +
		"template_correct_category_detection"},
	{PlaceField, "account", "Gupshup, V3 events, 2026", "billing-event"},
	{PlacePageField, "their own", "Graph API, Page webhooks v26.0, 2 Sep 2026",
		"messages messaging_postbacks messaging_referrals messaging_optins messaging_optouts " +
			"messaging_payments messaging_pre_checkouts messaging_checkout_updates messaging_account_linking " +
			"messaging_policy_enforcement messaging_handovers messaging_feedback messaging_game_plays " +
			"messaging_customer_information messaging_direct_sends messaging_appointments " +
			"messaging_fblogin_account_linking messaging_in_thread_lead_form_submit messaging_integrity " +
			"message_deliveries message_reads message_echoes message_edits message_reactions message_context " +
			"message_mention message_template_status_update standby"},
	{PlacePageField, "their own", "Instagram Platform, Webhooks, 5 Oct 2026",
		"message_edit messaging_referral messaging_seen messaging_handover"},
	{PlacePageField, "account", "Instagram Platform, Webhooks, 5 Oct 2026",
		"comments live_comments mentions story_insights response_feedback share_to_feed delta " +
			"creator_marketplace_projects creator_marketplace_invited_creator_onboarding story_reactions " +
			"story_poll_response story_share follow"},
	{PlacePageField, "account", "Graph API, Page webhooks v26.0, 2 Sep 2026",
		"about affiliation attire awards bio birthday category checkins company_overview culinary_team " +
			"current_location description email feed founded general_info general_manager hometown hours " +
			"inbox_labels location leadgen_fat local_delivery members mission mention " +
			"mcom_invoice_change name page_about_story page_change_proposal page_upcoming_change parking " +
			"payment_options personal_info personal_interests phone picture price_range product_review products " +
			"public_transit publisher_subscriptions ratings videos video_text_question_responses website " +
			"live_videos invoice_access_invoice_change invoice_access_invoice_draft_change " +
			"invoice_access_bank_slip_events invoice_access_onboarding_status_active group_feed " +
			"business_integrity calls call_permission_reply call_settings_update marketing_message_clicks " +
			"marketing_message_deliveries marketing_message_delivery_failed marketing_message_echoes " +
			"marketing_message_reads comment_poll_response agent_messages agent_questions user_action send_cart"},
	{PlacePageField, "their own", "Graph API, Webhooks for leadgen, 2026", "leadgen"},
	{PlacePageField, "account", "the dashboard's test, 4 Aug 2026 (no page has it)", "leadgen_update"},
	{PlaceList, "their own", "WhatsApp, Webhook fields, Dec 2025", "messages statuses contacts metadata message_echoes automatic_events"},
	{PlaceList, "their own", "WhatsApp, webhook reference standby, 4 Aug 2026", "standby"},
	{PlaceList, "conversationContext", "WhatsApp, Conversation context, 4 Nov 2026", "conversation_context"},
	{PlaceList, "account", "WhatsApp, webhook reference messages, Dec 2025", "errors"},
	{PlaceList, "account", "WhatsApp, Track click events, 2026", "user_actions"},
	{PlaceList, "account", "the on-premise API and Gupshup, 2026",
		"meta billing calls history state_sync user_preferences groups user_id_update"},
	{PlaceMessage, "text", "WhatsApp, webhook reference messages, Aug 2026", "text"},
	{PlaceMessage, "image", "WhatsApp, webhook reference messages, Aug 2026", "image"},
	{PlaceMessage, "video", "WhatsApp, webhook reference messages, Aug 2026", "video"},
	{PlaceMessage, "audio", "WhatsApp, webhook reference messages, Aug 2026", "audio"},
	{PlaceMessage, "document", "WhatsApp, webhook reference messages, Aug 2026", "document"},
	{PlaceMessage, "sticker", "WhatsApp, webhook reference messages, Aug 2026", "sticker"},
	{PlaceMessage, "location", "WhatsApp, webhook reference messages, Aug 2026", "location"},
	{PlaceMessage, "contacts", "WhatsApp, webhook reference messages, Aug 2026", "contacts"},
	{PlaceMessage, "interactive", "WhatsApp, webhook reference messages, Aug 2026", "interactive"},
	{PlaceMessage, "button", "WhatsApp, webhook reference messages, Aug 2026", "button"},
	{PlaceMessage, "reaction", "WhatsApp, webhook reference messages, Aug 2026", "reaction"},
	{PlaceMessage, "order", "WhatsApp, webhook reference messages, Aug 2026", "order"},
	{PlaceMessage, "system", "WhatsApp, webhook reference messages, Aug 2026", "system"},
	{PlaceMessage, "request_welcome", "WhatsApp, webhook reference messages, Aug 2026", "request_welcome"},
	{PlaceMessage, "unsupported", "WhatsApp, webhook reference messages, Aug 2026", "unsupported"},
	{PlaceMessage, "edit", "WhatsApp, webhook reference messages, Aug 2026", "edit"},
	{PlaceMessage, "revoke", "WhatsApp, webhook reference messages, Aug 2026", "revoke"},
	{PlaceMessage, "audio", "On-Premises API, 2024", "voice"},
	{PlaceMessage, "unsupported", "On-Premises API, 2024", "ephemeral unknown hsm"},
	{PlaceMessage, "unsupported", "WhatsApp, webhook reference standby, 4 Aug 2026 (what the Send API takes)", "template"},
	{PlaceSystem, "system", "WhatsApp, webhook reference system, 11 Aug 2026", "user_changed_number user_changed_user_id"},
	{PlaceSystem, "system", "WhatsApp, webhook reference system, 2024", "customer_changed_number customer_identity_changed"},
	{PlaceSystem, "system", "implementers, 2026", "user_identity_changed"},
	{PlaceInteractive, "interactive", "WhatsApp, webhook reference messages, Aug 2026",
		"button_reply list_reply nfm_reply call_permission_reply"},
	{PlaceInteractive, "interactive", "WhatsApp, Send API (echoes), 2026",
		"button list cta_url flow product product_list catalog_message location_request_message " +
			"address_message call_permission_request carousel media_carousel order_details order_status " +
			"voice_call"},
	{PlaceStatus, "status", "WhatsApp, Webhook fields, Dec 2025", "sent delivered read played failed"},
	{PlaceStatus, "status", "WhatsApp, webhook reference statuses, 2022", "deleted warning"},
	{PlaceStatus, "status", "Gupshup, V3 events, 2026", "enqueued pending mismatch"},
	{PlaceStatus, "status", "WhatsApp, Calling API, 2025", "ringing accepted rejected"},
	{PlaceAttachment, "image", "Messenger Platform, messages, summer 2026", "image"},
	{PlaceAttachment, "video", "Messenger Platform, messages, summer 2026", "video reel ig_reel"},
	{PlaceAttachment, "audio", "Messenger Platform, messages, summer 2026", "audio"},
	{PlaceAttachment, "document", "Messenger Platform, messages, summer 2026", "file"},
	{PlaceAttachment, "sticker", "Messenger Platform, changelog, 30 Jun 2026 (alone since 30 Aug 2026)", "sticker"},
	{PlaceAttachment, "share", "Messenger Platform, messages, summer 2026", "post ig_post fallback template appointment_booking"},
	{PlaceAttachment, "location", "Messenger Platform, messages, 2019", "location"},
	{PlaceAttachment, "share", "Instagram Platform, Webhooks, until 27 Apr 2026", "share"},
	{PlaceAttachment, "story_mention", "Instagram Platform, Webhooks, Oct 2026", "story_mention"},
	{PlaceAttachment, "share", "Instagram Platform, Webhooks, Oct 2026, and implementers", "ig_story story_share product media_share"},
	{PlaceAttachment, "unsupported", "Instagram Platform, Webhooks, Oct 2026", "ephemeral unsupported_type"},
	{PlaceItem, "their own", "Messenger Platform, webhook events, 2026",
		"message message_edit reaction postback referral read delivery optin"},
	{PlaceItem, "nothing", "Messenger Platform, webhook events, 2026", "sender recipient prior_message thread"},
	{PlaceItem, "account", "Messenger Platform, webhook events, 2026",
		"account_linking policy_enforcement policy-enforcement pass_thread_control take_thread_control request_thread_control " +
			"app_roles payment pre_checkout checkout_update response_feedback game_play"},
	{PlaceItem, "account", "Graph API, Page webhooks v26.0, 2 Sep 2026",
		"optout disable_info messaging_customer_information messaging_in_thread_lead_form_submit lead_form " +
			"messaging_feedback message_context appointment call calls integrity"},
}

// wordKey finds a word.
type wordKey struct {
	place Place
	word  string
}

var knownWords = func() map[wordKey]*wordGroup {
	known := make(map[wordKey]*wordGroup)
	for i := range metaWords {
		for word := range strings.FieldsSeq(metaWords[i].words) {
			known[wordKey{metaWords[i].place, word}] = &metaWords[i]
		}
	}
	return known
}()

// UnknownWord is one that Meta's documentation did not have when this was
// written, or that somebody else made up.
type UnknownWord struct {
	Provider string
	Place    Place
	Word     string // printable ASCII, at most maxWord bytes: as Go would quote it, and cut
}

// Limits of what a webhook's unknown words take.
const (
	maxUnknown = 16 // words of one body; more of them are as good as none
	maxWord    = 48
)

// Unknown is the words of the webhook's body that are not in our list, without
// repetitions, the first few.
func (b *Batch) Unknown() []UnknownWord { return b.unknown }

// word tells of a word that is not in the list.
func (b *Batch) word(src *source, place Place, word []byte) {
	if len(word) == 0 {
		return
	}
	if _, known := knownWords[wordKey{place, string(word)}]; known || len(b.unknown) >= maxUnknown {
		return
	}
	u := UnknownWord{src.provider, place, shownWord(word)}
	if !slices.Contains(b.unknown, u) {
		b.unknown = append(b.unknown, u)
	}
}

// shownWord makes a word fit for a log.
func shownWord(word []byte) string {
	cut := len(word) > maxWord
	if cut {
		word = word[:maxWord]
		for len(word) > 0 && !utf8.Valid(word) {
			word = word[:len(word)-1]
		}
	}
	quoted := strconv.QuoteToASCII(string(word))
	shown := quoted[1 : len(quoted)-1]
	if cut || len(shown) > maxWord {
		shown = shown[:min(len(shown), maxWord)] + "..."
	}
	return shown
}

// state tells of a status that is not in the list. The usual ones need no look.
func (b *Batch) state(src *source, state Text) {
	switch string(state) {
	case `"sent"`, `"delivered"`, `"read"`:
		return
	}
	b.word(src, PlaceStatus, bytes.Trim(state, `"`))
}

// itemWords tells of the members of a messaging item that are not in the list.
func (b *Batch) itemWords(src *source, item jsondoc.Node) {
	for c := item.First(); c.Exists(); c = c.Next() {
		if c.Kind() == '{' {
			b.word(src, PlaceItem, c.Key())
		}
	}
}
