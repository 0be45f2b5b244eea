package googletest

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/leadgate/leadgate/internal/fake"
)

// Error is an answer that refuses.
type Error struct {
	HTTP       int    // default 400
	Status     string // default INVALID_ARGUMENT
	Message    string
	Reason     string // of the ErrorInfo
	Domain     string // default datamanager.googleapis.com
	Metadata   map[string]string
	Violations []Violation
}

// Violation is a field that is refused. Reason is empty where JSON itself is wrong.
type Violation struct {
	Field       string `json:"field"`
	Description string `json:"description,omitempty"`
	Reason      string `json:"reason,omitempty"`
}

// Error is the refusal in one line.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s: %s", e.code(), e.status(), e.Message)
	if e.Reason != "" {
		fmt.Fprintf(&b, " (%s)", e.Reason)
	}
	for _, v := range e.Violations {
		fmt.Fprintf(&b, "; %s %s %s", v.Field, v.Reason, v.Description)
	}
	return b.String()
}

func (e *Error) code() int {
	if e.HTTP == 0 {
		return http.StatusBadRequest
	}
	return e.HTTP
}

func (e *Error) status() string {
	if e.Status == "" {
		return "INVALID_ARGUMENT"
	}
	return e.Status
}

const typeURL = "type.googleapis.com/google.rpc."

func (e *Error) write(w http.ResponseWriter) {
	details := []any{}
	if e.Reason != "" {
		domain := e.Domain
		if domain == "" {
			domain = "datamanager.googleapis.com"
		}
		details = append(details, map[string]any{"@type": typeURL + "ErrorInfo", "reason": e.Reason, "domain": domain, "metadata": e.Metadata})
	}
	if len(e.Violations) > 0 {
		details = append(details, map[string]any{"@type": typeURL + "BadRequest", "fieldViolations": e.Violations})
	}
	details = append(details, map[string]any{"@type": typeURL + "RequestInfo", "requestId": "t-fakeRequest"})
	fake.WriteJSON(w, e.code(), map[string]any{"error": map[string]any{"code": e.code(), "message": e.Message, "status": e.status(),
		"details": details}})
}

// violation refuses one field.
func violation(reason, field, format string, args ...any) *Error {
	return &Error{Message: "There was a problem with the request.", Reason: "INVALID_ARGUMENT",
		Violations: []Violation{{Field: field, Description: fmt.Sprintf(format, args...), Reason: reason}}}
}

func refuse(format string, args ...any) *Error { return &Error{Message: fmt.Sprintf(format, args...)} }

func notFound(r *http.Request) *Error {
	return &Error{HTTP: 404, Status: "NOT_FOUND", Message: "there is no " + r.Method + " " + r.URL.Path}
}
