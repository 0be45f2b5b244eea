// Package normalize turns what chat providers post to a webhook into unified
// events: one JSON for messages, echoes, statuses, automatic events and account
// notices, whoever the provider is. It is pure: no network, no clock of its own.
//
//	var b normalize.Batch // reusable
//	if err := normalize.Meta(&b, body, time.Now().UnixMilli()); err != nil {
//		return err // *normalize.SyntaxError: where the body stops being JSON
//	}
//	for i := range b.Events {
//		e := &b.Events[i]
//		e.SetTenant("acme") // makes the id
//		out, _ = e.AppendJSON(out)
//	}
//
// There is a function for each provider: [Meta], [Gupshup], [Dialog360], [Whapi],
// [Twilio]. It takes a body as it was posted, and when the edge took it, in UNIX
// milliseconds, and appends the events to the batch. The error is a
// [*SyntaxError]; the batch is unchanged then.
//
// An [Event] points into the body and into its [Batch], so both must stay as
// they are while it is in use. Texts are kept as JSON string tokens: they are
// copied to the output without being decoded, and [Text.String] decodes them.
//
// Nothing is dropped. What is not understood becomes an event of kind account
// with the provider's own JSON as raw; a message of an unknown type is of type
// unsupported. Tolerated are ids and times as numbers or strings, seconds or
// milliseconds, missing keys and unknown ones.
//
// The shape of the JSON is [Schema]; unified.d.ts beside it is the same in
// TypeScript, and docs/unified-json.md explains it field by field.
//
// A provider module of your own fills the events that [Batch.Add] gives it:
// texts by [NewText], numbers by [PhoneFromWaID], what makes the event itself
// by [Event.SetKey], which click brought a message by [Batch.SetReferral].
package normalize
