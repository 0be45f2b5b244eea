package setup

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/leadgate/leadgate/internal/setupfake"
)

// TestListsOfPages: whatever list comes in pages, what stands on its last one is there: a number, an
// account's and a Page's subscription, the Page itself, and the app's webhooks with their fields.
func TestListsOfPages(t *testing.T) {
	r := newRig(t)
	r.fake.MostOfList = 1
	r.fake.AddWABA(&setupfake.WABA{ID: "55", Numbers: []string{"1", "2", "5"}, Dataset: dataset, Apps: map[string]string{"1": "", appID: ""}})
	r.fake.AddPage(&setupfake.Page{
		ID: "77", Token: "T-77", Dataset: pageDataset, Fields: map[string][]string{"1": {"messages"}, appID: {"feed"}},
	})
	r.tenant().WABAs, r.tenant().Numbers, r.tenant().Pages = []string{"55"}, []string{"5"}, []string{"77"}
	url := r.subject.Blocks[0].URL
	for object, field := range map[string]string{"instagram": "comments", "page": "feed", whatsApp: "calls"} {
		r.fake.Subscribe(object, setupfake.Subscription{CallbackURL: url, Active: true, Fields: []string{field}})
	}
	rows := r.look(true)
	r.count(rows, Missing, 0)
	r.says(rows, OK, "WABA 55", "is subscribed")
	if got := r.fake.PageFields("77", appID); !slices.Contains(got, "feed") {
		t.Errorf("the Page's %v", got)
	}
	for object, field := range map[string]string{"instagram": "comments", "page": "feed", whatsApp: "calls"} {
		if got := r.fake.Subscribed(object).Fields; !slices.Contains(got, field) || !slices.Contains(got, "messages") {
			t.Errorf("%s: %v", object, got)
		}
	}
	writes := r.fake.Writes()
	rows = r.look(true)
	r.count(rows, Made, 0)
	r.count(rows, Missing, 0)
	if again := r.fake.Writes(); len(again) != len(writes) {
		t.Errorf("%q, then %q", writes, again)
	}
}

// TestListWithoutEnd: cursors that go round and round end with a row, and so does a list that goes
// on nobody knows where.
func TestListWithoutEnd(t *testing.T) {
	for paging, says := range map[string]string{
		`"cursors":{"after":"x"},"next":"https://graph.example/"`: "has no end",
		`"next":"https://graph.example/?after=x"`:                 "has no end",
		`"next":"https://graph.example/"`:                         "does not say where",
	} {
		r := newRig(t)
		r.fake.Refuse = func(q *http.Request) *setupfake.Refusal {
			if strings.HasSuffix(q.URL.Path, "/phone_numbers") {
				return &setupfake.Refusal{Status: 200, Body: `{"data":[],"paging":{` + paging + `}}`}
			}
			return nil
		}
		r.says(r.look(false), Failed, "WABA "+waba, says)
	}
}

// second adds a block of the same app, with a tenant of WhatsApp's.
func (r *rig) second() (first, second string) {
	r.fake.AddWABA(&setupfake.WABA{ID: "55", Numbers: []string{"5"}, Dataset: dataset})
	other := Block{
		URL: r.edge.URL + "/webhooks/second", AppSecrets: []string{secret}, VerifyToken: verify,
		Tenants: []Tenant{{Name: "globex", WABAs: []string{"55"}, Datasets: r.tenant().Datasets[:1]}},
	}
	r.subject.Blocks = append(r.subject.Blocks, other)
	return r.subject.Blocks[0].URL, other.URL
}

// TestTwoBlocks of one app don't take its webhooks from each other: they come to the one to which
// they came, with what both need, and what the other one does not get is said.
func TestTwoBlocks(t *testing.T) {
	r := newRig(t)
	first, second := r.second()
	r.tenant().Datasets[0].Automatic = false
	r.subject.Blocks[1].Tenants[0].Datasets = []Dataset{r.tenant().Datasets[0]}
	r.subject.Blocks[1].Tenants[0].Datasets[0].Automatic = true
	r.subject.Replace = true
	rows := r.look(true)
	r.says(rows, Missing, "webhooks of WhatsApp", "they come to "+first+", and not to "+second, "override")
	r.count(rows, Missing, 1)
	if got := r.fake.Subscribed(whatsApp); got.CallbackURL != first || strings.Join(got.Fields, " ") != "messages automatic_events" {
		t.Errorf("%+v", got)
	}
	writes := r.fake.Writes()
	r.count(r.look(true), Made, 0)
	if again := r.fake.Writes(); len(again) != len(writes) {
		t.Errorf("again: %q, then %q", writes, again)
	}

	// Where they come to the second, they stay there.
	r.fake.Subscribe(whatsApp, setupfake.Subscription{CallbackURL: second, Active: true, Fields: []string{"calls"}})
	r.says(r.look(true), Missing, "webhooks of WhatsApp", "they come to "+second+", and not to "+first)
	if got := r.fake.Subscribed(whatsApp); got.CallbackURL != second || strings.Join(got.Fields, " ") != "calls messages automatic_events" {
		t.Errorf("%+v", got)
	}
}

// TestTwoBlocksByOverride: a block whose accounts post to it by an address of their own lacks nothing.
func TestTwoBlocksByOverride(t *testing.T) {
	r := newRig(t)
	_, second := r.second()
	r.fake.AddWABA(&setupfake.WABA{ID: "56", Dataset: dataset, Apps: map[string]string{appID: second}})
	r.subject.Blocks[1].Tenants[0].WABAs = []string{"56"}
	rows := r.look(true)
	r.count(rows, Missing, 0)
	r.count(rows, Failed, 0)
	if to, _ := r.fake.Override("56", appID); to != second {
		t.Errorf("the override is %q", to)
	}
}

// TestOtherBlocks: with --tenant the blocks that are not looked at keep the app's webhooks.
func TestOtherBlocks(t *testing.T) {
	r := newRig(t)
	first, second := r.second()
	r.subject.Others, r.subject.Blocks = r.subject.Blocks[:1], r.subject.Blocks[1:]
	r.subject.Replace = true
	r.fake.Subscribe(whatsApp, setupfake.Subscription{CallbackURL: first, Active: true, Fields: []string{"calls"}})
	rows := r.look(true)
	r.says(rows, Missing, "webhooks of WhatsApp", "they come to "+first+", and not to "+second)
	if got := r.fake.Subscribed(whatsApp); got.CallbackURL != first || got.Fields[0] != "calls" || len(got.Fields) != 3 {
		t.Errorf("%+v", got)
	}
	// Another app's block is none of this app's, whoever sent its webhooks there.
	r.subject.Others[0].AppSecrets = []string{"of another app"}
	r.look(true)
	if got := r.fake.Subscribed(whatsApp); got.CallbackURL != second {
		t.Errorf("%+v", got)
	}
}

// TestAddressOfPatterns: a site of many names has no address until --callback says one.
func TestAddressOfPatterns(t *testing.T) {
	r := newRig(t)
	r.subject.Blocks[0].URL = "https://*.example.com/webhooks/meta"
	r.says(r.look(true), Missing, "webhooks of WhatsApp", "*.example.com", "--callback")
	if got := r.fake.Subscribed(whatsApp); got.CallbackURL != "" {
		t.Errorf("%+v", got)
	}
}

// TestFieldsByName: an answer that has the names of an app's fields alone, as older versions of the
// API do, is read as well: none of them is taken away.
func TestFieldsByName(t *testing.T) {
	r := newRig(t)
	listed := `{"data":[{"object":"whatsapp_business_account","callback_url":"` + r.subject.Blocks[0].URL +
		`","active":true,"fields":["messages","calls"]}]}`
	r.fake.Refuse = func(q *http.Request) *setupfake.Refusal {
		if q.Method == http.MethodGet && strings.HasSuffix(q.URL.Path, "/subscriptions") {
			return &setupfake.Refusal{Status: 200, Body: listed}
		}
		return nil
	}
	r.subject.Blocks[0].AppSecrets = []string{secret} // whichever asks gets the list
	r.look(true)
	if got := r.fake.Subscribed(whatsApp).Fields; strings.Join(got, " ") != "messages calls automatic_events" {
		t.Errorf("the app gets %q", got)
	}
}
