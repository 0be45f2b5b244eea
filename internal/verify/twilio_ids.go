package verify

import (
	"errors"
	"net/url"
	"strings"
)

// Twilio signs the fields' names and values in a row, without what separates
// them: Body=Hi and From=+1 are signed as BodyHiFrom+1, and so is a field Bo
// with the value dyHiFrom+1. Whoever has seen a webhook, or may choose a text in
// one, could cut the same bytes into other fields. Twilio adds fields without
// notice, so that no list of names can tell; but what an event is known and
// routed by are ids of a shape that stands nowhere by chance.

// idFieldNames are the fields that hold the ids of an account or a message.
var idFieldNames = []string{"AccountSid", "MessageSid", "SmsMessageSid", "SmsSid"}

// sidLen is the length of an id: two letters and 32 hex digits.
// https://www.twilio.com/docs/glossary/what-is-a-sid
const sidLen = 34

func isSID(s string) bool { return len(s) == sidLen && startsWithSID(s) }

func startsWithSID(s string) bool {
	if len(s) < sidLen {
		return false
	}
	for i, c := range []byte(s[:sidLen]) {
		switch {
		case i < 2 && c >= 'A' && c <= 'Z', i >= 2 && (c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'):
		default:
			return false
		}
	}
	return true
}

// checkIDs refuses a form whose fields were cut otherwise than Twilio did:
// one with an id of a wrong shape, or twice; and one whose signed text holds an
// id with its name that is no field of the form.
func checkIDs(form url.Values, text string) error {
	if !holdsID(text) {
		return nil // nothing of Twilio's was cut: somebody tries the edge out with ids of their own
	}
	// A conversation's messages have ids of another sort (IM…).
	notice := form.Has("EventType") || form.Has("ConversationSid")
	for _, name := range idFieldNames {
		values := form[name]
		if len(values) > 1 {
			return errors.New("the form has several " + name + ", which Twilio does not send")
		}
		if len(values) == 0 || values[0] == "" {
			continue
		}
		id := values[0]
		right := isSID(id)
		switch {
		case name == "AccountSid":
			right = right && strings.HasPrefix(id, "AC")
		case !notice:
			right = right && (strings.HasPrefix(id, "SM") || strings.HasPrefix(id, "MM"))
		}
		if !right {
			return errors.New(name + " is no id of Twilio's: it is of 34 characters, AC… of an account, SM… or MM… of a message")
		}
	}
	for _, name := range idFieldNames {
		if idsInText(text, name) > idFields(form, name) {
			return errors.New("the text of the form holds a " + name + " that is none of its fields: it may be another webhook's, cut otherwise")
		}
	}
	for _, name := range []string{"From", "To"} {
		if form.Get(name) == "" && strings.Contains(text, name+"whatsapp:") {
			return errors.New("the text of the form holds the field " + name + ", and the form does not: it may be another webhook's, cut otherwise")
		}
	}
	return nil
}

// holdsID reports whether a text holds an id with its name in front, as all
// that Twilio signs does.
func holdsID(text string) bool {
	for _, name := range idFieldNames {
		if idsInText(text, name) > 0 {
			return true
		}
	}
	return false
}

// idsInText counts how often an id stands in a text with its name in front.
func idsInText(text, name string) (n int) {
	for {
		i := strings.Index(text, name)
		if i < 0 {
			return n
		}
		text = text[i+len(name):]
		if startsWithSID(text) {
			n++
		}
	}
}

// idFields counts the fields that such a text comes from. A field that ends with
// the name and is new to us, as ParentMessageSid would be, is one beside the
// field of that name, and not in its place.
func idFields(form url.Values, name string) (n int) {
	own := form.Get(name) != ""
	for field, values := range form {
		if strings.HasSuffix(field, name) && len(values) == 1 && isSID(values[0]) && (own || field == "SmsMessageSid") {
			n++
		}
	}
	return n
}
