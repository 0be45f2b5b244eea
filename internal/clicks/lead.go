package clicks

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// Lead is what is kept of a form of a lead ad, so that the CRM's stages can be told to Meta.
// Of the answers it has hashes alone.
type Lead struct {
	Version   int    `json:"v"`
	ID        string `json:"leadId"`
	CreatedAt int64  `json:"createdAt"` // ms; 0 = Meta did not say
	Test      bool   `json:"test,omitempty"`
	AdID      string `json:"adId,omitempty"`
	EM        string `json:"em,omitempty"` // hex SHA-256, as Meta wants it
	PH        string `json:"ph,omitempty"` // likewise
}

const leadVersion = 1

// Click is the lead in the place of a click.
func (l *Lead) Click() *Click {
	return &Click{Click: capi.Click{Channel: normalize.ChannelLeadAds, AdID: l.AdID}, Lead: l, At: l.CreatedAt}
}

// parseLead reads a lead as AddLead stores it.
func parseLead(data []byte) (*Click, error) {
	var l Lead
	if err := json.Unmarshal(data, &l); err != nil {
		return nil, fmt.Errorf("reading a stored lead: %w", err)
	}
	if l.Version != leadVersion || l.ID == "" {
		return nil, fmt.Errorf("reading a stored lead: version %d is unknown", l.Version)
	}
	return l.Click(), nil
}

// LeadKey is the key of a lead by Meta's id of it.
func LeadKey(id string) string { return "lead:" + short(id) }

// EmailKey is the key of a person who gave an e-mail address in a form; hash is that of
// capi.HashEmail.
func EmailKey(hash string) string { return Contact(normalize.ChannelLeadAds, "em:"+hash) }

// AddLead fills in, after Touch, who a lead whose answers are known is: the number, the
// address and the lead's id are names of one contact. What is kept of a test has no name
// but the id: nobody is behind it. It returns what is kept.
func AddLead(ev *normalize.Event, emailHash string, into *queue.Event) *Lead {
	kept := &Lead{
		Version: leadVersion, ID: ev.Lead.LeadgenID.String(), CreatedAt: ev.Lead.CreatedAt, Test: ev.Lead.Test == normalize.True,
		AdID: ev.Lead.AdID.String(), EM: emailHash,
	}
	if ev.WaPhone != nil {
		kept.PH, _ = capi.HashPhone(ev.WaPhone.String())
	}
	names := make([]string, 0, 3)
	if !kept.Test {
		if into.Contact != "" {
			names = append(names, into.Contact)
		}
		if emailHash != "" {
			names = append(names, EmailKey(emailHash))
		}
	}
	names = append(names, LeadKey(kept.ID))
	data, err := json.Marshal(kept)
	if err != nil {
		panic(err) // strings and numbers
	}
	into.Contact, into.Aliases = names[0], names[1:]
	into.Clicks = []queue.Click{{At: ev.ReceivedAt, Kind: queue.ClickLead, Data: data}}
	return kept
}

// ChatKey is the key under which a person of this number is known on WhatsApp, "" for none.
func ChatKey(waPhone normalize.Text) string {
	digits := strings.TrimPrefix(waPhone.String(), "+")
	if digits == "" {
		return ""
	}
	return Contact(normalize.ChannelWhatsApp, digits)
}

// IsSampleLead reports whether an id is one that the Test button of Meta's dashboard sends, by
// which there is no lead.
func IsSampleLead(id string) bool { return normalize.IsSampleLead(normalize.NewText(id)) }
