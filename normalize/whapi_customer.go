package normalize

import (
	"bytes"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

// whapiServer is what an id of WhatsApp's multi-device protocol names.
type whapiServer uint8

const (
	whapiNone   whapiServer = iota // nothing, or something that has no customer: a broadcast
	whapiPerson                    // 15551234567@s.whatsapp.net, or bare digits
	whapiHidden                    // 112233445566778@lid: a person whose number is hidden
	whapiGroup                     // 120363025246125486@g.us
	whapiNews                      // 120363144038483540@newsletter: a channel
)

// whapiCustomer fills in who the customer is: the sender, in a chat of two else
// the chat. A number is preferred to a hidden id of the same person. In a group
// the chat is the group.
func (b *Batch) whapiCustomer(e *Event, from, chat jsondoc.Node) {
	fromID, fromServer := b.whapiID(b.id(from))
	chatID, chatServer := b.whapiID(b.id(chat))
	if chatServer == whapiGroup {
		e.GroupID, chatID, chatServer = chatID, nil, whapiNone
	}
	if fromServer == whapiGroup {
		e.GroupID, fromID, fromServer = first(e.GroupID, fromID), nil, whapiNone
	}
	e.WaID = fromID
	switch {
	case fromServer == whapiNone,
		fromServer == whapiHidden && chatServer == whapiPerson,
		fromServer == whapiPerson && chatServer == whapiHidden && sameUser(fromID, chatID): // a hidden id without its ending
		e.WaID = first(chatID, fromID)
	}
	if e.WaID != nil && isUserID(e.WaID) {
		e.UserID, e.WaID = e.WaID, nil
	}
	e.WaPhone = b.phone(e.WaID)
}

// whapiID is an id and what it names. A number comes without its server and
// device, as Whapi itself has it in `from`; every other id stays as it is.
func (b *Batch) whapiID(t Text) (Text, whapiServer) {
	if t == nil {
		return nil, whapiNone
	}
	plain, ok := jsondoc.Plain(t)
	if !ok {
		b.scratch = t.Append(b.scratch[:0])
		t = b.quote(b.scratch)
		plain = t[1 : len(t)-1]
	}
	user, server, ok := bytes.Cut(plain, []byte("@"))
	if !ok {
		return t, whapiPerson
	}
	switch string(server) {
	case "s.whatsapp.net", "c.us":
		user, _, _ = bytes.Cut(user, []byte(":"))
		if len(user) == 0 {
			return nil, whapiNone
		}
		start := len(b.arena)
		b.arena = append(append(append(b.arena, '"'), user...), '"')
		return b.built(start), whapiPerson
	case "lid":
		return t, whapiHidden
	case "g.us":
		return t, whapiGroup
	case "newsletter":
		return t, whapiNews
	}
	return nil, whapiNone
}

// sameUser reports whether a bare id is the user of one with a server.
func sameUser(bare, full Text) bool {
	user, _, _ := bytes.Cut(full[1:], []byte("@"))
	return bytes.Equal(bare[1:len(bare)-1], user)
}
