package graph

import "github.com/leadgate/leadgate/internal/jsondoc"

// Error is the `error` object of an answer. It is capi.GraphError, which says
// what it means, field by field: one converts to the other.
type Error struct {
	Message       string // English and changing: to show, never to branch on
	Type          string
	Code, Subcode int
	Transient     bool
	Title         string // in the caller's language: likewise
	TraceID       string
}

// readError reads the object; nil where e is none.
func readError(e jsondoc.Node) *Error {
	if e.Kind() != '{' {
		return nil
	}
	code, _ := e.Get("code").Int()
	subcode, _ := e.Get("error_subcode").Int()
	return &Error{
		Message: e.Get("message").String(), Type: e.Get("type").String(),
		Code: int(code), Subcode: int(subcode), Transient: e.Get("is_transient").Kind() == 't',
		Title: e.Get("error_user_title").String(), TraceID: e.Get("fbtrace_id").String(),
	}
}
