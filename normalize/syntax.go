package normalize

import (
	"errors"
	"fmt"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

// SyntaxError says where and why a body is not what a provider posts: JSON, or a
// form.
type SyntaxError struct {
	Offset int64  // in bytes from the start of the body
	Reason string // lower case: "unexpected end". It quotes nothing of the body
}

// Error is the reason and the place: "unexpected end at byte 17".
func (e *SyntaxError) Error() string { return fmt.Sprintf("%s at byte %d", e.Reason, e.Offset) }

// parse indexes a body as JSON. The error is a *SyntaxError.
func (b *Batch) parse(body []byte) error {
	err := b.doc.Parse(body)
	if err == nil {
		return nil
	}
	if syntax, ok := errors.AsType[*jsondoc.SyntaxError](err); ok {
		return &SyntaxError{Offset: syntax.Offset, Reason: syntax.Reason}
	}
	return err
}
