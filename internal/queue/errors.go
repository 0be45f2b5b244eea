package queue

import (
	"errors"
)

// Errors that callers branch on. The first two are answered with 503 by the edge.
var (
	// ErrFull says that the store takes no more: over max_size, disk full, or
	// Redis out of memory. Draining still works.
	ErrFull = errors.New("queue is full")
	// ErrUnavailable says that the store cannot be reached or written.
	ErrUnavailable = errors.New("queue is unavailable")
	// ErrLost says that another edge drains the destination now: what failed here
	// is for that one to try and to judge.
	ErrLost = errors.New("the right to drain was lost")
	// ErrNotFound says that a named destination or dead letter does not exist.
	ErrNotFound = errors.New("not found")
	// ErrClaimed says of a group that one of its new events claims a code that is not its
	// contact's to claim, by now: another has it, or it is too late. Look it up again.
	ErrClaimed = errors.New("the code is not the contact's to claim")
	// ErrCodeTaken says that a code stands for something else already: draw another.
	ErrCodeTaken = errors.New("the code is taken")
	// ErrInvalid says that what was asked for can't be: a parameter is no id.
	ErrInvalid = errors.New("bad parameter")
)
