package command

import (
	"io"
	"os"

	"github.com/leadgate/leadgate/internal/printable"
)

// isTerminal reports whether a stream is one where a person sits.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// terminal is w if it is a terminal, else nil.
func terminal(w io.Writer) io.Writer {
	if p, ok := w.(*printable.Writer); ok {
		w = p.W // what is written over lines that stand there is our own
	}
	if isTerminal(w) {
		return w
	}
	return nil
}
