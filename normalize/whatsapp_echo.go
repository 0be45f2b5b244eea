package normalize

import "github.com/leadgate/leadgate/internal/jsondoc"

// echo is what the business wrote in another app; the customer is `to`. Some
// senders have the ends the other way around: whoever is not the business's
// number is the customer. There are two shapes (Meta, webhook references
// "smb_message_echoes" and "standby", August 2026): flat, of what a human wrote
// in the phone's app, and with the request to the Send API as it was, of what
// another app or an agent sent. `template` and `flow` beside it are definitions.
//
//	{"from":"15550783881","to":"15551234567","to_user_id":"US.…","to_parent_user_id":"US.ENT.…","id":"wamid.…","timestamp":"1736535600",
//	 "type":"text","text":{"body":"Hi"}}
//	{"id":"wamid.…","timestamp":"1736535600","message":{"messaging_product":"whatsapp","to":"15551234567","recipient":"US.…",
//	 "recipient_type":"individual","type":"text","text":{"body":"Hi"}},"template":{},"flow":{}}
func (b *Batch) echo(src *source, contacts *contactList, n jsondoc.Node) {
	e := b.add(src, KindEcho, first(src.field, Text(`"message_echoes"`)), n)
	m := b.messages.add()
	e.Message = m
	p, body := partsOf(n), n
	sent := n.Get("message")
	if sent.Kind() == '{' && !p.kind.Exists() {
		id, timestamp := p.id, p.timestamp
		p, body = partsOf(sent), sent
		p.id, p.timestamp = id, timestamp
	}
	ends := b.echoEnds(src, n, sent, &p)
	if string(sent.Get("recipient_type").Bytes()) == "group" && body != n {
		e.GroupID = b.id(ends.to)
		ends.to = jsondoc.Node{}
	}
	contact := contacts.of(ends.to, ends.user, ends.parent)
	named := len(ends.to.Bytes()) > 0 || len(ends.user.Bytes()) > 0 || len(ends.parent.Bytes()) > 0
	if named && !fits(contact, ends.to, ends.user, ends.parent) && fits(contact, ends.from) {
		contact = jsondoc.Node{} // the business itself
	}
	b.customer(e, b.id(ends.to), b.id(ends.user), contact)
	switch id := b.id(ends.other); {
	case id == nil:
	case isUserID(id):
		e.UserID = first(e.UserID, id)
	case e.WaID == nil:
		e.WaID, e.WaPhone = id, b.phone(id)
	}
	b.parent(e, b.id(ends.parent))
	b.content(src, e, body, &p)
	if m.Type == "unsupported" && m.Text == nil {
		m.Text = b.id(body.Get("template").Get("name")) // all that there is to read of a template
	}
	e.setTime(p.timestamp, src.ingestedAt)
	e.key = b.messageKey(e, first(b.id(ends.from), src.account.PhoneNumberID), first(b.id(ends.to), b.id(ends.user), e.WaID, e.UserID))
}

// echoEnds are the customer's ids of an echo, and from, the business's.
type echoEnds struct{ from, to, user, parent, other jsondoc.Node }

func (b *Batch) echoEnds(src *source, n, sent jsondoc.Node, p *parts) echoEnds {
	ends := echoEnds{from: p.from, to: n.Get("to"), user: n.Get("to_user_id"), parent: n.Get("to_parent_user_id")}
	if sent.Kind() == '{' {
		if !ends.to.Exists() {
			ends.to = sent.Get("to")
		}
		// A number or a BSUID, as `to` is: what it looks like tells which.
		ends.other = sent.Get("recipient")
	}
	own := src.account.DisplayPhoneNumber
	from, to := b.id(ends.from), b.id(ends.to)
	toBusiness := sameNumber(to, own) || to == nil && !ends.user.Exists() && !ends.parent.Exists() && !ends.other.Exists()
	if own != nil && toBusiness && (from != nil || p.fromUser.Exists()) && !sameNumber(from, own) {
		return echoEnds{from: ends.to, to: ends.from, user: p.fromUser, parent: p.fromParent}
	}
	return ends
}
