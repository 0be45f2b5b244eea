package normalize

import (
	"strings"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

// twilioFields are the fields that mean something here, found in one pass over
// the form. Of a field that stands several times, the first counts.
type twilioFields struct {
	accountSID, messageSID, smsMessageSID, smsSID jsondoc.Node
	from, to, waID, externalUserID, profileName   jsondoc.Node
	username, profileUsername                     jsondoc.Node
	kind, body                                    jsondoc.Node

	media [twilioMaxMedia]struct{ url, mime jsondoc.Node }

	latitude, longitude, address, label  jsondoc.Node
	buttonText, buttonPayload            jsondoc.Node
	listID, listTitle, listDescription   jsondoc.Node
	interactiveData, flowData            jsondoc.Node
	repliedSID, repliedSender            jsondoc.Node
	forwarded, frequentlyForwarded       jsondoc.Node
	referralClid, referralMediaType      jsondoc.Node
	referralMediaURL                     jsondoc.Node
	referralSourceID, referralSourceType jsondoc.Node
	referralSourceURL                    jsondoc.Node
	referralHeadline, referralBody       jsondoc.Node
	status, smsStatus                    jsondoc.Node
	errorCode, errorMessage              jsondoc.Node
	channelStatusMessage                 jsondoc.Node
}

// twilioMaxMedia is how many files a message has at most (Twilio's page on MMS).
const twilioMaxMedia = 10

func twilioFieldsOf(root jsondoc.Node) (f twilioFields) {
	for n := root.First(); n.Exists(); n = n.Next() {
		name := string(n.Key())
		field := f.field(name)
		if field == nil {
			continue
		}
		if n.Kind() == '[' {
			*field = n.First()
		} else {
			*field = n
		}
	}
	return f
}

// field is where the field of that name goes, nil for one of no meaning here.
func (f *twilioFields) field(name string) *jsondoc.Node {
	switch name {
	case "AccountSid":
		return &f.accountSID
	case "MessageSid":
		return &f.messageSID
	case "SmsMessageSid":
		return &f.smsMessageSID
	case "SmsSid":
		return &f.smsSID
	case "From":
		return &f.from
	case "To":
		return &f.to
	case "WaId":
		return &f.waID
	case "ExternalUserId":
		return &f.externalUserID
	case "ProfileName":
		return &f.profileName
	case "ProfileUsername":
		return &f.profileUsername
	case "Username":
		return &f.username
	case "MessageType":
		return &f.kind
	case "Body":
		return &f.body
	case "Latitude":
		return &f.latitude
	case "Longitude":
		return &f.longitude
	case "Address":
		return &f.address
	case "Label":
		return &f.label
	case "ButtonText":
		return &f.buttonText
	case "ButtonPayload":
		return &f.buttonPayload
	case "ListId":
		return &f.listID
	case "ListTitle":
		return &f.listTitle
	case "ListDescription":
		return &f.listDescription
	case "InteractiveData":
		return &f.interactiveData
	case "FlowData":
		return &f.flowData
	case "OriginalRepliedMessageSid":
		return &f.repliedSID
	case "OriginalRepliedMessageSender":
		return &f.repliedSender
	case "Forwarded":
		return &f.forwarded
	case "FrequentlyForwarded":
		return &f.frequentlyForwarded
	case "ReferralCtwaClid":
		return &f.referralClid
	case "ReferralSourceId":
		return &f.referralSourceID
	case "ReferralSourceType":
		return &f.referralSourceType
	case "ReferralSourceUrl":
		return &f.referralSourceURL
	case "ReferralHeadline":
		return &f.referralHeadline
	case "ReferralBody":
		return &f.referralBody
	case "ReferralMediaUrl":
		return &f.referralMediaURL
	case "ReferralMediaContentType":
		return &f.referralMediaType
	case "MessageStatus":
		return &f.status
	case "SmsStatus":
		return &f.smsStatus
	case "ErrorCode":
		return &f.errorCode
	case "ErrorMessage":
		return &f.errorMessage
	case "ChannelStatusMessage":
		return &f.channelStatusMessage
	}
	if rest, ok := strings.CutPrefix(name, "MediaUrl"); ok && index(rest) >= 0 {
		return &f.media[index(rest)].url
	}
	if rest, ok := strings.CutPrefix(name, "MediaContentType"); ok && index(rest) >= 0 {
		return &f.media[index(rest)].mime
	}
	return nil
}

// index is the number of a file, -1 for none.
func index(digit string) int {
	if len(digit) != 1 || digit[0] < '0' || digit[0] > '9' {
		return -1
	}
	return int(digit[0] - '0')
}
