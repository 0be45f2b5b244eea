package normalize

import "strconv"

// A nil list is null, an empty one [].

func (m *Message) appendJSON(dst []byte) []byte {
	if m == nil {
		return append(dst, "null"...)
	}
	dst = text(dst, `{"id":`, m.ID)
	dst = quoted(dst, `,"type":`, m.Type)
	dst = text(dst, `,"text":`, m.Text)
	dst = text(dst, `,"mediaId":`, m.MediaID)
	dst = text(dst, `,"mimeType":`, m.MimeType)
	dst = text(dst, `,"caption":`, m.Caption)
	dst = text(dst, `,"mediaUrl":`, m.MediaURL)
	dst = text(dst, `,"sha256":`, m.SHA256)
	dst = text(dst, `,"filename":`, m.Filename)
	dst = boolOrNull(dst, `,"voice":`, m.Voice)
	dst = boolOrNull(dst, `,"animated":`, m.Animated)
	dst = listOrNull(dst, `,"attachments":`, m.Attachments, (*Attachment).appendJSON)
	dst = listOrNull(dst, `,"contacts":`, m.Contacts, (*Contact).appendJSON)
	dst = m.Location.appendJSON(append(dst, `,"location":`...))
	dst = m.Interactive.appendJSON(append(dst, `,"interactive":`...))
	if r := m.Reaction; r == nil {
		dst = append(dst, `,"reaction":null`...)
	} else {
		dst = text(dst, `,"reaction":{"messageId":`, r.MessageID)
		dst = append(text(dst, `,"emoji":`, r.Emoji), '}')
	}
	dst = m.Order.appendJSON(append(dst, `,"order":`...))
	dst = m.System.appendJSON(append(dst, `,"system":`...))
	if c := m.Context; c == nil {
		dst = append(dst, `,"context":null`...)
	} else {
		dst = text(dst, `,"context":{"id":`, c.ID)
		dst = text(dst, `,"from":`, c.From)
		dst = append(text(dst, `,"gsId":`, c.GsID), '}')
	}
	if p := m.ReferredProduct; p == nil {
		dst = append(dst, `,"referredProduct":null`...)
	} else {
		dst = text(dst, `,"referredProduct":{"catalogId":`, p.CatalogID)
		dst = append(text(dst, `,"productRetailerId":`, p.ProductRetailerID), '}')
	}
	dst = text(dst, `,"originalId":`, m.OriginalID)
	dst = errorsOrNull(dst, `,"errors":`, m.Errors)
	dst = strconv.AppendBool(append(dst, `,"forwarded":`...), m.Forwarded)
	dst = strconv.AppendBool(append(dst, `,"frequentlyForwarded":`...), m.FrequentlyForwarded)
	dst = text(dst, `,"replyToId":`, m.ReplyToID)
	return append(dst, '}')
}

func (a *Attachment) appendJSON(dst []byte) []byte {
	dst = quoted(dst, `{"type":`, a.Type)
	dst = text(dst, `,"mediaId":`, a.MediaID)
	dst = text(dst, `,"mediaUrl":`, a.MediaURL)
	dst = text(dst, `,"mimeType":`, a.MimeType)
	dst = text(dst, `,"filename":`, a.Filename)
	return append(text(dst, `,"title":`, a.Title), '}')
}

func (c *Contact) appendJSON(dst []byte) []byte {
	dst = listOrNull(dst, `{"phones":`, c.Phones, (*ContactPhone).appendJSON)
	if n := c.Name; n == nil {
		dst = append(dst, `,"name":null`...)
	} else {
		dst = text(dst, `,"name":{"formatted_name":`, n.FormattedName)
		dst = text(dst, `,"first_name":`, n.FirstName)
		dst = text(dst, `,"last_name":`, n.LastName)
		dst = text(dst, `,"middle_name":`, n.MiddleName)
		dst = text(dst, `,"prefix":`, n.Prefix)
		dst = append(text(dst, `,"suffix":`, n.Suffix), '}')
	}
	dst = listOrNull(dst, `,"emails":`, c.Emails, (*ContactEmail).appendJSON)
	dst = value(dst, `,"org":`, c.Org)
	dst = value(dst, `,"addresses":`, c.Address)
	dst = value(dst, `,"urls":`, c.URLs)
	return append(text(dst, `,"birthday":`, c.Birthday), '}')
}

func (p *ContactPhone) appendJSON(dst []byte) []byte {
	dst = text(dst, `{"phone":`, p.Phone)
	dst = text(dst, `,"wa_id":`, p.WaID)
	return append(text(dst, `,"type":`, p.Type), '}')
}

func (m *ContactEmail) appendJSON(dst []byte) []byte {
	dst = text(dst, `{"email":`, m.Email)
	return append(text(dst, `,"type":`, m.Type), '}')
}

func (l *Location) appendJSON(dst []byte) []byte {
	if l == nil {
		return append(dst, "null"...)
	}
	dst = value(dst, `{"lat":`, l.Lat)
	dst = value(dst, `,"lng":`, l.Lng)
	dst = text(dst, `,"name":`, l.Name)
	return append(text(dst, `,"address":`, l.Address), '}')
}

func (i *Interactive) appendJSON(dst []byte) []byte {
	if i == nil {
		return append(dst, "null"...)
	}
	dst = text(dst, `{"type":`, i.Type)
	dst = text(dst, `,"id":`, i.ID)
	dst = text(dst, `,"title":`, i.Title)
	dst = text(dst, `,"payload":`, i.Payload)
	if r := i.ButtonReply; r == nil {
		dst = append(dst, `,"button_reply":null`...)
	} else {
		dst = text(dst, `,"button_reply":{"id":`, r.ID)
		dst = append(text(dst, `,"title":`, r.Title), '}')
	}
	if r := i.ListReply; r == nil {
		dst = append(dst, `,"list_reply":null`...)
	} else {
		dst = text(dst, `,"list_reply":{"id":`, r.ID)
		dst = text(dst, `,"title":`, r.Title)
		dst = append(text(dst, `,"description":`, r.Description), '}')
	}
	if r := i.NfmReply; r == nil {
		dst = append(dst, `,"nfm_reply":null`...)
	} else {
		dst = text(dst, `,"nfm_reply":{"name":`, r.Name)
		dst = text(dst, `,"body":`, r.Body)
		dst = text(dst, `,"response_json":`, r.ResponseJSON)
		dst = append(value(dst, `,"response":`, r.Response), '}')
	}
	return append(dst, '}')
}

func (o *Order) appendJSON(dst []byte) []byte {
	if o == nil {
		return append(dst, "null"...)
	}
	dst = text(dst, `{"catalogId":`, o.CatalogID)
	dst = text(dst, `,"text":`, o.Text)
	dst = listOrNull(dst, `,"items":`, o.Items, (*OrderItem).appendJSON)
	return append(dst, '}')
}

func (i *OrderItem) appendJSON(dst []byte) []byte {
	dst = text(dst, `{"productRetailerId":`, i.ProductRetailerID)
	dst = value(dst, `,"quantity":`, i.Quantity)
	dst = value(dst, `,"itemPrice":`, i.ItemPrice)
	return append(text(dst, `,"currency":`, i.Currency), '}')
}

func (s *System) appendJSON(dst []byte) []byte {
	if s == nil {
		return append(dst, "null"...)
	}
	dst = text(dst, `{"type":`, s.Type)
	dst = text(dst, `,"body":`, s.Body)
	dst = text(dst, `,"waId":`, s.WaID)
	dst = text(dst, `,"newWaId":`, s.NewWaID)
	dst = text(dst, `,"userId":`, s.UserID)
	return append(text(dst, `,"previousUserId":`, s.PreviousUserID), '}')
}

func (e *Error) appendJSON(dst []byte) []byte {
	dst = value(dst, `{"code":`, e.Code)
	dst = text(dst, `,"title":`, e.Title)
	dst = text(dst, `,"message":`, e.Message)
	return append(text(dst, `,"details":`, e.Details), '}')
}

func errorsOrNull(dst []byte, key string, errs []Error) []byte {
	return listOrNull(dst, key, errs, (*Error).appendJSON)
}

func listOrNull[T any](dst []byte, key string, list []T, appendJSON func(*T, []byte) []byte) []byte {
	dst = append(dst, key...)
	if list == nil {
		return append(dst, "null"...)
	}
	dst = append(dst, '[')
	for i := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendJSON(&list[i], dst)
	}
	return append(dst, ']')
}
