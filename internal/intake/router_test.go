package intake

import (
	"testing"

	"github.com/leadgate/leadgate/normalize"
)

// TestRouteInstagram: match instagram_id may name the webhook's entry.id or its
// own end of the message; the customer's id, a page's, and other keys match
// nothing.
func TestRouteInstagram(t *testing.T) {
	const body = `{"object":"instagram","entry":[{"id":"17841400000000001","messaging":[` +
		`{"sender":{"id":"6512345678901234"},"recipient":{"id":"9876543210987654"},"timestamp":1736535600412,` +
		`"message":{"mid":"m","text":"Hi"}},` +
		`{"sender":{"id":"9876543210987654"},"recipient":{"id":"6512345678901234"},"timestamp":1736535600412,` +
		`"message":{"mid":"n","text":"Hi","is_echo":true}}]}]}`
	for _, c := range []struct {
		key, value string
		want       bool
	}{
		{"instagram_id", "17841400000000001", true},
		{"instagram_id", "9876543210987654", true},
		{"instagram_id", "6512345678901234", false},
		{"page_id", "17841400000000001", false},
		{"page_id", "9876543210987654", false},
	} {
		var r Router
		acme := &Tenant{Name: "acme"}
		if err := r.Add(acme, map[string][]string{c.key: {c.value}}); err != nil {
			t.Fatal(err)
		}
		var batch normalize.Batch
		if err := normalize.Meta(&batch, []byte(body), 1736535600412); err != nil {
			t.Fatal(err)
		}
		if len(batch.Events) != 2 {
			t.Fatalf("%d events", len(batch.Events))
		}
		for i := range batch.Events {
			if got := r.Route(&batch.Events[i]) == acme; got != c.want {
				t.Errorf("match %s %s, %s: %v, want %v", c.key, c.value, batch.Events[i].Kind, got, c.want)
			}
		}
	}
}

// TestRouteByOwnEnd: of several ids of an item, its own end decides, whatever the
// order of the file, and the event does not name the tenant of the entry then.
func TestRouteByOwnEnd(t *testing.T) {
	for _, object := range []string{"page", "instagram"} {
		key := map[string]string{"page": "page_id", "instagram": "instagram_id"}[object]
		body := []byte(`{"object":"` + object + `","entry":[{"id":"111","messaging":[` +
			`{"sender":{"id":"7"},"recipient":{"id":"111"},"message":{"mid":"m"}},` +
			`{"sender":{"id":"7"},"recipient":{"id":"222"},"message":{"mid":"n"}},` +
			`{"sender":{"id":"222"},"recipient":{"id":"7"},"message":{"mid":"o","is_echo":true}},` +
			`{"sender":{"id":"7"},"recipient":{"id":"333"},"message":{"mid":"p"}}]}]}`)
		want := []string{"111 acme", "222 globex", "222 globex", "111 acme"}
		for _, order := range [][]string{{"acme", "111", "globex", "222"}, {"globex", "222", "acme", "111"}} {
			var r Router
			for i := 0; i < len(order); i += 2 {
				if err := r.Add(&Tenant{Name: order[i]}, map[string][]string{key: {order[i+1]}}); err != nil {
					t.Fatal(err)
				}
			}
			var batch normalize.Batch
			if err := normalize.Meta(&batch, body, 1736535600412); err != nil {
				t.Fatal(err)
			}
			for i := range batch.Events {
				ev := &batch.Events[i]
				to := r.Route(ev)
				if got := ev.Account.PageID.String() + ev.Account.InstagramID.String() + " " + to.Name; got != want[i] {
					t.Errorf("%s, %v: event %d goes to %s, want %s", object, order, i, got, want[i])
				}
			}
		}
	}
}

// TestRouteEnvelope: what is passed on whole is whose ids stand in it, if they are
// one tenant's; a number in any spelling.
func TestRouteEnvelope(t *testing.T) {
	acme, globex, direct := &Tenant{Name: "acme"}, &Tenant{Name: "globex"}, &Tenant{Name: "direct"}
	r := Router{Direct: direct}
	if err := r.Add(acme, map[string][]string{"page_id": {"111"}, "phone": {"+1 555 078 3881"}}); err != nil {
		t.Fatal(err)
	}
	if err := r.Add(globex, map[string][]string{"waba_id": {"222"}}); err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]*Tenant{
		`{"object":"x","entry":[{"id":"333"}]}`:                                    direct,
		`{"object":"x","entry":[{"id":"111"},{"id":"333"}]}`:                       acme,
		`{"object":"x","entry":[{"id":222}]}`:                                      globex,
		`{"object":"x","entry":[{"id":"111"},{"k":{"222":1}}]}`:                    nil,
		`{"object":"x","entry":[{"to":"+1 (555) 078-3881"}]}`:                      acme,
		`{"object":"x","entry":[{"to":"15550783881"},{"id":"\u0032\u00322"}]}`:     nil,
		`{"object":"whatsapp_business_account","entry":[{"id":"222","x":"1555"}]}`: globex,
		`{"object":"whatsapp_business_account","entry":{"id":"111"}}`:              acme,
		`{"object":"page","entry":[{"id":"111","y":{"waba":"222"}}]}`:              nil,
	} {
		var batch normalize.Batch
		if err := normalize.Meta(&batch, []byte(body), 1736535600412); err != nil || len(batch.Events) != 1 {
			t.Fatalf("%s: %d events, %v", body, len(batch.Events), err)
		}
		if got := r.Route(&batch.Events[0]); got != want {
			t.Errorf("%s goes to %v, want %v", body, got, want)
		}
	}
}
