package google

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/leadgate/leadgate/internal/hosts"
)

// SettingError says what is wrong with one of the [Settings].
type SettingError struct {
	Option string // the setting's name in the Caddyfile: login_account
	Text   string // one sentence, which names the option and says what to write instead
}

// Error is the sentence.
func (e *SettingError) Error() string { return e.Text }

// checks are what a setting must be, by its option's name. A check returns the sentence
// of the mistake, without the name in front, "" for none.
var checks = []struct {
	option string
	check  func(s *Settings) string
}{
	{"account", func(s *Settings) string { return checkAccount(s.Account) }},
	{"login_account", checkLoginAccount},
	{"endpoint", checkEndpoint},
	{"event_source", checkEventSource},
}

// Validate says what is wrong with the settings: every mistake is a [*SettingError] of
// what [errors.Join] joins.
func (s *Settings) Validate() error {
	var errs []error
	for _, c := range checks {
		if problem := c.check(s); problem != "" {
			errs = append(errs, &SettingError{Option: c.option, Text: c.option + problem})
		}
	}
	return errors.Join(errs...)
}

// AccountID is the number of an account as Google shows it, 123-456-7890, without its
// hyphens; ok is false for what is none.
func AccountID(text string) (id string, ok bool) {
	id = text
	if len(text) == 12 && text[3] == '-' && text[7] == '-' {
		id = text[:3] + text[4:7] + text[8:]
	}
	return id, len(id) == 10 && digits(id)
}

// ActionID is the number of a conversion action; ok is false for what is none.
func ActionID(text string) (id string, ok bool) {
	return text, len(text) > 0 && len(text) <= 19 && digits(text) && text[0] != '0'
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

func checkAccount(account string) string {
	if id, ok := AccountID(account); !ok || id != account {
		return fmt.Sprintf(" %q is no Google Ads account: write its ten digits, as 123-456-7890", account)
	}
	return ""
}

func checkLoginAccount(s *Settings) string {
	if s.LoginAccount == "" {
		return ""
	}
	return checkAccount(s.LoginAccount)
}

func checkEndpoint(s *Settings) string {
	text := s.endpoint()
	own := func(host string) bool { return strings.HasSuffix(host, ".googleapis.com") }
	if problem := hosts.Endpoint(text, DefaultEndpoint, own); problem != "" {
		return problem
	}
	if u, err := url.Parse(text); err == nil && strings.HasSuffix(strings.TrimRight(u.Path, "/"), "/v1") {
		return fmt.Sprintf(" %q names a version, which is put behind it: write it without", text)
	}
	return ""
}

func checkEventSource(s *Settings) string {
	if !slices.Contains(EventSources, s.eventSource()) {
		return fmt.Sprintf(" %q: write %s or %s", s.EventSource, strings.Join(EventSources[:len(EventSources)-1], ", "),
			EventSources[len(EventSources)-1])
	}
	return ""
}
