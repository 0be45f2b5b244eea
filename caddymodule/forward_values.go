package caddymodule

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/typo"
)

// onlyValue is the words of `only`.
type onlyValue struct{ to *[]string }

func (v onlyValue) parse(option string, words []string) error {
	return listValue{v.to, testOnly}.parse(option, words)
}

func (v onlyValue) check(option string) error {
	if err := testOnly(*v.to); err != nil {
		return fmt.Errorf("%s: %w", option, err)
	}
	return nil
}

func (v onlyValue) get() any {
	wants, _ := destination.ParseWants(*v.to...)
	return wants
}
func (v onlyValue) empty() bool { return len(*v.to) == 0 }

func testOnly(words []string) error {
	_, err := destination.ParseWants(words...)
	return err
}

// headerValue is fields of an HTTP header.
type headerValue struct{ to *map[string][]string }

func (v headerValue) parse(_ string, words []string) error {
	if len(words) != 2 || words[0] == "" || words[1] == "" {
		return errors.New("header needs a field and a value: write `header Authorization \"Bearer {env.TOKEN}\"`")
	}
	if problem := typo.Placeholder(words[1]); problem != "" {
		return fmt.Errorf("header %s %s", words[0], problem)
	}
	if problem := typo.Header(words[0], words[1]); problem != "" {
		return fmt.Errorf("header %s", problem)
	}
	if *v.to == nil {
		*v.to = make(map[string][]string)
	}
	(*v.to)[words[0]] = append((*v.to)[words[0]], words[1])
	return nil
}

func (headerValue) check(string) error { return nil }

func (v headerValue) replace(option string, by func(option, text string) (string, error)) error {
	replaced := make(map[string][]string, len(*v.to))
	for field, values := range *v.to {
		for _, text := range values {
			text, err := by(option+" "+field, text)
			if err != nil {
				return err
			}
			if problem := typo.Header(field, text); problem != "" {
				return fmt.Errorf("%s: %s", option, problem)
			}
			replaced[field] = append(replaced[field], text)
		}
	}
	*v.to = replaced
	return nil
}

func (v headerValue) canonical() http.Header {
	h := make(http.Header, len(*v.to))
	for field, values := range *v.to {
		for _, text := range values {
			h.Add(field, text)
		}
	}
	return h
}
func (v headerValue) get() any    { return v.canonical() }
func (v headerValue) empty() bool { return len(*v.to) == 0 }

// rateValue is a number of requests a second, 0 for no limit.
type rateValue struct{ to *float64 }

// maxRate is beyond what anything sends.
const maxRate = 1e9

func (v rateValue) parse(option string, words []string) error {
	text, err := literal(option, words)
	if err != nil {
		return err
	}
	if *v.to, err = strconv.ParseFloat(text, 64); err != nil {
		*v.to = math.NaN()
	}
	return v.test(option, "'"+text+"'")
}

func (v rateValue) check(option string) error { return v.test(option, fmt.Sprint(*v.to)) }

func (v rateValue) test(option, text string) error {
	if *v.to >= 0 && *v.to <= maxRate {
		return nil
	}
	return fmt.Errorf("%s %s is no number of requests a second: write one such as 50, or 0 for no limit", option, text)
}
func (v rateValue) get() any    { return *v.to }
func (v rateValue) empty() bool { return *v.to == 0 }

// holdValue is a duration, or forever.
type holdValue struct{ to *string }

func (v holdValue) parse(option string, words []string) (err error) {
	if *v.to, err = literal(option, words); err != nil {
		return err
	}
	_, err = parseHold(*v.to)
	return err
}

func (v holdValue) check(option string) error {
	if v.empty() {
		return nil
	}
	if _, err := parseHold(*v.to); err != nil {
		return fmt.Errorf("%s: %w", option, err)
	}
	return nil
}

func (v holdValue) get() any {
	hold, _ := parseHold(*v.to)
	return hold
}
func (v holdValue) empty() bool { return *v.to == "" }

func parseHold(text string) (time.Duration, error) {
	if text == "forever" {
		return destination.HoldForever, nil
	}
	d, err := caddy.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("hold '%s' is no duration: write one such as 5m, or forever", text)
	}
	return d, nil
}
