package redis

import (
	"context"
	"crypto/sha1" // it is how Redis names scripts
	_ "embed"
	"encoding/hex"
	"strings"

	"github.com/redis/go-redis/v9"
)

// script is called by its name, so that Redis need not read and hash its text
// each time. A server that doesn't know it, since it was started or failed over
// to in between, says so before it does anything, and is then told the text: see
// [Redis.pipeline].
type script struct{ text, sha string }

// newScript makes a script of a source, after whose first line, the header, what
// it shares with others is put.
func newScript(source string, shared ...string) *script {
	header, body, _ := strings.Cut(source, "\n")
	s := &script{text: strip(header + "\n" + strings.Join(shared, "") + body)}
	sum := sha1.Sum([]byte(s.text))
	s.sha = hex.EncodeToString(sum[:])
	scripts[s.sha] = s
	return s
}

// scripts are all of them by their sha.
var scripts = map[string]*script{}

// prepare makes the call whose number of keys, keys and arguments stand in args
// from the third on.
func (s *script) prepare(ctx context.Context, args []any) *redis.Cmd {
	args[0], args[1] = "EVALSHA", s.sha
	return redis.NewCmd(ctx, args...)
}

// call makes a call.
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

var (
	scriptAppend   = newScript(appendSource)
	scriptLease    = newScript(leaseSource)
	scriptRelease  = newScript(releaseSource)
	scriptDone     = newScript(doneSource, pagesSource)
	scriptRetry    = newScript(retrySource, pagesSource)
	scriptDead     = newScript(deadSource, pagesSource)
	scriptReplay   = newScript(replaySource, pagesSource)
	scriptMove     = newScript(moveSource, pagesSource)
	scriptDrop     = newScript(dropSource, pagesSource)
	scriptState    = newScript(stateSource)
	scriptInfo     = newScript(infoSource, pagesSource)
	scriptScan     = newScript(scanSource)
	scriptErase    = newScript(eraseSource)
	scriptFinished = newScript(finishedSource)
	scriptWhole    = newScript(wholeSource)
	scriptInherit  = newScript(inheritSource, pagesSource)
	scriptAdopt    = newScript(adoptSource)
	scriptLeave    = newScript(leaveSource, pagesSource)
	scriptSettle   = newScript(settleSource, pagesSource)
)

var (
	//go:embed lua/bundles.lua
	pagesSource string
	//go:embed lua/append.lua
	appendSource string
	//go:embed lua/lease.lua
	leaseSource string
	//go:embed lua/release.lua
	releaseSource string
	//go:embed lua/done.lua
	doneSource string
	//go:embed lua/retry.lua
	retrySource string
	//go:embed lua/dead.lua
	deadSource string
	//go:embed lua/replay.lua
	replaySource string
	//go:embed lua/move.lua
	moveSource string
	//go:embed lua/drop.lua
	dropSource string
	//go:embed lua/state.lua
	stateSource string
	//go:embed lua/info.lua
	infoSource string
	//go:embed lua/scan.lua
	scanSource string
	//go:embed lua/erase.lua
	eraseSource string
	//go:embed lua/note_remove.lua
	finishedSource string
	//go:embed lua/note_write.lua
	wholeSource string
	//go:embed lua/takeover_show.lua
	inheritSource string
	//go:embed lua/takeover_add.lua
	adoptSource string
	//go:embed lua/takeover_remove.lua
	leaveSource string
	//go:embed lua/takeover_join.lua
	settleSource string
)

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
