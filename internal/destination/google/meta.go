package google

import (
	"cmp"
	"encoding/json"
	"fmt"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/google"
)

// meta is what an entry carries in Header.Meta: the click that it is credited to, and
// what its unified JSON does not say; and its tally, if it has one. The conversion action
// is looked up when it is sent: a wrong one that is corrected is so corrected for what
// waits.
type meta struct {
	Name      string `json:"name"`
	GCLID     string `json:"gclid,omitempty"`
	GBRAID    string `json:"gbraid,omitempty"`
	WBRAID    string `json:"wbraid,omitempty"`
	ClickedAt int64  `json:"clickedAt,omitempty"` // ms
	WaPhone   string `json:"waPhone,omitempty"`
	WaID      string `json:"waId,omitempty"`
	Consented bool   `json:"consented,omitempty"`
	EmailHash string `json:"emailHash,omitempty"` // Google's, not Meta's
	destination.Tallied
}

func metaOf(c *destination.Conversion, t *destination.Tally) *meta {
	m := &meta{Name: common(c.Name), WaPhone: c.WaPhone, Tallied: destination.Tallied{Tally: t}}
	if k := c.Click; k != nil {
		m.WaPhone, m.WaID, m.ClickedAt = cmp.Or(k.WaPhone, c.WaPhone), k.WaID, k.At
		if k.Link != nil {
			m.GCLID, m.GBRAID, m.WBRAID, m.Consented = k.Link.GCLID, k.Link.GBRAID, k.Link.WBRAID, k.Link.Consented
		}
	}
	if c.Email != "" {
		m.EmailHash, _ = google.HashEmail(c.Email)
	}
	return m
}

func (m *meta) encode() []byte {
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // strings and numbers
	}
	return b
}

func readMeta(b []byte) (*meta, error) {
	m := new(meta)
	if err := json.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("reading conversion's click: %w", err)
	}
	return m, nil
}

// click is the id that Google is told of, by its own order.
func (m *meta) click() string { return cmp.Or(m.GCLID, m.GBRAID, m.WBRAID) }

// conversion is what a report has besides its unified JSON. A link's consent is to both
// parts.
func (m *meta) conversion(waPhone string) google.Conversion {
	c := google.Conversion{EmailHash: m.EmailHash, Touch: google.Touch{
		GCLID: m.GCLID, GBRAID: m.GBRAID, WBRAID: m.WBRAID, ClickedAt: m.ClickedAt, WaPhone: cmp.Or(m.WaPhone, waPhone), WaID: m.WaID,
	}}
	if m.Consented {
		c.Touch.Consent = google.Consent{AdUserData: google.Granted, AdPersonalization: google.Granted}
	}
	return c
}
