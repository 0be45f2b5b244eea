package normalize

import "github.com/leadgate/leadgate/internal/jsondoc"

// status is what became of a message of the business. In a group recipient_id
// is the group, and the customer is the participant. Gupshup's V3 has its own
// id in `id` and Meta's in `meta_msg_id`.
//
//	{"id":"wamid.…","status":"sent","timestamp":"1736535800","recipient_id":"15551234567","recipient_user_id":"US.…",
//	 "recipient_type":"group","recipient_participant_id":"15551234567","biz_opaque_callback_data":"…",
//	 "conversation":{"id":"…","expiration_timestamp":"1736622000","origin":{"type":"referral_conversion"}},
//	 "pricing":{"billable":true,"pricing_model":"PMP","type":"regular","category":"marketing"},"errors":[{"code":131026}]}
func (b *Batch) status(src *source, contacts, n jsondoc.Node) {
	e := b.add(src, KindStatus, eventStatus, n)
	s := b.statuses.add()
	e.Status = s
	e.setTime(n.Get("timestamp"), src.ingestedAt)

	id, metaID := b.id(n.Get("id")), b.id(n.Get("meta_msg_id"))
	s.MessageID, s.GsID = first(metaID, id), b.id(n.Get("gs_id"))
	if s.GsID == nil && metaID != nil {
		s.GsID = id
	}
	s.State = b.lower(n.Get("status"))
	s.RecipientID = b.id(n.Get("recipient_id"))
	s.CallbackData = b.id(n.Get("biz_opaque_callback_data"))
	s.Errors = b.errors(n.Get("errors"))
	if s.Errors == nil && src.provider == ProviderGupshup {
		s.Errors = b.reason(n)
	}

	recipient, participant := n.Get("recipient_id"), n.Get("recipient_participant_id")
	participantID := b.id(participant)
	if participantID != nil || n.Get("recipient_type").String() == "group" {
		e.GroupID = s.RecipientID
		recipient = participant
	}
	user := n.Get("recipient_user_id")
	if !user.Exists() {
		user = n.Get("recipient_participant_user_id")
	}
	b.customer(e, b.id(recipient), b.id(user), contactOf(contacts, recipient, user))
	e.Conversation = b.conversation(n.Get("conversation"), n.Get("pricing"))
	e.key = b.statusKey(e, participantID)
}

// conversation is nil where there is neither a conversation nor a price.
func (b *Batch) conversation(n, pricing jsondoc.Node) *Conversation {
	if n.Kind() != '{' && pricing.Kind() != '{' {
		return nil
	}
	c := b.conversations.add()
	c.ID = b.id(n.Get("id"))
	c.ExpirationTimestamp = millis(n.Get("expiration_timestamp"))
	c.OriginType = b.id(n.Get("origin").Get("type"))
	if pricing.Kind() == '{' {
		p := b.pricings.add()
		c.Pricing = p
		p.Category = b.id(pricing.Get("category"))
		p.Billable = boolean(pricing.Get("billable"))
		p.PricingModel = b.id(pricing.Get("pricing_model"))
		p.Type = b.id(pricing.Get("type"))
	}
	return c
}
