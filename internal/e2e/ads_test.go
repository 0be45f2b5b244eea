package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leadgate/leadgate/internal/adfake"
	"github.com/leadgate/leadgate/internal/edgetest"
)

const soldAd = "120210000000000001" // that of click

// adRow is a row of /leadgate/ads.
type adRow struct {
	AdID, AdName, CampaignName string
	Clicks, Impressions        int
	Spend, CostPerLead, ROAS   map[string]float64
}

// adDesk keeps what it gets.
type adDesk struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []string
}

func newAdDesk(t *testing.T) *adDesk {
	d := new(adDesk)
	d.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		d.mu.Lock()
		defer d.mu.Unlock()
		d.bodies = append(d.bodies, string(body))
	}))
	t.Cleanup(d.Close)
	return d
}

// has reports whether a body has all of these texts.
func (d *adDesk) has(texts ...string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.ContainsFunc(d.bodies, func(body string) bool {
		return !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(body, text) })
	})
}

// adWorld is a fake with an account in reais and one in yen, and the settings that ask it.
func adWorld(t *testing.T) (*adfake.Server, string) {
	t.Helper()
	fake := new(adfake.Server)
	fake.AddAccount(adfake.Account{ID: "11", Name: "Shop", Currency: "BRL", Timezone: "America/Sao_Paulo"})
	fake.AddAccount(adfake.Account{ID: "22", Name: "Tokyo", Currency: "JPY", Timezone: "Asia/Tokyo"})
	named := func(id, name, account string) adfake.Ad {
		return adfake.Ad{
			ID: id, Name: name, Account: account, AdsetID: "70" + account, Adset: "Set", CampaignID: "80" + account, Campaign: "Sales",
		}
	}
	fake.Put(named(soldAd, "Summer", "11"), named("33", "夏", "22"))
	yesterday := time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly)
	fake.SetDays(adfake.Day{Ad: soldAd, Day: yesterday, Spend: "12.34", Impressions: 1000},
		adfake.Day{Ad: "33", Day: yesterday, Spend: "1500"})
	meta := httptest.NewServer(fake)
	t.Cleanup(meta.Close)
	return fake, "account act_11 act_22\n refresh 200ms\n endpoint " + meta.URL
}

// adEdge is an edge whose token stands in a file.
func adEdge(t *testing.T, global, desk, settings, token string) *edge {
	t.Helper()
	e := &edge{edgetest.New(t)}
	e.KeepLog = true
	if err := os.WriteFile(filepath.Join(e.Dir, "token"), []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	e.Configure(e.Caddyfile(global, "", edgetest.MetaBlock("forward "+desk+" {\n name crm\n}\nads {\n access_token {file."+
		filepath.Join(e.Dir, "token")+"}\n"+settings+"\n}\ncapi {\n dataset 1\n access_token x\n endpoint "+desk+"\n}")+
		"\nleadgate_conversions /conversions {\n tenant default\n token word\n}"))
	e.Start()
	return e
}

// ads are the rows by ad, and the header.
func (e *edge) ads(t *testing.T) (rows map[string]adRow, problem string) {
	t.Helper()
	resp, err := edgetest.Client.Get(e.Admin + "/leadgate/ads?group=ad")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	var list []adRow
	e.Do(http.MethodGet, "/leadgate/ads?group=ad", "", &list)
	rows = make(map[string]adRow, len(list))
	for _, r := range list {
		rows[r.AdID] = r
	}
	return rows, resp.Header.Get("Leadgate-Ads")
}

// namedIn checks that an answer names the ad.
func (e *edge) namedIn(t *testing.T, what, body string) {
	t.Helper()
	method, url, _ := strings.Cut(what, " ")
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer word"}}
	resp, err := edgetest.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if named := `"adName":"Summer","adsetName":"Set","campaignName":"Sales"`; err != nil || !strings.Contains(string(answer), named) {
		t.Errorf("%s: %s, %v", what, answer, err)
	}
}

// whole reports whether names and spend are there, exact and each in its currency.
func (e *edge) whole(t *testing.T) bool {
	t.Helper()
	rows, problem := e.ads(t)
	one, other := rows[soldAd], rows["33"]
	return problem == "" && one.AdName == "Summer" && one.CampaignName == "Sales" && one.Clicks == 1 && one.Impressions == 1000 &&
		len(one.Spend) == 1 && one.Spend["BRL"] == 12.34 && other.AdName == "夏" && len(other.Spend) == 1 && other.Spend["JPY"] == 1500
}

// TestAds: over a dead token, throttling, a lost account and kill -9, ads get names and spend,
// events name them, and webhooks go on as if nothing were.
func TestAds(t *testing.T) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			global, server := store(t)
			fake, settings := adWorld(t)
			fake.SetToken("EAAright")
			desk := newAdDesk(t)
			e := adEdge(t, global, desk.URL, settings, "EAAdead")
			e.mustPost(t, click("wamid.1", "15551230001", "Aff-1"))
			edgetest.Until(t, "the header says that the token is dead", func() bool {
				rows, problem := e.ads(t)
				return strings.HasPrefix(problem, "error 190/463") && rows[soldAd].Clicks == 1 && rows[soldAd].AdName == ""
			})
			edgetest.Until(t, "the event goes on", func() bool { return desk.has(`"adName":null`, "Aff-1") })
			if n := strings.Count(e.Said(), "Meta does not say"); n != 1 {
				t.Errorf("it was logged %d times", n)
			}

			e.setToken(t, "EAAright")
			edgetest.Until(t, "names and spend", func() bool { return e.whole(t) })
			e.mustPost(t, text("wamid.2", "15551230001"))
			edgetest.Until(t, "attribution names the ad", func() bool {
				return desk.has("wamid.2", `"adName":"Summer","adsetName":"Set","campaignName":"Sales"`)
			})

			e.namedIn(t, "POST "+e.Admin+"/leadgate/contacts/show", `{"tenant":"default","contact":"+15551230001"}`)
			e.namedIn(t, "POST "+e.Site+"/conversions", `{"eventName":"QualifiedLead","waPhone":"+15551230001"}`)

			fake.Remove("22")
			edgetest.Until(t, "the header says that an account is lost", func() bool {
				_, problem := e.ads(t)
				return strings.HasPrefix(problem, "act_22: error ") // 100/33 of the account, 200 of its insights
			})
			fake.SetToken("EAAother") // nothing is asked any more
			e.Kill()
			if server != nil {
				server.Kill()
				server.Restart()
			}
			e.Start()
			if rows, _ := e.ads(t); rows[soldAd].AdName != "Summer" || rows[soldAd].Spend["BRL"] != 12.34 || rows["33"].Spend["JPY"] != 1500 {
				t.Errorf("after kill -9: %+v", rows)
			}
			e.mustPost(t, text("wamid.3", "15551230001"))
			edgetest.Until(t, "attribution still names the ad", func() bool { return desk.has("wamid.3", `"adName":"Summer"`) })
			if strings.Contains(e.Said(), "EAA") {
				t.Error("a token is in the log")
			}
		})
	}
}

// TestAdsOfTwoEdges: of two edges on one Redis one asks, the other shows what it found, and
// asks when the first has died.
func TestAdsOfTwoEdges(t *testing.T) {
	t.Parallel()
	global, _ := stores["redis"](t)
	fake, settings := adWorld(t)
	var mu sync.Mutex
	by := make(map[string]int) // requests, by token: each edge has its own
	fake.Refuse = func(r *http.Request) *adfake.Refusal {
		mu.Lock()
		defer mu.Unlock()
		by[r.Header.Get("Authorization")]++
		return nil
	}
	asked := func(token string) int {
		mu.Lock()
		defer mu.Unlock()
		return by["Bearer "+token]
	}
	desk := newAdDesk(t)
	one := adEdge(t, global, desk.URL, settings, "EAAone")
	one.mustPost(t, click("wamid.1", "15551230001", "Aff-1"))
	edgetest.Until(t, "names and spend", func() bool { return one.whole(t) })
	two := adEdge(t, global, desk.URL, settings, "EAAtwo")
	edgetest.Until(t, "the other edge shows them", func() bool { return two.whole(t) })
	before := asked("EAAone")
	edgetest.Until(t, "the first one asks on", func() bool { return asked("EAAone") > before+4 })
	if n := asked("EAAtwo"); n != 0 {
		t.Errorf("the other edge asked %d times beside it", n)
	}
	one.Kill()
	edgetest.Until(t, "the other one asks", func() bool { return asked("EAAtwo") > 0 })
	if !two.whole(t) {
		t.Error("what was known is lost")
	}
}
