package embedded

import (
	"fmt"
	"path/filepath"
)

// Damage says that a store's files are not what they were. Nothing was changed, and the
// store is not opened: an edge that went on would answer for events that it no longer has.
type Damage struct {
	File string // its path
	What string // what is wrong with it
	Loss string // what would be lost by going on
}

func (d *Damage) Error() string {
	return fmt.Sprintf("%s is damaged: %s; the edge does not start, since %s would be lost without a word: "+
		"put both files of this folder back as they were at one moment, or run `caddy leadgate repair --dir %s`, "+
		"which keeps the damaged files beside, saves every record that can be read, and counts what could not",
		d.File, d.What, d.Loss, filepath.Dir(d.File))
}

// What would be lost, in the words of [Damage].
const (
	lossAll     = "all that waits for delivery, the dead letters, the remembered ids and the clicks"
	lossBatches = "what came since leadgate.db was last written (up to 2 MiB of webhooks)"
	lossSince   = "what came between the two"
)

func missing(path, other, loss string) *Damage {
	return &Damage{File: path, What: "it is missing, and " + filepath.Base(other) + " beside it is not", Loss: loss}
}
