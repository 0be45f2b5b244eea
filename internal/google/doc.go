// Package google reports chat conversions to Google Ads by the Data Manager API: it
// builds events, sends them, and asks what became of them. Beside package capi it is
// the other ledger; like it, it knows nothing of Caddy, of queues or of files:
//
//	key, err := google.ParseKey(file)
//	client := google.NewClient(&settings, key)
//	event, err := google.AppendEvent(nil, unified, &conversion, &settings, now)
//	// a *Refusal: Google would refuse the event; it says what and why
//	results, err := client.Ingest(ctx, action, []google.Event{event})
//	// 30 minutes later, by the RequestID of a result that is Taken:
//	status, problem := client.Status(ctx, results[0].RequestID)
//	outcome := status.Of(results[0].Index)
//
// # What Google wants
//
// One request is for one conversion action (Google has no event names): all of its
// events are taken, or none. A 200 is a receipt: what became of each event
// requestStatus:retrieve says, half an hour to a day later, by its place in the request.
//
// An event is tied to a click by gclid, else gbraid, else wbraid, unchanged; beside it,
// or alone, stand hashes of the phone number with its plus, and of the e-mail address.
// They are not Meta's hashes.
//
// An event that is sent again under the same transactionId is the same event: it
// corrects the value of the first.
//
// # Errors
//
// Three tables have an action, a sentence and a fix for every reason that Google is known
// to give: [ExplainError] in the answer to a request, [ExplainProcessing] in its status,
// [ExplainWarning]. The explain command reads the same tables.
//
// Package googletest is a strict fake, which shares no code with this one.
//
// Source: the Data Manager API's reference and guides, and its discovery document of
// 2026-11-06.
package google
