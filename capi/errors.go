package capi

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ErrorClass is what to do about an error of the Graph API.
type ErrorClass uint8

// The classes of errors.
const (
	Transient     ErrorClass = iota + 1 // try again, with back-off
	Throttled                           // try again after the time that the headers give
	Token                               // park the destination until it has a new token
	Permission                          // park: a right is missing
	Configuration                       // park: ids or settings don't fit each other
	BadEvent                            // the event is refused for good; others may pass
)

var classNames = [...]string{"", "transient", "throttled", "token", "permission", "configuration", "event"}

// String returns transient, throttled, token, permission, configuration or event;
// "" for no class.
func (c ErrorClass) String() string { return nameOf(classNames[:], uint8(c)) }

func nameOf(names []string, n uint8) string {
	if int(n) < len(names) {
		return names[n]
	}
	return ""
}

// Parks reports whether the whole destination waits for somebody to do something.
func (c ErrorClass) Parks() bool { return c == Token || c == Permission || c == Configuration }

// Explanation is what is known of an error code.
type Explanation struct {
	Code, Subcode int // Subcode 0: whatever the subcode
	LastCode      int // not 0: the entry stands for Code to LastCode
	Class         ErrorClass
	Sentence      string        // what happened, in plain words
	Fix           string        // what to do
	Wait          time.Duration // the least time to wait before the next try; 0 = as the class says
}

// Name is how the code is written in dead letters and for the explain command:
// "190", "100/2804066".
func (e Explanation) Name() string {
	switch {
	case e.Subcode != 0:
		return strconv.Itoa(e.Code) + "/" + strconv.Itoa(e.Subcode)
	case e.LastCode != 0:
		return strconv.Itoa(e.Code) + "-" + strconv.Itoa(e.LastCode)
	}
	return strconv.Itoa(e.Code)
}

// Text is the sentence and the fix as one text.
func (e Explanation) Text() string {
	if e.Fix == "" {
		return e.Sentence
	}
	return e.Sentence + "; " + e.Fix
}

// Codes lists every code and subcode that Explain knows, ordered as a reader
// would: by class, then by number.
func Codes() []Explanation {
	return append([]Explanation(nil), table...)
}

// Explain looks up an error by Meta's code and subcode (0 for none). A code
// that is not known counts as transient: nothing is lost by trying again.
// is_transient in the answer wins over all this, see [GraphError.Explain].
func Explain(code, subcode int) Explanation {
	e := lookup(code, subcode)
	e.Code, e.Subcode, e.LastCode = code, subcode, 0
	return e
}

func lookup(code, subcode int) Explanation {
	general := -1
	for i := range table {
		e := &table[i]
		if code != e.Code && (e.LastCode == 0 || code < e.Code || code > e.LastCode) {
			continue
		}
		if e.Subcode != 0 && e.Subcode == subcode {
			return *e
		}
		if e.Subcode == 0 && general < 0 {
			general = i
		}
	}
	switch {
	case code == 100 && subcode >= 2804000 && subcode <= 2804999:
		return unknownParameter
	case general >= 0:
		return table[general]
	}
	return unknownCode
}

// ParseCode reads a code as people write it: "190", "100/2804066",
// "#100.2804066", or a subcode of the Conversions API alone, "2804066".
func ParseCode(s string) (code, subcode int, err error) {
	first, second, both := strings.Cut(strings.NewReplacer(".", "/", ":", "/", " ", "").Replace(strings.TrimPrefix(strings.TrimSpace(s), "#")),
		"/")
	if code, err = strconv.Atoi(first); err == nil && both {
		subcode, err = strconv.Atoi(second)
	}
	if err != nil || code < 0 || subcode < 0 {
		return 0, 0, fmt.Errorf("%q is no error code: write Meta's code and subcode, for example 190 or 100/2804066", s)
	}
	if !both && code >= 2804000 && code <= 2804999 {
		return 100, code, nil
	}
	return code, subcode, nil
}

// GraphError is the `error` object of an answer of the Graph API.
type GraphError struct {
	Message   string `json:"message"` // English and changing: to show, never to branch on
	Type      string `json:"type"`
	Code      int    `json:"code"`
	Subcode   int    `json:"error_subcode"`
	Transient bool   `json:"is_transient"`
	Title     string `json:"error_user_title"` // in the caller's language: likewise
	TraceID   string `json:"fbtrace_id"`
}

// Explain classifies the error: is_transient wins over any code.
func (e *GraphError) Explain() Explanation {
	x := Explain(e.Code, e.Subcode)
	if x.Class == BadEvent && (strings.Contains(e.Title, restrictiveRegionTitle) || strings.Contains(e.Message, restrictiveRegionTitle)) {
		x.Sentence, x.Fix = restrictiveRegion.Sentence, restrictiveRegion.Fix
	}
	if e.Transient && x.Class != Throttled {
		x.Class = Transient
		x.Sentence, x.Fix = "Meta says that the error is transient", "nothing to do: it is tried again"
	}
	return x
}

// Refusal says that Meta would refuse an event, before a request is spent on it.
type Refusal struct {
	Reason        string // why the dead letter is one: ReasonRefused or ReasonExpired
	Field         string // where the mistake is, as in the event for Meta: user_data.ctwa_clid
	Rule          string // what Meta wants
	Fix           string // what to do
	Code, Subcode int    // what Meta would answer
}

// Error is the refusal in one sentence.
func (r *Refusal) Error() string {
	s := r.Field + ": " + r.Rule
	if r.Fix != "" {
		s += "; " + r.Fix
	}
	return s
}

// Name is Meta's code as in [Explanation.Name].
func (r *Refusal) Name() string { return Explanation{Code: r.Code, Subcode: r.Subcode}.Name() }

// The reasons of dead letters that this package gives.
const (
	ReasonRefused     = "refused"     // Meta refused the event, or is known to refuse it
	ReasonExpired     = "expired"     // seven days old
	ReasonUnconfirmed = "unconfirmed" // Meta may have the event: it did not count all of a batch, or, with on_timeout drop, no answer came
)
