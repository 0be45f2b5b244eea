package redis

import "time"

// All limits of this package. Redis does one thing at a time, so no script may take it
// more than a few milliseconds: whatever may be large goes in steps of a bounded
// number of things and of bytes.
const (
	// A call of the append script carries groups of one tenant, as many as stay below
	// these: events, commands of Redis's at worst, bytes on the wire, bytes that are
	// written into streams. A group is never split for them: see the next ones.
	callEvents  = 256
	callSteps   = 2 * partSteps
	callBytes   = 1 << 20
	callWritten = 4 << 20

	// A group that is more than this by itself is heavy. It goes in parts of so many
	// events, commands at worst, and bytes that are written into streams, unless one
	// entry alone is larger. See note.go.
	partEvents = callEvents
	partSteps  = 4000
	partBytes  = 1 << 20
	heavyBytes = 2 << 20 // what an ordinary group may write in one call

	// A pipeline carries so many commands, bytes and, at worst, commands of scripts.
	// Who comes meanwhile waits for it.
	pipelineCommands = 1000
	pipelineBytes    = 8 << 20
	pipelineSteps    = 8 * callSteps

	// A heavy group is stored by its caller. An edge stores so many at once, each of
	// which costs it its bytes twice; so many calls and bytes go in a round trip.
	heavyAtOnce = 2
	roundCalls  = 16
	roundBytes  = 4 << 20

	// The pieces and the note of a heavy group.
	pieceBytes = 512 << 10
	pieceLimit = 4 << 20             // what no piece comes near
	pieceLife  = 10 * time.Minute    // of a piece, until the note is written
	noteLife   = 30 * 24 * time.Hour // of both, from then on
	noteDone   = time.Minute         // how long it is known that a note was finished
	noteAge    = 10 * time.Second    // by then who wrote the note has had the time to finish it

	// Bundles.
	bundleEntries  = 64
	bundleBytes    = 256 << 10 // of entries, before they are compressed
	bundledPayload = 32 << 10  // a larger payload is an entry of its own
	bundleLimit    = 4 << 20   // what no bundle comes near, headers of HTTP included

	// A call of a script that removes delivered entries, or stores retries and deaths.
	donePositions = 1000 // Lua's unpack has a limit of about 8000
	drainStep     = 200
	drainBytes    = 1 << 20 // of entries, which the script must read

	// A call that moves entries or dead letters, or puts dead letters back.
	moveEntries = 256
	moveBytes   = 1 << 20

	// A call that lists dead letters: it must read their payloads, too.
	scanLetters = 250
	scanBytes   = 1 << 20

	// Dead letters that are trimmed at a time, and how many times in a row.
	trimLetters = 200
	trimRounds  = 50

	codesStep  = 500  // codes that are looked up in a command
	eraseStep  = 200  // keys, messages or dead letters of a contact in a call
	infoDests  = 200  // destinations that are looked at in a round trip
	scanFields = 1000 // fields of a hash that a command asks for

	waitRounds = 4 // of calls that wait for replicas: scripts to send, nodes that have moved

	clusterMarkers = 64 // spread over a Cluster's slots

	maxArena    = 4 << 20 // bytes of memory that a buffer holds on to
	linkedSlots = 1 << 16 // keys of which it is known that the script was told of them, …
	linkedMS    = 60_000  // … and for how long: another edge may store a click
)

// timing is the protocol between edges. Tests shorten it.
type timing struct {
	sweep   time.Duration // between looks at all destinations
	ttl     time.Duration // how long a lease lives
	renew   time.Duration // between renewals
	hold    time.Duration // after the last good renewal began, no new send is started
	silence time.Duration // nor when a look has had no answer for so long, until one has
	trim    time.Duration // between looks for dead letters that have expired
	watch   time.Duration // between looks at what the servers say of themselves
	mark    time.Duration // between looks for the markers
	timeout time.Duration // for dialing, reading and writing
}

var defaultTiming = timing{
	sweep: time.Second, ttl: 10 * time.Second, renew: 3 * time.Second, hold: 6 * time.Second, silence: 250 * time.Millisecond,
	trim: time.Minute, watch: time.Minute, mark: 5 * time.Second, timeout: 2 * time.Second,
}

// Units of time, ms.
const (
	hourMS = int64(time.Hour / time.Millisecond)
	dayMS  = 24 * hourMS
)
