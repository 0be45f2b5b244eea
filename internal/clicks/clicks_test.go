package clicks

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

const webhook = `{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"value":{"metadata":{` +
	`"phone_number_id":"106540352242922"},"contacts":[{"wa_id":"553187654321","user_id":"BR.1349120865530274"}],"messages":[{` +
	`"from":"553187654321","id":"wamid.1","timestamp":"1736535600","type":"text","text":{"body":"Oi"},"referral":{` +
	`"source_url":"https://fb.me/x","source_id":"120210000000000001","source_type":"ad","headline":"Sale \u2014 50%",` +
	`"ctwa_clid":"Aff-1"}}]},"field":"messages"}]}]}`

func touch(t *testing.T, body string) (*normalize.Event, queue.Event) {
	t.Helper()
	var batch normalize.Batch
	if err := normalize.Meta(&batch, []byte(body), 1736535600412); err != nil {
		t.Fatal(err)
	}
	var known queue.Event
	Touch(&batch.Events[0], &known)
	return &batch.Events[0], known
}

func TestTouch(t *testing.T) {
	_, known := touch(t, webhook)
	if known.Contact != "whatsapp:BR.1349120865530274" || known.MessageID != "message:wamid.1" {
		t.Errorf("contact %q, message %q", known.Contact, known.MessageID)
	}
	if want := []string{"whatsapp:5531987654321", "whatsapp:553187654321", "clid:Aff-1"}; !reflect.DeepEqual(known.Aliases, want) {
		t.Errorf("aliases %q, want %q", known.Aliases, want)
	}
	if len(known.Clicks) != 1 || known.Clicks[0].At != 1736535600000 || known.Clicks[0].Kind != queue.ClickClid {
		t.Fatalf("click %+v", known.Clicks)
	}
	click, err := Parse(known.Clicks[0].Data)
	if err != nil {
		t.Fatal(err)
	}
	if click.Channel != normalize.ChannelWhatsApp || click.CtwaClid != "Aff-1" || click.AdID != "120210000000000001" ||
		click.WabaID != "102290129340398" ||
		click.UserID != "BR.1349120865530274" || click.WaPhone != "+5531987654321" || click.WaID != "553187654321" {
		t.Errorf("click %+v", click)
	}
}

// TestAttribution shows of a click what the contract names, and nothing else.
func TestAttribution(t *testing.T) {
	_, known := touch(t, webhook)
	out := AppendAttribution([]byte("x"), queue.Clicks{First: known.Clicks[0].Data, Last: known.Clicks[0].Data}, nil)
	var got map[string]map[string]any
	if err := json.Unmarshal(out[1:], &got); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	want := map[string]any{"ctwaClid": "Aff-1", "adId": "120210000000000001", "sourceUrl": "https://fb.me/x", "headline": "Sale — 50%",
		"clickedAt": 1736535600000.0, "messageId": "wamid.1", "link": nil, "adName": nil, "adsetName": nil, "campaignName": nil}
	if !reflect.DeepEqual(got["firstClick"], want) || !reflect.DeepEqual(got["lastClick"], want) {
		t.Errorf("got %s", out)
	}
	if out := AppendAttribution(nil, queue.Clicks{}, nil); string(out) != "null" {
		t.Errorf("without a click: %s", out)
	}
	if out := AppendAttribution(nil, queue.Clicks{First: []byte("broken"), Last: []byte("[]")}, nil); string(out) != `{"firstClick":null,`+
		`"lastClick":null}` {
		t.Errorf("broken: %s", out)
	}
	for _, broken := range []string{"broken", "[]", `["x",{}]`} {
		if _, err := Parse([]byte(broken)); err == nil {
			t.Errorf("%s was read", broken)
		}
	}
}

// TestOrganic has a contact, and no click.
func TestOrganic(t *testing.T) {
	_, known := touch(t, `{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"value":{"messages":[{"from":"15551234567",`+
		`"id":"wamid.1","timestamp":"1736535600","type":"text","text":{"body":"Hi"}}]},"field":"messages"}]}]}`)
	if known.Contact != "whatsapp:15551234567" || len(known.Aliases) != 0 || known.Clicks != nil {
		t.Errorf("%+v", known)
	}
	_, known = touch(t, `{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"value":{},"field":"account_update"}]}]}`)
	if known.Contact != "" || known.MessageID != "" {
		t.Errorf("%+v", known)
	}
}

// TestMessengerAd is an ad without a click id, and one whose ad id is missing.
func TestMessengerAd(t *testing.T) {
	for _, ad := range []string{`"source":"ADS","ad_id":"6045246247433"`, `"source":"ADS"`} {
		_, known := touch(t, `{"object":"page","entry":[{"id":"1029384756","time":1736535600000,"messaging":[{"sender":{"id":"24685"},`+
			`"recipient":{"id":"1029384756"},"timestamp":1736535600000,"referral":{"type":"OPEN_THREAD",`+ad+`}}]}]}`)
		if known.Contact != "messenger:24685" || len(known.Clicks) != 1 || known.Clicks[0].Kind != queue.ClickAd {
			t.Errorf("%s: %+v", ad, known)
		}
	}
	_, known := touch(t, `{"object":"page","entry":[{"id":"1029384756","time":1736535600000,"messaging":[{"sender":{"id":"24685"},`+
		`"recipient":{"id":"1029384756"},"timestamp":1736535600000,"referral":{"type":"OPEN_THREAD","source":"SHORTLINK","ref":"x"}}]}]}`)
	if known.Clicks != nil {
		t.Error("a link counts as an ad")
	}
}

// TestLongNames: a name that has been made very long is in keys by its hash, by
// whichever way it is looked up.
func TestLongNames(t *testing.T) {
	long := strings.Repeat("1", 5000)
	_, q := touch(t, `{"object":"whatsapp_business_account","entry":[{"id":"9","changes":[{"field":"messages","value":{"metadata":{`+
		`"phone_number_id":"1"},"messages":[
		{"from":"`+long+`","id":"wamid.`+long+`","type":"text","text":{"body":"hi"},"referral":{
			"source_type":"ad","source_id":"2","ctwa_clid":"clid`+long+`"}}]}}]}]}`)
	if q.Contact != Contact(normalize.ChannelWhatsApp, long) || len(q.Contact) > 100 {
		t.Errorf("contact %.200q", q.Contact)
	}
	if q.MessageID != Message("wamid."+long) || len(q.MessageID) > 100 {
		t.Errorf("message %.200q", q.MessageID)
	}
	if want := []string{Clid("clid" + long)}; !slices.Equal(q.Aliases, want) || len(want[0]) > 100 {
		t.Errorf("aliases %.200q", q.Aliases)
	}
	if Clid(long+"1") == Clid(long+"2") || Message("wamid.1") != "message:wamid.1" {
		t.Error("two names have one key, or a usual one is hashed")
	}
}
