// Package intake takes in webhooks: from a verified body to its events, whose
// each of them is, and what the store is to keep for whom.
//
// A [Block] is a leadgate block of the configuration, and the place to begin.
// For each request it fills a [Webhook]:
//
//   - [Block.Read] normalizes the body, keeps what it brings within the limits
//     (one with more is one event, whole), and has the [Router] find each event's
//     [Tenant] by the business's own ids.
//   - [Block.Store] plans one queue.Group for each tenant, with a job for each
//     destination that wants an event or the raw webhook, has them written, and
//     counts what was new. What is nobody's is kept as a dead letter of
//     `unmatched`, which [ReplayUnmatched] routes again.
//   - [Block.Hand] makes the request of the next handler instead, where the block
//     has no destinations.
//
// All of it runs before the provider gets its answer, so that nothing here waits
// for anything but the store, and memory comes from pools.
//
// It imports destination, for who wants what; queue, clicks and ads, for what is
// kept; and normalize. It knows no Caddy: package caddymodule verifies a request,
// calls a Block, and writes the status.
package intake
