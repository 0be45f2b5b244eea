// Package inchat finds conversions that are said in the chat itself: "order confirmed, total
// R$ 49,90", a cart, the press of a button. Begin with [Compile], and [Rules.Read].
//
// What is found is an item as a CRM would post it (item.go), so that it is planned like
// one; what it earned is read exactly or not at all (amount.go, order.go). It is a leaf, and
// knows the words of normalize.
package inchat

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/leadgate/leadgate/internal/money"
	"github.com/leadgate/leadgate/internal/wording"
)

// On is what a rule listens to: a bit for each sort of event.
type On uint8

// What there is to listen to. What another app or agent answers in a standby thread is an
// echo like any.
const (
	Message On = 1 << iota // of the customer
	Echo                   // of the business, by whatever app
	Order                  // a cart that the customer sent
	Reply                  // the press of a button, the choice of a row
	Flow                   // the answers of a WhatsApp Flow
)

// ons are their words, in the order in which messages list them.
var ons = []struct {
	word string
	bit  On
}{{"message", Message}, {"echo", Echo}, {"order", Order}, {"reply", Reply}, {"flow", Flow}}

// Words are the words of what a rule may listen to.
func Words() []string {
	list := make([]string, len(ons))
	for i := range ons {
		list[i] = ons[i].word
	}
	return list
}

// purchase is the name that needs a value and a currency.
const purchase = "Purchase"

// Settings are a rule as it is configured.
type Settings struct {
	Name     string   // the event's
	On       []string // words of Words; behind reply the ids and payloads that it is about. None: message echo
	Text     []string // any of them stands in what was said
	Pattern  string   // RE2, with the groups value, currency and order
	Currency string   // ISO 4217, where the pattern has none
}

// Rule is one that is ready.
type Rule struct {
	Settings
	on      On
	replies []string
	texts   [][]byte // folded
	pattern *regexp.Regexp
	groups  map[string]int // of value, currency, order, as far as the pattern has them
}

// groupNames are the groups that a pattern may have.
var groupNames = []string{"value", "currency", "order"}

// Compile reads a rule. The error is a sentence to who wrote it.
func Compile(s Settings) (*Rule, error) {
	if s.Name == "" {
		return nil, errors.New("convert needs the name of an event, as in `convert Purchase { … }`")
	}
	r := &Rule{Settings: s, groups: make(map[string]int)}
	for _, read := range []func() error{r.readOn, r.readTexts, r.readPattern, r.readCurrency, r.complete} {
		if err := read(); err != nil {
			return nil, fmt.Errorf("convert %s: %w", s.Name, err)
		}
	}
	return r, nil
}

func (r *Rule) readOn() error {
	if len(r.On) == 0 {
		r.on = Message | Echo
	}
	for i, word := range r.On {
		at := slices.Index(Words(), word)
		if at < 0 {
			return fmt.Errorf("on '%s' is unknown: write %s", word, wording.Or(Words()))
		}
		r.on |= ons[at].bit
		if ons[at].bit == Reply {
			r.replies = r.On[i+1:]
			break
		}
	}
	for _, id := range r.replies {
		if strings.TrimSpace(id) == "" {
			return errors.New("on reply has an empty id")
		}
	}
	return nil
}

func (r *Rule) readTexts() error {
	for _, text := range r.Text {
		folded := appendFolded(nil, []byte(text))
		if len(folded) == 0 || string(folded) == " " {
			return fmt.Errorf("text %q has no letter: it would stand in every message", text)
		}
		r.texts = append(r.texts, folded)
	}
	return nil
}

func (r *Rule) readPattern() (err error) {
	if r.Pattern == "" {
		return nil
	}
	if r.pattern, err = regexp.Compile(r.Pattern); err != nil {
		return fmt.Errorf("pattern: %w; patterns are RE2's: https://github.com/google/re2/wiki/Syntax", err)
	}
	for i, name := range r.pattern.SubexpNames() {
		switch {
		case name == "":
		case !slices.Contains(groupNames, name):
			return fmt.Errorf("pattern: the group '%s' is unknown: write %s", name, wording.Or(groupNames))
		case r.groups[name] > 0:
			return fmt.Errorf("pattern: the group %s stands twice", name)
		default:
			r.groups[name] = i
		}
	}
	return nil
}

func (r *Rule) readCurrency() error {
	if r.Currency == "" {
		return nil
	}
	code, ok := money.Currency(r.Currency)
	if !ok {
		return fmt.Errorf("currency '%s' is no currency of ISO 4217: write one such as EUR", r.Currency)
	}
	r.Currency = code
	return nil
}

// complete says what a rule lacks without which it would fire on everything, or never.
func (r *Rule) complete() error {
	silent := len(r.texts) == 0 && r.pattern == nil
	switch {
	case silent && r.on&Message != 0:
		return errors.New("on message needs a text or a pattern, or it would fire on every message")
	case silent && r.on&Echo != 0:
		return errors.New("on echo needs a text or a pattern, or it would fire on every echo")
	case silent && r.on&Reply != 0 && len(r.replies) == 0:
		return errors.New("on reply needs the ids or payloads of the buttons, as in `on reply btn_visit`, a text or a pattern, " +
			"or it would fire on every button")
	case r.Name == purchase && r.Currency == "" && r.groups["currency"] == 0 && r.on&Order == 0:
		return errors.New("a Purchase needs a currency: write `currency <code>`, or a group currency into the pattern")
	}
	return nil
}

// Warning is what is odd about a rule that can be loaded, "" where nothing is.
func (r *Rule) Warning() string {
	if r.Name == purchase && r.groups["value"] == 0 && r.on&Order == 0 {
		return "a Purchase needs a value, and this rule never has one, so that nothing is reported: write a pattern with a group value"
	}
	return ""
}

// Equal reports whether two rules are the same.
func (r *Rule) Equal(o *Rule) bool {
	return r.Name == o.Name && slices.Equal(r.On, o.On) && slices.Equal(r.Text, o.Text) && r.Pattern == o.Pattern && r.Currency == o.Currency
}
