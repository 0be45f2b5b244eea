package redis

import (
	"context"
	"errors"
	"fmt"

	"github.com/klauspost/compress/s2"
	"github.com/redis/go-redis/v9"

	"github.com/leadgate/leadgate/internal/queue"
)

// writePieces writes the group's record.
func (n *note) writePieces(ctx context.Context, g *queue.Group) error {
	p := split(g)
	record := appendGroup(nil, g, &p)
	for len(record) > 0 {
		pipe := n.r.client.Pipeline()
		for bytes := 0; len(record) > 0 && bytes < roundBytes; {
			size := min(len(record), pieceBytes)
			n.pieces++
			pipe.Set(ctx, n.piece(n.pieces), s2.Encode(nil, record[:size]), pieceLife)
			record = record[size:]
			bytes += size
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// read returns the group's record, nil if a piece is gone.
func (n *note) read(ctx context.Context) (record []byte, err error) {
	const atOnce = roundBytes / pieceBytes
	for first := 1; first <= n.pieces; first += atOnce {
		pipe := n.r.client.Pipeline()
		var cmds []*redis.StringCmd
		for i := first; i < first+atOnce && i <= n.pieces; i++ {
			cmds = append(cmds, pipe.Get(ctx, n.piece(i)))
		}
		_, _ = pipe.Exec(ctx)
		for _, cmd := range cmds {
			block, err := cmd.Bytes()
			if errors.Is(err, redis.Nil) {
				return nil, nil
			}
			if err != nil {
				return nil, err
			}
			size, err := s2.DecodedLen(block)
			if err == nil && size > pieceLimit {
				err = errors.New("a piece is too large")
			}
			var piece []byte
			if err == nil {
				piece, err = s2.Decode(nil, block)
			}
			if err != nil {
				return nil, noteProblem{fmt.Errorf("reading note: %w", err)}
			}
			record = append(record, piece...)
		}
	}
	return record, nil
}

// removePieces removes the pieces, and the note from the hash of all notes.
func (n *note) removePieces(ctx context.Context) error {
	var keys []string
	for i := range n.pieces {
		keys = append(keys, n.piece(i+1))
	}
	if len(keys) > 0 {
		if err := n.r.client.Unlink(ctx, keys...).Err(); err != nil {
			return err
		}
	}
	return n.r.client.HDel(ctx, n.r.notesKey(), n.field()).Err()
}
