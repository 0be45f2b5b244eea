package intake

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// letterRecord is what is kept beside the JSON of an unmatched event, so that it
// can be routed again as if it had just come. It stands in the letter's
// Header.Meta: a byte that no text has, and JSON.
type letterRecord struct {
	Version  int               `json:"v"`
	Key      []byte            `json:"key"`                // what makes the event itself
	Block    string            `json:"block,omitempty"`    // the id of the block that it came by; "" in letters of older versions
	Shown    string            `json:"at,omitempty"`       // that block, for people
	Envelope bool              `json:"envelope,omitempty"` // see normalize.Event.IsEnvelope
	Several  bool              `json:"several,omitempty"`  // it is several tenants', and so never one's
	IDs      map[string]string `json:"ids,omitempty"`      // those that a match may name and the JSON lacks, by matchID.beside
}

const (
	letterVersion = 1
	letterPrefix  = 0xff // never in UTF-8, as keys are: before records there was the key alone
)

func newLetterRecord(ev *normalize.Event, at Place, several bool) ([]byte, error) {
	rec := letterRecord{
		Version: letterVersion, Key: ev.Key(), Block: at.ID, Shown: at.Shown, Envelope: ev.IsEnvelope(), Several: several,
	}
	for i := range matchIDs {
		m := &matchIDs[i]
		id := m.of(ev)
		if m.beside == "" || id == nil {
			continue
		}
		if rec.IDs == nil {
			rec.IDs = make(map[string]string)
		}
		rec.IDs[m.beside] = id.String()
	}
	text, err := json.Marshal(&rec)
	return append([]byte{letterPrefix}, text...), err
}

func readLetterRecord(meta []byte) (letterRecord, error) {
	if len(meta) == 0 || meta[0] != letterPrefix {
		return letterRecord{Key: meta}, nil
	}
	var rec letterRecord
	if err := json.Unmarshal(meta[1:], &rec); err != nil {
		return rec, fmt.Errorf("reading what is kept beside it: %w", err)
	}
	if rec.Version != letterVersion {
		return rec, fmt.Errorf("what is kept beside it has version %d: it was written by another Leadgate", rec.Version)
	}
	return rec, nil
}

// revive reads back what routing and planning must know of an event.
func revive(doc *jsondoc.Doc, letter *queue.DeadLetter) (*normalize.Event, letterRecord, error) {
	rec, err := readLetterRecord(letter.Header.Meta)
	if err != nil {
		return nil, rec, err
	}
	if err := doc.Parse(letter.Payload); err != nil {
		return nil, rec, err
	}
	if !strings.HasPrefix(string(letter.Payload), unmatchedPrefix(letter)) {
		return nil, rec, errors.New("it is no unmatched event")
	}
	root := doc.Root()
	ev := &normalize.Event{
		Kind:    normalize.Kind(letter.Header.Kind),
		Channel: normalize.ChannelNamed(root.Get("channel").String()), Provider: root.Get("provider").String(),
		WaPhone: text(root, "waPhone"), WaID: text(root, "waId"), UserID: text(root, "userId"), GroupID: text(root, "groupId"),
		RawLastEventType: text(root, "rawLastEventType"), Raw: root.Get("raw").Raw(),
	}
	reviveAccount(ev, root.Get("account"), rec.IDs)
	ev.ReceivedAt, _ = root.Get("receivedAt").Int()
	ev.IngestedAt, _ = root.Get("ingestedAt").Int()
	ev.HasProviderTime = ev.ReceivedAt != ev.IngestedAt
	if m := root.Get("message"); m.Kind() == '{' {
		ev.Message = reviveMessage(m)
	}
	if r := root.Get("referral"); r.Kind() == '{' {
		ev.Referral = &normalize.Referral{
			CtwaClid: text(r, "ctwaClid"), AdID: text(r, "adId"), SourceType: text(r, "sourceType"),
			SourceURL: text(r, "sourceUrl"), Headline: text(r, "headline"), Ref: text(r, "ref"),
		}
	}
	if u := root.Get("utm"); u.Kind() == '{' {
		ev.UTM = &normalize.UTM{
			Source: text(u, "source"), Medium: text(u, "medium"), Campaign: text(u, "campaign"),
			Content: text(u, "content"), Term: text(u, "term"),
		}
	}
	if e := root.Get("automaticEvent"); e.Kind() == '{' {
		ev.AutomaticEvent = &normalize.AutomaticEvent{
			EventName: text(e, "eventName"), CtwaClid: text(e, "ctwaClid"), Currency: text(e, "currency"),
		}
		if v := e.Get("value"); v.Kind() == '0' {
			ev.AutomaticEvent.Value = v.Raw()
		}
	}
	if l := root.Get("lead"); l.Kind() == '{' {
		ev.Lead = &normalize.Lead{
			LeadgenID: text(l, "leadgenId"), FormID: text(l, "formId"), PageID: text(l, "pageId"), AdID: text(l, "adId"),
		}
		ev.Lead.CreatedAt, _ = l.Get("createdAt").Int()
	}
	if rec.Envelope {
		ev.SetEnvelope()
	}
	ev.SetKey(string(rec.Key))
	return ev, rec, nil
}

// reviveMessage reads back what a link's code may stand in.
func reviveMessage(m jsondoc.Node) *normalize.Message {
	out := &normalize.Message{
		ID: text(m, "id"), Type: m.Get("type").String(), Text: text(m, "text"), Caption: text(m, "caption"),
		Forwarded: m.Get("forwarded").Kind() == 't', FrequentlyForwarded: m.Get("frequentlyForwarded").Kind() == 't',
	}
	if i := m.Get("interactive"); i.Kind() == '{' {
		out.Interactive = &normalize.Interactive{Title: text(i, "title")}
	}
	return out
}

// reviveAccount reads back the ids that a match may name.
func reviveAccount(ev *normalize.Event, account jsondoc.Node, beside map[string]string) {
	for i := range matchIDs {
		m := &matchIDs[i]
		switch id, kept := beside[m.beside]; {
		case m.account != "":
			*m.at(&ev.Account) = text(account, m.account)
		case kept:
			*m.at(&ev.Account) = normalize.NewText(id)
		}
	}
}

// text is a member as a Text, nil for null.
func text(n jsondoc.Node, name string) normalize.Text {
	if m := n.Get(name); m.Kind() == '"' {
		return m.Raw()
	}
	return nil
}

func unmatchedPrefix(letter *queue.DeadLetter) string {
	return `{"id":"` + normalize.ID(letter.Header.EventID).String() + `","tenantId":"`
}

// moved is the event's JSON with its new id and tenant.
func moved(ev *normalize.Event, letter *queue.DeadLetter) (payload []byte, attribution uint32) {
	rest := letter.Payload[len(unmatchedPrefix(letter)):] // begins with the end of the empty tenant
	payload = append(payload, `{"id":"`+ev.ID().String()+`","tenantId":"`+ev.TenantID...)
	payload = append(payload, rest...)
	attribution = letter.Header.Attribution + uint32(len(ev.TenantID))
	if ev.Link == nil {
		return payload, attribution
	}
	return withLink(ev, payload, attribution)
}

// withLink is the JSON with the event's link, which was null, and its UTM. What was
// stored before there were links has no key for one.
func withLink(ev *normalize.Event, payload []byte, attribution uint32) ([]byte, uint32) {
	const key, none = `,"attribution":`, `,"link":null,"lead":null`
	head := bytes.TrimSuffix(payload[:attribution], []byte(key))
	tail := payload[attribution:]
	var out []byte
	var doc jsondoc.Doc
	if utm := ev.UTM; utm != nil && doc.Parse(payload) == nil {
		if was := doc.Root().Get("utm"); was.Kind() == '{' {
			out = append(out, head[:was.Offset()]...)
			for _, f := range [...]struct {
				key  string
				text normalize.Text
			}{
				{`{"source":`, utm.Source}, {`,"medium":`, utm.Medium}, {`,"campaign":`, utm.Campaign},
				{`,"content":`, utm.Content}, {`,"term":`, utm.Term},
			} {
				out = f.text.AppendJSON(append(out, f.key...))
			}
			out = append(out, '}')
			head = head[was.Offset()+len(was.Raw()):]
		}
	}
	out = append(append(append(out, bytes.TrimSuffix(head, []byte(none))...), `,"link":`...), ev.Link...)
	out = append(out, `,"lead":null`+key...)
	return append(out, tail...), uint32(len(out))
}
