package normalize

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/jsondoc"
)

func TestGoldenMessenger(t *testing.T) { golden(t, "testdata/messenger") }
func TestGoldenInstagram(t *testing.T) { golden(t, "testdata/instagram") }

// TestCorpusPages runs bodies that none of us wrote, as TestCorpusWhatsApp does.
func TestCorpusPages(t *testing.T) {
	corpus := os.Getenv("LEADGATE_CORPUS")
	if corpus == "" {
		t.Skip("LEADGATE_CORPUS IS NOT SET: the bodies found in public repositories were NOT tried")
	}
	for _, folder := range []string{"messenger", "instagram"} {
		files, err := filepath.Glob(filepath.Join(corpus, folder, "*.json"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no files in %s/%s: %v", corpus, folder, err)
		}
		for _, file := range files {
			t.Run(folder+"/"+filepath.Base(file), func(t *testing.T) {
				body, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				checkAll(t, body)
			})
		}
	}
}

// payloads are the bodies of a folder of golden files, by name.
func payloads(t testing.TB, folder string) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no payloads in %s: %v", folder, err)
	}
	bodies := make(map[string][]byte)
	for _, file := range files {
		if strings.HasSuffix(file, ".golden.json") {
			continue
		}
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		bodies[strings.TrimSuffix(filepath.Base(file), ".json")] = body
	}
	return bodies
}

// TestPagePayloads: of every payload each element is an event, in order, with
// the same id at a redelivery.
func TestPagePayloads(t *testing.T) {
	for _, folder := range []string{"testdata/messenger", "testdata/instagram"} {
		for name, body := range payloads(t, folder) {
			t.Run(filepath.Base(folder)+"/"+name, func(t *testing.T) { checkAll(t, body) })
		}
	}
}

// TestPageClicks: in whichever place, an ad is found, and nothing else is taken
// for one. The payloads' names tell which is which.
func TestPageClicks(t *testing.T) {
	ads := 0
	for _, folder := range []string{"testdata/messenger", "testdata/instagram"} {
		for name, body := range payloads(t, folder) {
			var b Batch
			if err := Meta(&b, body, ingested); err != nil {
				t.Fatal(err)
			}
			want := strings.Contains(name, "click") || name == "several"
			got := false
			for i := range b.Events {
				r := b.Events[i].Referral
				if r == nil {
					continue
				}
				ad := r.SourceType.String() == "ad"
				got = got || ad
				if noID := name == "click-no-ad-id"; ad && !noID && (r.AdID.String() != "120210000000000001" || r.SourceID.String() != r.AdID.String() || !r.IsAd()) {
					t.Errorf("%s/%s: ad %s, source %s", folder, name, r.AdID, r.SourceID)
				}
				if !ad && (r.IsAd() || r.SourceID != nil) {
					t.Errorf("%s/%s: an ad without a click: %s", folder, name, r.AdID)
				}
				if r.CtwaClid != nil {
					t.Errorf("%s/%s: a click id, which these channels have not: %s", folder, name, r.CtwaClid)
				}
			}
			if got != want {
				t.Errorf("%s/%s: ad click %v, want %v", folder, name, got, want)
			}
			if got {
				ads++
			}
		}
	}
	if ads < 15 {
		t.Errorf("only %d payloads with a click", ads)
	}
}

// TestPageKeys holds what makes an event itself, part by part as the contract
// has it.
func TestPageKeys(t *testing.T) {
	item := func(v string) string {
		return `{"sender":{"id":7},"recipient":{"id":"9"},"timestamp":1736535600412,` + v + `}`
	}
	body := func(v string) string {
		return `{"object":"page","entry":[{"id":"9","time":2,"messaging":[` + v + `]}]}`
	}
	withoutID := func(v string) string { return "7\n9\n1736535600412\n" + hexSHA(item(v)) }
	const guest = `{"sender":{"user_ref":"g"},"recipient":{"id":"9"},"message":{"text":"x"}}`
	for _, c := range []struct{ body, key string }{
		{body(item(`"message":{"mid":"m_\/1","text":"x"}`)), "m_/1"},
		{body(item(`"postback":{"mid":"m_1","title":"x"}`)), "m_1"},
		{body(item(`"message":{"text":"x"}`)), withoutID(`"message":{"text":"x"}`)},
		{body(item(`"message":{"mid":"m_1","is_deleted":true}`)), withoutID(`"message":{"mid":"m_1","is_deleted":true}`)},
		{body(item(`"message_edit":{"mid":"m_1","text":"x"}`)), withoutID(`"message_edit":{"mid":"m_1","text":"x"}`)},
		{body(item(`"reaction":{"mid":"m_1","action":"react"}`)), withoutID(`"reaction":{"mid":"m_1","action":"react"}`)},
		{body(item(`"referral":{"source":"ADS"}`)), withoutID(`"referral":{"source":"ADS"}`)},
		{body(guest), "g\n9\n\n" + hexSHA(guest)},
		{body(item(`"read":{"mid":"m_1"}`)), "m_1\nread"},
		{body(item(`"delivery":{"mids":["m_1"],"watermark":1736535600000}`)), "m_1\ndelivered"},
		{body(item(`"delivery":{"watermark":1736535600}`)), "7\ndelivered\n1736535600000"},
		{body(item(`"read":{"watermark":1736535600001}`)), "7\nread\n1736535600001"},
		{body(item(`"read":{}`)), "7\nread\n1736535600412\n" + hexSHA(item(`"read":{}`))},
		{body(item(`"optin":{}`)), hexSHA("9\n2\n" + item(`"optin":{}`))},
		{`{"object":"page","entry":[{"id":"9","time":2,"changes":[{"field":"feed"}]}]}`, hexSHA("9\n2\n" + `{"field":"feed"}`)},
	} {
		var b Batch
		if err := Meta(&b, []byte(c.body), ingested); err != nil {
			t.Fatal(err)
		}
		if len(b.Events) != 1 || string(b.Events[0].key) != c.key {
			t.Errorf("%s: %d events, key %q, want %q", c.body, len(b.Events), b.Events[0].key, c.key)
		}
	}
}

// TestRecipientID: `match instagram_id` may name the entry's id or the account's
// own end, which for an echo is the sender; a page has one id.
func TestRecipientID(t *testing.T) {
	for _, c := range []struct{ file, account, recipient string }{
		{"instagram/recipient-differs", "17841400000000001", "9876543210987654"},
		{"instagram/echo", "17841400000000001", "9876543210987654"},
		{"instagram/change-messages", "0", "23245"},
		{"instagram/comments", "17841400000000001", ""},
		{"messenger/text", "", ""},
	} {
		body, err := os.ReadFile("testdata/" + c.file + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var b Batch
		if err := Meta(&b, body, ingested); err != nil {
			t.Fatal(err)
		}
		if a := b.Events[0].Account; a.InstagramID.String() != c.account || a.RecipientID.String() != c.recipient {
			t.Errorf("%s: account %s, recipient %s", c.file, a.InstagramID, a.RecipientID)
		}
	}
}

// TestManyMids: one event for each mid, but not for any number of them.
func TestManyMids(t *testing.T) {
	for count, want := range map[int]int{maxMids: maxMids, maxMids + 1: 1} {
		body := `{"object":"page","entry":[{"id":"9","messaging":[{"sender":{"id":"7"},"delivery":{"mids":["m"` + strings.Repeat(`,"m"`, count-1) + `]}}]}]}`
		var b Batch
		if err := Meta(&b, []byte(body), ingested); err != nil {
			t.Fatal(err)
		}
		kind := KindStatus
		if want == 1 {
			kind = KindAccount
		}
		if len(b.Events) != want || b.Events[0].Kind != kind || b.Events[0].RawLastEventType.String() != "delivery" {
			t.Errorf("%d mids: %d events, the first a %s %s", count, len(b.Events), b.Events[0].RawLastEventType, b.Events[0].Kind)
		}
	}
}

// expectedOfPages counts, by a reading of its own, what a body of Messenger or
// Instagram must become.
func expectedOfPages(root jsondoc.Node) (kinds []Kind) {
	entries := root.Get("entry")
	if entries.Kind() != '[' {
		return []Kind{KindAccount}
	}
	for _, entry := range children(entries) {
		var of []Kind
		rest, seen := false, map[string]bool{}
		for _, list := range children(entry) {
			key := string(list.Key())
			switch {
			case entry.Kind() != '{' || key != "messaging" && key != "standby" && key != "changes":
			case list.Kind() == '[' && !seen[key]:
				seen[key] = true
				for _, el := range children(list) {
					if key == "changes" {
						of = append(of, expectedOfPageChange(entry, el)...)
					} else {
						of = append(of, expectedOfItem(entry, el)...)
					}
				}
			case list.Kind() != 'n':
				rest = true
			}
		}
		if len(of) == 0 && !rest && entry.Get("field").Exists() {
			of = expectedOfPageChange(entry, entry)
		}
		if len(of) == 0 || rest {
			of = append(of, KindAccount)
		}
		kinds = append(kinds, of...)
	}
	return kinds
}

func expectedOfPageChange(entry, change jsondoc.Node) []Kind {
	field, value := change.Get("field").String(), change.Get("value")
	ends := value.Get("sender").Kind() == '{' || value.Get("recipient").Kind() == '{'
	messaging := field == "messages" || field == "standby" || strings.HasPrefix(field, "message_") || strings.HasPrefix(field, "messaging_")
	if value.Kind() == '{' && (ends || messaging) {
		return expectedOfItem(entry, value)
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
		if !s.Exists() || s.Get("mids").Len() > maxMids {
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
	if member(n, "referral").Exists() || optin.Get("referral").Kind() == '{' || strings.EqualFold(optin.Get("source").String(), "ADS") || ad != "" && ad != "0" {
		return []Kind{kind}
	}
	return []Kind{KindAccount}
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
			if (e.ReplyUntil != 0) != (e.Kind == KindMessage && e.RawLastEventType.String() != "standby" && e.Message.Type != "edit" && e.Message.Type != "revoke") {
				t.Errorf("%s %s is to be answered until %d", e.RawLastEventType, e.Kind, e.ReplyUntil)
			}
		}
	})
}

// plain says whether a text has no escapes, so that it stands in raw as it is.
func plain(t Text) bool { return bytes.IndexByte(t, '\\') < 0 }
