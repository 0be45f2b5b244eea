package normalize

import "github.com/leadgate/leadgate/internal/jsondoc"

// status is what became of a message of the business. In a group recipient_id
// is the group, and the customer is the participant. Gupshup's V3 has its own
// id in `id` and Meta's in `meta_msg_id`.
//
//	{"id":"wamid.…","status":"sent","timestamp":"1736535800","recipient_id":"15551234567","recipient_user_id":"US.…",
//	 "recipient_parent_user_id":"US.ENT.…","recipient_type":"group","recipient_participant_id":"15551234567",
//	 "recipient_participant_user_id":"US.…","recipient_participant_parent_user_id":"US.ENT.…","biz_opaque_callback_data":"…",
//	 "conversation":{"id":"…","expiration_timestamp":"1736622000","origin":{"type":"referral_conversion"}},
//	 "pricing":{"billable":true,"pricing_model":"PMP","type":"regular","category":"marketing"},"errors":[{"code":131026}]}
func (b *Batch) status(src *source, contacts *contactList, n jsondoc.Node) {
	e := b.add(src, KindStatus, src.eventType(eventStatus), n)
	s := b.statuses.add()
	e.Status = s
	e.setTime(n.Get("timestamp"), src.ingestedAt)

	id, metaID := b.id(n.Get("id")), b.id(n.Get("meta_msg_id"))
	s.MessageID, s.GsID = first(metaID, id), b.id(n.Get("gs_id"))
	if s.GsID == nil && metaID != nil {
		s.GsID = id
	}
	s.State = b.lower(n.Get("status"))
	b.state(src, s.State)
	s.RecipientID = b.id(n.Get("recipient_id"))
	s.CallbackData = b.id(n.Get("biz_opaque_callback_data"))
	s.Errors = b.errors(n.Get("errors"))
	if s.Errors == nil && src.provider == ProviderGupshup {
		s.Errors = b.reason(n)
	}

	r := recipientsOf(n)
	var participant Text
	if r.group {
		e.GroupID = s.RecipientID
		participant = first(b.id(r.phone), b.id(r.user), b.id(r.parent))
	}
	b.customer(e, b.id(r.phone), b.id(r.user), contacts.of(r.phone, r.user, r.parent))
	b.parent(e, b.id(r.parent))
	if r.group {
		participant = first(participant, e.WaID, e.UserID)
	}
	e.Conversation = b.conversation(n.Get("conversation"), n.Get("pricing"))
	e.key = b.statusKey(e, participant)
}

// recipients are the customer's ids of a status.
type recipients struct {
	group               bool
	phone, user, parent jsondoc.Node
}

// recipientsOf finds them in one pass. In a group they are the participant's:
// Meta's samples spell those in two ways, and a parent BSUID in two, too.
func recipientsOf(n jsondoc.Node) (r recipients) {
	var own, member recipients
	for c := n.First(); c.Exists(); c = c.Next() {
		if c.Kind() == 'n' || c.Kind() == '"' && len(c.Raw()) == 2 {
			continue
		}
		ids := &own
		var id *jsondoc.Node
		switch string(c.Key()) {
		case "recipient_type":
			r.group = r.group || string(c.Bytes()) == "group"
			continue
		case "recipient_id":
			id = &own.phone
		case "recipient_user_id":
			id = &own.user
		case "recipient_parent_user_id", "parent_recipient_user_id":
			id = &own.parent
		case "recipient_participant_id", "participant_recipient_id":
			ids, id = &member, &member.phone
		case "recipient_participant_user_id", "participant_recipient_user_id":
			ids, id = &member, &member.user
		case "recipient_participant_parent_user_id", "participant_recipient_parent_user_id":
			ids, id = &member, &member.parent
		default:
			continue
		}
		r.group = r.group || ids == &member
		if !id.Exists() {
			*id = c
		}
	}
	if !r.group {
		return own
	}
	if !member.user.Exists() {
		member.user = own.user
	}
	if !member.parent.Exists() {
		member.parent = own.parent
	}
	member.group = true
	return member
}

// conversation is nil where there is neither a conversation nor a price. The
// receipts of groups have the price in the conversation.
func (b *Batch) conversation(n, pricing jsondoc.Node) *Conversation {
	if pricing.Kind() != '{' {
		pricing = n.Get("pricing")
	}
	priced := pricing.Kind() == '{' && pricing.First().Exists()
	if (n.Kind() != '{' || !n.First().Exists()) && !priced {
		return nil
	}
	c := b.conversations.add()
	c.ID = b.id(n.Get("id"))
	c.ExpirationTimestamp = millis(n.Get("expiration_timestamp"))
	c.OriginType = b.id(n.Get("origin").Get("type"))
	if priced {
		p := b.pricings.add()
		c.Pricing = p
		p.Category = b.id(pricing.Get("category"))
		p.Billable = boolean(pricing.Get("billable"))
		p.PricingModel = b.id(pricing.Get("pricing_model"))
		p.Type = b.id(pricing.Get("type"))
	}
	return c
}
