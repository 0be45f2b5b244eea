package capitest

import (
	"regexp"
	"strings"
)

var (
	leadID    = regexp.MustCompile(`^[1-9][0-9]{11,19}$`)
	stageKeys = []string{"event_name", "event_time", "event_id", "action_source", "user_data", "custom_data",
		"data_processing_options", "data_processing_options_country", "data_processing_options_state"}
)

// checkStage is for an event of action_source system_generated: a stage that a CRM's lead has
// reached. Its name is free.
func (s *Server) checkStage(ev, user, custom *fields) (identity string, fail *Error) {
	if name := ev.str("event_name"); strings.TrimSpace(name) == "" {
		return "", invalid("event_name is required")
	}
	if key := ev.unknown(stageKeys); key != "" {
		return "", invalid("%s may not be sent with system_generated", key)
	}
	if id := ev.str("event_id"); id == "" || len(id) > 128 {
		return "", invalid("event_id wants 1 to 128 characters")
	}
	if fail := s.checkTime(ev.of["event_time"]); fail != nil {
		return "", fail
	}
	if fail := checkLDU(ev); fail != nil {
		return "", fail
	}
	if key := user.unknown([]string{"lead_id"}, hashedKeys); key != "" {
		return "", invalid("unknown key %q in user_data of a lead", key)
	}
	for _, key := range hashedKeys {
		if raw, ok := user.of[key]; ok && !allHashed(raw) {
			return "", invalid("%s is not hashed: it wants SHA-256 in lower-case hex", key)
		}
	}
	_, em := user.of["em"]
	_, ph := user.of["ph"]
	raw, lead := user.of["lead_id"]
	switch {
	case !lead && !em && !ph:
		return "", refused(2804050, "Not Enough User Data", "lead_id, em or ph is required")
	case lead && !leadID.MatchString(strings.Trim(string(raw), `"`)):
		return "", invalid("lead_id must be a valid integer of the leadgen's id")
	case custom.str("event_source") != "crm":
		return "", invalid("custom_data.event_source must be crm")
	case custom.str("lead_event_source") == "":
		return "", invalid("custom_data.lead_event_source is required: the CRM's name")
	}
	if _, ok := custom.of["ctwa_clid"]; ok {
		return "", invalid("ctwa_clid is of a chat")
	}
	return "crm", checkCustom(custom, ev.str("event_name"))
}
