package adsync

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/leadgate/leadgate/internal/adfake"
	"github.com/leadgate/leadgate/internal/ads"
	"github.com/leadgate/leadgate/internal/graph"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/memory"
)

// rig is a tenant whose ads are asked for, at noon UTC of 27 November 2026.
type rig struct {
	*testing.T
	fake  *adfake.Server
	clock time.Time
	q     *memory.Queue
	s     *Syncer
	logs  *observer.ObservedLogs
	c     Config
}

func newRig(t *testing.T, accounts ...string) *rig {
	t.Helper()
	r := &rig{T: t, clock: time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)}
	now := func() time.Time { return r.clock }
	r.fake = &adfake.Server{Now: now}
	server := httptest.NewServer(r.fake)
	t.Cleanup(server.Close)
	r.fake.AddAccount(adfake.Account{ID: "11", Name: "Shop", Currency: "BRL", Timezone: "America/Sao_Paulo"})
	r.fake.AddAccount(adfake.Account{ID: "22", Name: "Tokyo", Currency: "JPY", Timezone: "Asia/Tokyo"})
	r.fake.Put(ad("101", "Summer", "11"), ad("102", "Winter", "11"), ad("201", "夏", "22"))
	r.q = memory.New(queue.Options{Dedupe: time.Hour, RememberClicks: time.Hour, MaxBacklog: 1}, now)
	core, logs := observer.New(zap.InfoLevel)
	r.logs = logs
	r.c = Config{
		Tenant: "acme", Endpoint: server.URL, GraphVersion: "v27.0", UserAgent: "Leadgate/test", Refresh: 6 * time.Hour,
		Credentials: graph.Credentials{Token: "EAAgood"}, Accounts: accounts, Logger: zap.New(core), Now: now,
	}
	r.restart()
	return r
}

func ad(id, name, account string) adfake.Ad {
	return adfake.Ad{ID: id, Name: name, Account: account, AdsetID: "7" + id, Adset: name + " set", CampaignID: "9", Campaign: "Sales"}
}

// restart has another process ask, with the same store.
func (r *rig) restart() {
	r.s = New(r.c)
	r.s.sleep = func(context.Context, time.Duration) error { return nil }
}

func (r *rig) step() {
	r.Helper()
	if err := r.s.Step(r.Context(), r.q); err != nil {
		r.Fatal(err)
	}
}

// asked checks what Meta was asked for since the last time.
func (r *rig) asked(want ...string) {
	r.Helper()
	if got := r.fake.Asked(); !slices.Equal(got, want) {
		r.Errorf("asked %q, want %q", got, want)
	}
}

// click counts a click of each ad.
func (r *rig) click(ids ...string) {
	for _, id := range ids {
		g := queue.Group{Tenant: "acme", Events: []queue.Event{{Time: r.clock.UnixMilli()}}}
		copy(g.Events[0].ID[:], id)
		c := ads.NewCounter(&g, r.clock.UnixMilli(), r.clock.UnixMilli(), ads.Ad{ID: id})
		c.Click(0)
		r.q.Append(r.Context(), []queue.Group{g})
	}
}

// known is what is read of these days, as text.
func (r *rig) known(from, to string) string {
	r.Helper()
	p, err := ads.ParsePeriod(from, to, ads.Today(r.clock))
	if err != nil {
		r.Fatal(err)
	}
	known, err := Read(r.Context(), r.q, "acme", p)
	if err != nil {
		r.Fatal(err)
	}
	var lines []string
	for _, s := range known.Spend {
		lines = append(lines, fmt.Sprintf("%s %s %s%s %d %d %d",
			s.AdID, s.Day, s.Amount, s.Currency, s.Impressions, s.LinkClicks, s.Conversations))
	}
	slices.Sort(lines)
	return strings.Join(lines, "; ")
}

func (r *rig) logged(want int, about string) {
	r.Helper()
	if got := r.logs.FilterMessageSnippet(about).Len(); got != want {
		r.Errorf("%q was logged %d times, want %d: %v", about, got, want, r.logs.All())
	}
	for _, e := range r.logs.All() {
		text, _ := json.Marshal(e.ContextMap())
		if strings.Contains(string(text), "EAA") {
			r.Errorf("a token in the log: %s", text)
		}
	}
}

const fails = "does not say what ads"

// TestNames: ads are asked for by batch, once a day; one that the token does not see once an
// hour, and it keeps the name that it had.
func TestNames(t *testing.T) {
	r := newRig(t)
	r.click("101", "404", "no id", strings.Repeat("1", 21))
	r.step()
	r.asked("batch 2")
	want := ads.Name{Ad: "Summer", AdsetID: "7101", Adset: "Summer set", CampaignID: "9", Campaign: "Sales"}
	if n, ok := r.s.Name("101"); !ok || n != want {
		t.Errorf("%+v", n)
	}
	if n, ok := r.s.Name("404"); ok {
		t.Errorf("the ad that is none is %+v", n)
	}
	r.step()
	r.asked()
	r.restart()
	r.step()
	r.asked()
	if _, ok := r.s.Name("101"); !ok {
		t.Error("names are forgotten")
	}
	r.clock = r.clock.Add(time.Hour)
	r.step()
	r.asked("batch 1")
	renamed := ad("101", "Summer 2", "11")
	r.fake.Put(renamed)
	r.clock = r.clock.Add(23 * time.Hour)
	r.step()
	if n, _ := r.s.Name("101"); n.Ad != "Summer 2" {
		t.Errorf("after it was renamed: %+v", n)
	}
	r.fake.Remove("101")
	r.clock = r.clock.Add(24 * time.Hour)
	r.step()
	if n, _ := r.s.Name("101"); n.Ad != "Summer 2" {
		t.Errorf("after it was deleted: %+v", n)
	}
	r.logged(0, fails)
}

// TestManyNames: no batch has more than Meta takes, and what a batch had no time for is
// asked for again.
func TestManyNames(t *testing.T) {
	r := newRig(t)
	for i := range 120 {
		id := fmt.Sprint(5000 + i)
		r.fake.Put(ad(id, "Ad "+id, "11"))
		r.click(id)
	}
	r.fake.Put(ad("5007", adfake.Slow, "11"))
	r.step()
	r.asked("batch 50", "batch 50", "batch 20")
	r.fake.Put(ad("5007", "quick", "11"))
	r.step()
	r.asked("batch 1")
	if n, _ := r.s.Name("5007"); n.Ad != "quick" {
		t.Errorf("%+v", n)
	}
}

// TestNamesElsewhere: a batch that failed is no trouble any more when insights have said the
// names, and holds up no spend.
func TestNamesElsewhere(t *testing.T) {
	r := newRig(t, "11")
	r.click("101")
	r.fake.SetDays(adfake.Day{Ad: "101", Day: "2026-11-26", Spend: "1"})
	r.fake.Refuse = func(req *http.Request) *adfake.Refusal {
		if req.URL.Path == "/" {
			return &adfake.Refusal{Status: 500, Code: 1}
		}
		return nil
	}
	r.step()
	if n, _ := r.s.Name("101"); n.Ad != "Summer" || !strings.HasPrefix(r.s.Status().Problem, "error 1: ") {
		t.Errorf("%+v, %q", n, r.s.Status().Problem)
	}
	r.clock = r.clock.Add(time.Minute)
	r.step()
	if r.s.Status().Problem != "" {
		t.Errorf("still %q", r.s.Status().Problem)
	}
}

// TestSpend: insights are read by account and day, in pages, with the account's own days and
// currency; again of two days, a week and four weeks.
func TestSpend(t *testing.T) {
	r := newRig(t, "11", "22")
	r.fake.Page = 2
	r.fake.SetDays(
		adfake.Day{Ad: "101", Day: "2026-11-26", Spend: "12.34", Impressions: 1000, LinkClicks: 31, Chats: 7},
		adfake.Day{Ad: "102", Day: "2026-11-26", Spend: "0.10"}, adfake.Day{Ad: "101", Day: "2026-11-27", Spend: "3"},
		adfake.Day{Ad: "101", Day: "2026-11-01", Spend: "5.55"}, adfake.Day{Ad: "201", Day: "2026-11-27", Spend: "1500", Chats: 1},
	)
	r.clock = time.Date(2026, 11, 27, 16, 0, 0, 0, time.UTC) // the 28th in Tokyo
	r.step()
	if got := r.fake.Asked(); len(got) != 12 || got[1] != "insights 11 2026-11-21 2026-11-27" ||
		got[5] != "insights 11 2026-10-29 2026-10-30" || got[7] != "insights 22 2026-11-22 2026-11-28" {
		t.Errorf("asked %q", got)
	}
	want := "101 2026-11-26 12.34BRL 1000 31 7; 101 2026-11-27 3BRL 0 0 0; 102 2026-11-26 0.1BRL 0 0 0; 201 2026-11-27 1500JPY 0 0 1"
	if got := r.known("2026-11-20", "2026-11-30"); got != want {
		t.Errorf("%s", got)
	}
	if n, _ := r.s.Name("201"); n.Ad != "夏" {
		t.Errorf("insights name the ad %+v", n)
	}
	r.step()
	r.asked()

	r.fake.SetDays(adfake.Day{Ad: "101", Day: "2026-11-26", Spend: "13.00"})
	r.clock = r.clock.Add(6 * time.Hour)
	r.step()
	r.asked("account 11", "insights 11 2026-11-26 2026-11-27", "account 22", "insights 22 2026-11-27 2026-11-28")
	if got := r.known("2026-11-01", "2026-11-30"); got != "101 2026-11-01 5.55BRL 0 0 0; 101 2026-11-26 13BRL 0 0 0" {
		t.Errorf("%s", got)
	}
	r.clock = r.clock.Add(24 * time.Hour)
	r.step()
	if got := r.fake.Asked(); len(got) != 4 || got[1] != "insights 11 2026-11-22 2026-11-28" {
		t.Errorf("asked %q", got)
	}
	r.clock = r.clock.Add(7 * 24 * time.Hour)
	r.step()
	if got := r.fake.Asked(); len(got) != 10 || got[4] != "insights 11 2026-11-08 2026-11-14" {
		t.Errorf("asked %q", got)
	}
}

// TestReport: what is too much for an answer comes by a report.
func TestReport(t *testing.T) {
	r := newRig(t, "11")
	r.fake.MostDays = 5
	r.fake.SetDays(adfake.Day{Ad: "101", Day: "2026-11-26", Spend: "12.34"})
	r.step()
	if got := r.fake.Asked(); len(got) != 6 || got[1] != "report 11 2026-11-21 2026-11-27" || got[5] != "insights 11 2026-10-29 2026-10-30" {
		t.Errorf("asked %q", got)
	}
	if got := r.known("", ""); got != "101 2026-11-26 12.34BRL 0 0 0" {
		t.Errorf("%s", got)
	}
	r.logged(0, fails)
}

// TestThrottled: near a limit it waits, and goes on where it was, in another process, too.
func TestThrottled(t *testing.T) {
	r := newRig(t, "11")
	r.fake.Header = map[string]string{"X-FB-Ads-Insights-Throttle": `{"app_id_util_pct":10,"acc_id_util_pct":76.5}`}
	r.step()
	r.asked("account 11", "insights 11 2026-11-21 2026-11-27")
	r.clock = r.clock.Add(4 * time.Minute)
	r.step()
	r.asked()
	r.restart()
	r.clock = r.clock.Add(time.Minute)
	r.step()
	r.asked("insights 11 2026-11-14 2026-11-20")
	r.fake.Header = nil
	r.fake.Refuse = func(*http.Request) *adfake.Refusal {
		return &adfake.Refusal{Status: 400, Code: 80000, Header: map[string]string{
			"X-Business-Use-Case-Usage": `{"11":[{"type":"ads_insights","call_count":100,"estimated_time_to_regain_access":20}]}`}}
	}
	r.clock = r.clock.Add(5 * time.Minute)
	r.step()
	r.fake.Refuse = nil
	r.clock = r.clock.Add(19 * time.Minute)
	r.step()
	r.asked()
	r.clock = r.clock.Add(time.Minute)
	r.step()
	r.asked("insights 11 2026-11-07 2026-11-13", "insights 11 2026-10-31 2026-11-06", "insights 11 2026-10-29 2026-10-30")
	if r.s.Status().Problem != "" {
		t.Errorf("to wait is a problem: %s", r.s.Status().Problem)
	}
	r.logged(0, fails)
}

// TestDeadToken: it is said once, a new token in the file is used at once, and so are other
// settings.
func TestDeadToken(t *testing.T) {
	r := newRig(t, "11", "22")
	token := "EAAgood"
	r.c.Renew = func() (graph.Credentials, error) { return graph.Credentials{Token: token}, nil }
	r.restart()
	r.fake.SetToken("EAAnew")
	r.click("101")
	for range 3 {
		r.step()
		r.clock = r.clock.Add(time.Minute)
	}
	if p := r.s.Status().Problem; !strings.HasPrefix(p, "error 190/463: ") || !strings.Contains(p, "access_token") {
		t.Errorf("%q", p)
	}
	r.asked()
	r.logged(1, fails)
	token = "EAAnew"
	r.step()
	if got := r.fake.Asked(); len(got) < 3 || got[0] != "batch 1" || r.s.Status().Problem != "" {
		t.Errorf("asked %q, %q", got, r.s.Status().Problem)
	}
	r.logged(1, "says again")
	r.fake.SetToken("EAAother")
	r.c.Credentials.Token, r.c.Renew = "EAAother", nil
	r.restart()
	r.step()
	r.asked("account 11", "insights 11 2026-11-26 2026-11-27", "account 22", "insights 22 2026-11-26 2026-11-27")
}

// TestLostAccount: an account that the token does not see is said once, and the others go on.
func TestLostAccount(t *testing.T) {
	r := newRig(t, "11", "22")
	r.fake.Remove("11")
	r.fake.SetDays(adfake.Day{Ad: "201", Day: "2026-11-26", Spend: "1500"})
	for range 12 {
		r.step()
		r.clock = r.clock.Add(time.Minute)
	}
	if p := r.s.Status().Problem; !strings.HasPrefix(p, "act_11: error 100/33: ") || !strings.Contains(p, "ads_read") {
		t.Errorf("%q", p)
	}
	if got := r.known("", ""); got != "201 2026-11-26 1500JPY 0 0 0" {
		t.Errorf("%s", got)
	}
	r.logged(1, fails)
	r.fake.AddAccount(adfake.Account{ID: "11", Currency: "KWD", Timezone: "Asia/Kuwait"})
	r.fake.SetDays(adfake.Day{Ad: "101", Day: "2026-11-26", Spend: "1.234"}, adfake.Day{Ad: "201", Day: "2026-11-26", Spend: "1500"})
	r.clock = r.clock.Add(10 * time.Minute)
	r.step()
	if got := r.known("", ""); got != "101 2026-11-26 1.234KWD 0 0 0; 201 2026-11-26 1500JPY 0 0 0" || r.s.Status().Problem != "" {
		t.Errorf("%s; %s", got, r.s.Status().Problem)
	}
}

// TestOneAsks: of two edges one asks, and the other shows what it found.
func TestOneAsks(t *testing.T) {
	r := newRig(t, "11")
	if ours, err := r.q.Claim(t.Context(), "acme", task, "another edge", time.Minute); !ours || err != nil {
		t.Fatal(ours, err)
	}
	r.click("101")
	r.step()
	r.asked()
	r.clock = r.clock.Add(time.Minute)
	r.step()
	if got := r.fake.Asked(); len(got) < 2 {
		t.Errorf("asked %q", got)
	}
	heir := New(r.c)
	if err := heir.Step(t.Context(), r.q.Open()); err != nil {
		t.Fatal(err)
	}
	if n, _ := heir.Name("101"); n.Ad != "Summer" {
		t.Errorf("%+v", n)
	}
}

// TestStrangers: what is no answer of the Graph API's changes nothing, and is said.
func TestStrangers(t *testing.T) {
	for body, want := range map[string]string{
		`<html>`: "200 OK: no answer", `{"data":{}}`: "no list", `[]`: "no list", `{"data":[{"ad_id":"x"}]}`: "",
		`{"data":[{"ad_id":"101","date_start":"2026-11-26","date_stop":"2026-11-26","spend":"-1","account_currency":"BRL"}]}`: "",
		`{"data":[],"paging":{"next":"https://x","cursors":{"after":"same"}}}`:                                                "",
	} {
		r := newRig(t, "11")
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }))
		r.c.Endpoint = server.URL
		r.restart()
		r.step()
		server.Close()
		if p := r.s.Status().Problem; want == "" && p != "" || !strings.Contains(p, want) {
			t.Errorf("%s: %q", body, p)
		}
		if got := r.known("", ""); got != "" {
			t.Errorf("%s: %s", body, got)
		}
	}
}

// TestCheck: what the doctor says.
func TestCheck(t *testing.T) {
	r := newRig(t, "11", "33")
	found := fmt.Sprint(Check(t.Context(), "tenant acme: ads", r.c))
	for _, want := range []string{"“Shop”, in BRL, days of America/Sao_Paulo", "act_33: error 100/33"} {
		if !strings.Contains(found, want) {
			t.Errorf("no %q in %s", want, found)
		}
	}
	r.c.Accounts = nil
	if found := fmt.Sprint(Check(t.Context(), "tenant acme: ads", r.c)); !strings.Contains(found, "the token has ads_read") {
		t.Errorf("%s", found)
	}
	r.fake.SetToken("EAAother")
	found = fmt.Sprint(Check(t.Context(), "tenant acme: ads", r.c))
	if !strings.Contains(found, "190/463") || strings.Contains(found, "EAA") {
		t.Errorf("%s", found)
	}
}

// TestReloadWhileAsking: an edge that goes while Meta is asked says nothing is wrong, and keeps
// nothing of it: what it asked for is asked for again.
func TestReloadWhileAsking(t *testing.T) {
	r := newRig(t, "11", "22")
	r.click("101")
	for _, at := range []string{"/", "/v27.0/act_11", "/v27.0/act_22/insights"} {
		ctx, cancel := context.WithCancel(t.Context())
		r.fake.Refuse = func(q *http.Request) *adfake.Refusal {
			if q.URL.Path == at {
				_, _ = io.Copy(io.Discard, q.Body) // else the server does not see that the client has gone
				cancel()
				<-q.Context().Done()
			}
			return nil
		}
		r.restart()
		_ = r.s.Step(ctx, r.q) // the store may say that it was broken off
		r.logged(0, fails)
	}
	r.fake.Refuse = nil
	r.restart()
	r.fake.Asked()
	r.step()
	if got := r.fake.Asked(); !slices.Contains(got, "insights 22 2026-11-21 2026-11-27") || r.s.Status().Problem != "" {
		t.Errorf("asked %q, %q", got, r.s.Status().Problem)
	}
}

// TestDamagedState: what another wrote in the place of the state is begun anew.
func TestDamagedState(t *testing.T) {
	for _, damaged := range []string{`{"accounts":{"11":null,"22":{}}}`, `{"accounts":{"11":{"at":1,"since":"2026-11-31","upto":"nope"}}}`,
		`[]`} {
		r := newRig(t, "11")
		if err := r.q.PutFacts(t.Context(), "acme", []queue.Fact{
			{Group: groupState, Key: "state", Data: []byte(damaged), Till: r.s.now() + kept},
		}); err != nil {
			t.Fatal(err)
		}
		r.step()
		if got := r.fake.Asked(); !slices.Contains(got, "insights 11 2026-11-21 2026-11-27") || r.s.Status().Problem != "" {
			t.Errorf("%s: asked %q, %q", damaged, got, r.s.Status().Problem)
		}
	}
}
