// Package finding is what a check of a configuration finds: how bad it is, what it
// is, and what to do. The doctor shows findings, a configuration that is loaded
// logs some, and each kind of destination has its own; so they know none of
// them. It is a leaf.
package finding

import (
	"regexp"
	"strings"
)

// Level is how bad a finding is.
type Level string

// The levels.
const (
	OK   Level = "ok"
	Warn Level = "warn" // works in part, or may not work
	Fail Level = "fail" // the edge does not work
)

// Finding is one of them. Neither text holds a secret, or a phone number whole.
type Finding struct {
	Level Level
	What  string
	Fix   string // what to do about it; "" where nothing is, or What says it
}

// List is what several checks found, in order.
type List []Finding

// OK adds a finding that all is well with something.
func (l *List) OK(what string) { *l = append(*l, Finding{OK, what, ""}) }

// Warn adds a finding of what works in part, or may not work.
func (l *List) Warn(what, fix string) { *l = append(*l, Finding{Warn, what, fix}) }

// Fail adds a finding of what keeps the edge from working.
func (l *List) Fail(what, fix string) { *l = append(*l, Finding{Fail, what, fix}) }

// PlainText warns of options whose secrets stand in the configuration; of none,
// it adds nothing.
func (l *List) PlainText(where string, options ...string) {
	if len(options) > 0 {
		l.Warn(where+": "+strings.Join(options, " and ")+" in plain text: Caddy shows and saves its configuration",
			"write {env.NAME} or {file./path} instead; {$NAME} ends up in the configuration, too")
	}
}

// Count is how many findings are of a level.
func (l List) Count(level Level) int {
	n := 0
	for i := range l {
		if l[i].Level == level {
			n++
		}
	}
	return n
}

var placeholder = regexp.MustCompile(`\{(env|file)\.[^}]+\}`)

// IsLiteral reports whether an option's value is the secret itself, and not the
// place where it stands.
func IsLiteral(value string) bool { return !placeholder.MatchString(value) }
