// Package httperr is an error that knows the HTTP status to answer it with, so
// that what answers need not know who serves it: Caddy's admin endpoint, or the
// dashboard. It is a leaf.
package httperr

import (
	"errors"
	"fmt"
	"strings"

	"github.com/leadgate/leadgate/internal/printable"
)

// Error is an error with the status of its answer.
type Error struct {
	Status int
	Err    error  // the whole sentence
	Fix    string // the end of it that says what to do, "" where it is not told apart
}

// New makes an Error of a sentence to the caller; %w wraps.
func New(status int, format string, args ...any) error {
	return Wrap(status, fmt.Errorf(format, args...))
}

// Wrap gives an error a status. What a caller wrote may stand in it and is
// logged, so that control characters are escaped; the error that it wrapped is
// then lost.
func Wrap(status int, err error) error {
	if safe := printable.Line(err.Error()); safe != err.Error() {
		err = errors.New(safe)
	}
	return &Error{Status: status, Err: err}
}

// WithFix makes an Error of what is wrong, and of what to do about it.
func WithFix(status int, fix, format string, args ...any) error {
	fix = printable.Line(fix)
	return &Error{Status: status, Err: errors.New(printable.Line(fmt.Sprintf(format, args...)) + between + fix), Fix: fix}
}

// between stands between what is wrong and what to do.
const between = ": "

// What is what is wrong, without what to do about it.
func (e *Error) What() string { return strings.TrimSuffix(e.Err.Error(), between+e.Fix) }

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the error itself.
func (e *Error) Unwrap() error { return e.Err }
