// Package wording is what to say of the names and words that users write: which
// names may be given, what was probably meant by a word that nothing knows, and how
// lists of words stand in a sentence. The Caddyfile, the JSON, the commands and
// the admin API answer alike for it. It is a leaf: it knows no configuration.
//
// Begin with [Meant], which is what most errors end in.
package wording

import (
	"fmt"
	"slices"
	"strings"
)

// ValidName reports whether a tenant or destination may be called so: 1 to 64
// letters, digits, dots, dashes and underscores.
func ValidName(name string) bool {
	if name == "" || len(name) > 64 {
		return false
	}
	for _, c := range []byte(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}

// NoSuch is the answer to a name that nothing has: an error that says which
// there are, since the right one is usually among them.
func NoSuch(kind, name string, known []string) error {
	known = slices.Clone(known)
	slices.Sort(known)
	known = slices.Compact(known)
	if len(known) == 0 {
		return fmt.Errorf("there is no %s %s, and no other one", kind, name)
	}
	const shown = 20
	rest := ""
	if len(known) > shown {
		known, rest = known[:shown], " and others"
	}
	return fmt.Errorf("there is no %s %s; there %s %s%s", kind, name, IsOrAre(len(known)), strings.Join(known, ", "), rest)
}

// IsOrAre is the verb for n things.
func IsOrAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// Or lists words, one at least, as a choice: "a, b or c".
func Or(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	return fmt.Sprintf("%s or %s", strings.Join(words[:len(words)-1], ", "), words[len(words)-1])
}

// Count is a number of things: "1 warning", "2 warnings".
func Count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
