package capitest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// batch is the body of a request.
type batch struct {
	Data                        []json.RawMessage
	TestEventCode, PartnerAgent string
}

var (
	digits   = regexp.MustCompile(`^[0-9]{1,32}$`)
	hash     = regexp.MustCompile(`^[0-9a-f]{64}$`)
	hexHash  = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)
	visible  = regexp.MustCompile(`^[!-~]+$`)
	currency = regexp.MustCompile(`^[A-Za-z]{3}$`)
	letter   = regexp.MustCompile(`[A-Za-z]`)
)

// The keys that are known, with the subcode for those that chat events may not
// have.
var (
	eventKeys = []string{"event_name", "event_time", "event_id", "action_source", "messaging_channel", "messaging_outcome_data",
		"user_data", "custom_data", "data_processing_options", "data_processing_options_country", "data_processing_options_state"}
	hashedKeys    = []string{"em", "ph", "fn", "ln", "ge", "db", "ct", "st", "zp", "country", "external_id"}
	forbiddenKeys = []string{"fbc", "fbp", "client_ip_address", "client_user_agent"}
	names         = []string{"Purchase", "LeadSubmitted", "InitiateCheckout", "AddToCart", "ViewContent", "OrderCreated", "OrderShipped",
		"OrderDelivered", "OrderCanceled", "OrderReturned", "CartAbandoned", "QualifiedLead", "RatingProvided", "ReviewProvided"}
	channelKeys = map[string][]string{
		"whatsapp":  {"whatsapp_business_account_id", "ctwa_clid", "page_id"},
		"messenger": {"page_id", "page_scoped_user_id"},
		"instagram": {"instagram_business_account_id", "ig_account_id", "ig_sid"},
	}
)

func invalid(format string, args ...any) *Error {
	return &Error{Code: 100, Message: "Invalid parameter: " + fmt.Sprintf(format, args...), Event: -1}
}

func refused(subcode int, title, format string, args ...any) *Error {
	return &Error{Code: 100, Subcode: subcode, Message: "Invalid parameter", Title: title, User: fmt.Sprintf(format, args...), Event: -1}
}

// Check says what would be answered to a request for the dataset with that
// body; nil = 200.
func (s *Server) Check(body []byte, dataset string) *Error {
	_, fail := s.check(body, dataset)
	return fail
}

func (s *Server) check(body []byte, dataset string) (*batch, *Error) {
	var top map[string]json.RawMessage
	if fail := strict(body, &top); fail != nil {
		return nil, fail
	}
	var b batch
	for key, value := range top {
		var err error
		switch key {
		case "data":
			err = json.Unmarshal(value, &b.Data)
		case "test_event_code":
			err = json.Unmarshal(value, &b.TestEventCode)
		case "partner_agent":
			err = json.Unmarshal(value, &b.PartnerAgent)
			if len(b.PartnerAgent) >= 23 || len(letter.FindAllString(b.PartnerAgent, 2)) < 2 {
				return nil, invalid("partner_agent wants under 23 characters with at least two letters")
			}
		default:
			return nil, invalid("unknown key %q", key)
		}
		if err != nil {
			return nil, invalid("%s is of the wrong kind", key)
		}
	}
	if len(b.Data) == 0 || len(b.Data) > 1000 {
		return nil, invalid("data has %d events; 1 to 1000 are taken", len(b.Data))
	}
	var first string
	for i, raw := range b.Data {
		identity, fail := s.checkEvent(raw, dataset)
		if fail == nil && i > 0 && identity != first {
			fail = invalid("the events of a request are of several accounts")
		}
		if fail != nil {
			fail.Event = i
			return nil, fail
		}
		first = identity
	}
	return &b, nil
}

// strict decodes one JSON object: no repeated names, no invalid UTF-8, no null
// anywhere, nothing after it.
func strict(body []byte, v *map[string]json.RawMessage) *Error {
	d := jsontext.NewDecoder(bytes.NewReader(body))
	if d.PeekKind() != '{' {
		return invalid("the body is no JSON object")
	}
	for {
		token, err := d.ReadToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return invalid("the body is no valid JSON: %v", err)
		}
		if token.Kind() == 'n' {
			return invalid("null at %s", d.StackPointer())
		}
		if d.StackDepth() == 0 && d.PeekKind() != 0 {
			return invalid("data after the JSON object")
		}
	}
	if err := json.Unmarshal(body, v); err != nil {
		return invalid("the body is no JSON object: %v", err)
	}
	return nil
}

// fields reads an object's members by kind; the first mistake stays.
type fields struct {
	of   map[string]json.RawMessage
	fail *Error
}

func (f *fields) str(key string) (v string) {
	raw, ok := f.of[key]
	if !ok {
		return ""
	}
	if err := json.Unmarshal(raw, &v); (err != nil || v == "") && f.fail == nil {
		f.fail = invalid("%s is no string with anything in it", key)
	}
	return v
}

func (f *fields) object(key string) *fields {
	raw, ok := f.of[key]
	if !ok {
		return &fields{}
	}
	sub := &fields{of: map[string]json.RawMessage{}}
	if err := json.Unmarshal(raw, &sub.of); (err != nil || len(sub.of) == 0) && f.fail == nil {
		f.fail = invalid("%s is no object with anything in it", key)
	}
	return sub
}

func (f *fields) unknown(known ...[]string) string {
	for key := range f.of {
		if !slices.ContainsFunc(known, func(l []string) bool { return slices.Contains(l, key) }) {
			return key
		}
	}
	return ""
}

// checkEvent gives the account that reports the event.
func (s *Server) checkEvent(raw json.RawMessage, dataset string) (identity string, fail *Error) {
	ev := &fields{of: map[string]json.RawMessage{}}
	if json.Unmarshal(raw, &ev.of) != nil {
		return "", invalid("an event is no object")
	}
	name, source, channel := ev.str("event_name"), ev.str("action_source"), ev.str("messaging_channel")
	id := ev.str("event_id")
	user, custom, outcome := ev.object("user_data"), ev.object("custom_data"), ev.object("messaging_outcome_data")
	if ev.fail != nil {
		return "", ev.fail
	}
	if key := ev.unknown(eventKeys); key != "" {
		return "", invalid("unknown key %q in an event", key)
	}
	switch {
	case source == "system_generated":
		return s.checkStage(ev, user, custom)
	case source != "business_messaging":
		return "", invalid("action_source %q: business_messaging is for chats, system_generated for stages of leads", source)
	}
	if channel == "" {
		return "", refused(2804063, "Messaging Channel Missing", "messaging_channel is required with action_source business_messaging")
	}
	keys, ok := channelKeys[channel]
	if !ok {
		return "", refused(2804063, "Messaging Channel Invalid", "messaging_channel must be whatsapp, messenger or instagram")
	}
	if !slices.Contains(names, name) {
		return "", refused(2804066, "Messaging Event Invalid Event Name", "event_name %q is not supported for business messaging", name)
	}
	if id == "" || len(id) > 128 {
		return "", invalid("event_id wants 1 to 128 characters")
	}
	if fail := s.checkTime(ev.of["event_time"]); fail != nil {
		return "", fail
	}
	if outcome.of != nil && (len(outcome.of) != 1 || outcome.str("outcome_type") != "automatic_events") {
		return "", invalid("messaging_outcome_data wants outcome_type automatic_events and nothing else")
	}
	if fail := checkLDU(ev); fail != nil {
		return "", fail
	}
	if identity, fail = s.checkUser(user, channel, keys, dataset); fail != nil {
		return "", fail
	}
	return identity, checkCustom(custom, name)
}

func (s *Server) checkTime(raw json.RawMessage) *Error {
	var seconds int64
	if json.Unmarshal(raw, &seconds) != nil {
		return invalid("event_time is no whole number of seconds")
	}
	if seconds > 1e11 {
		return invalid("event_time is in milliseconds; it wants seconds")
	}
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	at := time.Unix(seconds, 0)
	if at.After(now()) {
		return invalid("event_time is in the future")
	}
	// An event of exactly seven days, cut to seconds, may just have passed.
	if now().Sub(at) > 7*24*time.Hour+time.Second {
		return refused(2804003, "Event Timestamp Too Old", "event_time is more than 7 days ago")
	}
	return nil
}

func checkLDU(ev *fields) *Error {
	raw, ok := ev.of["data_processing_options"]
	if !ok {
		if ev.of["data_processing_options_country"] != nil || ev.of["data_processing_options_state"] != nil {
			return invalid("data_processing_options is missing")
		}
		return nil
	}
	var options []string
	var country, state uint16
	if json.Unmarshal(raw, &options) != nil || len(options) > 1 || len(options) == 1 && options[0] != "LDU" ||
		json.Unmarshal(ev.of["data_processing_options_country"], &country) != nil ||
		json.Unmarshal(ev.of["data_processing_options_state"], &state) != nil {
		return invalid(`data_processing_options wants ["LDU"] with a country and a state`)
	}
	return nil
}
