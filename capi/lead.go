package capi

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/leadgate/leadgate/normalize"
)

// Lead is a lead of a lead ad, of whose stages in a CRM Meta is told ("Conversion Leads"): with
// action_source system_generated and names that are the CRM's own, to a dataset that is no
// chats'.
//
// Source: Meta, "Conversion Leads integration", payload specification, 2025 and 2026.
type Lead struct {
	ID        string // the leadgen id, digits, which is sent as it is; "" = not known
	CreatedAt int64  // when the form was sent, ms; 0 = not known
	EM, PH    string // HashEmail and HashPhone of what stood in the form; "" = not known
}

// maxStage is the longest name of a stage, in characters. Meta gives no limit; a name is picked
// from a list in the Events Manager.
const maxStage = 100

// CheckStage refuses a name that is none for a stage of a lead: it is free text.
func CheckStage(name string) error {
	if isText(name, maxStage) {
		return nil
	}
	return fmt.Errorf("event name %.120q is none: write the stage's name, of 1 to %d characters on one line", name, maxStage)
}

// clockSkew is how much a CRM's clock may be behind Meta's: a stage of so little before its lead was
// reached with it.
const clockSkew = time.Minute

// timeOf is the event's time as Meta is told it, in ms: neither before its lead nor after now.
func (f *facts) timeOf(received int64, now time.Time) int64 {
	if f.lead != nil {
		received = max(received, f.lead.CreatedAt)
	}
	return min(received, now.UnixMilli())
}

// isText reports whether s is a line of text, and not too long.
func isText(s string, most int) bool {
	return strings.TrimSpace(s) != "" && utf8.ValidString(s) && utf8.RuneCountInString(s) <= most &&
		!strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// LeadID is a lead's id as Meta has it: of what people write, without the "l:" that Meta's own
// files put before it. ok is false for what is none.
func LeadID(written string) (id string, ok bool) {
	id = strings.TrimSpace(written)
	if len(id) > 2 && (id[0] == 'l' || id[0] == 'L') && id[1] == ':' {
		id = id[2:]
	}
	return id, isLeadID(id)
}

// isLeadID reports whether an id can be a lead's: Meta's have 15 to 17 digits today, and
// no more than 64 bits.
func isLeadID(id string) bool {
	return len(id) > 0 && len(id) <= 20 && strings.Trim(id, "0123456789") == "" && strings.Trim(id, "0") != ""
}

// checkStage is the guard for a stage of a lead; received is in UNIX milliseconds.
func (f *facts) checkStage(s *Settings, received int64) error {
	refuse := refuseByRule
	f.channel = normalize.ChannelLeadAds
	if err := CheckStage(string(f.name)); err != nil {
		return refuse(0, "event_name", err.Error(), "")
	}
	if f.lead.ID != "" && !isLeadID(f.lead.ID) {
		return refuse(0, "user_data.lead_id", fmt.Sprintf("%.40q is no lead's id", f.lead.ID),
			"send the digits of the lead's id as Meta gave them")
	}
	// Both in seconds, as Meta compares them.
	if received/1000 < (f.lead.CreatedAt-clockSkew.Milliseconds())/1000 {
		return refuse(0, "event_time", "it lies before the lead was created", "write when the stage was reached")
	}
	keys := !s.NoMatchKeys && len(f.emails())+len(f.leadPhones()) > 0
	if f.lead.ID == "" && !keys {
		return refuse(2804050, "user_data", "a lead needs its id, an e-mail address or a phone number", "")
	}
	return f.checkMoney()
}

// leadPhones are the hashes of the numbers that a lead is known by: as posted, and as the
// form had it.
func (f *facts) leadPhones() (list []string) {
	if hash := appendPhoneHash(nil, f.waPhone); len(hash) > 0 {
		list = append(list, string(hash))
	}
	return addHash(list, f.lead.PH)
}

// emails are the hashes of the e-mail addresses that a person is known by.
func (f *facts) emails() []string {
	list := addHash(nil, f.emailHash)
	if f.lead != nil {
		list = addHash(list, f.lead.EM)
	}
	return list
}

func addHash(list []string, hash string) []string {
	hash = strings.ToLower(hash)
	if !isHexHash([]byte(hash)) || slices.Contains(list, hash) {
		return list
	}
	return append(list, hash)
}

func appendEach(dst []byte, hashes []string) []byte {
	for i, h := range hashes {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), h...), '"')
	}
	return dst
}

// PlanStage is the plan for a stage of a lead: one that is known by its id reaches each once.
func (s *Settings) PlanStage(name string, lead *Lead) Plan {
	plan := Plan{Name: name}
	if lead.ID != "" {
		plan.Once = []Once{{Key: s.key("lead", lead.ID, name), Window: keepStage}}
	}
	return plan
}

// keepStage is how long a lead's stage counts as reported: Meta keeps a lead for 90 days.
const keepStage = 91 * once24
