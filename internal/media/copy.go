package media

import (
	"bytes"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"sync"
)

// copier sends a file on. What was read is sent one step later, so that the
// end of a file whose digest is wrong is never sent: the client sees a file cut
// off, or, if it is short, an error instead of a file.
type copier struct {
	to     io.Writer
	start  func()    // sends the header
	limit  int64     // bytes
	length int64     // as announced; -1: not known
	digest hash.Hash // nil: not checked
	want   []byte

	begun      bool
	read, sent int64
}

const step = 64 << 10

var buffers = sync.Pool{New: func() any { return new([2 * step]byte) }}

func (c *copier) run(from io.Reader) *failure {
	buffer := buffers.Get().(*[2 * step]byte)
	defer buffers.Put(buffer)
	next, spare := buffer[:step], buffer[step:]
	var held []byte
	for {
		n, err := fill(from, next)
		c.read += int64(n)
		if c.digest != nil {
			c.digest.Write(next[:n])
		}
		if failure := c.check(err); failure != nil {
			failure.begun = c.begun
			return failure
		}
		if len(held) > 0 {
			if failure := c.send(held); failure != nil {
				return failure
			}
		}
		held = next[:n]
		if errors.Is(err, io.EOF) {
			return c.send(held)
		}
		next, spare = spare, next
	}
}

// check looks at what has been read so far; err is io.EOF at the end.
func (c *copier) check(err error) *failure {
	switch {
	case c.read > c.limit:
		return tooLarge(c.limit)
	case c.length >= 0 && c.read > c.length:
		return corrupt("it is longer than was announced")
	case err == nil:
		return nil
	case !errors.Is(err, io.EOF):
		f := unreachable(fmt.Errorf("reading file: %w", err))
		if f.outcome == "unreachable" {
			f.sentence = "the file broke off; ask again"
		}
		return f
	case c.length >= 0 && c.read < c.length:
		return corrupt("it is shorter than was announced")
	case c.digest != nil && !bytes.Equal(c.digest.Sum(nil), c.want):
		return corrupt("its SHA-256 is not the one that Meta gives")
	}
	return nil
}

// send writes to the client, which may have gone.
func (c *copier) send(p []byte) *failure {
	if !c.begun {
		c.begun = true
		c.start()
	}
	n, err := c.to.Write(p)
	c.sent += int64(n)
	if err != nil {
		return &failure{outcome: "canceled", sentence: "the client took no more", err: err, begun: true}
	}
	return nil
}

// fill reads until p is full or the reader ends, and returns the reader's own
// error, so that a file that breaks off is told from one that ends.
func fill(from io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var k int
		k, err = from.Read(p[n:])
		n += k
	}
	return n, err
}

func corrupt(why string) *failure {
	return &failure{status: http.StatusBadGateway, outcome: "corrupt",
		sentence: "what came is not the file that Meta describes: " + why + "; ask again"}
}

func tooLarge(limit int64) *failure {
	return &failure{status: http.StatusBadGateway, outcome: "too_large",
		sentence: fmt.Sprintf("the file is over %d bytes, the `max_size` of leadgate_media", limit)}
}
