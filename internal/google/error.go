package google

import (
	"strconv"
	"strings"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

// Error is the `error` object of an answer of Google's.
type Error struct {
	Code          int    // as the HTTP status
	Status        string // INVALID_ARGUMENT
	Message       string // to show, never to branch on
	Reason        string // of the ErrorInfo: SERVICE_DISABLED; "" without one
	RequestID     string // which Google's support asks for
	QuotaLimit    string // of the ErrorInfo's metadata: which quota is spent
	ActivationURL string // likewise: where a disabled API is switched on
	Violations    []Violation
}

// Violation is one field that Google refuses.
type Violation struct {
	Field       string // events.events[1].user_data.user_identifiers[2]
	Description string // to show
	Reason      string // REQUIRED_FIELD_MISSING; "" where JSON itself was refused
}

// maxViolations is how many are read of an answer: each event may have some.
const maxViolations = 10_000

// readError reads the error of an answer; nil where the body has none.
func readError(body []byte) *Error {
	var doc jsondoc.Doc
	if doc.Parse(body) != nil {
		return nil
	}
	e := doc.Root().Get("error")
	if e.Kind() != '{' {
		return nil
	}
	code, _ := e.Get("code").Int()
	out := &Error{Code: int(code), Status: e.Get("status").String(), Message: e.Get("message").String()}
	for d := e.Get("details").First(); d.Exists(); d = d.Next() {
		out.detail(d)
	}
	if out.Reason == out.Status && out.Status == "INVALID_ARGUMENT" {
		out.Reason = "" // it says nothing
	}
	return out
}

// detail reads one of the error's details, whatever of it there is: its type says
// nothing that the names of its members don't.
func (e *Error) detail(d jsondoc.Node) {
	kind := d.Get("@type").String()
	meta := d.Get("metadata")
	if id := or(d.Get("requestId").String(), meta.Get("requestId").String()); id != "" {
		e.RequestID = id
	}
	if strings.HasSuffix(kind, ".ErrorInfo") {
		e.Reason = or(e.Reason, d.Get("reason").String())
		e.QuotaLimit = or(e.QuotaLimit, meta.Get("quota_limit").String())
		e.ActivationURL = or(e.ActivationURL, meta.Get("activationUrl").String())
	}
	for v := d.Get("fieldViolations").First(); v.Exists() && len(e.Violations) < maxViolations; v = v.Next() {
		e.Violations = append(e.Violations, Violation{v.Get("field").String(), v.Get("description").String(), v.Get("reason").String()})
	}
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// Event is the index of the event that the violation names, by the request's events:
// `events.events[1].…` as Google writes it, `events[1].…` as JSON's own errors do; ok is
// false where it names none.
func (v *Violation) Event() (i int, ok bool) {
	rest, ok := strings.CutPrefix(v.Field, "events.events[")
	if !ok {
		if rest, ok = strings.CutPrefix(v.Field, "events["); !ok {
			return 0, false
		}
	}
	number, after, closed := strings.Cut(rest, "]")
	if !closed || after != "" && after[0] != '.' || number == "" || !digits(number) {
		return 0, false
	}
	i, err := strconv.Atoi(number)
	return i, err == nil
}

// Destination reports whether the destination is at fault.
func (v *Violation) Destination() bool { return strings.HasPrefix(v.Field, "destinations") }
