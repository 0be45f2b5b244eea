package caddymodule

import (
	"regexp"
	"strings"

	"github.com/leadgate/leadgate/normalize"
)

// misspelt says what is wrong with a value that was surely meant as a placeholder
// and is none, so that the edge would run with the letters themselves as its
// secret; "" for any other.
func misspelt(value string) string {
	for _, m := range []struct {
		looks *regexp.Regexp
		write string
	}{
		{bareName, "{$1.$2}"},
		{withColon, "{$1.$2}"},
		{shellName, "{env.$1}"},
		{twoBraces, "{$1.$2}"},
		{percents, "{env.$1}"},
	} {
		if found := m.looks.FindStringSubmatchIndex(value); found != nil {
			return "'" + value + "' is no placeholder: did you mean " + string(m.looks.ExpandString(nil, m.write, value, found)) + "?"
		}
	}
	return ""
}

var (
	bareName  = regexp.MustCompile(`^(env|file)\.([A-Za-z_/.][\w/.~-]*)$`)
	withColon = regexp.MustCompile(`^\{(env|file)[:/ ]\s*([\w/.~-]+)\}$`)
	shellName = regexp.MustCompile(`^\$\{?([A-Za-z_]\w*)\}?$`)
	twoBraces = regexp.MustCompile(`^\{\{\s*\.?(env|file)\.([\w/.~-]+)\s*\}\}$`)
	percents  = regexp.MustCompile(`^%([A-Za-z_]\w*)%$`)
)

// unlikelyMatch says why a value cannot be an id of its kind; "" where it may be.
func unlikelyMatch(key, value string) string {
	if !strings.HasSuffix(key, "_id") || key == "channel_id" {
		return ""
	}
	digits := onlyDigits(value)
	phone := strings.HasPrefix(value, "+") || digits != value && strings.Trim(value, "0123456789+ ()-.") == "" ||
		key == "phone_number_id" && digits == value && len(digits) >= 10 && len(digits) <= 13 && normalize.PhoneFromWaID(digits) != ""
	switch {
	case phone && len(digits) >= 7:
		return "match " + key + " '" + value + "' is a phone number, and not the id that Meta gives it: write `match phone " + value + "`, or the id that Meta's dashboard shows beside the number"
	case strings.HasPrefix(value, "AC") && key != "account_sid" && len(value) == 34:
		return "match " + key + " '" + value + "' is a Twilio account: write `match account_sid " + value + "`"
	}
	return ""
}
