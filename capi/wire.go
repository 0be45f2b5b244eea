package capi

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/leadgate/leadgate/normalize"
)

func (f *facts) identity(s *Settings) Identity {
	switch f.channel {
	case normalize.ChannelMessenger:
		return Identity{f.channel, string(f.page)}
	case normalize.ChannelInstagram:
		return Identity{f.channel, string(f.instagram)}
	case normalize.ChannelLeadAds:
		return Identity{Channel: f.channel}
	}
	if len(f.waba) == 0 || string(f.waba) == s.WabaID {
		return Identity{f.channel, s.WabaID}
	}
	return Identity{f.channel, string(f.waba)}
}

// append writes the event. The order of the keys is Meta's samples'.
func (f *facts) append(dst []byte, s *Settings, seconds int64) ([]byte, error) {
	dst = append(dst, `{"event_name":`...)
	dst = appendString(dst, []byte(f.wireName()))
	dst = append(dst, `,"event_time":`...)
	dst = strconv.AppendInt(dst, seconds, 10)
	dst = append(dst, `,"event_id":`...)
	dst = appendString(dst, f.id)
	dst = f.appendSource(dst)
	if f.automatic {
		dst = append(dst, `,"messaging_outcome_data":{"outcome_type":"automatic_events"}`...)
	}
	dst = append(dst, `,"user_data":{`...)
	dst = f.appendUserData(dst, s)
	dst = append(dst, '}')
	custom := len(dst)
	dst = append(dst, `,"custom_data":{`...)
	empty := len(dst)
	dst, err := f.appendCustomData(dst, s)
	if err != nil {
		return dst, err
	}
	if len(dst) == empty {
		dst = dst[:custom]
	} else {
		dst = append(dst, '}')
	}
	if d := s.DataProcessingOptions; d != nil {
		dst = append(dst, `,"data_processing_options":["LDU"],"data_processing_options_country":`...)
		dst = strconv.AppendInt(dst, int64(d.Country), 10)
		dst = append(dst, `,"data_processing_options_state":`...)
		dst = strconv.AppendInt(dst, int64(d.State), 10)
	}
	return append(dst, '}'), nil
}

// appendSource writes where it happened: in a chat, or in a CRM.
func (f *facts) appendSource(dst []byte) []byte {
	if f.lead != nil {
		return append(dst, `,"action_source":"system_generated"`...)
	}
	dst = append(dst, `,"action_source":"business_messaging","messaging_channel":"`...)
	return append(append(dst, f.channel.String()...), '"')
}

// wireName is the event's name as Meta is told it.
func (f *facts) wireName() string {
	if f.lead != nil {
		return string(f.name)
	}
	return WireName(string(f.name))
}

func (f *facts) appendUserData(dst []byte, s *Settings) []byte {
	start := len(dst)
	switch f.channel {
	case normalize.ChannelWhatsApp:
		waba := f.waba
		if len(waba) == 0 {
			waba = []byte(s.WabaID)
		}
		dst = appendMember(dst, start, "whatsapp_business_account_id", waba)
		dst = appendMember(dst, start, "ctwa_clid", f.clid)
	case normalize.ChannelMessenger:
		dst = appendMember(dst, start, "page_id", f.page)
		dst = appendMember(dst, start, "page_scoped_user_id", f.userID)
	case normalize.ChannelInstagram:
		dst = appendMember(dst, start, s.instagramIDField(), f.instagram)
		dst = appendMember(dst, start, "ig_sid", f.userID)
	case normalize.ChannelLeadAds:
		dst = appendMember(dst, start, "lead_id", []byte(f.lead.ID))
	}
	if s.NoMatchKeys {
		return dst
	}
	switch {
	case f.lead != nil:
		dst = appendHashes(dst, start, "ph", func(dst []byte) []byte { return appendEach(dst, f.leadPhones()) })
	case f.channel == normalize.ChannelWhatsApp:
		dst = appendHashes(dst, start, "ph", func(dst []byte) []byte { return appendPhones(dst, f.waPhone, f.waID) })
	}
	dst = appendHashes(dst, start, "em", func(dst []byte) []byte { return appendEach(dst, f.emails()) })
	if id := f.posted.Get("externalId"); id.Exists() {
		if hash, ok := HashExternalID(id.String()); ok {
			dst = appendHashes(dst, start, "external_id", func(dst []byte) []byte {
				return append(append(append(dst, '"'), hash...), '"')
			})
		}
	}
	return dst
}

// appendHashes appends a list of hashes, or nothing where there are none.
func appendHashes(dst []byte, start int, name string, list func([]byte) []byte) []byte {
	before := len(dst)
	dst = append(appendName(dst, start, name), '[')
	empty := len(dst)
	if dst = list(dst); len(dst) == empty {
		return dst[:before]
	}
	return append(dst, ']')
}

// appendMember appends a string member, or nothing where it is unknown.
func appendMember(dst []byte, start int, name string, value []byte) []byte {
	if len(value) == 0 {
		return dst
	}
	return appendString(appendName(dst, start, name), value)
}

// appendName appends a member's name, after a comma unless it is the first of
// the object whose members start at start.
func appendName(dst []byte, start int, name string) []byte {
	if len(dst) > start {
		dst = append(dst, ',')
	}
	return append(append(append(dst, '"'), name...), `":`...)
}

func appendString(dst, s []byte) []byte {
	for _, c := range s {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			// The error only reports invalid UTF-8, which is replaced.
			dst, _ = jsontext.AppendQuote(dst, s)
			return dst
		}
	}
	return append(append(append(dst, '"'), s...), '"')
}
