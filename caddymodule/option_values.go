package caddymodule

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/dustin/go-humanize"

	"github.com/leadgate/leadgate/internal/typo"
	"github.com/leadgate/leadgate/internal/wording"
)

// value is where a setting is kept, and how it is read.
type value interface {
	// parse takes the words that stand behind the option in a Caddyfile.
	parse(option string, words []string) error
	// check says what is wrong with what only JSON can say.
	check(option string) error
	// get is the setting, to be compared with another's.
	get() any
	// empty reports whether it was left out.
	empty() bool
}

// placeholders is a value in which they are replaced.
type placeholders interface {
	replace(option string, by func(option, text string) (string, error)) error
}

// textValue is a text in which placeholders are replaced.
type textValue struct{ to *string }

func (v textValue) parse(option string, words []string) (err error) {
	*v.to, err = literal(option, words)
	return err
}
func (textValue) check(string) error { return nil }
func (v textValue) get() any         { return *v.to }
func (v textValue) empty() bool      { return *v.to == "" }

func (v textValue) replace(option string, by func(option, text string) (string, error)) (err error) {
	if *v.to != "" {
		*v.to, err = by(option, *v.to)
	}
	return err
}

// wordValue is one of a few words, or what test takes.
type wordValue struct {
	to   *string
	test func(option, word string) error // nil: what uses it tests it
}

func (v wordValue) parse(option string, words []string) (err error) {
	if *v.to, err = literal(option, words); err != nil {
		return err
	}
	return v.check(option)
}

func (v wordValue) check(option string) error {
	if *v.to == "" || v.test == nil {
		return nil
	}
	return v.test(option, *v.to)
}
func (v wordValue) get() any    { return *v.to }
func (v wordValue) empty() bool { return *v.to == "" }

// oneOf tests that a word is one of these.
func oneOf(words ...string) func(option, word string) error {
	return func(option, word string) error {
		if slices.Contains(words, word) {
			return nil
		}
		return fmt.Errorf("%s '%s' is unknown: write %s", option, word, wording.Or(words))
	}
}

// isName tests that a word may be a tenant's or a destination's name.
func isName(option, word string) error {
	if wording.ValidName(word) {
		return nil
	}
	return fmt.Errorf("%s '%s' is not of letters, digits, dots, dashes and underscores, at most 64", option, word)
}

// nameValue is a name. What JSON has is tested where more is known of whose it is.
type nameValue struct{ to *string }

func (v nameValue) parse(option string, words []string) error {
	return wordValue{v.to, isName}.parse(option, words)
}
func (nameValue) check(string) error { return nil }
func (v nameValue) get() any         { return *v.to }
func (v nameValue) empty() bool      { return *v.to == "" }

// listValue is texts, of a line or of several.
type listValue struct {
	to   *[]string
	test func(words []string) error // nil: what uses them tests them
}

func (v listValue) parse(option string, words []string) error {
	if err := literals(option, words); err != nil {
		return err
	}
	if v.test != nil {
		if err := v.test(words); err != nil {
			return err
		}
	}
	*v.to = append(*v.to, words...)
	return nil
}

func (v listValue) check(string) error {
	if len(*v.to) == 0 || v.test == nil {
		return nil
	}
	return v.test(*v.to)
}
func (v listValue) get() any    { return *v.to }
func (v listValue) empty() bool { return len(*v.to) == 0 }

// wordsValue reads an option's words by a function. What JSON has of it is tested
// where it is used.
type wordsValue func(words []string) error

func (v wordsValue) parse(option string, words []string) error {
	if err := literals(option, words); err != nil {
		return err
	}
	return v(words)
}
func (wordsValue) check(string) error { return nil }
func (wordsValue) get() any           { return nil }
func (wordsValue) empty() bool        { return false }

// numberValue is a whole number from 1.
type numberValue struct{ to *int }

func (v numberValue) parse(option string, words []string) error {
	text, err := literal(option, words)
	if err != nil {
		return err
	}
	if *v.to, err = strconv.Atoi(text); err != nil || *v.to < 1 {
		return fmt.Errorf("%s '%s' is no whole number from 1 up", option, text)
	}
	return nil
}
func (v numberValue) check(option string) error { return notNegative(option, int64(*v.to)) }
func (v numberValue) get() any                  { return *v.to }
func (v numberValue) empty() bool               { return *v.to == 0 }

// sizeValue is a number of bytes from 1 to most; example is one in the message.
type sizeValue struct {
	to      *int64
	most    uint64
	example string
}

func (v sizeValue) parse(option string, words []string) error {
	text, err := literal(option, words)
	if err != nil {
		return err
	}
	n, err := humanize.ParseBytes(text)
	if err != nil || n == 0 || n > v.most {
		return fmt.Errorf("%s '%s' is no size: write one such as %s", option, text, v.example)
	}
	*v.to = int64(n)
	return nil
}

func (v sizeValue) check(option string) error {
	if *v.to >= 0 {
		return nil
	}
	example, _ := humanize.ParseBytes(v.example) // of ours
	return fmt.Errorf("%s %d is no size: write one in bytes, such as %d, or nothing at all", option, *v.to, example)
}
func (v sizeValue) get() any    { return *v.to }
func (v sizeValue) empty() bool { return *v.to == 0 }

// timeValue is a duration.
type timeValue struct{ to *caddy.Duration }

func (v timeValue) parse(option string, words []string) error {
	text, err := literal(option, words)
	if err != nil {
		return err
	}
	d, err := caddy.ParseDuration(text)
	if err != nil || d <= 0 {
		return fmt.Errorf("%s '%s' is no duration: write one such as 10s, 5m, 72h or 7d", option, text)
	}
	*v.to = caddy.Duration(d)
	return nil
}
func (v timeValue) check(option string) error { return notNegative(option, nanoseconds(*v.to)) }
func (v timeValue) get() any                  { return *v.to }
func (v timeValue) empty() bool               { return *v.to == 0 }

// timeOr0 is a duration of which 0 means something else than the default.
type timeOr0 struct{ to **caddy.Duration }

func (v timeOr0) parse(option string, words []string) error {
	text, err := literal(option, words)
	if err != nil {
		return err
	}
	parsed, err := caddy.ParseDuration(text)
	if err != nil || parsed < 0 {
		return fmt.Errorf("%s '%s' is no duration: write one such as 1s or 0s", option, text)
	}
	d := caddy.Duration(parsed)
	*v.to = &d
	return nil
}

func (v timeOr0) check(option string) error {
	if *v.to == nil {
		return nil
	}
	return notNegative(option, nanoseconds(**v.to))
}
func (v timeOr0) get() any    { return *v.to }
func (v timeOr0) empty() bool { return *v.to == nil }

// flagValue is what is on where its word stands.
type flagValue struct{ to *bool }

func (v flagValue) parse(option string, words []string) error {
	if len(words) > 0 {
		return takesNothing(option, words[0])
	}
	*v.to = true
	return nil
}
func (flagValue) check(string) error { return nil }
func (v flagValue) get() any         { return *v.to }
func (v flagValue) empty() bool      { return !*v.to }

// nanoseconds are a duration's; negative where JSON most likely has a number of
// seconds, which it takes as nanoseconds.
func nanoseconds(d caddy.Duration) int64 {
	if d > 0 && time.Duration(d) < time.Microsecond {
		return -1
	}
	return int64(d)
}

// notNegative refuses numbers that would mean no limit, or no time at all.
func notNegative(option string, n int64) error {
	if n >= 0 {
		return nil
	}
	return fmt.Errorf("%s is negative, or a time without its unit: "+
		"write a number such as 8, a time such as \"10s\", or nothing at all", option)
}

// literals says what is wrong with the words of an option: there must be at least
// one, and none empty.
func literals(option string, words []string) error {
	if len(words) == 0 {
		return fmt.Errorf("%s needs a value; if one stands there as {$NAME}, that variable is not set, or empty", option)
	}
	return anyLiterals(option, words)
}

// anyLiterals is literals where there may be none.
func anyLiterals(option string, words []string) error {
	if len(words) > 0 {
		if problem := typo.Separator(words); problem != "" {
			return fmt.Errorf("%s %s", option, problem)
		}
	}
	for _, word := range words {
		if blank(word) {
			return fmt.Errorf("%s has an empty value", option)
		}
		if problem := typo.Placeholder(word); problem != "" {
			return fmt.Errorf("%s %s", option, problem)
		}
	}
	return nil
}

// literal is the one word of an option.
func literal(option string, words []string) (string, error) {
	if err := literals(option, words); err != nil {
		return "", err
	}
	if len(words) > 1 {
		return "", fmt.Errorf("%s takes one value, not %d", option, len(words))
	}
	return words[0], nil
}

// providerNames lists the registered providers, guests included.
func providerNames() []string {
	var names []string
	for _, m := range caddy.GetModules("leadgate.providers") {
		names = append(names, m.ID.Name())
	}
	return names
}
