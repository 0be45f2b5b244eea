// Package lua has the scripts that Redis runs for the queue: what must happen as a whole.
// Each is a file of this folder, some with files that they include; [Script.Call] makes a
// call of one by its SHA-1, and [Unknown] those again that a server does not know yet, with
// the script's text. What goes into the script of an append is in wire.go of package redis.
package lua

import (
	"context"
	"crypto/sha1" // it is how Redis names scripts
	"embed"
	"encoding/hex"
	"strings"

	"github.com/redis/go-redis/v9"
)

// All scripts. The head of each one's file says what its keys, its arguments and its
// answer are.
var (
	Try = newScript("try.lua") // may this user do what a store does?

	Append = newScript("append.lua") // store groups: see wire.go

	Lease   = newScript("lease.lua")   // take, renew and look at leases
	Release = newScript("release.lua") // give one back

	Depart = newScript("depart.lua") // note what is about to be sent

	Done  = newScript("done.lua")  // remove delivered entries
	Retry = newScript("retry.lua") // keep when an entry is tried again
	Dead  = newScript("dead.lua")  // make entries dead letters
	Lost  = newScript("lost.lua")  // remove those whose contents are gone

	Scan   = newScript("scan.lua")   // list dead letters
	Replay = newScript("replay.lua") // queue them again

	Info  = newScript("info.lua")  // look at a destination
	State = newScript("state.lua") // set its state
	Move  = newScript("move.lua")  // put what it has behind another's
	Drop  = newScript("drop.lua")  // discard it
	Erase = newScript("erase.lua") // forget keys of a contact

	CodePut   = newScript("code_put.lua")   // store a link's code
	CodeErase = newScript("code_erase.lua") // forget those of a contact

	Claim = newScript("claim.lua") // give a task to one who asks for it

	NoteWrite  = newScript("note_write.lua")  // from here on a heavy group is queued: see note.go
	NoteRemove = newScript("note_remove.lua") // and from here on it is stored

	TakeoverShow   = newScript("takeover_show.lua") // the steps of a takeover: see takeover.go
	TakeoverAdd    = newScript("takeover_add.lua")
	TakeoverRemove = newScript("takeover_remove.lua")
	TakeoverJoin   = newScript("takeover_join.lua")
)

//go:embed *.lua
var files embed.FS

// Script is called by its name, its SHA-1, so that Redis need not read and hash its
// text each time. A server that doesn't know it, since it was started or failed over
// to in between, says so before it does anything, and is then sent the text: see
// [Unknown].
type Script struct{ Text, sha string }

// scripts are all of them by their sha.
var scripts = map[string]*Script{}

// newScript makes a script of a file, with the files that it includes.
func newScript(name string) *Script {
	s := &Script{Text: strip(source(name))}
	sum := sha1.Sum([]byte(s.Text))
	s.sha = hex.EncodeToString(sum[:])
	scripts[s.sha] = s
	return s
}

// source is the text of a file, in which each line "-- include <file>" is
// replaced by the text of that file.
func source(name string) string {
	text, err := files.ReadFile(name)
	if err != nil {
		panic(err) // the name stands in this package
	}
	var b strings.Builder
	for line := range strings.Lines(string(text)) {
		if included, ok := strings.CutPrefix(strings.TrimSpace(line), "-- include "); ok {
			line = source(included)
		}
		b.WriteString(line)
	}
	return b.String()
}

// Prepare makes the call whose number of keys, keys and arguments stand in args
// from the third on.
func (s *Script) Prepare(ctx context.Context, args []any) *redis.Cmd {
	args[0], args[1] = "EVALSHA", s.sha
	return redis.NewCmd(ctx, args...)
}

// Call makes a call, of keys that a Cluster may well have on two nodes.
func (s *Script) Call(ctx context.Context, keys []string, args ...any) *redis.Cmd {
	all := make([]any, 3, 3+len(keys)+len(args))
	all[2] = len(keys)
	for _, k := range keys {
		all = append(all, k)
	}
	return s.Prepare(ctx, append(all, args...))
}

// Unknown returns the calls that were refused for want of the script, now with
// its text.
func Unknown(cmds []redis.Cmder) (again []redis.Cmder) {
	for _, cmd := range cmds {
		if err := cmd.Err(); err == nil || !redis.HasErrorPrefix(err, "NOSCRIPT") {
			continue
		}
		args := cmd.Args()
		sha, _ := args[1].(string)
		s := scripts[sha]
		if s == nil {
			continue
		}
		args[0], args[1] = "EVAL", s.Text
		cmd.SetErr(nil)
		again = append(again, cmd)
	}
	return again
}

// strip removes indentation, empty lines and comments that fill their line or
// follow a statement after a space.
func strip(source string) string {
	var b strings.Builder
	for line := range strings.Lines(source) {
		line, _, _ = strings.Cut(line, "-- ")
		if line = strings.TrimSpace(line); line != "" && line != "--" {
			b.WriteString(line)
			b.WriteByte('\n')
		}
	}
	return b.String()
}
