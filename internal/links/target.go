package links

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// Target is the chat that a link leads to.
type Target struct {
	Kind    string // whatsapp, messenger, instagram, telegram
	Address string // +15550783881; a page's name or id; a user's name; a bot's name
}

// targetKinds are the chats that a link may lead to. All but WhatsApp take the code
// beside the text, where nobody sees or changes it.
var targetKinds = []struct {
	name    string
	shape   *regexp.Regexp
	example string // what to write
	app     string // as people know it
	url     string // before the address
	param   string // that takes the code
}{
	{"whatsapp", regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`), "the number as +15550783881", "WhatsApp", "https://wa.me/", ""},
	{"messenger", regexp.MustCompile(`^[A-Za-z0-9.-]{1,64}$`), "the page's name or id", "Messenger", "https://m.me/", "ref"},
	{"instagram", regexp.MustCompile(`^[A-Za-z0-9._]{1,30}$`), "the user's name, without an @", "Instagram", "https://ig.me/m/", "ref"},
	{"telegram", regexp.MustCompile(`^[A-Za-z0-9_]{4,32}$`), "the bot's name, without an @", "Telegram", "https://t.me/", "start"},
}

// TargetKinds are the kinds that a target may be of.
func TargetKinds() (names []string) {
	for i := range targetKinds {
		names = append(names, targetKinds[i].name)
	}
	return names
}

// Check says what is wrong with a target. An address may be looked at later, when its
// placeholders are known.
func (t Target) Check(address bool) error {
	for i := range targetKinds {
		kind := &targetKinds[i]
		switch {
		case kind.name != t.Kind:
		case address && !kind.shape.MatchString(t.Address):
			return fmt.Errorf("to %s '%s': write %s", t.Kind, t.Address, kind.example)
		default:
			return nil
		}
	}
	return fmt.Errorf("to '%s' is unknown: write one of %s, and its number or name", t.Kind, strings.Join(TargetKinds(), ", "))
}

// InText reports whether the code goes into the text, and so that there must be one.
func (t Target) InText() bool { return t.Kind == "whatsapp" }

// app is the chat as people know it, and what they would know the other side by.
func (t Target) app() (name, who string) {
	for i := range targetKinds {
		if targetKinds[i].name == t.Kind {
			name = targetKinds[i].app
		}
	}
	if t.InText() {
		return name, "… " + t.Address[len(t.Address)-4:]
	}
	return name, t.Address
}

// url is where the chat opens; code is as people see it, "" for none.
func (t Target) url(text, code string) string {
	for i := range targetKinds {
		kind := &targetKinds[i]
		switch {
		case kind.name != t.Kind:
		case t.InText():
			return withQuery(kind.url+strings.TrimPrefix(t.Address, "+"), "text", textFor(text, code))
		case code == "":
			return kind.url + t.Address
		default:
			return withQuery(kind.url+t.Address, kind.param, "lg-"+code)
		}
	}
	return ""
}

// textFor is what the visitor sends; code "" is none.
func textFor(text, code string) string {
	if code == "" {
		return withoutCode(text)
	}
	return withCode(text, code)
}

// withQuery adds a parameter. A space is written %20, since apps show a plus as one.
func withQuery(to, name, value string) string {
	if value == "" {
		return to
	}
	return to + "?" + name + "=" + strings.ReplaceAll(url.QueryEscape(value), "+", "%20")
}
