package normalize

import (
	"bytes"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

// expectedOfPages counts, by a reading of its own, what a body of Messenger or
// Instagram must become.
func expectedOfPages(root jsondoc.Node) (kinds []Kind) {
	entries := root.Get("entry")
	if entries.Kind() != '[' {
		return []Kind{KindAccount}
	}
	for _, entry := range elements(entries) {
		if nothingIn(entry) {
			continue
		}
		var of []Kind
		for _, list := range children(entry) {
			key := string(list.Key())
			items := []jsondoc.Node{list}
			switch {
			case entry.Kind() != '{' || key != "messaging" && key != "standby" && key != "changes", list.Kind() == 'n':
				continue
			case list.Kind() == '[':
				items = elements(list)
			}
			for _, el := range items {
				if key == "changes" {
					of = append(of, expectedOfPageChange(root, entry, el)...)
				} else {
					of = append(of, expectedOfItem(entry, el)...)
				}
			}
		}
		if len(of) == 0 && entry.Get("field").Exists() {
			of = expectedOfPageChange(root, entry, entry)
		}
		if len(of) == 0 { // there is something else in it
			of = append(of, KindAccount)
		}
		kinds = append(kinds, of...)
	}
	return kinds
}

func expectedOfPageChange(root, entry, change jsondoc.Node) []Kind {
	field, value := change.Get("field").String(), change.Get("value")
	ends := value.Get("sender").Kind() == '{' || value.Get("recipient").Kind() == '{'
	messaging := field == "messages" || field == "standby" || strings.HasPrefix(field, "message_") || strings.HasPrefix(field, "messaging_")
	if value.Kind() == '{' && (ends || messaging) {
		return expectedOfItem(entry, value)
	}
	if id := value.Get("leadgen_id").String(); field == "leadgen" && root.Get("object").String() == "page" && id != "" && id != "0" {
		return []Kind{KindLead}
	}
	return []Kind{KindAccount}
}

func expectedOfItem(entry, n jsondoc.Node) (kinds []Kind) {
	member := func(of jsondoc.Node, key string) jsondoc.Node { // the first object of that name
		for _, c := range children(of) {
			if of.Kind() == '{' && string(c.Key()) == key && c.Kind() == '{' {
				return c
			}
		}
		return jsondoc.Node{}
	}
	sender, recipient := member(n, "sender").Get("id").String(), member(n, "recipient").Get("id").String()
	kind := KindMessage
	flag := func(key string) bool {
		return member(n, "message").Get(key).String() == "true" || member(n, "message").Get(key).Kind() == 't'
	}
	own := entry.Get("id").String()
	if flag("is_echo") || sender != "" && sender == own && recipient != own && !flag("is_self") {
		kind = KindEcho
	}
	for _, key := range []string{"message", "message_edit", "reaction", "postback"} {
		if member(n, key).Exists() {
			kinds = append(kinds, kind)
		}
	}
	for _, key := range []string{"delivery", "read"} {
		s := member(n, key)
		if !s.Exists() {
			continue
		}
		mids := 0
		for _, m := range []jsondoc.Node{s.Get("mids"), s.Get("mid")} {
			list := []jsondoc.Node{m}
			if m.Kind() == '[' {
				list = children(m)
			}
			for _, m := range list {
				if m.String() != "" {
					mids++
				}
			}
		}
		for range max(mids, 1) {
			kinds = append(kinds, KindStatus)
		}
	}
	if len(kinds) > 0 {
		return kinds
	}
	optin := member(n, "optin")
	ad := optin.Get("ad_id").String()
	if member(n, "referral").Exists() || optin.Get("referral").Kind() == '{' || strings.EqualFold(optin.Get("source").String(), "ADS") ||
		ad != "" && ad != "0" {
		return []Kind{kind}
	}
	return []Kind{KindAccount}
}

// elements are the children of an array, of which those that hold nothing count
// once.
func elements(n jsondoc.Node) (all []jsondoc.Node) {
	empty := false
	for _, c := range children(n) {
		switch raw := string(c.Raw()); {
		case raw == "null", raw == `""`, c.Kind() == '{' && c.Len() == 0, c.Kind() == '[' && c.Len() == 0:
			if empty {
				continue
			}
			empty = true
		}
		all = append(all, c)
	}
	return all
}

func children(n jsondoc.Node) (all []jsondoc.Node) {
	for c := n.First(); c.Exists(); c = c.Next() {
		all = append(all, c)
	}
	return all
}

// FuzzPages is FuzzMeta for Messenger and Instagram: the output validates, raw
// is a piece of the body, ids are stable and nothing is lost; besides, an event
// is about its own item's ends, and has an ad only where the item names one.
func FuzzPages(f *testing.F) {
	for _, folder := range []string{"testdata/messenger", "testdata/instagram"} {
		for _, body := range payloads(f, folder) {
			f.Add(body)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var b Batch
		if err := Meta(&b, body, ingested); err != nil {
			if len(b.Events) != 0 {
				t.Fatalf("%d events and %v", len(b.Events), err)
			}
			return
		}
		checkAll(t, body)
		for i := range b.Events {
			e := &b.Events[i]
			if e.Channel != ChannelMessenger && e.Channel != ChannelInstagram {
				continue
			}
			if e.WaID != nil || e.WaPhone != nil {
				t.Errorf("a WhatsApp id on %s: %s", e.Channel, e.Raw)
			}
			if plain(e.UserID) && !bytes.Contains(e.Raw, bytes.Trim(e.UserID, `"`)) {
				t.Errorf("user %s is not in %s", e.UserID, e.Raw)
			}
			if r := e.Referral; r.IsAd() && plain(r.AdID) && e.Ad.AdID == nil && !bytes.Contains(e.Raw, bytes.Trim(r.AdID, `"`)) {
				t.Errorf("ad %s is not in %s", r.AdID, e.Raw)
			}
			if (e.ReplyUntil != 0) != (e.Kind == KindMessage && e.RawLastEventType.String() != "standby" && e.Message.Type != "edit" &&
				e.Message.Type != "revoke") {
				t.Errorf("%s %s is to be answered until %d", e.RawLastEventType, e.Kind, e.ReplyUntil)
			}
		}
	})
}

// plain reports whether a text has no escapes, so that it stands in raw as it is.
func plain(t Text) bool { return bytes.IndexByte(t, '\\') < 0 }
