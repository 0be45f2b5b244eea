package queue

import (
	_ "embed"
	"strings"
)

// The scripts, as they are sent. They are sent whole each time (EVAL): a
// script that a restarted server doesn't know would fail in the middle of a
// pipeline, and comments and indentation are all that is worth saving.
var (
	scriptAppend  = strip(appendSource)
	scriptLease   = strip(leaseSource)
	scriptRelease = strip(releaseSource)
	scriptDone    = strip(doneSource)
	scriptRetry   = strip(retrySource)
	scriptDead    = strip(deadSource)
	scriptReplay  = strip(replaySource)
	scriptMove    = strip(moveSource)
	scriptDrop    = strip(dropSource)
	scriptState   = strip(stateSource)
	scriptInfo    = strip(infoSource)
	scriptScan    = strip(scanSource)
	scriptTrim    = strip(trimSource)
	scriptErase   = strip(eraseSource)
)

var (
	//go:embed redis_append.lua
	appendSource string
	//go:embed redis_lease.lua
	leaseSource string
	//go:embed redis_release.lua
	releaseSource string
	//go:embed redis_done.lua
	doneSource string
	//go:embed redis_retry.lua
	retrySource string
	//go:embed redis_dead.lua
	deadSource string
	//go:embed redis_replay.lua
	replaySource string
	//go:embed redis_move.lua
	moveSource string
	//go:embed redis_drop.lua
	dropSource string
	//go:embed redis_state.lua
	stateSource string
	//go:embed redis_info.lua
	infoSource string
	//go:embed redis_scan.lua
	scanSource string
	//go:embed redis_trim.lua
	trimSource string
	//go:embed redis_erase.lua
	eraseSource string
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
