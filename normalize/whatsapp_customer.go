package normalize

import (
	"bytes"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

// contactList is contacts[] of a value.
type contactList struct {
	list jsondoc.Node
	byID map[string]contactAt // those after the first few, once one was looked for
}

type contactAt struct {
	index int
	node  jsondoc.Node
}

// fewContacts are compared one by one. maxContacts bounds the search: Meta sends
// at most 1000 updates in a body.
const (
	fewContacts = 8
	maxContacts = 1000
)

func (b *Batch) contactsOf(value jsondoc.Node) *contactList {
	l := b.contactLists.add()
	l.list = value.Get("contacts")
	return l
}

// of is the first element that fits the ids, or the only one.
func (l *contactList) of(ids ...jsondoc.Node) jsondoc.Node {
	only := l.list.First()
	if !only.Next().Exists() {
		return only
	}
	index := 0
	for c := only; c.Exists(); c = c.Next() {
		if index == fewContacts {
			return l.after(c, ids)
		}
		if fits(c, ids...) {
			return c
		}
		index++
	}
	return jsondoc.Node{}
}

// after is of for the elements from one on.
func (l *contactList) after(from jsondoc.Node, ids []jsondoc.Node) jsondoc.Node {
	if l.byID == nil {
		l.byID = make(map[string]contactAt)
		index := fewContacts
		for c := from; c.Exists() && index < maxContacts; c = c.Next() {
			for _, id := range contactIDs(c) {
				if _, ok := l.byID[string(id)]; !ok {
					l.byID[string(id)] = contactAt{index, c}
				}
			}
			index++
		}
	}
	best := contactAt{index: maxContacts}
	for _, n := range ids {
		if id := bare(n); len(id) > 0 {
			if at, ok := l.byID[string(id)]; ok && at.index < best.index {
				best = at
			}
		}
	}
	return best.node
}

// contactIDs are what a contact is known by, empty where it has none.
func contactIDs(contact jsondoc.Node) [3][]byte {
	return [...][]byte{bare(contact.Get("wa_id")), bare(contact.Get("user_id")), bare(contact.Get("parent_user_id"))}
}

// fits reports whether one of the ids is the contact's.
func fits(contact jsondoc.Node, ids ...jsondoc.Node) bool {
	of := contactIDs(contact)
	for _, n := range ids {
		if id := bare(n); len(id) > 0 && (bytes.Equal(id, of[0]) || bytes.Equal(id, of[1]) || bytes.Equal(id, of[2])) {
			return true
		}
	}
	return false
}

// maxCompared is how long an id is, in the body, that is compared with others: no
// real one comes near, and a long one would be read again for each message.
const maxCompared = 1 << 10

// bare is an id's content without the plus, for comparing.
func bare(n jsondoc.Node) []byte {
	if len(n.Raw()) > maxCompared {
		return nil
	}
	return bytes.TrimPrefix(n.Bytes(), []byte("+"))
}

// customer fills in who the customer is, from the ids beside the message and
// from the contact that fits. A business scoped user id is a userId wherever it
// stands; since 2026 it may come without any number.
//
//	{"profile":{"name":"John Doe","username":"@johndoe"},"wa_id":"15551234567","user_id":"US.13491208655302741918",
//	 "parent_user_id":"US.ENT.11815799212886844830"}
func (b *Batch) customer(e *Event, waID, userID Text, contact jsondoc.Node) {
	contactID := b.id(contact.Get("wa_id"))
	e.UserID = first(userID, b.id(contact.Get("user_id")))
	for _, id := range [...]Text{contactID, waID} {
		switch {
		case id == nil:
		case isUserID(id):
			e.UserID = first(e.UserID, id)
		case e.WaID == nil:
			e.WaID = id
		}
	}
	e.WaPhone = b.phone(e.WaID)
	profile := contact.Get("profile")
	e.ProfileName = b.id(profile.Get("name"))
	e.Username = first(b.id(profile.Get("username")), b.id(contact.Get("username")))
	e.other.ParentUserID = nil
	b.parent(e, b.id(contact.Get("parent_user_id")))
}

// parent notes a parent BSUID: another name of the customer, and the only one
// where there is no other.
func (b *Batch) parent(e *Event, id Text) {
	e.other.ParentUserID = first(id, e.other.ParentUserID)
	if e.UserID == nil && e.WaID == nil {
		e.UserID = e.other.ParentUserID
	}
}

// isUserID reports whether an id is a business scoped user id: the country and a
// dot (US.13491208655302741918, US.ENT.11815799212886844830), or user. as
// Meta's first draft had it.
func isUserID(id Text) bool {
	s, ok := jsondoc.Plain(id)
	if !ok {
		return false
	}
	if rest, ok := bytes.CutPrefix(s, []byte("user.")); ok {
		return len(rest) > 0
	}
	return len(s) > 3 && s[2] == '.' && isUpper(s[0]) && isUpper(s[1])
}

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }
