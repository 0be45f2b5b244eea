package caddymodule

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/conversions"
	"github.com/leadgate/leadgate/internal/inchat"
	"github.com/leadgate/leadgate/internal/intake"
	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/internal/sites"
)

// InChat is a conversion that is said in the chat itself. No placeholders are replaced in
// it: patterns have braces of their own.
type InChat struct {
	// The event's name: one that Meta knows, or that a google has a convert for.
	Name string `json:"name"`

	// What is listened to: message, echo, order, reply, flow. Behind reply stand the ids
	// or payloads of the buttons and rows that it is about. Default: message echo.
	On []string `json:"on,omitempty"`

	// What must stand in a text or caption, any of these; case and accents don't count.
	Text []string `json:"text,omitempty"`

	// An RE2 pattern that a text or caption must have, with the groups value, currency
	// and order.
	Pattern string `json:"pattern,omitempty"`

	// The currency where the pattern has none.
	Currency string `json:"currency,omitempty"`
}

func inChatOptions() options[InChat] {
	return options[InChat]{
		{
			name: "on", args: "message|echo|order|reply <id>...|flow", def: "message echo", many: true,
			at:   func(c *InChat) value { return onValue{listValue{&c.On, nil}} },
			help: "what is listened to; behind `reply` the ids or payloads of buttons and rows",
		},
		{
			name: "text", args: "<text>...", many: true, at: func(c *InChat) value { return listValue{&c.Text, nil} },
			help: "any of these stands in the text or caption; case and accents don't count",
		},
		{
			name: "pattern", args: "<RE2>", at: func(c *InChat) value { return patternValue{&c.Pattern} },
			help: "the text or caption has it; groups `value`, `currency`, `order`",
		},
		{
			name: "currency", args: "<code>", at: func(c *InChat) value { return wordValue{&c.Currency, nil} },
			help: "where neither the pattern nor an order has one",
		},
	}
}

// onValue is what is listened to: of several lines the ids behind reply stay behind it.
type onValue struct{ listValue }

func (v onValue) parse(option string, words []string) error {
	before, ids := cutReply(*v.to)
	*v.to = nil
	if err := v.listValue.parse(option, words); err != nil {
		return err
	}
	now, more := cutReply(*v.to)
	*v.to = slices.Concat(before, now, ids, more[min(len(more), len(ids), 1):])
	return nil
}

// cutReply cuts words before reply.
func cutReply(words []string) (before, reply []string) {
	at := slices.Index(words, "reply")
	if at < 0 {
		at = len(words)
	}
	return words[:at], words[at:]
}

// patternValue is a regular expression. Its braces are no placeholders.
type patternValue struct{ to *string }

func (v patternValue) parse(option string, words []string) error {
	switch {
	case len(words) != 1:
		return fmt.Errorf("%s takes one value, not %d: write it in quotes, or between backquotes", option, len(words))
	case blank(words[0]):
		return fmt.Errorf("%s has an empty value", option)
	}
	*v.to = words[0]
	return nil
}
func (patternValue) check(string) error { return nil }
func (v patternValue) get() any         { return *v.to }
func (v patternValue) empty() bool      { return *v.to == "" }

// convertOption is the directive; of is the tenant that it adds to.
func convertOption[T any](of func(*T) *Tenant) option[T] {
	return option[T]{name: "convert", args: "<event name>", many: true, parse: func(t *T, d *caddyfile.Dispenser) error {
		c := new(InChat)
		if err := c.parse(d); err != nil {
			return err
		}
		of(t).Convert = append(of(t).Convert, c)
		return nil
	}}
}

// parse reads `convert <event name> { … }`.
func (c *InChat) parse(d *caddyfile.Dispenser) error {
	if err := (wordValue{&c.Name, nil}).parse("convert", d.RemainingArgs()); err != nil {
		return d.WrapErr(err)
	}
	if err := inChatOptions().parse(c, d, "convert", nil); err != nil {
		return err
	}
	if _, err := c.rule(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

func (c *InChat) rule() (*inchat.Rule, error) {
	return inchat.Compile(inchat.Settings{Name: c.Name, On: c.On, Text: c.Text, Pattern: c.Pattern, Currency: c.Currency})
}

// rules are the tenant's, ready.
func (t *Tenant) rules() (list inchat.Rules, err error) {
	for _, c := range t.Convert {
		rule, err := c.rule()
		if err != nil {
			return nil, err
		}
		list = append(list, rule)
	}
	return list, nil
}

// provisionRules gives a tenant its rules. The same rule may stand in several blocks.
func (h *Handler) provisionRules(shared *intake.Tenant, t *Tenant) error {
	rules, err := t.rules()
	if err != nil {
		return fmt.Errorf("tenant %s: %w", shared.Name, err)
	}
	for _, rule := range rules {
		if err := h.app.sites.KnowsTenant("convert "+rule.Name, shared.Name, true); err != nil {
			return err
		}
		if err := h.app.sites.TakesName(shared.Name, rule.Name, true); err != nil {
			return fmt.Errorf("tenant %s: convert %s: %w", shared.Name, rule.Name, err)
		}
		if slices.ContainsFunc(shared.Rules, rule.Equal) {
			continue
		}
		if problem := rule.Warning(); problem != "" {
			h.logger.Warn("convert: "+problem, zap.String("tenant", shared.Name), zap.String("event_name", rule.Name))
		}
		metrics.InChat(shared.Name, rule.Name, conversions.Queued, 0)
		shared.Rules = append(shared.Rules, rule)
	}
	return nil
}

// listens fails a block that stores nothing, so that nothing in its chats is heard.
func (h *Handler) listens() error {
	if !h.block.Inline {
		return nil
	}
	for _, t := range append(slices.Clone(h.Tenants), h.Tenant) {
		if t != nil && len(t.Convert) > 0 {
			return fmt.Errorf("tenant %s: convert %s stands in a leadgate block without a destination, which reports nothing: "+
				"write its `forward`, `capi` or `google` into this block, too", cmp.Or(t.Name, sites.DefaultTenant), t.Convert[0].Name)
		}
		if t != nil && t.Ads != nil {
			return fmt.Errorf("tenant %s: ads stands in a leadgate block without a destination, which stores nothing: "+
				"write it where the tenant's `forward` or `capi` is", cmp.Or(t.Name, sites.DefaultTenant))
		}
	}
	return nil
}

// nullRules refuses a null where a rule should be.
func (t *Tenant) nullRules() error {
	if slices.Contains(t.Convert, nil) {
		return errors.New("a null stands in `convert`: delete it")
	}
	return nil
}
