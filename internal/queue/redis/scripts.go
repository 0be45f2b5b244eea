package redis

import (
	"context"
	"crypto/sha1" // it is how Redis names scripts
	"embed"
	"encoding/hex"
	"strings"

	"github.com/redis/go-redis/v9"
)

// All scripts. The head of each file in lua/ says what its keys, its arguments and
// its answer are.
var (
	scriptTry = newScript("try.lua") // may this user do what a store does?

	scriptAppend = newScript("append.lua") // store groups: see wire.go

	scriptLease   = newScript("lease.lua")   // take, renew and look at leases
	scriptRelease = newScript("release.lua") // give one back

	scriptDepart = newScript("depart.lua") // note what is about to be sent

	scriptDone  = newScript("done.lua")  // remove delivered entries
	scriptRetry = newScript("retry.lua") // keep when an entry is tried again
	scriptDead  = newScript("dead.lua")  // make entries dead letters

	scriptScan   = newScript("scan.lua")   // list dead letters
	scriptReplay = newScript("replay.lua") // queue them again

	scriptInfo  = newScript("info.lua")  // look at a destination
	scriptState = newScript("state.lua") // set its state
	scriptMove  = newScript("move.lua")  // put what it has behind another's
	scriptDrop  = newScript("drop.lua")  // discard it
	scriptErase = newScript("erase.lua") // forget keys of a contact

	scriptCodePut   = newScript("code_put.lua")   // store a link's code
	scriptCodeErase = newScript("code_erase.lua") // forget those of a contact

	scriptClaim = newScript("claim.lua") // give a task to one who asks for it

	scriptNoteWrite  = newScript("note_write.lua")  // from here on a heavy group is queued: see note.go
	scriptNoteRemove = newScript("note_remove.lua") // and from here on it is stored

	scriptTakeoverShow   = newScript("takeover_show.lua") // the steps of a takeover: see takeover.go
	scriptTakeoverAdd    = newScript("takeover_add.lua")
	scriptTakeoverRemove = newScript("takeover_remove.lua")
	scriptTakeoverJoin   = newScript("takeover_join.lua")
)

//go:embed lua/*.lua
var luaFiles embed.FS

// script is called by its name, its SHA-1, so that Redis need not read and hash its
// text each time. A server that doesn't know it, since it was started or failed over
// to in between, says so before it does anything, and is then sent the text: see
// [pipeline].
type script struct{ text, sha string }

// scripts are all of them by their sha.
var scripts = map[string]*script{}

// newScript makes a script of a file, with the files that it includes.
func newScript(name string) *script {
	s := &script{text: strip(source(name))}
	sum := sha1.Sum([]byte(s.text))
	s.sha = hex.EncodeToString(sum[:])
	scripts[s.sha] = s
	return s
}

// source is the text of a file in lua/, in which each line "-- include <file>" is
// replaced by the text of that file.
func source(name string) string {
	text, err := luaFiles.ReadFile("lua/" + name)
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

// prepare makes the call whose number of keys, keys and arguments stand in args
// from the third on.
func (s *script) prepare(ctx context.Context, args []any) *redis.Cmd {
	args[0], args[1] = "EVALSHA", s.sha
	return redis.NewCmd(ctx, args...)
}

// call makes a call, of keys that a Cluster may well have on two nodes: see [Store.call].
func (s *script) call(ctx context.Context, keys []string, args ...any) *redis.Cmd {
	all := make([]any, 3, 3+len(keys)+len(args))
	all[2] = len(keys)
	for _, k := range keys {
		all = append(all, k)
	}
	return s.prepare(ctx, append(all, args...))
}

// unknown returns the calls that were refused for want of the script, now with
// its text.
func unknown(cmds []redis.Cmder) (again []redis.Cmder) {
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
		args[0], args[1] = "EVAL", s.text
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
