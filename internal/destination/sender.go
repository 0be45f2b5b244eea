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
	// Receipt and Note are those of the last verdict that was Later: what the destination
	// answered when it took the item, and what else is to be remembered of it.
	Receipt, Note string
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
	Later                      // nothing failed: to be asked about, or sent, after Verdict.After; it keeps back what waits behind it

	Actions = iota + 1 // how many there are, with the zero Action, which is none
)

var actionNames = [Actions]string{"", "delivered", "retried", "dead", "gone", "parked", "throttled", "again", "later"}

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
	After       time.Duration // Retry, Later: not before; Throttle, Done: how long the whole destination waits
	Reason      string        // a word or short sentence, without secrets: "503 Service Unavailable"
	Code        string        // the HTTP status, or Meta's code/subcode; "" if none
	Explanation string        // what it means and what to do
	Unconfirmed bool          // Retry: counts for Item.Unconfirmed
	InDoubt     bool          // the request left, and nothing says whether it arrived: see InDoubt
	// Receipt, of Later, is by what the destination, which has the item, is asked what
	// became of it. With the first one the item counts as delivered. Over a Retry it stays.
	Receipt string
	// Note, of Later, is what the sender is to remember of an item that the destination
	// took before and that is sent again. Over a Retry it stays.
	Note string
	// Parks, of Later, has the destination be parked, too: for its own fault it refused,
	// after it had taken the item.
	Parks bool
}

// LongestWish is the longest wait that a destination's own wish is heeded for.
const LongestWish = retryafter.Longest

// LongestLater is the longest wait of Later.
const LongestLater = 24 * time.Hour

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
// these. Google's codes are words: SERVICE_DISABLED.
func CodeOf(why string) string {
	const number, word = "0123456789/", "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"
	brief, _, _ := strings.Cut(why, ":")
	symbols := number
	if _, code, ok := strings.Cut(brief, " ("); ok {
		brief, symbols = strings.TrimSuffix(code, ")"), number+word
	}
	code, _, _ := strings.Cut(brief, " ")
	if strings.Trim(code, symbols) != "" {
		return ""
	}
	return code
}
