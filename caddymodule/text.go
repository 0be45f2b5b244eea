package caddymodule

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"unicode"

	"github.com/caddyserver/caddy/v2"

	"github.com/leadgate/leadgate/internal/typo"
)

// replaceText replaces the placeholders of an option. One that resolves to
// nothing, or to white space alone, is an error, so that an empty secret is never
// "no check". The error names the placeholder, not what it held; of a file it
// says what is wrong.
func replaceText(repl *caddy.Replacer, option, text string) (string, error) {
	if problem := typo.Placeholder(text); problem != "" {
		return "", fmt.Errorf("%s: %s", option, problem)
	}
	out, err := repl.ReplaceFunc(text, func(placeholder string, value any) (any, error) {
		switch _, known := repl.Get(placeholder); {
		case !known:
			if found := variable.FindStringSubmatch(placeholder); found != nil {
				return nil, fmt.Errorf("unrecognized placeholder {%s}: did you mean {env.%s}?", placeholder, found[1])
			}
			return nil, fmt.Errorf("unrecognized placeholder {%s}", placeholder)
		case blank(caddy.ToString(value)):
			return nil, fmt.Errorf("evaluated placeholder {%s} is empty%s", placeholder, setIt(placeholder))
		}
		return value, nil
	})
	if err != nil {
		if problem := fileProblem(text); problem != nil {
			err = problem
		}
		return "", fmt.Errorf("%s: %w", option, err)
	}
	if blank(out) {
		return "", fmt.Errorf("%s: %q is empty", option, text)
	}
	return out, nil
}

// setIt says what to do where a variable of the environment is not set.
func setIt(placeholder string) string {
	name, ok := strings.CutPrefix(placeholder, "env.")
	if !ok {
		return ""
	}
	return ": set " + name + " where Caddy runs, or write it into the file of --envfile"
}

// blank reports whether a text has nothing in it that anybody would see, so that it
// is no secret: spaces, line ends, a byte order mark.
func blank(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) }) < 0
}

var variable = regexp.MustCompile(`^(?:(?i:env)\.)?([A-Z_][A-Z0-9_]*)$`)

var filePlaceholder = regexp.MustCompile(`\{file\.([^}]+)\}`)

// fileProblem says why a {file.*} in a text resolves to nothing: to Caddy, a
// missing file and an empty one are the same. nil where files are not the reason.
func fileProblem(text string) error {
	for _, found := range filePlaceholder.FindAllStringSubmatch(text, -1) {
		path := found[1]
		content, err := os.ReadFile(path)
		var reason *fs.PathError
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("the file %s does not exist: write the path of one that does, or make it", path)
		case errors.As(err, &reason):
			return fmt.Errorf("the file %s cannot be read: %w", path, reason.Err)
		case err != nil:
			return fmt.Errorf("the file %s cannot be read", path)
		case blank(string(content)):
			return fmt.Errorf("the file %s is empty", path)
		}
	}
	return nil
}
