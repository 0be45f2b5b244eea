package normalize

import "github.com/leadgate/leadgate/internal/jsondoc"

// interactive is a press of a reply button, a choice from a list, a flow's
// answer, or a kind that Meta added since, which passes with its type.
//
//	{"type":"button_reply","button_reply":{"id":"yes","title":"Yes"}}
//	{"type":"list_reply","list_reply":{"id":"a1","title":"Monday","description":"9 to 12"}}
//	{"type":"nfm_reply","nfm_reply":{"name":"flow","body":"Sent","response_json":"{\"flow_token\":\"x\"}"}}
//	{"type":"call_permission_reply","call_permission_reply":{"response":"accept","expiration_timestamp":"1736622000"}}
func (b *Batch) interactive(m *Message, n jsondoc.Node) {
	if n.Kind() != '{' {
		return
	}
	i := b.interactives.add()
	m.Interactive = i
	i.Type = b.id(n.Get("type"))
	if r := n.Get("button_reply"); r.Kind() == '{' {
		i.ButtonReply = &ButtonReply{ID: b.id(r.Get("id")), Title: b.id(r.Get("title"))}
		i.ID, i.Title = i.ButtonReply.ID, i.ButtonReply.Title
		i.Type = first(i.Type, Text(`"button_reply"`))
	}
	if r := n.Get("list_reply"); r.Kind() == '{' {
		i.ListReply = &ListReply{ID: b.id(r.Get("id")), Title: b.id(r.Get("title")), Description: b.id(r.Get("description"))}
		i.ID, i.Title = i.ListReply.ID, i.ListReply.Title
		i.Type = first(i.Type, Text(`"list_reply"`))
	}
	if m.Text = i.Title; m.Text == nil {
		m.Text = b.id(n.Get("body").Get("text")) // as a business sends it
	}
	if r := n.Get("nfm_reply"); r.Kind() == '{' {
		i.NfmReply = b.nfmReply(r)
		i.Type = first(i.Type, Text(`"nfm_reply"`))
	}
	if i.Type == nil {
		// The member that stands alone names the kind.
		if c := n.First(); n.Len() == 1 && c.Kind() == '{' {
			i.Type = NewText(string(c.Key()))
		}
	}
}

// nfmReply is a flow's answer: response_json is a string that holds JSON.
func (b *Batch) nfmReply(n jsondoc.Node) *NfmReply {
	r := &NfmReply{Name: b.id(n.Get("name")), Body: b.id(n.Get("body"))}
	given := n.Get("response_json")
	if given.Kind() != '"' {
		r.Response = b.value(given)
		return r
	}
	r.ResponseJSON = b.text(given)
	start := len(b.arena)
	b.arena = jsondoc.AppendDecoded(b.arena, r.ResponseJSON)
	if b.nested.Parse(b.built(start)) != nil {
		b.arena = b.arena[:start]
		return r
	}
	r.Response = b.value(b.nested.Root())
	return r
}

// button is a press of a template's quick reply.
//
//	{"text":"Yes","payload":"YES-1"}
func (b *Batch) button(m *Message, n jsondoc.Node) {
	i := b.interactives.add()
	m.Interactive = i
	i.Type = Text(`"button"`)
	i.Title, i.Payload = b.id(n.Get("text")), b.id(n.Get("payload"))
	m.Text = i.Title
}

// order is a cart.
//
//	{"catalog_id":"354160437058781","text":"please","product_items":[{"product_retailer_id":"A1","quantity":2,"item_price":7.99,
//	 "currency":"USD"}]}
func (b *Batch) order(n jsondoc.Node) *Order {
	o := &Order{CatalogID: b.id(n.Get("catalog_id")), Text: b.id(n.Get("text"))}
	for p := n.Get("product_items").First(); p.Exists() && b.element(); p = p.Next() {
		o.Items = append(o.Items, OrderItem{
			ProductRetailerID: b.id(p.Get("product_retailer_id")),
			Quantity:          number(p.Get("quantity")), ItemPrice: number(p.Get("item_price")),
			Currency: b.id(p.Get("currency")),
		})
	}
	return o
}

// system is a notice that the customer has another number or id. Since API v12
// wa_id is the new number; before, new_wa_id was. The old one is `customer`, and
// what the message comes from.
//
// Since 2026 a new number brings a new BSUID, too, and a BSUID may change alone;
// the message may come from the old one or the new. Of the body, which is in the
// customer's language, nothing is read (Meta, webhook reference "system", August
// 2026).
//
//	{"type":"user_changed_number","body":"John changed from 15551234567 to 15557654321","wa_id":"15557654321","customer":"15551234567",
//	 "user_id":"US.…","parent_user_id":"US.ENT.…","previous_user_id":"US.…","previous_parent_user_id":"US.ENT.…"}
func (b *Batch) system(e *Event, p *parts, n jsondoc.Node) {
	s := &System{Type: b.id(n.Get("type")), Body: b.id(n.Get("body")), UserID: b.id(n.Get("user_id"))}
	e.Message.System = s
	s.NewWaID = b.id(n.Get("new_wa_id"))
	old := b.id(n.Get("customer"))
	if waID := b.id(n.Get("wa_id")); s.NewWaID == nil {
		s.NewWaID = waID
	} else {
		old = first(old, waID)
	}
	s.WaID = first(old, b.id(p.from))
	if s.WaID.String() == s.NewWaID.String() {
		s.NewWaID = nil
	}
	s.PreviousUserID = b.id(n.Get("previous_user_id"))
	if fromUser := b.id(p.fromUser); s.PreviousUserID == nil && fromUser != nil && s.UserID != nil && fromUser.String() != s.UserID.String() {
		s.PreviousUserID = fromUser
	}
	e.UserID = first(s.UserID, e.UserID)
	parentID := b.id(n.Get("parent_user_id"))
	e.other.ParentUserID = first(parentID, e.other.ParentUserID)
	switch string(s.Type) {
	case `"user_changed_number"`, `"user_changed_user_id"`, `"customer_changed_number"`:
		b.changed(e, n, parentID)
	}
}

// changed says who the customer was before: clicks are moved from there.
func (b *Batch) changed(e *Event, n jsondoc.Node, parentID Text) {
	s := e.Message.System
	if s.PreviousUserID != nil && s.PreviousUserID.String() != e.UserID.String() {
		e.other.Former = append(e.other.Former, s.PreviousUserID)
	}
	e.other.Former = b.former(e.other.Former, parentID, n.Get("previous_parent_user_id"))
	if s.WaID != nil && s.NewWaID != nil {
		e.other.Former = append(e.other.Former, s.WaID)
	}
}

// errors is what the provider reports about a message or a status.
//
//	[{"code":131051,"title":"Message type unknown","message":"…","error_data":{"details":"…"}}]
func (b *Batch) errors(n jsondoc.Node) []Error {
	var errs []Error
	if n.Kind() != '[' {
		return nil
	}
	for c := n.First(); c.Exists() && b.element(); c = c.Next() {
		if c.Kind() != '{' {
			continue
		}
		e := Error{
			Title: b.id(c.Get("title")), Message: b.id(c.Get("message")),
			Details: first(b.id(c.Get("error_data").Get("details")), b.id(c.Get("details"))),
		}
		switch code := c.Get("code"); code.Kind() {
		case '0':
			e.Code = code.Raw()
		case '"':
			e.Code = Value(b.id(code))
		}
		errs = append(errs, e)
	}
	return errs
}
