package normalize

import "github.com/leadgate/leadgate/internal/jsondoc"

// contactCards is a message of type contacts.
//
//	[{"name":{"formatted_name":"Ann Lee","first_name":"Ann"},"org":{"company":"Acme"},
//	  "phones":[{"phone":"+1 555 123 4567","type":"CELL","wa_id":"15551234567"}],"emails":[{"email":"ann@example.com","type":"WORK"}],
//	  "addresses":[{"city":"Oslo","type":"HOME"}],"urls":[{"url":"https:\/\/example.com","type":"WORK"}],"birthday":"2000-01-31"}]
func (b *Batch) contactCards(n jsondoc.Node) []Contact {
	var cards []Contact
	if n.Kind() != '[' {
		return nil
	}
	for c := n.First(); c.Exists() && b.element(); c = c.Next() {
		cards = append(cards, Contact{
			Phones: b.contactPhones(c.Get("phones")), Name: b.contactName(c.Get("name")), Emails: b.contactEmails(c.Get("emails")),
			Org: b.object(c.Get("org")), Address: b.lowerTypes(c.Get("addresses")), URLs: b.lowerTypes(c.Get("urls")),
			Birthday: b.id(c.Get("birthday")),
		})
	}
	return cards
}

func (b *Batch) contactPhones(n jsondoc.Node) []ContactPhone {
	if n.Kind() != '[' {
		return nil
	}
	phones := make([]ContactPhone, 0, 1)
	for p := n.First(); p.Exists() && b.element(); p = p.Next() {
		phones = append(phones, ContactPhone{Phone: b.id(p.Get("phone")), WaID: b.id(p.Get("wa_id")), Type: b.lower(p.Get("type"))})
	}
	return phones
}

func (b *Batch) contactEmails(n jsondoc.Node) []ContactEmail {
	if n.Kind() != '[' {
		return nil
	}
	emails := make([]ContactEmail, 0, 1)
	for m := n.First(); m.Exists() && b.element(); m = m.Next() {
		emails = append(emails, ContactEmail{Email: b.id(m.Get("email")), Type: b.lower(m.Get("type"))})
	}
	return emails
}

func (b *Batch) contactName(n jsondoc.Node) *ContactName {
	if n.Kind() != '{' {
		return nil
	}
	return &ContactName{
		FormattedName: b.id(n.Get("formatted_name")), FirstName: b.id(n.Get("first_name")), LastName: b.id(n.Get("last_name")),
		MiddleName: b.id(n.Get("middle_name")), Prefix: b.id(n.Get("prefix")), Suffix: b.id(n.Get("suffix")),
	}
}

// lowerTypes is an array as it stands, but for the `type` of each element,
// which is written in lower case.
func (b *Batch) lowerTypes(n jsondoc.Node) Value {
	if n.Kind() != '[' {
		return nil
	}
	raw, base := n.Raw(), n.Offset()
	start, done := len(b.arena), 0
	for c := n.First(); c.Exists(); c = c.Next() {
		t := c.Get("type")
		if t.Kind() != '"' || !hasUpper(t.Raw()) && !escaped(t.Raw()) {
			continue
		}
		from := t.Offset() - base
		low := b.lower(t)
		b.arena = append(append(b.arena, raw[done:from]...), low...)
		done = from + len(t.Raw())
	}
	if done == 0 {
		return b.value(n)
	}
	b.arena = append(b.arena, raw[done:]...)
	out := b.built(start)
	if jsondoc.HasLoneSurrogate(out) {
		start = len(b.arena)
		b.arena = jsondoc.AppendSanitized(b.arena, out)
		return b.built(start)
	}
	return out
}
