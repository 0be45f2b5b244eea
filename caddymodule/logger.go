package caddymodule

import (
	"sync"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/leadgate/leadgate/internal/printable"
)

// logger is the module's logger, which writes no control character that an event
// or another program's answer brought: zap escapes only some of ASCII's.
func logger(ctx caddy.Context) *zap.Logger {
	return ctx.Logger().WithOptions(zap.WrapCore(func(c zapcore.Core) zapcore.Core { return &printableCore{c} }))
}

type printableCore struct{ zapcore.Core }

// With implements [zapcore.Core].
func (c *printableCore) With(fields []zap.Field) zapcore.Core {
	return &printableCore{c.Core.With(printableFields(fields))}
}

// Check implements [zapcore.Core]. The core below decides, by name and sampling.
func (c *printableCore) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	below := c.Core.Check(entry, nil)
	if below == nil {
		return checked
	}
	e := printableEntries.Get().(*printableEntry)
	e.Core, e.below = c.Core, below
	return checked.AddCore(entry, e)
}

// printableEntries saves a line in the log, such as that of a click, a piece of
// memory.
var printableEntries = sync.Pool{New: func() any { return new(printableEntry) }}

// printableEntry is an entry that the core below takes. It is written once.
type printableEntry struct {
	zapcore.Core

	below *zapcore.CheckedEntry
}

// Write implements [zapcore.Core].
func (e *printableEntry) Write(entry zapcore.Entry, fields []zap.Field) error {
	entry.Message = printable.Text(entry.Message)
	e.below.Entry = entry // with caller and stack
	e.below.Write(printableFields(fields)...)
	*e = printableEntry{}
	printableEntries.Put(e)
	return nil
}

// printableFields are the fields as they are, or a copy where one must change.
func printableFields(fields []zap.Field) []zap.Field {
	copied := false
	for i, f := range fields {
		text := f.String
		switch f.Type {
		case zapcore.StringType:
		case zapcore.ErrorType:
			text = f.Interface.(error).Error()
		default:
			continue
		}
		if safe := printable.Text(text); safe != text {
			if !copied {
				fields, copied = append([]zap.Field(nil), fields...), true
			}
			fields[i] = zap.String(f.Key, safe)
		}
	}
	return fields
}
