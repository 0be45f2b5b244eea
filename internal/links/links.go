// Package links is the trackable links into a chat: a visit of a link becomes a short
// code in the text that the visitor sends, and the code's row says what the visit's
// query told of an ad or a campaign.
//
// A [Server] answers visits: it reads what may be kept of the query (params.go), makes
// of it one of three tiers of codes (row.go), has the store keep that, and leads on to
// the chat (target.go, text.go, page.go), with the code or, rather than not at all,
// without. A [Row] is what is stored of a code, and what intake makes an event's `link`
// of. What is no visit (requests.go) and what is too many (limits.go) get no code.
//
// Nothing is kept of who visits: no address, no User-Agent, no cookie.
//
// It is a leaf: it imports queue, for the store, and linkcode; and no Caddy.
package links
