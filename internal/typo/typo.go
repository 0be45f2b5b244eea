// Package typo says what is wrong with a value of a configuration that cannot be
// meant as it stands: a placeholder that is none, a header that cannot be sent, an
// address that programs read differently. Its texts show no secret; they go behind
// the name of an option. It is a leaf.
package typo

import (
	"regexp"
	"slices"
	"strings"
)

// Placeholder says what is wrong with a value that was surely meant as a placeholder
// and is none, so that the edge would run with the letters themselves as its
// secret; "" for any other.
func Placeholder(value string) string {
	if scheme, rest, ok := strings.Cut(value, " "); ok && Scheme(scheme) {
		return Placeholder(rest)
	}
	switch {
	case inQuotes.MatchString(value):
		return "stands in single quotes, which would be letters of it: write \" instead, or no quotes"
	case example.MatchString(value):
		return "'" + value + "' is what an example has there: write your own"
	}
	for _, m := range []struct {
		looks *regexp.Regexp
		write string
	}{
		{bareName, "{$1.$2}"},
		{withColon, "{$1.$2}"},
		{shellName, "{env.$1}"},
		{twoBraces, "{$1.$2}"},
		{percents, "{env.$1}"},
		{ofNode, "{env.$1}"},
		{oneBrace, "{$1.$2}"},
		{secretFile, "{file.$0}"},
	} {
		if found := m.looks.FindStringSubmatchIndex(value); found != nil {
			return "'" + value + "' is no placeholder: did you mean " + string(m.looks.ExpandString(nil, m.write, value, found)) + "?"
		}
	}
	return ""
}

var (
	bareName  = regexp.MustCompile(`^(env|file)\.([A-Za-z_/.][\w/.~-]*)\}?$`)
	withColon = regexp.MustCompile(`^\{(env|file)[:/ ]\s*([\w/.~-]+)\}$`)
	shellName = regexp.MustCompile(`^\$\{?([A-Za-z_]\w*)\}?$`)
	twoBraces = regexp.MustCompile(`^\{\{\s*\.?(env|file)\.([\w/.~-]+)\s*\}\}$`)
	percents  = regexp.MustCompile(`^%([A-Za-z_]\w*)%$`)
	ofNode    = regexp.MustCompile(`^process\.env\.([A-Za-z_]\w*)$`)
	oneBrace  = regexp.MustCompile(`^\{(env|file)\.([\w/.~-]+)$`)

	secretFile = regexp.MustCompile(`^/(?:var/)?run/secrets/[\w.-]+$`)

	inQuotes = regexp.MustCompile(`^'.+'$`)
	example  = regexp.MustCompile(`^<[A-Za-z][A-Za-z _-]*>$`)
)

// Separator says what is wrong with the values of an option that are written as in
// another language; "" where nothing is. It shows none, for they may be secrets.
func Separator(args []string) string {
	switch {
	case len(args) > 1 && (args[0] == "=" || args[0] == ":"):
		return "stands before a `" + args[0] + "`, which would be a value of its own: write a space alone"
	case len(args) > 1 && slices.ContainsFunc(args[:len(args)-1], func(arg string) bool { return strings.HasSuffix(arg, ",") }):
		return "has values with a comma between them, which would be a letter of the one before: write a space alone"
	case strings.HasPrefix(args[0], "<") && !strings.Contains(args[0], ">") && strings.HasSuffix(args[len(args)-1], ">"):
		return "has what an example has there: write your own"
	}
	return ""
}

// Header says why a header cannot be sent so, or would say nothing; "" where
// it can.
func Header(field, value string) string {
	switch {
	case !Field(field):
		return "'" + field + "' is no name of a header: write it without a colon or spaces, such as Authorization"
	case strings.EqualFold(field, "Content-Length"), strings.EqualFold(field, "Transfer-Encoding"):
		return "'" + field + "' is not for a configuration to set: it follows from the body"
	case Scheme(strings.TrimSpace(value)):
		return "'" + field + "' is the word " + strings.TrimSpace(value) + " alone, without a token after it; " +
			"if one stands there as {$NAME}, that variable is not set, or empty"
	case strings.ContainsAny(value, "\r\n\x00"):
		return "'" + field + "' has a value of several lines"
	}
	return ""
}

// Field reports whether a header may be called so.
func Field(name string) bool { return name != "" && strings.Trim(name, fieldLetters) == "" }

const fieldLetters = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// schemes are words that stand before a secret and are none.
var schemes = []string{"Bearer", "Basic", "Token"}

// Scheme reports whether a word is what stands before a secret, and none itself.
func Scheme(word string) bool {
	return slices.ContainsFunc(schemes, func(scheme string) bool { return strings.EqualFold(word, scheme) })
}
