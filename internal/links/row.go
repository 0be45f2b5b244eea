package links

import (
	"encoding/json"
	"fmt"
	"maps"
)

// Tier is how much a code says: of whom it is one's own.
type Tier string

// The tiers.
const (
	Static   Tier = "static"   // of a link: a visit without parameters
	Campaign Tier = "campaign" // of a link and a set of campaign parameters
	Click    Tier = "click"    // of a link and the ids of one click
)

// Row is what a code stands for: the data of a queue.Code, as JSON.
type Row struct {
	Link      string            `json:"link"` // its name
	Tier      Tier              `json:"tier"`
	ClickedAt *int64            `json:"clickedAt"` // ms; null but for Click, whose first visit it is
	Source    *string           `json:"source"`    // the network: google, meta, …
	Campaign  map[string]string `json:"campaign"`  // parameters by their own names
	IDs       map[string]string `json:"ids"`       // likewise; of Click alone
	Consent   *string           `json:"consent"`   // granted where the query said so
}

// ParseRow reads a code's data.
func ParseRow(data []byte) (*Row, error) {
	r := new(Row)
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("reading link's code: %w", err)
	}
	return r, nil
}

// Event is the `link` of a unified event.
type Event struct {
	Name      string            `json:"name"`
	Code      string            `json:"code"`
	ClickedAt *int64            `json:"clickedAt"`
	Shared    bool              `json:"shared"`
	Source    *string           `json:"source"`
	Params    map[string]string `json:"params"`
}

// Event is what an event shows of a code, which is given as people see it, 5-5. shared
// is for who did not click: what another's click has of its own, its ids and its time,
// is left out. Only a click's code can be shared.
func (r *Row) Event(code string, shared bool) Event {
	e := Event{Name: r.Link, Code: code, ClickedAt: r.ClickedAt, Shared: shared && r.Tier == Click, Source: r.Source}
	e.Params = make(map[string]string, len(r.Campaign)+len(r.IDs))
	maps.Copy(e.Params, r.Campaign)
	if e.Shared {
		e.ClickedAt = nil
		return e
	}
	maps.Copy(e.Params, r.IDs)
	return e
}

// OfGoogle reports whether Google can tell the click by one of its ids.
func (r *Row) OfGoogle() bool {
	return r.IDs["gclid"] != "" || r.IDs["gbraid"] != "" || r.IDs["wbraid"] != ""
}

// code is a row and what it is the one of.
type code struct {
	row Row
	key string
}

// codeOf is the code that a visit of a link gets. A click's is the one of its ids
// alone, so that a reload, a scanner or another campaign's name on the same click gets
// the same.
func codeOf(link string, v *visit, now int64) code {
	c := code{row: Row{Link: link, Campaign: v.campaign, IDs: v.ids, Source: pointer(v.source()), Consent: pointer(v.consent)}}
	var of map[string]string
	switch {
	case len(v.ids) > 0:
		c.row.Tier, c.row.ClickedAt, of = Click, &now, v.ids
	case len(v.campaign) > 0:
		c.row.Tier, c.row.Consent, of = Campaign, nil, v.campaign
	default:
		c.row.Tier, c.row.Consent = Static, nil
	}
	set, _ := json.Marshal(of) // of texts, whose names it sorts
	c.key = link + "\n" + string(c.row.Tier) + "\n" + string(set)
	return c
}

// data is the row as it is stored.
func (c *code) data() []byte {
	b, _ := json.Marshal(&c.row) // of texts and a number
	return b
}

// pointer is nil for nothing, which JSON shows as null.
func pointer(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
