package clicks

import (
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

const (
	googleLink = `{"name":"summer","code":"K7QW3-MPDXR","clickedAt":1736535500000,"shared":false,"source":"google",` +
		`"params":{"gclid":"Cj0","utm_campaign":"Früh \"26\""}}`
	plainLink = `{"name":"flyer","code":"7GHK4-WPQRM","clickedAt":null,"shared":false,"source":null,"params":{}}`
	unnamed   = `,"adName":null,"adsetName":null,"campaignName":null}`
)

// TestAddLink: a link's click is a touch beside the ad's, and shows the event's link as it is.
func TestAddLink(t *testing.T) {
	ev, known := touch(t, webhook)
	AddLink(ev, normalize.Value(googleLink), "granted", &known)
	if len(known.Clicks) != 2 || known.Clicks[0].Kind != queue.ClickClid {
		t.Fatalf("clicks %+v", known.Clicks)
	}
	c := known.Clicks[1]
	if c.Kind != queue.ClickGoogle || c.At != 1736535600000 || !strings.HasSuffix(string(c.Data), `,"consent":"granted"}]`) {
		t.Errorf("%+v: %s", c, c.Data)
	}
	click, err := Parse(c.Data)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"ctwaClid":null,"adId":null,"sourceUrl":null,"headline":null,"clickedAt":1736535500000,"messageId":"wamid.1","link":` +
		googleLink + unnamed
	if string(click.Shown) != want {
		t.Errorf("shown as %s", click.Shown)
	}
	wantLink := Link{Name: "summer", Code: "K7QW3-MPDXR", GCLID: "Cj0", Consented: true}
	if click.Link == nil || *click.Link != wantLink || click.CtwaClid != "" || click.AdID != "" || click.At != 1736535500000 ||
		click.Channel != normalize.ChannelWhatsApp || click.WaPhone != "+5531987654321" || click.UserID != "BR.1349120865530274" {
		t.Errorf("%+v of %+v", click, click.Link)
	}
	ad, err := Parse(known.Clicks[0].Data)
	if err != nil || ad.Link != nil || !strings.HasSuffix(string(ad.Shown), `"messageId":"wamid.1","link":null`+unnamed) {
		t.Errorf("the ad's click is %+v, %v", ad, err)
	}
	both := `{"firstClick":` + string(ad.Shown) + `,"lastClick":` + want + `}`
	if got := AppendAttribution(nil, queue.Touches(known.Clicks).Clicks(), nil); string(got) != both {
		t.Errorf("attribution %s", got)
	}
}

// TestLinkKinds: Google's ids alone make a click Google's, whatever else there is; a click
// whose time is not known is of the message's.
func TestLinkKinds(t *testing.T) {
	params := func(p string) string { return strings.Replace(plainLink, `"params":{}`, `"params":{`+p+`}`, 1) }
	for link, want := range map[string]queue.ClickKind{
		plainLink:                             queue.ClickLink,
		params(`"gclid":"x"`):                 queue.ClickGoogle,
		params(`"fbclid":"y","gbraid":"x"`):   queue.ClickGoogle,
		params(`"wbraid":"x"`):                queue.ClickGoogle,
		params(`"gclid":""`):                  queue.ClickLink,
		params(`"fbclid":"x","ttclid":"y"`):   queue.ClickLink,
		params(`"utm_source":"google","x":1`): queue.ClickLink,
	} {
		ev, known := touch(t, strings.Replace(webhook, `"ctwa_clid":"Aff-1"`, `"x":1`, 1))
		known.Clicks = nil
		AddLink(ev, normalize.Value(link), "", &known)
		if len(known.Clicks) != 1 || known.Clicks[0].Kind != want {
			t.Errorf("%s: %+v", link, known.Clicks)
			continue
		}
		click, err := Parse(known.Clicks[0].Data)
		if err != nil || !strings.Contains(string(click.Shown), `"clickedAt":1736535600000,"messageId"`) {
			t.Errorf("%s: shown as %s, %v", link, click.Shown, err)
		}
		if !strings.HasSuffix(string(known.Clicks[0].Data), `,"consent":null}]`) {
			t.Errorf("%s: stored as %s", link, known.Clicks[0].Data)
		}
	}
	var nobody queue.Event
	ev, _ := touch(t, webhook)
	if AddLink(ev, normalize.Value(plainLink), "", &nobody); nobody.Clicks != nil {
		t.Error("nobody has touched a link")
	}
}

// TestClickOfBefore is one that was stored before there were links, as it was written.
func TestClickOfBefore(t *testing.T) {
	const shown = `{"ctwaClid":"Aff-1","adId":"1202","sourceUrl":"https://fb.me/x","headline":"Sale",` +
		`"clickedAt":1736535600000,"messageId":"wamid.1"`
	old := []byte(`[` + shown + `},{"channel":"whatsapp","wabaId":"1022","pageId":null,"instagramId":null,` +
		`"userId":null,"waId":"15551234567","waPhone":"+15551234567"}]`)
	click, err := Parse(old)
	if err != nil || click.CtwaClid != "Aff-1" || click.WabaID != "1022" || click.Link != nil {
		t.Fatalf("%+v, %v", click, err)
	}
	if want := shown + `,"link":null` + unnamed; string(click.Shown) != want {
		t.Errorf("shown as %s, want %s", click.Shown, want)
	}
}

// TestOfAd: what Meta is told is of an ad's click, whatever links the contact used.
func TestOfAd(t *testing.T) {
	kinds := map[byte]queue.ClickKind{'a': queue.ClickAd, 'c': queue.ClickClid, 'g': queue.ClickGoogle, 'l': queue.ClickLink}
	for stored, want := range map[string][2]string{ // the newest, the oldest
		"":                {"", ""},
		"l1 g2":           {"", ""},
		"a1":              {"a1", "a1"},
		"l1 a2 l3 a4 g5":  {"a4", "a2"},
		"g1 c2 l3 c4 l5":  {"c4", "c2"},
		"a1 c2":           {"c2", "c2"},
		"c1 a2 l3":        {"c1", "c1"},
		"l1 c2 c3 c4 a5":  {"c4", "c2"},
		"c1 c2 l3 g4 a5a": {"c2", "c1"},
	} {
		var touches queue.Touches
		for at, name := range strings.Fields(stored) {
			touches = touches.Add(queue.Click{At: int64(at), Kind: kinds[name[0]], Data: []byte(name)})
		}
		c := touches.Clicks()
		if got := [2]string{string(OfAd(&c, false)), string(OfAd(&c, true))}; got != want {
			t.Errorf("of %q: %q, want %q", stored, got, want)
		}
	}
}

// TestNamedAttribution: what an ad is called stands beside its id, of a link's click nothing.
func TestNamedAttribution(t *testing.T) {
	ad, link := []byte(`[{"adId":"17","link":null},{}]`), []byte(`[{"adId":null,"link":{"name":"summer"}},{}]`)
	names := func(id string) (string, string, string) { return id + ` "new"`, "", "Sales" }
	const want = `{"firstClick":{"adId":"17","link":null,"adName":"17 \"new\"","adsetName":null,"campaignName":"Sales"},` +
		`"lastClick":{"adId":null,"link":{"name":"summer"},"adName":null,"adsetName":null,"campaignName":null}}`
	if got := AppendAttribution(nil, queue.Clicks{First: ad, Last: link}, names); string(got) != want {
		t.Errorf("%s", got)
	}
	var named []string
	for _, data := range [][]byte{ad, link} {
		c, err := Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		if string(c.Named(nil)) != string(c.Shown) {
			t.Errorf("%s, without names %s", c.Shown, c.Named(nil))
		}
		named = append(named, string(c.Named(names)))
	}
	if got := `{"firstClick":` + named[0] + `,"lastClick":` + named[1] + `}`; got != want {
		t.Errorf("%s", got)
	}
}
