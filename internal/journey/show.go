package journey

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"github.com/leadgate/leadgate/internal/clicks"
	"github.com/leadgate/leadgate/internal/queue"
)

// Journey is what is shown of a contact.
type Journey struct {
	Contact string            `json:"contact"` // as it was asked for
	Touches []json.RawMessage `json:"touches"` // as attribution shows a click, a form of a lead ad with lead; the newest first
	Events  []Event           `json:"events"`  // the newest first, at most queue.MaxNotes
}

// Event is what is shown of a report.
type Event struct {
	At          int64        `json:"at"`          // when it happened, ms
	Kind        string       `json:"kind"`        // KindLead, …
	Name        *string      `json:"name"`        // the event's name as the ledgers' settings have it
	Destination *string      `json:"destination"` // null for what was refused before it was anybody's
	Outcome     Outcome      `json:"outcome"`     // Sent, …
	Reason      *string      `json:"reason"`      // of NoClick, Invalid and Dead
	Value       *json.Number `json:"value"`
	Currency    *string      `json:"currency"`
}

// Store is what Show needs of a [queue.Queue].
type Store interface {
	Clicks(ctx context.Context, tenant string, keys []string) ([]queue.Clicks, error)
	Notes(ctx context.Context, tenant string, keys []string) ([]queue.Note, error)
}

// Show is the journey of a contact, by the keys that it may be stored under. One that
// nothing is known of has empty lists. names is of ads, and may be nil. Errors are the store's.
func Show(ctx context.Context, q Store, tenant, contact string, keys []string, names clicks.Names) (Journey, error) {
	j := Journey{Contact: contact, Touches: []json.RawMessage{}, Events: []Event{}}
	found, err := q.Clicks(ctx, tenant, keys)
	if err != nil {
		return j, err
	}
	notes, err := q.Notes(ctx, tenant, keys)
	if err != nil {
		return j, err
	}
	for _, t := range touches(found, names) {
		j.Touches = append(j.Touches, t.shown)
	}
	for i := range notes {
		if ev, ok := event(&notes[i]); ok && len(j.Events) < queue.MaxNotes {
			j.Events = append(j.Events, ev)
		}
	}
	return j, nil
}

// form is what is shown of a form of a lead ad: a click's keys, and what a click has not.
type form struct {
	CtwaClid     *string   `json:"ctwaClid"`
	AdID         *string   `json:"adId"`
	SourceURL    *string   `json:"sourceUrl"`
	Headline     *string   `json:"headline"`
	ClickedAt    int64     `json:"clickedAt"` // when it was sent
	MessageID    *string   `json:"messageId"`
	Link         *string   `json:"link"`
	AdName       *string   `json:"adName"`
	AdsetName    *string   `json:"adsetName"`
	CampaignName *string   `json:"campaignName"`
	Lead         shownLead `json:"lead"`
}

type shownLead struct {
	ID   string `json:"leadId"`
	Test bool   `json:"test"`
}

// shown is a click as attribution shows it; a form has no such thing of its own.
func shown(c *clicks.Click, names clicks.Names) json.RawMessage {
	if c.Lead == nil {
		return c.Named(names)
	}
	f := form{AdID: known(c.AdID), ClickedAt: c.At, Lead: shownLead{c.Lead.ID, c.Lead.Test}}
	if names != nil && c.AdID != "" {
		ad, adset, campaign := names(c.AdID)
		f.AdName, f.AdsetName, f.CampaignName = known(ad), known(adset), known(campaign)
	}
	b, err := json.Marshal(&f)
	if err != nil {
		panic(err) // texts and numbers
	}
	return b
}

type touch struct {
	at    int64
	shown json.RawMessage
	data  string
}

// touches are the clicks that are stored, each once, the newest first.
func touches(found []queue.Clicks, names clicks.Names) []touch {
	var all []touch
	add := func(data []byte) {
		if len(data) == 0 || slices.ContainsFunc(all, func(t touch) bool { return t.data == string(data) }) {
			return
		}
		if click, err := clicks.Parse(data); err == nil {
			all = append(all, touch{at: click.At, shown: shown(click, names), data: string(data)})
		}
	}
	for i := range found {
		for kind := range queue.ClickKinds {
			add(found[i].Newest[kind])
			add(found[i].Oldest[kind])
		}
	}
	slices.SortStableFunc(all, func(a, b touch) int { return cmp.Compare(b.at, a.at) })
	return all
}

// event is what a note shows, if it is of a version that is known.
func event(n *queue.Note) (Event, bool) {
	of, ok := readNoted(n.Data)
	is, ended := readEnding(n.Outcome)
	if !ok || !ended {
		return Event{}, false
	}
	ev := Event{
		At: n.At, Kind: of.Kind, Outcome: is.Outcome,
		Name: known(of.Name), Destination: known(of.Destination), Reason: known(is.Reason), Currency: known(of.Currency),
	}
	if of.Value != "" {
		ev.Value = &of.Value
	}
	return ev, true
}

func known(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
