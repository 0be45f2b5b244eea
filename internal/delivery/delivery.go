// Package delivery drains the queues into their destinations.
//
// An [Engine] has one worker for each configured destination. A worker reads
// ahead from the head of its queue, keeps one event of a contact in flight,
// hands what may be sent to the destination's [Sender], and writes what became
// of it back to the queue: delivered, to be tried again, or dead. Retries, the
// breaker, parking, pausing and the limits of a destination are all here; how an
// event is sent, and what an answer means, is the Sender's: [Forward] for a URL,
// [CAPI] for a dataset of Meta's Conversions API.
//
// A dead or slow destination delays nobody else: workers share nothing but the
// store.
package delivery

import (
	"context"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/queue"
)

// Sender sends events to one destination. Send returns one outcome for each
// item, in order, and as soon as it can when ctx ends; it is called from several
// goroutines at once. Where a Sender has a method CloseIdleConnections, it is
// called when newer settings replace the Sender, sends of it may still be in
// flight then.
type Sender interface {
	Send(ctx context.Context, items []Item) []Outcome
}

// Item is an entry on its way to its destination.
type Item struct {
	queue.Entry
	Attempt int          // from 1
	FirstAt int64        // when the first attempt began, ms
	Clicks  queue.Clicks // of the contact, where the entry asks for attribution
	// Unconfirmed is how often an outcome of the item was Outcome.Unconfirmed,
	// as far as this process remembers.
	Unconfirmed int
}

// Class says what is to become of an item.
type Class uint8

// The classes of outcomes.
const (
	Done     Class = iota + 1 // the destination has it
	Retry                     // a failed attempt; Outcome.After is the destination's own wish, if any
	Dead                      // refused for good
	Gone                      // 410: refused for good, and the destination is paused
	Park                      // the destination's fault: it is parked, and no attempt is counted
	Throttle                  // the whole destination waits for Outcome.After; no attempt is counted
	Again                     // not tried; joins the next batch
)

var classNames = [...]string{"", "delivered", "retried", "dead", "gone", "parked", "throttled", "again"}

// String returns the class as it stands in metrics.
func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return ""
}

// Outcome is what became of an item.
type Outcome struct {
	Class       Class
	After       time.Duration // Retry: not before; Throttle, Done: how long the whole destination waits
	Reason      string        // a word or short sentence, without secrets: "503 Service Unavailable"
	Code        string        // the HTTP status, or Meta's code/subcode; "" if none
	Explanation string        // what it means and what to do
	Unconfirmed bool          // Retry: counts for Item.Unconfirmed
}

// brief is the outcome in a few words, with its code: "token (190/463)",
// "401 Unauthorized".
func (o *Outcome) brief() string {
	if o.Code == "" || strings.HasPrefix(o.Reason, o.Code) {
		return o.Reason
	}
	return o.Reason + " (" + o.Code + ")"
}

// why is the outcome with what it means and what to do.
func (o *Outcome) why() string {
	if o.Explanation == "" {
		return o.brief()
	}
	return o.brief() + ": " + o.Explanation
}

// codeOf finds the code in a text that brief or why made: the store keeps only
// these.
func codeOf(why string) string {
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

// The kinds of destinations.
const (
	KindForward = "forward"
	KindCAPI    = "capi"
)

// Destination is the settings of a destination. They belong to a config; what
// is in flight and what waits belongs to the engine and outlives them.
type Destination struct {
	Dest   queue.Dest
	Kind   string // KindForward or KindCAPI
	Target string // what it is called in Status: the URL without query and user info, or the dataset
	Sender Sender

	Ordered     bool          // events of one contact go one by one, in the order queued
	Concurrency int           // calls of Send at once; 0 = 8, or 4 with batches
	Rate        float64       // calls of Send a second; 0 = unlimited; the burst is one second's worth
	RetryFor    time.Duration // after the first attempt, then a failing event is dead; 0 = 72 h
	Hold        time.Duration // how long a failing event holds back its contact's later ones; < 0 = forever
	Batch       int           // items of one Send at most; 0 = 1
	Linger      time.Duration // how long a batch that is not full waits for more
}

func (d *Destination) setDefaults() {
	if d.Batch <= 0 {
		d.Batch = 1
	}
	if d.Concurrency <= 0 {
		d.Concurrency = 8
		if d.Batch > 1 {
			d.Concurrency = 4
		}
	}
	if d.RetryFor <= 0 {
		d.RetryFor = 72 * time.Hour
	}
}

// Observer is told what happens, for metrics. It is called from many goroutines and
// must not block.
type Observer interface {
	// Delivered tells the outcome (a Class's name) of so many events of one
	// Send, and how long it took.
	Delivered(destination, kind, outcome string, events int, took time.Duration)
}

// Options are what an engine is made with. All may be left out.
type Options struct {
	Now      func() time.Time
	Timer    func(time.Duration) (c <-chan time.Time, stop func() bool) // fires once, after a duration
	Rand     func() float64                                             // uniform in [0, 1), for the jitter; called from many goroutines
	Logger   *zap.Logger
	Observer Observer
}
