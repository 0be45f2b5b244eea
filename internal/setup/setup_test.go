package setup

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/leadgate/leadgate/internal/graph"
	"github.com/leadgate/leadgate/internal/leadfake"
	"github.com/leadgate/leadgate/internal/setupfake"
)

const (
	appID, secret, verify = "515151515151515", "0123456789abcdef0123456789abcdef", "verify-me"
	waba, number, dataset = "102290129340398", "106540352242922", "1234567890"
	page, pageDataset     = "1029384756", "2345678901"
	instagram             = "17841400000000001"
)

var now = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// rig is a Meta with a WhatsApp account, a Page and an Instagram account, of which nothing is
// subscribed, and a tenant that has all of them.
type rig struct {
	t       *testing.T
	fake    *setupfake.Server
	leads   *leadfake.Server
	meta    *httptest.Server
	edge    *httptest.Server
	subject *Subject
}

func newRig(t *testing.T) *rig {
	r := &rig{t: t}
	r.leads = &leadfake.Server{}
	r.fake = &setupfake.Server{
		Next: r.leads, App: setupfake.App{ID: appID, Name: "Demo", Secret: secret}, Now: func() time.Time { return now },
		Tokens: map[string]*setupfake.Token{
			"T-whatsapp": {Type: "SYSTEM_USER", Scopes: []string{manage, events}},
			"T-messenger": {Type: "SYSTEM_USER", Scopes: []string{"page_events", "pages_show_list", "pages_manage_metadata",
				"pages_messaging"}},
			"T-instagram": {Type: "SYSTEM_USER", Scopes: []string{"instagram_manage_events"}},
			"T-leads": {Type: "SYSTEM_USER", Scopes: []string{"leads_retrieval", "pages_show_list", "pages_read_engagement", "pages_manage_ads",
				"pages_manage_metadata"}},
		},
	}
	r.fake.AddWABA(&setupfake.WABA{ID: waba, Numbers: []string{number}, Dataset: dataset})
	r.fake.AddPage(&setupfake.Page{ID: page, Name: "Shop", Token: "T-page", Dataset: pageDataset})
	r.fake.AddInstagram(instagram, "3456789012")
	r.meta, r.edge = httptest.NewServer(r.fake), httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Query().Get("hub.verify_token") != verify {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = w.Write([]byte(q.URL.Query().Get("hub.challenge")))
	}))
	t.Cleanup(r.meta.Close)
	t.Cleanup(r.edge.Close)
	access := func(name string) Access {
		return Access{Name: name, Credentials: graph.Credentials{Token: "T-" + name}, Endpoint: r.meta.URL}
	}
	leads := access("leads")
	r.subject = &Subject{
		Now: func() time.Time { return now }, UserAgent: "Leadgate/test",
		Blocks: []Block{{
			URL: r.edge.URL + "/webhooks/meta", AppSecrets: []string{"of another app", secret}, VerifyToken: verify,
			Tenants: []Tenant{{
				Name: "acme", WABAs: []string{waba}, Numbers: []string{number}, Pages: []string{page}, Instagrams: []string{instagram},
				Leads: &leads,
				Datasets: []Dataset{
					{Channels: []string{"whatsapp"}, ID: dataset, Automatic: true, Access: access("whatsapp")},
					{Channels: []string{"messenger"}, ID: pageDataset, Access: access("messenger")},
					{Channels: []string{"instagram"}, ID: "3456789012", Access: access("instagram")},
				},
			}},
		}},
	}
	return r
}

func (r *rig) tenant() *Tenant { return &r.subject.Blocks[0].Tenants[0] }

// look runs it, and holds every row to say no secret and to fit a terminal.
func (r *rig) look(apply bool) []Row {
	r.t.Helper()
	r.subject.Apply = apply
	rows := Run(r.t.Context(), r.subject)
	report := Report(rows)
	for _, word := range []string{"T-", secret, verify + " ", "of another app"} {
		if strings.Contains(report, word) {
			r.t.Errorf("%q is said:\n%s", word, report)
		}
	}
	for line := range strings.Lines(report) {
		if utf8.RuneCountInString(line) > 81 && !strings.Contains(line, "://") {
			r.t.Errorf("too wide: %s", line)
		}
	}
	return rows
}

// count holds how many rows have a state.
func (r *rig) count(rows []Row, state State, n int) {
	r.t.Helper()
	if Count(rows, state) != n {
		r.t.Errorf("%d %s, want %d:\n%s", Count(rows, state), state, n, Report(rows))
	}
}

// says holds that one row of a state has all these words.
func (r *rig) says(rows []Row, state State, words ...string) {
	r.t.Helper()
	if !slices.ContainsFunc(rows, func(row Row) bool {
		return row.State == state && !slices.ContainsFunc(words, func(w string) bool {
			return !strings.Contains(row.Object+" "+row.Text+" "+row.Fix, w)
		})
	}) {
		r.t.Errorf("no %s row has %q:\n%s", state, words, Report(rows))
	}
}

// TestRun shows without changing anything, makes what is missing, and then finds nothing to do.
func TestRun(t *testing.T) {
	r := newRig(t)
	rows := r.look(false)
	r.count(rows, Missing, 5) // the account, the Page, and the webhooks of three objects
	r.count(rows, Failed, 0)
	if w := r.fake.Writes(); len(w) > 0 {
		t.Errorf("written without --apply: %q", w)
	}
	rows = r.look(true)
	r.count(rows, Made, 5)
	r.count(rows, Missing, 0)
	writes := r.fake.Writes()
	for object, fields := range map[string]string{
		"whatsapp_business_account": "messages automatic_events", "instagram": "messages messaging_postbacks messaging_referral",
		"page": "messages messaging_postbacks messaging_referrals leadgen",
	} {
		if got := r.fake.Subscribed(object); strings.Join(got.Fields, " ") != fields || got.CallbackURL != r.subject.Blocks[0].URL {
			t.Errorf("%s: %+v", object, got)
		}
	}
	if got := r.fake.PageFields(page, appID); strings.Join(got, " ") != "messages messaging_postbacks messaging_referrals leadgen" {
		t.Errorf("the Page's %v", got)
	}
	for _, apply := range []bool{true, false} {
		rows = r.look(apply)
		r.count(rows, Made, 0)
		r.count(rows, Missing, 0)
		r.count(rows, Failed, 0)
	}
	if again := r.fake.Writes(); len(again) != len(writes) || len(writes) != 5 {
		t.Errorf("%q, then %q", writes, again)
	}
}

// TestKeeps: fields that are there stay, and so does an account's override.
func TestKeeps(t *testing.T) {
	r := newRig(t)
	r.fake.Subscribe("page", setupfake.Subscription{CallbackURL: r.subject.Blocks[0].URL, Active: true, Fields: []string{"feed", "messages"}})
	r.fake.AddPage(&setupfake.Page{ID: "77", Token: "T-77", Fields: map[string][]string{appID: {"feed"}, "9": {"messages"}}})
	r.fake.AddWABA(&setupfake.WABA{ID: "55", Numbers: []string{"5"}, Dataset: dataset,
		Apps: map[string]string{appID: "https://other.example.com/hook", "9": ""}})
	r.tenant().Pages, r.tenant().WABAs, r.tenant().Numbers = []string{"77"}, []string{"55"}, []string{"5"}
	r.tenant().Datasets = r.tenant().Datasets[:1]
	rows := r.look(true)
	r.says(rows, Missing, "WABA 55", "https://other.example.com/hook", "left alone")
	if to, ok := r.fake.Override("55", appID); !ok || to != "https://other.example.com/hook" {
		t.Errorf("the override is %q, %v", to, ok)
	}
	if got := r.fake.Subscribed("page").Fields; strings.Join(got, " ") != "feed messages leadgen" {
		t.Errorf("the app's %v", got)
	}
	if got := r.fake.PageFields("77", appID); strings.Join(got, " ") != "feed leadgen" {
		t.Errorf("the Page's %v", got)
	}
	if got := r.fake.PageFields("77", "9"); strings.Join(got, " ") != "messages" {
		t.Errorf("another app's %v", got)
	}
	r.subject.Blocks = append(r.subject.Blocks, Block{URL: "https://other.example.com/hook"})
	r.says(r.look(false), OK, "WABA 55", "subscribed")
}

// TestForeignCallback: an app's address that is another one is changed only where that is said.
func TestForeignCallback(t *testing.T) {
	r := newRig(t)
	r.fake.Subscribe("instagram", setupfake.Subscription{CallbackURL: "https://n8n.example.com/x", Active: true, Fields: []string{"comments"}})
	rows := r.look(true)
	r.says(rows, Missing, "webhooks of Instagram", "https://n8n.example.com/x", "--replace-callback")
	r.count(rows, Missing, 1)
	if got := r.fake.Subscribed("instagram"); got.CallbackURL != "https://n8n.example.com/x" {
		t.Errorf("%+v", got)
	}
	r.subject.Replace = true
	r.says(r.look(true), Made, "webhooks of Instagram")
	if got := r.fake.Subscribed("instagram"); got.CallbackURL != r.subject.Blocks[0].URL || got.Fields[0] != "comments" ||
		len(got.Fields) != 4 {
		t.Errorf("%+v", got)
	}
}

// refuses has Meta refuse what is asked of paths with this end, with a code.
func refuses(path string, code int, message string) func(*rig) {
	return func(r *rig) {
		r.fake.Refuse = func(q *http.Request) *setupfake.Refusal {
			if !strings.HasSuffix(q.URL.Path, path) {
				return nil
			}
			return &setupfake.Refusal{Status: 400, Code: code, Message: message}
		}
	}
}

// TestLacks: what is missing, and what cannot be read, by what a row says of it.
func TestLacks(t *testing.T) {
	day := 24 * time.Hour
	for name, c := range map[string]struct {
		change func(*rig)
		state  State
		says   []string
	}{
		"a scope": {func(r *rig) { r.fake.Tokens["T-whatsapp"].Scopes = []string{manage} }, Missing,
			[]string{"token of whatsapp", "lacks the permission " + events}},
		"the scope to look": {
			func(r *rig) { r.fake.Tokens["T-whatsapp"].Scopes = []string{events} }, Missing, []string{"lacks the permission " + manage},
		},
		"a token that has ended": {
			func(r *rig) { r.fake.Tokens["T-whatsapp"].ExpiresAt = now.Add(-day) }, Missing, []string{"token of whatsapp", "190/463", "expired"},
		},
		"one that ends soon": {
			func(r *rig) { r.fake.Tokens["T-leads"].ExpiresAt = now.Add(day) }, Missing, []string{"token of leads", "it ends 2026-11-28"},
		},
		"access to data that has ended": {
			func(r *rig) { r.fake.Tokens["T-leads"].DataAccess = now.Add(-day) }, Missing, []string{"its access to data ended 2026-11-26"},
		},
		"the nearer clock": {func(r *rig) {
			r.fake.Tokens["T-leads"].ExpiresAt, r.fake.Tokens["T-leads"].DataAccess = now.Add(60*day), now.Add(40*day)
		}, OK, []string{"its access to data ends 2027-01-06"}},
		"an unknown token": {func(r *rig) { delete(r.fake.Tokens, "T-leads") }, Missing, []string{"token of leads", "190"}},
		"the app's secret": {func(r *rig) { r.subject.Blocks[0].AppSecrets = []string{"x"} }, Missing, []string{"refused with 401"}},
		"another verify word": {func(r *rig) { r.subject.Blocks[0].VerifyToken = "x" }, Failed,
			[]string{"2200", "HTTP Status Code = 403", "start the edge"}},
		"an edge that is off": {func(r *rig) { r.edge.Close() }, Failed, []string{"2200", "start the edge"}},
		"another account":     {func(r *rig) { r.tenant().WABAs = []string{"4711"} }, Missing, []string{"WABA 4711", "100/33"}},
		"another number":      {func(r *rig) { r.tenant().Numbers = []string{"4711"} }, Missing, []string{"number 4711"}},
		"another Page":        {func(r *rig) { r.tenant().Pages = []string{"4711"} }, Missing, []string{"Page 4711", "may not see"}},
		"another dataset":     {func(r *rig) { r.tenant().Datasets[0].ID = "99" }, Missing, []string{"dataset " + dataset + "` into the capi"}},
		"leads": {func(r *rig) {
			r.leads.Access = func(string) leadfake.Access { return leadfake.Access{Reason: "No access", Resolution: "Ask the admin"} }
		}, Missing, []string{"leads of Page", "Ask the admin"}},
		"the right to messages": {func(r *rig) {
			r.fake.Tokens["T-messenger"].Scopes = []string{"page_events", "pages_show_list", "pages_manage_metadata"}
		}, Missing, []string{"Page " + page, "pages_messaging"}},
		"any token": {func(r *rig) { r.tenant().Datasets, r.tenant().Leads = nil, nil }, Missing, []string{"META_TOKEN"}},
		"a proxy's page": {func(r *rig) {
			r.fake.Refuse = func(*http.Request) *setupfake.Refusal { return &setupfake.Refusal{Status: 502, Body: "<html>"} }
		}, Failed, []string{"not what Meta answers"}},
		"throttled":              {refuses("/phone_numbers", 80008, "too many calls"), Failed, []string{"WABA", "80008", "run it again"}},
		"a service that is down": {refuses("/subscribed_apps", 2, "try later"), Failed, []string{"WABA", "try later", "run it again"}},
		"a right to the Page": {refuses(page+"/subscribed_apps", 200, "no administrator"), Missing,
			[]string{"Page " + page, "no administrator", "Assign assets"}},
		"a right to the dataset": {refuses(waba+"/dataset", 200, "no administrator"), Missing, []string{"dataset of " + waba, events}},
		"nobody there":           {func(r *rig) { r.meta.Close() }, Failed, []string{"cannot be reached"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			c.change(r)
			r.says(r.look(true), c.state, c.says...)
		})
	}
}

// TestFinds: what the configuration does not say, the tokens do, if there is one answer.
func TestFinds(t *testing.T) {
	r := newRig(t)
	*r.tenant() = Tenant{Name: "acme", Numbers: []string{number}, Datasets: r.tenant().Datasets[:1]}
	r.fake.AddWABA(&setupfake.WABA{ID: "55", Numbers: []string{"5"}, Dataset: dataset})
	r.fake.Tokens["T-whatsapp"].Targets = map[string][]string{manage: {"55", waba}}
	rows := r.look(true)
	r.says(rows, Made, "WABA "+waba)
	if _, ok := r.fake.Override("55", appID); ok {
		t.Error("another one's account is subscribed")
	}
	r.tenant().Numbers = nil
	r.says(r.look(true), Missing, "55, "+waba, "match waba_id")
	r.fake.Tokens["T-whatsapp"].Targets = nil
	r.says(r.look(true), Missing, "nothing says which WhatsApp account")

	r = newRig(t)
	access := r.tenant().Datasets[1].Access
	*r.tenant() = Tenant{Name: "acme", Leads: &access}
	r.fake.Tokens["T-messenger"].Scopes = r.fake.Tokens["T-leads"].Scopes
	r.says(r.look(true), Made, "Page "+page, "leadgen")
	r.fake.AddPage(&setupfake.Page{ID: "77", Token: "T-77"})
	r.says(r.look(true), Missing, "match page_id", page+", 77")
}

// TestDataset: one that is not there is made, and named where another one is reported to.
func TestDataset(t *testing.T) {
	r := newRig(t)
	r.fake.AddWABA(&setupfake.WABA{ID: "55", Numbers: []string{number}})
	r.tenant().WABAs = []string{"55"}
	r.says(r.look(false), Missing, "dataset of 55", "--apply makes it")
	r.says(r.look(true), Missing, "dataset of 55", "made; it is 955", "write `dataset 955`")
	r.tenant().Datasets[0].ID = "955"
	r.says(r.look(true), OK, "dataset of 55", "955")
}

// TestOffersDataset: without a capi block the dataset is named, or made, so that one can be written.
func TestOffersDataset(t *testing.T) {
	r := newRig(t)
	r.fake.AddWABA(&setupfake.WABA{ID: "55", Numbers: []string{number}})
	token := r.tenant().Datasets[0].Access
	r.subject.Token = &token
	*r.tenant() = Tenant{Name: "acme", WABAs: []string{waba, "55"}}
	rows := r.look(false)
	r.says(rows, Note, "dataset of "+waba, "capi whatsapp { dataset "+dataset)
	r.says(rows, Note, "dataset of 55", "--apply makes one")
	r.says(r.look(true), Made, "dataset of 55", "capi whatsapp { dataset 955")
	r.count(r.look(false), Missing, 0)
}

// TestAppID: where no token says the app, --app-id does, and it finds out why a token has ended.
func TestAppID(t *testing.T) {
	r := newRig(t)
	for _, token := range r.fake.Tokens {
		token.ExpiresAt = now.Add(-time.Hour)
	}
	r.says(r.look(false), Missing, "app", "--app-id")
	r.subject.AppID = appID
	rows := r.look(true)
	r.says(rows, Missing, "token of leads", "190/463")
	r.says(rows, Made, "webhooks of WhatsApp")
}

// TestTokenOfAnotherApp: it may ask, and subscribes another app than the one whose webhooks come here.
func TestTokenOfAnotherApp(t *testing.T) {
	r := newRig(t)
	r.subject.AppID = appID
	*r.tenant() = Tenant{Name: "acme", WABAs: []string{waba}, Datasets: r.tenant().Datasets[:1]}
	r.fake.Tokens["T-whatsapp"].App = "999"
	r.says(r.look(true), Missing, "tenant acme", "no token of app "+appID, "META_TOKEN")
}

// TestTwoTenantsTokens: what one tenant's token lacks is said, whatever another's of the same name has.
func TestTwoTenantsTokens(t *testing.T) {
	r := newRig(t)
	r.fake.Tokens["T-second"] = &setupfake.Token{
		Type: "SYSTEM_USER", Scopes: []string{"leads_retrieval", "pages_show_list", "pages_manage_metadata"},
	}
	r.fake.AddPage(&setupfake.Page{ID: "77", Name: "Other", Token: "T-77"})
	r.subject.Blocks[0].Tenants = append(r.subject.Blocks[0].Tenants, Tenant{Name: "globex", Pages: []string{"77"}, Leads: &Access{
		Name: "leads", Credentials: graph.Credentials{Token: "T-second"}, Endpoint: r.meta.URL,
	}})
	r.says(r.look(true), Missing, "token of leads", "pages_read_engagement, pages_manage_ads")
}

// TestMoreToken: a token beside the configuration's may do what theirs may not.
func TestMoreToken(t *testing.T) {
	r := newRig(t)
	r.fake.Tokens["T-whatsapp"].Scopes = []string{events}
	r.fake.Tokens["T-more"] = &setupfake.Token{Type: "SYSTEM_USER", Scopes: []string{manage}}
	r.subject.Token = &Access{Name: "META_TOKEN", Credentials: graph.Credentials{Token: "T-more"}, Endpoint: r.meta.URL}
	r.says(r.look(true), Made, "WABA "+waba)
}
