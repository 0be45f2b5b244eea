// Package capi reports chat conversions to Meta's Conversions API for business
// messaging: first contacts from click-to-chat ads, leads and purchases that
// Meta detected in a chat, and conversions that a CRM posts.
//
// It works on the unified JSON of package normalize and knows nothing of Caddy,
// of queues or of files:
//
//	settings := &capi.Settings{Dataset: "1234567890", AccessToken: token}
//	client := capi.NewClient(settings)
//	if plan, ok := settings.Plan(&event); ok {
//		// plan.Once says what must not have been reported before
//		body, identity, err := capi.AppendEvent(nil, unified, settings, time.Now())
//		// a *Refusal: Meta would refuse the event; it says what and why
//		results, err := client.Send(ctx, []capi.Item{{Body: body, Identity: identity}})
//	}
//
// # What Meta wants
//
// Every event has action_source business_messaging, a messaging_channel and, by
// channel, in user_data:
//
//	whatsapp   whatsapp_business_account_id, ctwa_clid
//	messenger  page_id, page_scoped_user_id
//	instagram  instagram_business_account_id, ig_sid
//
// The event name is one of a closed list (see [EventNames]); Lead is not on it
// and is sent as LeadSubmitted. A dataset belongs to one WhatsApp business
// account, page or Instagram account. One bad event makes Meta refuse the whole
// request, so [AppendEvent] refuses first what Meta is known to refuse, and
// [Client.Send] halves a refused batch until the bad event is found.
//
// Meta does not deduplicate chat events: [Plan.Once] is for whoever keeps the
// queue to remember what was reported.
//
// # Errors
//
// [Explain] has a class, a sentence and a fix for every code and subcode of the
// Graph API that is known to come up; retries, dead letters and the explain
// command read the same table.
//
// Package capitest is a Graph API for tests and for trying things out, stricter
// than Meta's.
package capi
