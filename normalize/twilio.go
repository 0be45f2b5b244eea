package normalize

import (
	"bytes"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

// ProviderTwilio is the name of Twilio's webhooks.
const ProviderTwilio = "twilio"

// Twilio normalizes a form of Twilio's messaging webhooks: an incoming message
// or the status of an outgoing one, WhatsApp or SMS, told apart by the addresses
// (whatsapp:+15551234567). ReceivedAt is ingestedAt, since Twilio gives no time.
//
// Raw is a JSON object of the form's fields, all as strings, a field that stands
// several times as an array: it lives in b, not in body. Whatever is neither a
// message nor a status becomes an event of kind account.
//
// The customer's WaID is Twilio's WaId, else the digits of the WhatsApp address,
// so that a message and the status of its answer name the same contact; for SMS
// it is the address as sent, to which replies go.
//
// Facts: twilio.com/docs/messaging/guides/webhook-request and
// …/track-outbound-message-status.
//
//	MessageSid=SM…&AccountSid=AC…&From=whatsapp%3A%2B15551234567&To=whatsapp%3A%2B15550783881&WaId=15551234567&ProfileName=John+Doe&
//	MessageType=text&Body=Hi&NumMedia=0&SmsStatus=received&ReferralCtwaClid=Aff-n8ZT…&ReferralSourceId=120226305854810726&
//	ReferralSourceType=ad
//
//	MessageSid=SM…&MessageStatus=failed&ErrorCode=63016&ChannelStatusMessage=…&From=whatsapp%3A%2B15550783881&To=whatsapp%3A%2B15551234567
func Twilio(b *Batch, form []byte, ingestedAt int64) error {
	src := &b.source
	*src = source{provider: ProviderTwilio, ingestedAt: ingestedAt}
	raw, err := b.formObject(form)
	if err != nil {
		return err
	}
	if b.limit.over {
		b.limit.lost = true // the fields that say whose it is were not read
		return nil
	}
	if err := b.parse(raw); err != nil {
		return err
	}
	root := b.doc.Root()
	f := twilioFieldsOf(root)
	src.account.routing.AccountSID = b.id(f.accountSID)
	switch state := b.lower(firstNode(f.status, f.smsStatus)); {
	case state == nil && b.twilioSID(&f) != nil && f.from.Exists() && (f.body.Exists() || f.kind.Exists() || f.media[0].url.Exists()),
		string(state) == `"received"`, string(state) == `"receiving"`:
		b.twilioMessage(src, root, &f)
	case state != nil:
		b.twilioStatus(src, root, &f, state)
	default:
		b.twilioNotice(src, root, &f)
	}
	return nil
}

// twilioStatus is what became of a message that was sent. In it the customer is
// `To`.
func (b *Batch) twilioStatus(src *source, root jsondoc.Node, f *twilioFields, state Text) {
	b.twilioChannel(src, f.to, f.from)
	e := b.add(src, KindStatus, eventStatus, root)
	s := b.statuses.add()
	e.Status = s
	s.MessageID, s.State = b.twilioSID(f), state
	s.RecipientID = b.id(f.to)
	s.Errors = b.twilioErrors(f)
	b.twilioCustomer(e, f.to, jsondoc.Node{}, f.externalUserID)
	e.setTime(jsondoc.Node{}, src.ingestedAt)
	e.key = b.statusKey(e, nil)
}

// twilioErrors is Twilio's own error with the channel's words about it.
func (b *Batch) twilioErrors(f *twilioFields) []Error {
	code := number(f.errorCode)
	if code == nil {
		code = Value(b.id(f.errorCode))
	}
	e := Error{Code: code, Message: b.id(f.errorMessage), Details: b.id(f.channelStatusMessage)}
	if string(e.Code) == "0" {
		e.Code = nil
	}
	if e.Code == nil && e.Message == nil && e.Details == nil {
		return nil
	}
	return []Error{e}
}

// twilioNotice is what is neither a message nor a status: a conversation's
// event, a call, a debugger's alarm.
func (b *Batch) twilioNotice(src *source, root jsondoc.Node, f *twilioFields) {
	if from := f.from.Bytes(); bytes.HasPrefix(from, []byte("whatsapp:")) {
		b.twilioChannel(src, f.from, f.to)
	}
	e := b.add(src, KindAccount, b.id(root.Get("EventType")), root)
	e.setTime(jsondoc.Node{}, src.ingestedAt)
	if src.channel != ChannelUnknown {
		b.twilioCustomer(e, f.from, f.waID, f.externalUserID)
	}
	e.key = b.noticeKey(e, nil, nil) // there is no entry
}

// twilioSID is the message's id; the other two are its older names.
func (b *Batch) twilioSID(f *twilioFields) Text {
	return first(b.id(f.messageSID), b.id(f.smsMessageSID), b.id(f.smsSID))
}

// twilioChannel says by the addresses which channel it is, and which number of
// the business.
func (b *Batch) twilioChannel(src *source, customer, own jsondoc.Node) {
	scheme, _ := twilioAddress(customer.Bytes())
	ownScheme, number := twilioAddress(own.Bytes())
	if len(scheme) == 0 {
		scheme = ownScheme
	}
	src.channel = ChannelSMS
	switch string(scheme) {
	case "whatsapp":
		src.channel = ChannelWhatsApp
	case "messenger": // Twilio's Facebook Messenger: page-scoped ids
		src.channel = ChannelMessenger
		if len(number) > 0 {
			src.account.PageID = b.quote(number)
		}
		return
	}
	// It may also be a messaging service (MG…) or a sender's name.
	number = bytes.TrimLeft(number, plusOrSpace)
	if rest, ok := digitsOf(number); ok && len(rest) == 0 {
		src.account.DisplayPhoneNumber = b.quote(number)
	}
}

// twilioAddress cuts an address into its channel, "" for SMS, and the rest.
func twilioAddress(address []byte) (scheme, rest []byte) {
	scheme, rest, ok := bytes.Cut(address, []byte(":"))
	if !ok {
		return nil, address
	}
	return scheme, rest
}

// twilioCustomer fills in who the customer is. A business scoped user id stands
// in ExternalUserId, and for a user without a number in the address too.
func (b *Batch) twilioCustomer(e *Event, address, waID, userID jsondoc.Node) {
	if _, user := twilioAddress(userID.Bytes()); len(user) > 0 {
		e.UserID = b.quote(user)
	}
	_, rest := twilioAddress(address.Bytes())
	id, given := b.quote(rest), b.id(waID)
	switch {
	case e.Channel == ChannelMessenger:
		e.UserID = first(e.UserID, notEmpty(id))
	case e.Channel == ChannelWhatsApp:
		number := b.quote(bytes.TrimLeft(rest, plusOrSpace))
		for _, wa := range [...]Text{given, notEmpty(number)} {
			switch {
			case wa == nil:
			case isUserID(wa):
				e.UserID = first(e.UserID, wa)
			case e.WaID == nil:
				e.WaID = wa
			}
		}
		// The address is what WhatsApp calls the number.
		e.WaPhone = first(b.phone(number), b.phone(e.WaID))
	case len(rest) > 0:
		e.WaID = id
		if rest[0] == '+' { // else a short code or a name, which is no number
			e.WaPhone = b.phone(id)
		}
	}
}

// plusOrSpace is what a number may start with: a plus that was not escaped
// arrives as a space.
const plusOrSpace = "+ "

func notEmpty(t Text) Text {
	if len(t) <= 2 {
		return nil
	}
	return t
}

// firstNode is the first of the nodes that holds something.
func firstNode(nodes ...jsondoc.Node) jsondoc.Node {
	for _, n := range nodes {
		if n.Exists() && len(n.Bytes()) > 0 {
			return n
		}
	}
	return jsondoc.Node{}
}
