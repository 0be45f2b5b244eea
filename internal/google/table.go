package google

import (
	"slices"
	"strings"
	"time"
)

// Action is what is done about a reason.
type Action uint8

// The actions; the zero value is none.
const (
	Done      Action = iota + 1 // Google has it
	SendAgain                   // later, under the same transactionId
	Shift                       // done if it is our own resend, else send it with another second
	Die                         // a dead letter
	Halt                        // park the destination
	Wait                        // a limit is reached
	TryAgain                    // the request is made again, with back-off
	Unknown                     // nothing will be learned: counted unknown, not sent again
	Ignored                     // a warning: the event is taken, a part of it is not
)

var actionNames = [...]string{"", "done", "send again", "shift", "dead letter", "park", "wait", "retry", "unknown", "warning"}

// String is the action in a word or two.
func (a Action) String() string {
	if int(a) < len(actionNames) {
		return actionNames[a]
	}
	return ""
}

// Explanation is what is known of a reason.
type Explanation struct {
	Reason   string // of Google's, without its prefix; a * stands for any letters
	Action   Action
	Letter   string          // Die, and SendAgain at last: the dead letter's reason
	Again    []time.Duration // SendAgain: how long before each time; then it dies
	FromHour bool            // SendAgain: not before the click is MinClickAge old
	Quiet    bool            // Die: final and normal where the event has no click id
	Foreign  bool            // its click is another account's: of many in a row the account is wrong
	Sentence string          // what happened, in plain words
	Fix      string          // what to do
	Where    string          // in which table it stands: the Title; "" where the tables have it not
}

// Text is the sentence and the fix as one text.
func (e *Explanation) Text() string {
	if e.Fix == "" {
		return e.Sentence
	}
	return e.Sentence + "; " + e.Fix
}

// ExplainError looks up a reason in the answer to a request. One that is not known is
// the event's fault where it names an event, else the destination's.
func ExplainError(reason string, namesEvent bool) Explanation {
	if e, ok := errorTable.lookup(reason); ok {
		return e
	}
	e := Explanation{Reason: reason, Action: Halt, Sentence: "Google refuses the request for a reason that is not in the table",
		Fix: "read Google's own message"}
	if namesEvent {
		e.Action, e.Letter, e.Sentence = Die, ReasonRefused, "Google refuses the event for a reason that is not in the table"
	}
	return e
}

// ExplainProcessing looks up a reason in the status of a request, with its prefix or
// without. One that is not known makes a dead letter.
func ExplainProcessing(reason string) Explanation {
	if e, ok := processingTable.lookup(Bare(reason)); ok {
		return e
	}
	return Explanation{Reason: Bare(reason), Action: Die, Letter: ReasonRefused,
		Sentence: "Google refused the event after it took the request, for a reason that is not in the table",
		Fix:      "look it up in the Data Manager API's reference, ProcessingErrorReason"}
}

// ExplainWarning looks up a warning of an answer or of a status.
func ExplainWarning(reason string) Explanation {
	if e, ok := warningTable.lookup(Bare(reason)); ok {
		return e
	}
	return Explanation{Reason: Bare(reason), Action: Ignored, Sentence: "Google took the event, and ignored a part of it"}
}

// Explain is all that the tables know of a reason: it may stand in several.
func Explain(reason string) []Explanation {
	var out []Explanation
	for _, table := range []*Table{&errorTable, &processingTable, &warningTable} {
		if e, ok := table.lookup(Bare(strings.ToUpper(reason))); ok {
			out = append(out, e)
		}
	}
	return out
}

// Table is one of the three, for who lists them.
type Table struct {
	Title string
	Rows  []Explanation
}

// Tables are all three.
func Tables() []Table {
	out := []Table{errorTable, processingTable, warningTable}
	for i := range out {
		out[i].Rows = slices.Clone(out[i].Rows)
	}
	return out
}

// Bare is a reason without the prefix that Google writes it with.
func Bare(reason string) string {
	for _, prefix := range [...]string{"PROCESSING_ERROR_REASON_", "PROCESSING_WARNING_REASON_", "WARNING_REASON_", "ERROR_REASON_",
		"PROCESSING_ERROR_"} {
		if bare, ok := strings.CutPrefix(reason, prefix); ok {
			return bare
		}
	}
	return reason
}

// maxReason is how long a reason may be that is looked up; Google's longest has some 80
// characters.
const maxReason = 128

// lookup finds a reason by its name, else by the first pattern that fits.
func (t *Table) lookup(reason string) (Explanation, bool) {
	if reason == "" || len(reason) > maxReason {
		return Explanation{}, false
	}
	at := slices.IndexFunc(t.Rows, func(e Explanation) bool { return e.Reason == reason })
	if at < 0 {
		at = slices.IndexFunc(t.Rows, func(e Explanation) bool { return strings.Contains(e.Reason, "*") && fits(e.Reason, reason) })
	}
	if at < 0 {
		return Explanation{}, false
	}
	e := t.Rows[at]
	e.Reason, e.Where = reason, t.Title
	return e, true
}

// fits reports whether a reason fits a pattern, whose stars stand for any letters.
func fits(pattern, reason string) bool {
	first, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == reason
	}
	tail, ok := strings.CutPrefix(reason, first)
	for ok && len(tail) >= 0 {
		if fits(rest, tail) {
			return true
		}
		if tail == "" {
			return false
		}
		tail = tail[1:]
	}
	return false
}
