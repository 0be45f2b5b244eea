package journey

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/leadgate/leadgate/internal/queue"
)

// shelf is a store of one contact.
type shelf struct {
	clicks queue.Clicks
	notes  []queue.Note
}

func (s *shelf) Clicks(_ context.Context, _ string, keys []string) ([]queue.Clicks, error) {
	found := make([]queue.Clicks, len(keys))
	for i := range found { // all keys are the same contact's
		found[i] = s.clicks
	}
	return found, nil
}

func (s *shelf) Notes(context.Context, string, []string) ([]queue.Note, error) { return s.notes, nil }

// TestShow: an ad's click and a form are both touches, each once, the newest first; notes are
// shown as they stand, and none of another version.
func TestShow(t *testing.T) {
	const ad = `[{"ctwaClid":"Aff-1","adId":"7","sourceUrl":null,"headline":null,"clickedAt":1000,"messageId":"m","link":null},` +
		`{"channel":"whatsapp","wabaId":null,"pageId":null,"instagramId":null,"userId":null,"waId":"1","waPhone":"+1"}]`
	const form = `{"v":1,"leadId":"98765432101234567","createdAt":2000,"test":true,"adId":"8"}`
	s := &shelf{clicks: queue.Touches{
		{At: 1000, Kind: queue.ClickClid, Data: []byte(ad)}, {At: 2000, Kind: queue.ClickLead, Data: []byte(form)},
	}.Clicks()}
	sold := Report{Kind: KindConversion, Name: "Purchase", Value: "12.50", Currency: "BRL"}
	s.notes = []queue.Note{
		{At: 3, Data: sold.data("ads"), Outcome: Dead.because("expired (100/2804003): too old")},
		{At: 2, Data: []byte(`{"v":3,"kind":"conversion"}`), Outcome: sent},
		{At: 2, Data: []byte("\x03\x02\x01\x01\x01\x01"), Outcome: sent},
		{At: 2, Data: sold.data("ads"), Outcome: []byte("\x07")},
		{At: 1, Data: (&Report{Kind: KindLead, Value: "true"}).data(""), Outcome: sent},
	}
	names := func(ad string) (string, string, string) { return "Ad " + ad, "", "Sales" }
	j, err := Show(t.Context(), s, "acme", "+1", []string{"whatsapp:1", "lead:98765432101234567"}, names)
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	const seven = `"adName":"Ad 7","adsetName":null,"campaignName":"Sales"`
	const eight = `"adName":"Ad 8","adsetName":null,"campaignName":"Sales"`
	want := `{"contact":"+1","touches":[` +
		`{"ctwaClid":null,"adId":"8","sourceUrl":null,"headline":null,"clickedAt":2000,"messageId":null,"link":null,` + eight +
		`,"lead":{"leadId":"98765432101234567","test":true}},` +
		`{"ctwaClid":"Aff-1","adId":"7","sourceUrl":null,"headline":null,"clickedAt":1000,"messageId":"m","link":null,` + seven +
		`}],"events":[` +
		`{"at":3,"kind":"conversion","name":"Purchase","destination":"ads","outcome":"dead","reason":"expired (100/2804003): too old",` +
		`"value":12.50,"currency":"BRL"},` +
		`{"at":1,"kind":"lead","name":null,"destination":null,"outcome":"sent","reason":null,"value":null,"currency":null}]}`
	if string(got) != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
