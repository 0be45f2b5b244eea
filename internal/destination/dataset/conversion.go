package dataset

import (
	"encoding/json"
	"fmt"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/normalize"
)

// conversionMeta is what a posted conversion's entry carries in Header.Meta.
type conversionMeta struct {
	Channel     normalize.Channel `json:"channel,omitempty"`
	CtwaClid    string            `json:"ctwaClid,omitempty"`
	AdID        string            `json:"adId,omitempty"`
	WabaID      string            `json:"wabaId,omitempty"`
	PageID      string            `json:"pageId,omitempty"`
	InstagramID string            `json:"instagramId,omitempty"`
	UserID      string            `json:"userId,omitempty"`
	WaID        string            `json:"waId,omitempty"`
	WaPhone     string            `json:"waPhone,omitempty"`
	EventName   string            `json:"eventName,omitempty"`
	EmailHash   string            `json:"emailHash,omitempty"`
	Lead        *leadMeta         `json:"lead,omitempty"`
	destination.Tallied
}

// leadMeta is the lead of a stage.
type leadMeta struct {
	ID        string `json:"id,omitempty"`
	CreatedAt int64  `json:"createdAt,omitempty"`
	EM        string `json:"em,omitempty"`
	PH        string `json:"ph,omitempty"`
}

// metaOf is the Header.Meta of a posted conversion's entry
// (kind conversion): the click it is credited to, and what its
// unified JSON does not say; and its tally, if it has one.
func metaOf(c *capi.Conversion, t *destination.Tally) []byte {
	k := &c.Click
	b, err := json.Marshal(conversionMeta{
		k.Channel, k.CtwaClid, k.AdID, k.WabaID, k.PageID, k.InstagramID, k.UserID, k.WaID, k.WaPhone,
		c.EventName, c.EmailHash, (*leadMeta)(c.Lead), destination.Tallied{Tally: t},
	})
	if err != nil {
		panic(err) // strings and a number
	}
	return b
}

// readConversion is metaOf's other way.
func readConversion(meta []byte) (*capi.Conversion, error) {
	var m conversionMeta
	if err := json.Unmarshal(meta, &m); err != nil {
		return nil, fmt.Errorf("reading conversion's click: %w", err)
	}
	return &capi.Conversion{
		Click: capi.Click{
			Channel: m.Channel, CtwaClid: m.CtwaClid, AdID: m.AdID, WabaID: m.WabaID, PageID: m.PageID,
			InstagramID: m.InstagramID, UserID: m.UserID, WaID: m.WaID, WaPhone: m.WaPhone,
		},
		EventName: m.EventName, EmailHash: m.EmailHash, Lead: (*capi.Lead)(m.Lead),
	}, nil
}
