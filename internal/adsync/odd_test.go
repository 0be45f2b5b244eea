package adsync

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/adfake"
	"github.com/leadgate/leadgate/internal/graph"
	"github.com/leadgate/leadgate/internal/graphfake"
	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/internal/queue"
)

// TestNamesBesideNone: what is no ad, or is another's, keeps no other ad from its name, and is
// not asked for again at once.
func TestNamesBesideNone(t *testing.T) {
	r := newRig(t)
	r.click("50", "60", "70", "101", "102")
	r.fake.Deny("50", &adfake.Refusal{Status: 400, Code: 100, Message: "(#100) Tried accessing nonexisting field (adset) on node type (Post)"})
	r.fake.Deny("60", &adfake.Refusal{Status: 404, Code: 803, Message: "(#803) Some of the aliases you requested do not exist: 60"})
	r.fake.Deny("70", &adfake.Refusal{Status: 403, Code: 200, Message: "(#200) Ad account owner has NOT grant ads_management or ads_read"})
	r.step()
	for id, want := range map[string]string{"101": "Summer", "102": "Winter", "50": "", "60": "", "70": ""} {
		if n, _ := r.s.Name(id); n.Ad != want {
			t.Errorf("%s is %q", id, n.Ad)
		}
	}
	r.asked("batch 5")
	r.step()
	r.asked()
	if p := r.s.Status().Problem; p != "" {
		t.Error(p)
	}
	r.fake.Deny("101", &adfake.Refusal{Status: 400, Code: 2635, Message: "(#2635) You are calling a deprecated version of the Ads API."})
	r.clock = r.clock.Add(24 * time.Hour)
	r.step()
	if p := r.s.Status().Problem; !strings.HasPrefix(p, "error 2635: ") {
		t.Errorf("an old version: %q", p)
	}
}

// TestNamesWithoutRights: a token that may read no ads is said, and with another the ads are
// asked for at once, as they are when an account is back.
func TestNamesWithoutRights(t *testing.T) {
	r := newRig(t)
	token := "EAAblind"
	r.c.Credentials.Token = token
	r.c.Renew = func() (graph.Credentials, error) { return graph.Credentials{Token: token}, nil }
	r.restart()
	r.fake.NoRights = true
	r.click("101", "102")
	for range 3 {
		r.step()
		r.clock = r.clock.Add(time.Minute)
	}
	if p := r.s.Status().Problem; !strings.HasPrefix(p, "the token has no ads_read: ") {
		t.Errorf("%q", p)
	}
	r.logged(1, fails)
	r.fake.NoRights, token = false, "EAAsees"
	r.step()
	if n, _ := r.s.Name("101"); n.Ad != "Summer" || r.s.Status().Problem != "" {
		t.Errorf("%+v, %q", n, r.s.Status().Problem)
	}
}

// TestNamesHiddenWithoutRights: a token without the right is told so, too, where Meta says of each ad
// that there is none; with the right that is all there is to say.
func TestNamesHiddenWithoutRights(t *testing.T) {
	for _, no := range []*adfake.Refusal{graphfake.Missing("101"), graphfake.Parameter("Tried accessing nonexisting field (adset)")} {
		r := newRig(t)
		r.click("102")
		r.fake.Put(ad("102", "Known", "11"))
		r.step()
		r.fake.Deny("101", no)
		r.click("101")
		r.step()
		if p := r.s.Status().Problem; p != "" {
			t.Errorf("%s: with the right: %q", no.Message, p)
		}
		r.fake.NoRights = true
		r.clock = r.clock.Add(2 * time.Hour)
		r.step()
		if p := r.s.Status().Problem; !strings.HasPrefix(p, "the token has no ads_read: ") {
			t.Errorf("%s: %q", no.Message, p)
		}
	}
}

// TestNoneIsRead: where it is the asking that Meta refuses, as a version of the Graph API may, that is said
// once, until an ad is read; of one that is no ad nothing is.
func TestNoneIsRead(t *testing.T) {
	no := graphfake.Parameter("Tried accessing nonexisting field (effective_status)")
	const says = "Meta refuses to say what ads are called, 101 for one (error 100: "
	for name, known := range map[string]bool{"from the beginning": false, "since then": true} {
		r := newRig(t, "11")
		hours := func(n int) {
			for range 60 * n {
				r.clock = r.clock.Add(time.Minute)
				r.step()
			}
		}
		r.click("101")
		if known {
			r.step()
		}
		r.fake.Deny("101", no)
		hours(30)
		if st := r.s.Status(); !strings.HasPrefix(st.Problem, says) || !slices.Equal(st.Reasons, []string{metrics.AdsConfiguration}) ||
			st.Names > r.s.now()-(5*time.Hour).Milliseconds() {
			t.Errorf("%s: %+v", name, st)
		}
		r.restart()
		hours(2)
		r.logged(2, fails)
		r.logged(0, "says again")
		r.fake.Deny("101", nil)
		r.fake.Deny("404", no)
		r.click("101", "404")
		hours(2)
		if st := r.s.Status(); st.Problem != "" {
			t.Errorf("%s: still %+v", name, st)
		}
		r.logged(1, "says again")
	}
}

// TestNoneIsShown: where nothing but the names is asked for, and Meta shows no ad at all, that is said once,
// until it shows one.
func TestNoneIsShown(t *testing.T) {
	for name, no := range map[string]*adfake.Refusal{"none": nil, "another's": {Status: 403, Code: 200, Message: "(#200) Missing"}} {
		r := newRig(t)
		for i := range 2 * batchSize {
			r.click(fmt.Sprint(500 + i))
			r.fake.Deny(fmt.Sprint(500+i), no)
		}
		hours := func(n int) {
			for range 60 * n {
				r.clock = r.clock.Add(time.Minute)
				r.step()
			}
		}
		hours(30)
		if st := r.s.Status(); !strings.HasPrefix(st.Problem, "Meta shows none of the ads that were counted, 500 for one: ") ||
			!slices.Equal(st.Reasons, []string{metrics.AdsPermission}) {
			t.Errorf("%s: %+v", name, st)
		}
		r.logged(1, fails)
		r.click("101")
		hours(1)
		if st := r.s.Status(); st.Problem != "" {
			t.Errorf("%s: still %+v", name, st)
		}
		hours(3)
		r.logged(1, fails)
		r.logged(1, "says again")
	}
}

// TestRegained: the answer that there is no such ad is asked again when the token comes to see
// more.
func TestRegained(t *testing.T) {
	for name, regain := range map[string]func(r *rig){
		"by another token": func(r *rig) {
			r.c.Credentials.Token = "EAAother"
			r.restart()
		},
		"by an account": func(r *rig) {
			r.fake.AddAccount(adfake.Account{ID: "22", Currency: "JPY", Timezone: "Asia/Tokyo"})
			r.clock = r.clock.Add(10 * time.Minute)
			r.step()
			r.clock = r.clock.Add(time.Second)
		},
	} {
		r := newRig(t, "22")
		r.fake.Remove("22")
		r.fake.Deny("201", &adfake.Refusal{Status: 403, Code: 200, Message: "(#200) Missing Permissions"})
		r.click("201")
		r.step()
		r.clock = r.clock.Add(time.Minute)
		r.fake.Deny("201", nil)
		r.step()
		if n, ok := r.s.Name("201"); ok {
			t.Fatalf("%s: %+v", name, n)
		}
		regain(r)
		r.step()
		if n, _ := r.s.Name("201"); n.Ad != "夏" {
			t.Errorf("%s: %+v", name, n)
		}
	}
}

// TestHeldUp: the days on which an account could not be read are read when it can.
func TestHeldUp(t *testing.T) {
	for name, days := range map[string]int{"five days": 5, "fifty days": 50} {
		r := newRig(t, "11")
		r.step()
		r.clock = r.clock.Add(24 * time.Hour) // 7 days are begun, and held up
		r.fake.Refuse = func(q *http.Request) *adfake.Refusal {
			if strings.HasSuffix(q.URL.Path, "/insights") {
				return &adfake.Refusal{Status: 403, Code: 200}
			}
			return nil
		}
		r.step()
		r.fake.Refuse = nil
		missed := r.clock.AddDate(0, 0, 2).Format(time.DateOnly)
		r.fake.SetDays(adfake.Day{Ad: "101", Day: missed, Spend: "7"})
		r.clock = r.clock.AddDate(0, 0, days)
		r.step()
		r.step()
		if got := r.known(missed, missed); got != "101 "+missed+" 7BRL 0 0 0" {
			t.Errorf("after %s: %q", name, got)
		}
	}
}

// odd has insights be these pages, by their cursors, "" for the first, or by their time_range.
func (r *rig) odd(pages map[string]string) {
	r.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if !strings.HasSuffix(q.URL.Path, "/insights") {
			_, _ = fmt.Fprint(w, `{"id":"act_11","currency":"KWD","timezone_name":"Asia/Kuwait"}`)
			return
		}
		page, ok := pages[q.FormValue("time_range")]
		if !ok {
			page = pages[q.FormValue("after")]
		}
		_, _ = fmt.Fprint(w, page)
	}))
	r.Cleanup(server.Close)
	r.c.Endpoint = server.URL
	r.restart()
}

func insight(ad, day, more string) string {
	return fmt.Sprintf(`{"ad_id":%q,"date_start":%q,"date_stop":%q,"account_currency":"KWD"%s}`, ad, day, day, more)
}

// TestOddPages: pages that are empty, say where they go on in the next one's address alone, or
// have a row again, are read as what they are.
func TestOddPages(t *testing.T) {
	r := newRig(t, "11")
	r.odd(map[string]string{
		"": `{"data":[],"paging":{"next":"https://graph.facebook.com/x?access_token=EAAsecret&after=b%2B"}}`,
		"b+": `{"data":[` + insight("101", "2026-11-26", `,"spend":12.345,"impressions":1e3,"inline_link_clicks":"4"`) + `,` +
			insight("102", "2026-11-26", `,"spend":null,"impressions":"44","actions":null`) +
			`],"paging":{"cursors":{"after":"c"},"next":"https://graph.facebook.com/y"}}`,
		"c": `{"data":[` + insight("101", "2026-11-26", `,"spend":"12.345","impressions":1001,"inline_link_clicks":4`) + `],"paging":{}}`,
	})
	r.step()
	if got := r.known("", ""); got != "101 2026-11-26 12.345KWD 1001 4 0; 102 2026-11-26 0KWD 44 0 0" {
		t.Errorf("%q, %q", got, r.s.Status().Problem)
	}
	r.odd(map[string]string{"": `{"data":[` + insight("101", "2026-11-26", "") + `],"paging":{"next":"https://graph.facebook.com/x"}}`})
	r.step()
	if p := r.s.Status().Problem; !strings.Contains(p, "does not say where") {
		t.Errorf("a list without an end is %q", p)
	}
}

// TestNamesOfRows: of a renamed ad the newest name is kept, and a row that has none takes away
// none.
func TestNamesOfRows(t *testing.T) {
	name := func(text string) string {
		return `,"ad_name":"` + text + `","adset_id":"7","adset_name":"Set","spend":"1"`
	}
	r := newRig(t, "11")
	r.odd(map[string]string{
		"": `{"data":[]}`, `{"since":"2026-11-21","until":"2026-11-27"}`: `{"data":[` + insight("101", "2026-11-27", name("New")) + `,` +
			insight("101", "2026-11-26", name("Old")) + `]}`,
		`{"since":"2026-11-07","until":"2026-11-13"}`: `{"data":[` + insight("101", "2026-11-10", name("Oldest")) + `]}`})
	r.step()
	if n, _ := r.s.Name("101"); n.Ad != "New" || n.Adset != "Set" {
		t.Errorf("%+v", n)
	}
	r.clock = r.clock.Add(13 * time.Hour)
	r.odd(map[string]string{"": `{"data":[` + insight("101", "2026-11-27", `,"campaign_id":"9","campaign_name":"Sales","spend":"1"`) + `]}`})
	r.step()
	if n, _ := r.s.Name("101"); n.Ad != "New" || n.Adset != "Set" || n.Campaign != "Sales" {
		t.Errorf("without its name: %+v", n)
	}
}

// TestPauseOfRefresh: what failed is tried again no later than it would be asked for had it not.
func TestPauseOfRefresh(t *testing.T) {
	r := newRig(t, "11")
	r.c.Refresh = time.Second
	r.restart()
	r.fake.SetToken("EAAother")
	r.step()
	if !strings.HasPrefix(r.s.Status().Problem, "error 190") {
		t.Errorf("%q", r.s.Status().Problem)
	}
	r.fake.SetToken("EAAgood")
	r.clock = r.clock.Add(time.Second)
	r.step()
	if p := r.s.Status().Problem; p != "" {
		t.Error(p)
	}
}

// gone is a store that cannot be reached.
type gone struct{ queue.Queue }

func (gone) Claim(context.Context, string, string, string, time.Duration) (bool, error) {
	return false, queue.ErrUnavailable
}

// TestStoreGone: a store that cannot be reached is said once, however long that lasts.
func TestStoreGone(t *testing.T) {
	r := newRig(t, "11")
	r.c.Refresh = time.Millisecond
	r.restart()
	ctx, cancel := context.WithCancel(t.Context())
	steps := 0
	r.s.Run(ctx, func(context.Context) (queue.Queue, func(), error) {
		if steps++; steps > 3 {
			cancel()
		}
		return gone{}, func() {}, nil
	})
	r.logged(1, "cannot be kept")
}
