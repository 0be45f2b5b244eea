package destination

import (
	"context"
	"strings"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/retryafter"
)

// Sender sends events to one destination. Send returns one verdict for each
// item, in order, and as soon as it can when ctx ends; it is called from several
// goroutines at once. Where a Sender has a method CloseIdleConnections, it is
// called when newer settings replace the Sender, sends of it may still be in
// flight then.
type Sender interface {
	Send(ctx context.Context, items []Item) []Verdict
}

// Item is an entry on its way to its destination.
type Item struct {
	queue.Entry
	Attempt int          // from 1
	FirstAt int64        // when the first attempt began, ms
	Clicks  queue.Clicks // of the contact, where the entry asks for attribution
	// Unconfirmed is how often a verdict on the item was Verdict.Unconfirmed,
	// as far as this process remembers.
	Unconfirmed int
}

// Action says what is to become of an item.
type Action uint8

// The actions.
const (
	Done     Action = iota + 1 // the destination has it
	Retry                      // a failed attempt; Verdict.After is the destination's own wish, if any
	Dead                       // refused for good
	Gone                       // 410: refused for good, and the destination is paused
	Park                       // the destination's fault: it is parked, and no attempt is counted
	Throttle                   // the whole destination waits for Verdict.After; no attempt is counted
	Again                      // not tried; joins the next batch
)

var actionNames = [...]string{"", "delivered", "retried", "dead", "gone", "parked", "throttled", "again"}

// String returns the action as it stands in metrics, under the label outcome.
func (a Action) String() string {
	if int(a) < len(actionNames) {
		return actionNames[a]
	}
	return ""
}

// Verdict is what came of sending an item: what is to become of it, and why.
type Verdict struct {
	Action      Action
	After       time.Duration // Retry: not before; Throttle, Done: how long the whole destination waits
	Reason      string        // a word or short sentence, without secrets: "503 Service Unavailable"
	Code        string        // the HTTP status, or Meta's code/subcode; "" if none
	Explanation string        // what it means and what to do
	Unconfirmed bool          // Retry: counts for Item.Unconfirmed
	InDoubt     bool          // the request left, and nothing says whether it arrived: see InDoubt
}

// LongestWish is the longest wait that a destination's own wish is heeded for.
const LongestWish = retryafter.Longest

// Brief is the verdict in a few words, with its code: "token (190/463)",
// "401 Unauthorized".
func (v *Verdict) Brief() string {
	if v.Code == "" || strings.HasPrefix(v.Reason, v.Code) {
		return v.Reason
	}
	return v.Reason + " (" + v.Code + ")"
}

// Why is the verdict with what it means and what to do.
func (v *Verdict) Why() string {
	if v.Explanation == "" {
		return v.Brief()
	}
	return v.Brief() + ": " + v.Explanation
}

// CodeOf finds the code in a text that Brief or Why made: the store keeps only
// these.
func CodeOf(why string) string {
	brief, _, _ := strings.Cut(why, ":")
	if _, code, ok := strings.Cut(brief, " ("); ok {
		brief = strings.TrimSuffix(code, ")")
	}
	code, _, _ := strings.Cut(brief, " ")
	if strings.Trim(code, "0123456789/") != "" {
		return ""
	}
	return code
}
