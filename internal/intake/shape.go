package intake

import (
	"strings"

	"github.com/leadgate/leadgate/internal/phone"
	"github.com/leadgate/leadgate/normalize"
)

// UnlikelyID says why a value of a match cannot be an id of its kind; "" where it may be.
func UnlikelyID(key, value string) string {
	if !strings.Contains(value, "{") && key != "app" && strings.ContainsAny(value, ",;@'/:<>=") && !strings.HasPrefix(value, "whatsapp:") {
		return "match " + key + " '" + value + "' is no id: write its letters and digits alone, and several with a space between them"
	}
	if key == "phone" && !strings.Contains(value, "{") && !strings.Contains(value, ":") && strings.ContainsFunc(value, isLetter) {
		return "match phone '" + value + "' is no phone number: write its digits with the country's code, such as +15551234567"
	}
	if !strings.HasSuffix(key, "_id") || key == "channel_id" {
		return ""
	}
	digits := phone.Digits(value)
	isPhone := strings.HasPrefix(value, "+") || digits != value && strings.Trim(value, "0123456789+ ()-.") == "" ||
		key == "phone_number_id" && digits == value && len(digits) >= 10 && len(digits) <= 13 && normalize.PhoneFromWaID(digits) != ""
	switch {
	case isPhone && len(digits) >= 7:
		return "match " + key + " '" + value + "' is a phone number, and not the id that Meta gives it: " +
			"write `match phone " + value + "`, or the id that Meta's dashboard shows beside the number"
	case strings.HasPrefix(value, "AC") && key != "account_sid" && len(value) == 34:
		return "match " + key + " '" + value + "' is a Twilio account: write `match account_sid " + value + "`"
	}
	return ""
}

func isLetter(r rune) bool { return r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' }
