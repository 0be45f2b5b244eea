package clicks

import (
	"encoding/json"
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

// LeadKey is the key of a lead by Meta's id of it.
func LeadKey(id string) string { return "lead:" + short(id) }

// EmailKey is the key of a person who gave an e-mail address in a form; hash is that of
// capi.HashEmail.
func EmailKey(hash string) string { return Contact(normalize.ChannelLeadAds, "em:"+hash) }

// AddLead fills in, after Touch, who a lead whose answers are known is: the number, the
// address and the lead's id are names of one contact. What is kept of a test has no name
// but the id: nobody is behind it.
func AddLead(ev *normalize.Event, emailHash string, into *queue.Event) {
	kept := Lead{
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
	data, err := json.Marshal(&kept)
	if err != nil {
		panic(err) // strings and numbers
	}
	into.Contact, into.Aliases = names[0], names[1:]
	into.Clicks = []queue.Click{{At: ev.ReceivedAt, Kind: queue.ClickLead, Data: data}}
}

// ChatKey is the key under which a person of this number is known on WhatsApp, "" for none.
func ChatKey(waPhone normalize.Text) string {
	digits := strings.TrimPrefix(waPhone.String(), "+")
	if digits == "" {
		return ""
	}
	return Contact(normalize.ChannelWhatsApp, digits)
}
