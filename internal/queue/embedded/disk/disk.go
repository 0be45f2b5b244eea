// Package disk is what the embedded store asks of the operating system and its file
// systems, and of nothing of Leadgate's: blocks that are there before they are written
// ([Allocate], [Zeros], [SyncData]), names that a crash leaves with one file or the other
// ([Name], [Keep], [SyncFolder], [IsNamed]), the lock of bbolt ([Lock]), and what a user may do
// and has room for ([MayWrite], [Free]). Where a system has no way to do one of these, its
// file says what happens instead.
package disk

import "errors"

// ErrLocked is that another process has a file open.
var ErrLocked = errors.New("it is locked")
