package redis

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/codec"
	"github.com/leadgate/leadgate/internal/queue/redis/lua"
)

// PutCode implements [queue.Queue].
func (r *Store) PutCode(ctx context.Context, tenant string, c queue.Code) (queue.Code, bool, error) {
	const doing = "storing code"
	if err := errors.Join(r.servers.refused(), c.Validate(tenant)); err != nil {
		return queue.Code{}, false, fmt.Errorf("%s: %w", doing, err)
	}
	was := ""
	for range putRounds {
		answer, rest, err := r.putCode(ctx, tenant, &c, was)
		if err != nil {
			return queue.Code{}, false, queueError(doing, err)
		}
		switch answer {
		case "new":
			c.Key = ""
			return c, true, nil
		case "is":
			out, err := readCode(was, rest, 0)
			if err != nil {
				err = fmt.Errorf("%s: %w", doing, err)
			}
			return out, false, err
		case "taken":
			return queue.Code{}, false, fmt.Errorf("%s: %w", doing, queue.ErrCodeTaken)
		case "full":
			return queue.Code{}, false, fmt.Errorf("%s: %w: %s", doing, queue.ErrTooManyCodes, c.Of)
		}
		was = rest
	}
	return queue.Code{}, false, fmt.Errorf("%s: %w: others store codes for the same", doing, queue.ErrUnavailable)
}

// putCode calls the script, which says what it did, and one thing more.
func (r *Store) putCode(ctx context.Context, tenant string, c *queue.Code, was string) (answer, rest string, err error) {
	opts, k, now := r.options.Load(), r.keys(tenant), r.now()
	key := codec.HashKey(tenant, c.Key)
	till, open := c.Expiry(opts), int64(0)
	if c.Claim > 0 {
		open = c.At + c.Claim.Milliseconds()
	}
	// Claimed at the last moment it is there for as long again.
	known := max(till, open+opts.RememberClicks.Milliseconds()) - now
	rows := []string{k.code(c.Code), k.drawn(key), k.unclaimed(), k.codesOf(), k.code(c.Code)}
	if was != "" {
		rows[4] = k.code(was)
	}
	list, err := r.runDurably(ctx, k, lua.CodePut, rows, now, till, open, string(key[:]), appendCodeRest(nil, c),
		c.Code, was, c.Of, opts.CodesOf(), opts.Unclaimed(), k.base, max(known, 1)).StringSlice()
	if err != nil || len(list) == 0 {
		return "", "", err
	}
	return list[0], list[len(list)-1], nil
}

// putRounds is how often a code is stored anew that was drawn for the same as another,
// which came and went meanwhile.
const putRounds = 8

// Codes implements [queue.Queue].
func (r *Store) Codes(ctx context.Context, tenant string, codes []string) ([]queue.Code, error) {
	const doing = "looking codes up"
	if len(codes) == 0 {
		return nil, nil
	}
	found, k, now := make([]queue.Code, 0, len(codes)), r.keys(tenant), r.now()
	for part := range slices.Chunk(codes, codesStep) {
		names := make([]string, len(part))
		for i, code := range part {
			names[i] = k.code(code)
		}
		values, err := r.client.MGet(ctx, names...).Result()
		if err != nil {
			return nil, queueError(doing, err)
		}
		for i, v := range values {
			row, _ := v.(string)
			c, err := readCode(part[i], row, now)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", doing, err)
			}
			found = append(found, c)
		}
	}
	return found, nil
}

// appendCodeRest appends what only Go reads of a row: what it is counted by, when it was
// drawn, how long it may be claimed (ms), data.
func appendCodeRest(dst []byte, c *queue.Code) []byte {
	dst = binary.AppendVarint(codec.AppendText(dst, c.Of), c.At)
	return codec.AppendText(binary.AppendVarint(dst, c.Claim.Milliseconds()), c.Data)
}

// readCode reads a row, see lua/codes.lua: the zero Code if there is none, or none any
// more at a time (0 = it is there).
func readCode(code, row string, now int64) (queue.Code, error) {
	if row == "" {
		return queue.Code{}, nil
	}
	r := codec.Reader{Rest: []byte(row)}
	r.Version(1)
	number := func() int64 {
		if b := r.Take(8); b != nil {
			return int64(math.Float64frombits(binary.BigEndian.Uint64(b)))
		}
		return 0
	}
	text := func() string {
		if b := r.Take(2); b != nil {
			return string(r.Take(uint64(binary.BigEndian.Uint16(b))))
		}
		return ""
	}
	till := number()
	number()
	text()
	c := queue.Code{Code: code, Owner: text()}
	c.Of, c.At, c.Claim, c.Data = r.Text(), r.Varint(), r.Milliseconds(), r.Bytes()
	switch {
	case r.Err != nil:
		return queue.Code{}, fmt.Errorf("reading code: %w", r.Err)
	case now > 0 && till != 0 && till <= now:
		return queue.Code{}, nil
	}
	return c, nil
}

// codes removes the rows that the contact claimed under one of its names.
func (e *erasure) codes(ctx context.Context) error {
	for _, name := range e.names {
		h := codec.HashKey(e.keys.tenant, name)
		set := e.keys.claimed(h)
		err := e.scan(ctx, set, func(codes []string) error {
			rows, args := []string{set}, []any{e.r.now(), string(h[:]), e.keys.base}
			for _, code := range codes {
				rows, args = append(rows, e.keys.code(code)), append(args, code)
			}
			n, err := e.r.runDurably(ctx, e.keys, lua.CodeErase, rows, args...).Int()
			e.total += n
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (k tenantKeys) code(code string) string        { return k.base + "v:" + code }
func (k tenantKeys) drawn(h codec.KeyHash) string   { return k.base + "j:" + hex.EncodeToString(h[:]) }
func (k tenantKeys) unclaimed() string              { return k.base + "z" }
func (k tenantKeys) codesOf() string                { return k.base + "x" }
func (k tenantKeys) claimed(h codec.KeyHash) string { return k.base + "y:" + hex.EncodeToString(h[:]) }
