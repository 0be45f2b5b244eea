package command

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/leadgate/leadgate/internal/inchat"
	"github.com/leadgate/leadgate/internal/intake"
	"github.com/leadgate/leadgate/normalize"
)

// Chats are a leadgate block of a configuration: whose each event is, and the rules by which
// conversions are said in its chats.
type Chats struct {
	Provider string
	Router   *intake.Router
}

// firing is a rule that fires on an event, as normalize prints it, a line of JSON.
type firing struct {
	Convert string          `json:"convert"` // the event's name
	Tenant  string          `json:"tenant"`
	EventID string          `json:"eventId"` // of the event that fires it
	Rule    rule            `json:"rule"`
	Item    json.RawMessage `json:"item"`  // as a CRM would post it; null where its amount cannot be read
	Error   *string         `json:"error"` // why it is no conversion
}

type rule struct {
	On       []string `json:"on,omitempty"`
	Text     []string `json:"text,omitempty"`
	Pattern  string   `json:"pattern,omitempty"`
	Currency string   `json:"currency,omitempty"`
}

// chatsOf are the blocks of a provider in a configuration.
func (env *Env) chatsOf(config, adapter, provider string) (list []Chats, err error) {
	all, err := env.Chats(config, adapter)
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		if c.Provider == provider {
			list = append(list, c)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("the configuration has no leadgate block of provider %s", provider)
	}
	return list, nil
}

// tenantIn finds whose an event is, nil for nobody's.
func tenantIn(list []Chats, ev *normalize.Event) *intake.Tenant {
	for _, c := range list {
		if t := c.Router.Route(ev); t != nil {
			return t
		}
	}
	return nil
}

// printFirings prints which of a tenant's rules fire on an event, and how many.
func printFirings(out io.Writer, t *intake.Tenant, ev *normalize.Event, now int64, m *inchat.Reader) (int, error) {
	fired := t.Rules.Read(ev, now, m)
	for i := range fired {
		f := &fired[i]
		line := firing{
			Convert: f.Rule.Name, Tenant: t.Name, EventID: ev.ID().String(), Item: f.Item,
			Rule: rule{f.Rule.On, f.Rule.Text, f.Rule.Pattern, f.Rule.Currency},
		}
		if f.Item == nil {
			line.Error = &f.Problem
		}
		text, err := json.Marshal(&line)
		if err != nil {
			return i, err
		}
		if _, err := out.Write(append(text, '\n')); err != nil {
			return i, err
		}
	}
	return len(fired), nil
}
