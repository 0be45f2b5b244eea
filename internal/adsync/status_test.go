package adsync

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/adfake"
	"github.com/leadgate/leadgate/internal/graph"
	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/internal/queue"
)

const waits = "waits for Meta's limit"

// limit has Meta refuse all for its limit of calls.
func limit(*http.Request) *adfake.Refusal {
	return &adfake.Refusal{Status: 400, Code: 80000, Header: map[string]string{
		"X-Business-Use-Case-Usage": `{"11":[{"type":"ads_insights","call_count":100,"estimated_time_to_regain_access":20}]}`}}
}

// TestWaitIsShown: that it waits for a limit, and until when, is shown, and logged once, however
// often Meta asks to wait; what is to be mended is shown before.
func TestWaitIsShown(t *testing.T) {
	r := newRig(t, "11", "22")
	r.fake.Refuse = limit
	r.click("101")
	for range 3 {
		r.step()
		until := r.clock.Add(20 * time.Minute).Format(time.RFC3339)
		st := r.s.Status()
		if st.Problem != "too many calls for Meta's limit: waits until "+until || !slices.Equal(st.Reasons, []string{metrics.AdsThrottled}) {
			t.Errorf("%+v, want until %s", st, until)
		}
		r.clock = r.clock.Add(20 * time.Minute)
	}
	r.logged(3, waits) // names, and each account
	r.logged(0, fails)

	r.fake.Refuse = func(q *http.Request) *adfake.Refusal {
		if strings.Contains(q.URL.Path, "act_22") {
			return &adfake.Refusal{Status: 403, Code: 200}
		}
		return limit(q)
	}
	r.step()
	if st := r.s.Status(); !strings.HasPrefix(st.Problem, "act_22: error 200: ") ||
		!slices.Equal(st.Reasons, []string{metrics.AdsThrottled, metrics.AdsPermission}) {
		t.Errorf("%+v", st)
	}
	r.fake.Refuse = nil
	r.clock = r.clock.Add(20 * time.Minute)
	r.step()
	if st := r.s.Status(); st.Problem != "" || st.Reasons != nil {
		t.Errorf("%+v", st)
	}
	r.logged(3, waits)
	r.logged(3, "says again")
}

// TestNearLimitIsShown: near a limit it waits with what is left, and says so; when nothing is
// left nothing is said.
func TestNearLimitIsShown(t *testing.T) {
	r := newRig(t, "11")
	r.fake.Header = map[string]string{"X-FB-Ads-Insights-Throttle": `{"acc_id_util_pct":80}`}
	for i, want := range []string{waiting, waiting, waiting, waiting, ""} {
		r.step()
		if st := r.s.Status(); !strings.HasPrefix(st.Problem, want) || (st.Problem == "") != (want == "") {
			t.Errorf("step %d: %+v", i, st)
		}
		r.clock = r.clock.Add(5 * time.Minute)
	}
	r.logged(1, waits)
}

const waiting = "act_11: too many calls for Meta's limit: waits until "

// TestFreshness: names and spend are as old as the last reading of all that was due, also after a
// restart; an account that is behind tells, and so does what was never read.
func TestFreshness(t *testing.T) {
	r := newRig(t, "11", "22")
	began := r.clock.UnixMilli()
	r.fake.Remove("22")
	r.step()
	r.clock = r.clock.Add(7 * time.Hour)
	r.restart()
	r.step()
	if st := r.s.Status(); st.Names != r.s.now() || st.Spend != began {
		t.Errorf("names of %d, spend of %d, want %d and %d", st.Names, st.Spend, r.s.now(), began)
	}
	r.fake.AddAccount(adfake.Account{ID: "22", Currency: "JPY", Timezone: "Asia/Tokyo"})
	r.clock = r.clock.Add(10 * time.Minute)
	r.step()
	read := r.s.now()
	if st := r.s.Status(); st.Spend != read-(10*time.Minute).Milliseconds() {
		t.Errorf("spend of %d, want that of act_11, 10 minutes before %d", st.Spend, read)
	}
	if zones := fmt.Sprint(r.s.Status().Zones); zones != "[America/Sao_Paulo Asia/Tokyo]" {
		t.Errorf("days of %s", zones)
	}
	r.c.Credentials = graph.Credentials{Token: "EAAother"} // another token takes nothing back
	r.fake.SetToken("EAAnone")
	r.restart()
	r.click("101")
	r.clock = r.clock.Add(time.Hour)
	r.step()
	if st := r.s.Status(); st.Spend == r.s.now() || st.Spend < began || !slices.Equal(st.Reasons, []string{metrics.AdsToken}) {
		t.Errorf("%+v", st)
	}
}

// TestTokenWorksAgain: a token that was refused in the middle of a reading, and works again, is no
// trouble any more when the rest was read.
func TestTokenWorksAgain(t *testing.T) {
	r := newRig(t, "11")
	calls := 0
	r.fake.Refuse = func(*http.Request) *adfake.Refusal {
		if calls++; calls == 3 { // the account, its last week, and this
			return &adfake.Refusal{Status: 400, Code: 190, Subcode: 460}
		}
		return nil
	}
	r.step()
	if p := r.s.Status().Problem; !strings.HasPrefix(p, "error 190/460: ") {
		t.Fatalf("%q", p)
	}
	r.clock = r.clock.Add(10 * time.Minute)
	r.step()
	if st := r.s.Status(); st.Problem != "" {
		t.Errorf("still %+v", st)
	}
	r.logged(1, "says again")
}

// fill keeps names of so many ads, of which Meta was asked so long ago.
func (r *rig) fill(n int, ago time.Duration) {
	r.Helper()
	facts := make([]queue.Fact, n)
	for i := range facts {
		facts[i] = queue.Fact{Group: groupNames, Key: fmt.Sprint(1_000_000 + i), Till: r.s.now() + kept,
			Data: fmt.Appendf(nil, `{"ad":"Ad %d","at":%d}`, i, r.clock.Add(-ago).UnixMilli()+int64(i))}
	}
	if err := r.q.PutFacts(r.Context(), "acme", facts); err != nil {
		r.Fatal(err)
	}
}

// TestTooManyAds: where more ads are counted than names are kept of, that is said once, new names
// take the room that there is, known ones are still renewed, and spend is read.
func TestTooManyAds(t *testing.T) {
	r := newRig(t, "11")
	r.fill(queue.MaxFacts-1, time.Hour)
	r.fake.SetDays(adfake.Day{Ad: "101", Day: "2026-11-26", Spend: "1"}, adfake.Day{Ad: "1000000", Day: "2026-11-26", Spend: "2"})
	r.fake.Put(ad("1000000", "Renamed", "11"))
	r.click("101", "102")
	for range 100 {
		r.step()
		r.clock = r.clock.Add(time.Minute)
	}
	r.logged(1, fails)
	r.logged(0, "says again")
	if st := r.s.Status(); st.Problem != tooMany || !slices.Equal(st.Reasons, []string{metrics.AdsFull}) {
		t.Errorf("%+v", st)
	}
	_, one := r.s.Name("101")
	_, other := r.s.Name("102")
	if n, _ := r.s.Name("1000000"); n.Ad != "Renamed" || one == other {
		t.Errorf("%+v; the new ones are known: %v, %v", n, one, other)
	}
	if got := r.known("", ""); got != "1000000 2026-11-26 2BRL 0 0 0; 101 2026-11-26 1BRL 0 0 0" {
		t.Errorf("%s", got)
	}
}

// TestKnownNamesAreRenewedFirst: where there is no room for new ones, and no account whose insights
// would tell of the others, these are asked for before them.
func TestKnownNamesAreRenewedFirst(t *testing.T) {
	r := newRig(t)
	r.fill(queue.MaxFacts, 25*time.Hour)
	r.fake.Put(ad("1000000", "Renamed", "11"))
	for i := range 3 * batchSize {
		r.click(fmt.Sprint(101 + i))
	}
	r.click("1000000")
	r.step()
	if n, _ := r.s.Name("1000000"); n.Ad != "Renamed" {
		t.Errorf("%+v", n)
	}
	if st := r.s.Status(); st.Problem != tooMany {
		t.Errorf("%+v", st)
	}
}

// TestOldNamesMakeRoom: where there is none, those go of which nothing was heard for longest.
func TestOldNamesMakeRoom(t *testing.T) {
	r := newRig(t)
	r.fill(queue.MaxFacts, 40*24*time.Hour)
	r.click("101", "102")
	r.step()
	r.logged(0, fails)
	for ad, want := range map[string]bool{"101": true, "102": true, "1000000": false, "1000001": false, "1000002": true} {
		if _, ok := r.s.Name(ad); ok != want {
			t.Errorf("%s is known: %v", ad, ok)
		}
	}
}
