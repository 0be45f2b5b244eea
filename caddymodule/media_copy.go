package caddymodule

import (
	"bytes"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"sync"
)

// mediaCopy sends a file on. What was read is sent one step later, so that the
// end of a file whose digest is wrong is never sent: the client sees a file cut
// off, or, if it is short, an error instead of a file.
type mediaCopy struct {
	to     io.Writer
	start  func()    // sends the header
	limit  int64     // bytes
	length int64     // as announced; -1: not known
	digest hash.Hash // nil: not checked
	want   []byte

	begun      bool
	read, sent int64
}

const mediaStep = 64 << 10

var mediaBuffers = sync.Pool{New: func() any { return new([2 * mediaStep]byte) }}

func (c *mediaCopy) run(from io.Reader) *mediaFailure {
	buffer := mediaBuffers.Get().(*[2 * mediaStep]byte)
	defer mediaBuffers.Put(buffer)
	next, spare := buffer[:mediaStep], buffer[mediaStep:]
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
func (c *mediaCopy) check(err error) *mediaFailure {
	switch {
	case c.read > c.limit:
		return tooLargeMedia(c.limit)
	case c.length >= 0 && c.read > c.length:
		return corruptMedia("it is longer than was announced")
	case err == nil:
		return nil
	case !errors.Is(err, io.EOF):
		f := unreachable(fmt.Errorf("reading file: %w", err))
		if f.outcome == "unreachable" {
			f.sentence = "the file broke off; ask again"
		}
		return f
	case c.length >= 0 && c.read < c.length:
		return corruptMedia("it is shorter than was announced")
	case c.digest != nil && !bytes.Equal(c.digest.Sum(nil), c.want):
		return corruptMedia("its SHA-256 is not the one that Meta gives")
	}
	return nil
}

// send writes to the client, which may have gone.
func (c *mediaCopy) send(p []byte) *mediaFailure {
	if !c.begun {
		c.begun = true
		c.start()
	}
	n, err := c.to.Write(p)
	c.sent += int64(n)
	if err != nil {
		return &mediaFailure{outcome: "canceled", sentence: "the client took no more", err: err, begun: true}
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

func corruptMedia(why string) *mediaFailure {
	return &mediaFailure{status: http.StatusBadGateway, outcome: "corrupt",
		sentence: "what came is not the file that Meta describes: " + why + "; ask again"}
}

func tooLargeMedia(limit int64) *mediaFailure {
	return &mediaFailure{status: http.StatusBadGateway, outcome: "too_large",
		sentence: fmt.Sprintf("the file is over %d bytes, the `max_size` of leadgate_media", limit)}
}
