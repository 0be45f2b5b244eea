package caddymodule

import (
	"fmt"

	"github.com/caddyserver/caddy/v2"
)

// errorf makes an error that is a sentence to the user; it wraps nothing.
func errorf(format string, args ...any) error { return fmt.Errorf(format, args...) }

// replaceText replaces the placeholders of an option. One that resolves to
// nothing is an error, so that an empty secret is never "no check". The error
// names the placeholder, not what it held.
func replaceText(repl *caddy.Replacer, option, text string) (string, error) {
	out, err := repl.ReplaceOrErr(text, true, true)
	if err != nil {
		return "", fmt.Errorf("%s: %w", option, err)
	}
	if out == "" {
		return "", fmt.Errorf("%s: %q is empty", option, text)
	}
	return out, nil
}
