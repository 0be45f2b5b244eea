package clicks

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/jsondoc"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// A stored click is a JSON array: what attribution shows, {ctwaClid,adId,sourceUrl,
// headline,clickedAt,messageId,link}, and whom the click identifies to platforms,
// {channel,wabaId,pageId,instagramId,userId,waId,waPhone}, with a link's click also
// {consent}. What was stored before there were links has no link.

// adClick is an ad's click as it is stored.
func adClick(ev *normalize.Event) []byte {
	r := ev.Referral
	b := append([]byte(nil), `[{"ctwaClid":`...)
	b = appendText(b, r.CtwaClid)
	b = append(b, `,"adId":`...)
	b = appendText(b, r.AdID)
	b = append(b, `,"sourceUrl":`...)
	b = appendText(b, r.SourceURL)
	b = append(b, `,"headline":`...)
	b = appendText(b, r.Headline)
	b = appendWhen(b, ev, ev.ReceivedAt)
	b = append(b, `,"link":null},{"channel":"`...)
	return append(appendWho(b, ev), `}]`...)
}

// AddLink adds to what [Touch] filled in the touch of a link's click, behind the ad's, if
// the message brings one, too. link is the event's link, as the unified JSON has it;
// consent is what the link's query said of it, "" where it said nothing.
func AddLink(ev *normalize.Event, link normalize.Value, consent string, into *queue.Event) {
	var doc jsondoc.Doc
	if into.Contact == "" || doc.Parse(link) != nil || doc.Root().Kind() != '{' {
		return
	}
	at, known := doc.Root().Get("clickedAt").Int()
	if !known {
		at = ev.ReceivedAt
	}
	b := append([]byte(nil), `[{"ctwaClid":null,"adId":null,"sourceUrl":null,"headline":null`...)
	b = appendWhen(b, ev, at)
	b = append(append(b, `,"link":`...), link...)
	b = append(b, `},{"channel":"`...)
	b = append(appendWho(b, ev), `,"consent":`...)
	if consent == "" {
		b = append(b, "null"...)
	} else {
		b = append(b, normalize.NewText(consent)...)
	}
	kind := queue.ClickLink
	for _, id := range [...]string{"gclid", "gbraid", "wbraid"} {
		if doc.Root().Get("params").Get(id).String() != "" {
			kind = queue.ClickGoogle
		}
	}
	into.Clicks = append(into.Clicks, queue.Click{At: ev.ReceivedAt, Kind: kind, Data: append(b, `}]`...)})
}

func appendWhen(b []byte, ev *normalize.Event, at int64) []byte {
	b = append(b, `,"clickedAt":`...)
	b = strconv.AppendInt(b, at, 10)
	b = append(b, `,"messageId":`...)
	var id normalize.Text
	if ev.Message != nil {
		id = ev.Message.ID
	}
	return appendText(b, id)
}

// appendWho writes who clicked, from the channel's name on, but for the end.
func appendWho(b []byte, ev *normalize.Event) []byte {
	b = append(b, ev.Channel.String()...)
	for _, f := range [...]struct {
		key  string
		text normalize.Text
	}{
		{`","wabaId":`, ev.Account.WabaID},
		{`,"pageId":`, ev.Account.PageID},
		{`,"instagramId":`, ev.Account.InstagramID},
		{`,"userId":`, ev.UserID},
		{`,"waId":`, ev.WaID},
		{`,"waPhone":`, ev.WaPhone},
	} {
		b = append(b, f.key...)
		b = appendText(b, f.text)
	}
	return b
}

func appendText(b []byte, t normalize.Text) []byte {
	if t == nil {
		return append(b, "null"...)
	}
	return append(b, t...)
}

// Names says what an ad, its ad set and its campaign are called, "" for what is not known.
// It asks nobody.
type Names func(adID string) (ad, adset, campaign string)

// AppendAttribution writes the contact's first and last click as the unified
// JSON's attribution, null for a contact without clicks. names may be nil.
func AppendAttribution(b []byte, c queue.Clicks, names Names) []byte {
	if len(c.First) == 0 && len(c.Last) == 0 {
		return append(b, "null"...)
	}
	b = append(b, `{"firstClick":`...)
	b = appendShown(b, c.First, names)
	b = append(b, `,"lastClick":`...)
	b = appendShown(b, c.Last, names)
	return append(b, '}')
}

// appendShown writes of a stored click what is shown.
func appendShown(b, click []byte, names Names) []byte {
	var doc jsondoc.Doc
	if len(click) == 0 || doc.Parse(click) != nil || doc.Root().First().Kind() != '{' {
		return append(b, "null"...)
	}
	return appendWhole(b, doc.Root().First(), names)
}

// appendWhole writes what is shown of a click with all its keys. The names of the ad, its
// set and its campaign are of no click, but of now.
func appendWhole(b []byte, shown jsondoc.Node, names Names) []byte {
	b = append(b, bytes.TrimSuffix(shown.Raw(), []byte("}"))...)
	if !shown.Get("link").Exists() {
		b = append(b, `,"link":null`...)
	}
	var id string
	if n := shown.Get("adId"); n.Kind() == '"' {
		id = n.String()
	}
	return appendNames(b, id, names)
}

// appendNames writes what an ad is called, and the end.
func appendNames(b []byte, adID string, names Names) []byte {
	var ad, adset, campaign string
	if names != nil && adID != "" {
		ad, adset, campaign = names(adID)
	}
	for _, f := range [...]struct{ key, text string }{
		{`,"adName":`, ad}, {`,"adsetName":`, adset}, {`,"campaignName":`, campaign},
	} {
		if b = append(b, f.key...); f.text == "" {
			b = append(b, "null"...)
		} else {
			b = append(b, normalize.NewText(f.text)...)
		}
	}
	return append(b, '}')
}

// nameless is how a click is shown whose ad has no name.
var nameless = appendNames(nil, "", nil)

// Named is what is shown of the click, with what its ad is called now. names may be nil.
func (c *Click) Named(names Names) []byte {
	if shown, ok := bytes.CutSuffix(c.Shown, nameless); ok && names != nil {
		return appendNames(bytes.Clone(shown), c.AdID, names)
	}
	return c.Shown
}

// Click is a stored click: an ad's, a link's, or what is kept of a lead ad's form.
type Click struct {
	capi.Click
	Shown []byte // the JSON that attribution shows, without names: see Named
	Link  *Link  // nil for an ad's
	Lead  *Lead  // not nil: no click, but a form of a lead ad, of which nothing is shown
	At    int64  // when, in ms; where a link does not say, when the message came
}

// Link is what a link's click says of the link.
type Link struct {
	Name   string // in the configuration
	Code   string // as it is shown: K7QW3-MPDXR
	Shared bool   // the click was another's

	// What Google gave the click, "" for nothing.
	GCLID, GBRAID, WBRAID string
	Consented             bool // the link's query said that the person consents
}

// Parse reads a stored click.
func Parse(data []byte) (*Click, error) {
	var doc jsondoc.Doc
	if err := doc.Parse(data); err != nil {
		return nil, fmt.Errorf("reading a stored click: %w", err)
	}
	if doc.Root().Kind() == '{' {
		return parseLead(data)
	}
	shown := doc.Root().First()
	if shown.Kind() != '{' {
		return nil, errors.New("reading a stored click: it shows nothing")
	}
	who := shown.Next()
	c := &Click{Shown: appendWhole(nil, shown, nil)}
	c.CtwaClid, c.AdID = shown.Get("ctwaClid").String(), shown.Get("adId").String()
	c.Channel = normalize.ChannelNamed(who.Get("channel").String())
	c.WabaID, c.PageID, c.InstagramID = who.Get("wabaId").String(), who.Get("pageId").String(), who.Get("instagramId").String()
	c.At, _ = shown.Get("clickedAt").Int()
	c.UserID, c.WaID, c.WaPhone = who.Get("userId").String(), who.Get("waId").String(), who.Get("waPhone").String()
	if link := shown.Get("link"); link.Kind() == '{' {
		params := link.Get("params")
		c.Link = &Link{
			Name: link.Get("name").String(), Code: link.Get("code").String(), Shared: link.Get("shared").Kind() == 't',
			GCLID: params.Get("gclid").String(), GBRAID: params.Get("gbraid").String(), WBRAID: params.Get("wbraid").String(),
			Consented: who.Get("consent").String() == "granted",
		}
	}
	return c, nil
}
