package leads

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// lead is a form as the Graph API has it.
//
//	{"id":"987654321012345","created_time":"2026-11-20T08:49:14+0000","ad_id":"120210000000000001","ad_name":"A1","adset_id":"…",
//	 "adset_name":"…","campaign_id":"…","campaign_name":"…","form_id":"…","is_organic":false,"platform":"fb","field_data":[
//	 {"name":"full_name","values":["Ana Souza"]},{"name":"phone_number","values":["+5511987654321"]}],
//	 "custom_disclaimer_responses":[{"checkbox_key":"optional_1","is_checked":"1"}]}
//
// Meta, "Retrieving leads", 2026, and the node's fields in its SDK. What is not set is left
// out; created_time has no colon in its zone.
type lead struct{ root jsondoc.Node }

// revive reads the bare event back from its JSON. Its texts are slices of payload.
func revive(doc *jsondoc.Doc, item *queue.Entry) (*normalize.Event, error) {
	if err := doc.Parse(item.Payload); err != nil {
		return nil, err
	}
	root := doc.Root()
	l := root.Get("lead")
	if normalize.Kind(item.Header.Kind) != normalize.KindLead || l.Kind() != '{' || text(l.Get("leadgenId")) == nil {
		return nil, errors.New("it is no lead")
	}
	ev := &normalize.Event{
		Kind: normalize.KindLead, Channel: normalize.ChannelLeadAds, Provider: root.Get("provider").String(),
		RawLastEventType: text(root.Get("rawLastEventType")), RawVersion: text(root.Get("rawVersion")), Raw: root.Get("raw").Raw(),
		Lead: &normalize.Lead{
			LeadgenID: text(l.Get("leadgenId")), FormID: text(l.Get("formId")), FormName: text(l.Get("formName")),
			PageID: text(l.Get("pageId")), AdID: text(l.Get("adId")),
		},
	}
	ev.Account.PageID = text(root.Get("account").Get("pageId"))
	ev.ReceivedAt, _ = root.Get("receivedAt").Int()
	ev.IngestedAt, _ = root.Get("ingestedAt").Int()
	ev.Lead.CreatedAt, _ = l.Get("createdAt").Int()
	ev.HasProviderTime = ev.Lead.CreatedAt != 0
	if l.Get("test").Kind() == 't' {
		ev.Lead.Test = normalize.True
	}
	ev.SetKey(ev.Lead.LeadgenID.String())
	return ev, nil
}

// text is a string that is not empty, or a number's digits; nil for anything else.
func text(n jsondoc.Node) normalize.Text {
	switch n.Kind() {
	case '"':
		if raw := n.Raw(); len(raw) > 2 {
			if jsondoc.HasLoneSurrogate(raw) {
				raw = jsondoc.AppendSanitized(nil, raw)
			}
			return raw
		}
	case '0':
		return normalize.NewText(string(n.Raw()))
	}
	return nil
}

// fill makes the event whole, and returns the hash of the e-mail address, "" for none.
func (l lead) fill(ev *normalize.Event, formName normalize.Text) (emailHash string) {
	to := ev.Lead
	set := func(field *normalize.Text, name string) {
		if t := text(l.root.Get(name)); t != nil {
			*field = t
		}
	}
	set(&to.FormID, "form_id")
	set(&to.AdID, "ad_id")
	set(&to.AdName, "ad_name")
	set(&to.AdsetID, "adset_id")
	set(&to.AdsetName, "adset_name")
	set(&to.CampaignID, "campaign_id")
	set(&to.CampaignName, "campaign_name")
	set(&to.Platform, "platform")
	if formName != nil {
		to.FormName = formName
	}
	if at := createdAt(l.root.Get("created_time").String()); at != 0 {
		to.CreatedAt, ev.ReceivedAt, ev.HasProviderTime = at, at, true
	}
	to.Organic = boolean(l.root.Get("is_organic"))
	to.Answers = answers(l.root.Get("field_data"))
	to.Disclaimers = disclaimers(l.root.Get("custom_disclaimer_responses"))
	who := readPerson(l.root.Get("field_data"))
	if to.Test != normalize.True {
		to.Test = normalize.False
		if who.test || isDummyAddress(who.email, to.AdID != nil) {
			to.Test = normalize.True
		}
	}
	ev.ProfileName = who.name()
	if e164 := phoneNumber(who.phone); e164 != "" {
		ev.WaPhone = normalize.NewText(e164)
	}
	emailHash, _ = capi.HashEmail(who.email)
	return emailHash
}

// createdAt reads Meta's time, in ms; 0 for none. Webhooks have it in seconds.
func createdAt(s string) int64 {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > 0 && n < 1<<32 {
		return n * 1000
	}
	for _, layout := range []string{"2006-01-02T15:04:05-0700", time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() > 2000 && t.Year() < 2100 {
			return t.UnixMilli()
		}
	}
	return 0
}

func boolean(n jsondoc.Node) normalize.Bool {
	switch {
	case n.Kind() == 't', n.Kind() == '"' && n.String() == "true":
		return normalize.True
	case n.Kind() == 'f', n.Kind() == '"' && n.String() == "false":
		return normalize.False
	}
	return normalize.Unknown
}

// answers are the questions and what was answered, in order.
func answers(list jsondoc.Node) normalize.Value {
	b := []byte{'['}
	for f := list.First(); list.Kind() == '[' && f.Exists(); f = f.Next() {
		name := text(f.Get("name"))
		if name == nil {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(append(append(b, `{"name":`...), name...), `,"values":[`...)
		first := true
		for v := values(f); v.Exists(); v = v.Next() {
			t := text(v)
			if t == nil {
				if v.Kind() != '"' {
					continue
				}
				t = normalize.Text(`""`)
			}
			if !first {
				b = append(b, ',')
			}
			first = false
			b = append(b, t...)
		}
		b = append(b, `]}`...)
	}
	return append(b, ']')
}

// values are a question's answers; one that stands alone is a list of itself.
func values(field jsondoc.Node) jsondoc.Node {
	if v := field.Get("values"); v.Kind() == '[' {
		return v.First()
	}
	return jsondoc.Node{}
}

func disclaimers(list jsondoc.Node) normalize.Value {
	if list.Kind() != '[' {
		return nil
	}
	b := []byte{'['}
	for d := list.First(); d.Exists(); d = d.Next() {
		key := text(d.Get("checkbox_key"))
		if key == nil {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		checked := `"0"`
		if n := d.Get("is_checked"); n.Kind() == 't' || n.String() == "1" || strings.EqualFold(n.String(), "true") {
			checked = `"1"`
		}
		b = append(append(b, `{"checkbox_key":`...), key...)
		b = append(append(append(b, `,"is_checked":`...), checked...), '}')
	}
	return append(b, ']')
}

// person is who filled the form, by the names that Meta gives its own questions. What a form
// calls anything else is not guessed at.
type person struct {
	full, first, last normalize.Text
	phone, email      string
	test              bool // an answer is that of Meta's testing tool
}

func readPerson(list jsondoc.Node) (p person) {
	for f := list.First(); list.Kind() == '[' && f.Exists(); f = f.Next() {
		v := values(f)
		for w := v; w.Exists(); w = w.Next() {
			p.test = p.test || isDummy(w.String())
		}
		t := text(v)
		if t == nil || strings.TrimSpace(t.String()) == "" {
			continue
		}
		switch f.Get("name").String() {
		case "full_name":
			p.full = t
		case "first_name":
			p.first = t
		case "last_name":
			p.last = t
		case "phone_number":
			p.phone = t.String()
		case "email":
			p.email = t.String()
		}
	}
	return p
}

func (p *person) name() normalize.Text {
	switch {
	case p.full != nil:
		return p.full
	case p.first != nil && p.last != nil:
		return normalize.NewText(p.first.String() + " " + p.last.String())
	case p.first != nil:
		return p.first
	}
	return p.last
}

// phoneNumber is a number as the form has it in E.164, "" for one that does not name its
// country: the form fills in a plus, and who writes the number anew may leave it out.
func phoneNumber(written string) string {
	if written = strings.TrimSpace(written); !strings.HasPrefix(written, "+") {
		return ""
	}
	return normalize.PhoneFromWaID(written)
}

// isDummy reports whether an answer is one of Meta's testing tool: "<test lead: dummy data
// for full_name>".
func isDummy(answer string) bool {
	const mark = "<test lead:"
	return len(answer) >= len(mark) && strings.EqualFold(answer[:len(mark)], mark)
}

// isDummyAddress reports whether an address is the testing tool's: one of Meta itself. Who works
// there and came by an ad is a person.
func isDummyAddress(email string, byAd bool) bool {
	name, domain, _ := strings.Cut(strings.ToLower(strings.TrimSpace(email)), "@")
	return (domain == "fb.com" || domain == "meta.com") && (name == "test" || !byAd)
}

// isDigits reports whether an id is one of the Graph API's, and no path.
func isDigits(id []byte) bool {
	return len(id) > 0 && len(id) <= 32 && len(bytes.Trim(id, "0123456789")) == 0
}
