package ads

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/capi"
	"github.com/leadgate/leadgate/internal/queue"
)

// figures is a store that has counters.
type figures []queue.Count

func (figures) Destinations(context.Context) ([]queue.Info, error) { return nil, nil }

func (f figures) Counters(context.Context, string, int64, int64) ([]queue.Count, error) {
	return append([]queue.Count(nil), f...), nil
}

// counted is what a store has of counters of a day.
func counted(day int64, ad Ad, count func(c *Counter)) (f figures) {
	g := queue.Group{Jobs: []queue.Job{{}}}
	c := NewCounter(&g, day*queue.DayMS, day*queue.DayMS, ad)
	count(&c)
	sums := map[string]int64{}
	for _, c := range g.Counters {
		if c.Text != "" {
			f = append(f, queue.Count{Day: day, Key: c.Key, Field: c.Field, Text: c.Text})
			continue
		}
		sums[c.Field] += c.Add
	}
	for field, n := range sums {
		f = append(f, queue.Count{Day: day, Key: ad.key(), Field: field, N: n})
	}
	return f
}

func report(t *testing.T, f figures, known Known, g Group) []Row {
	t.Helper()
	rows, err := Report(t.Context(), f, &Ask{
		Tenants: []string{"acme"}, Group: g, Period: Period{0, 400},
		Known: func(context.Context, string, Period) (Known, error) { return known, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// TestReport: ads by name with what they cost, in each group.
func TestReport(t *testing.T) {
	lead := func(c *Counter) {
		c.Click(0)
		c.Conversion(&Conversion{Name: capi.LeadSubmitted, Contact: "a"}, 0)
	}
	sale := func(currency, value string) func(c *Counter) {
		return func(c *Counter) {
			c.Conversion(&Conversion{Name: capi.Purchase, Currency: currency, Value: value}, 0)
		}
	}
	var f figures
	f = append(f, counted(0, Ad{ID: "1", Headline: "Old"}, lead)...)
	f = append(f, counted(1, Ad{ID: "1", Headline: "New"}, func(c *Counter) { lead(c); sale("BRL", "90.1")(c); c.Form(0, "l", time.Hour) })...)
	f = append(f, counted(0, Ad{ID: "2"}, func(c *Counter) { lead(c); sale("USD", "5")(c) })...)
	f = append(f, counted(0, Ad{Link: "summer"}, lead)...)
	f = append(f, counted(0, Ad{}, lead)...)
	known := Known{
		Names: map[string]Name{
			"1": {"A1", "11", "S1", "111", "C1"}, "2": {"A2", "11", "S1", "111", "C1"}, "3": {"=A3", "12", "S2", "112", "C2"},
		},
		Spend: []Spend{
			{"1", "1970-01-01", "BRL", "10.00", 100, 7, 3}, {"1", "1970-01-02", "BRL", "0.01", 1, 0, 0},
			{"2", "1970-01-01", "JPY", "1000", 5, 0, 0}, {"3", "1970-01-02", "KWD", "1.005", 9, 0, 0},
		},
	}
	for g, want := range map[Group]string{
		ByAd: `
-/-/-/- null 1 {} {} {} {} {}
1/11/111/- A1 3 {"BRL":90.1} {"BRL":10.01} {"BRL":3.3367} {"BRL":10.01} {"BRL":9.001}
2/11/111/- A2 1 {"USD":5} {"JPY":1000} {"JPY":1000} {} {}
3/12/112/- =A3 0 {} {"KWD":1.005} {} {} {}
-/-/-/summer null 1 {} {} {} {} {}`,
		ByCampaign: `
-/-/-/- null 1 {} {} {} {} {}
-/-/111/- null 4 {"BRL":90.1,"USD":5} {"BRL":10.01,"JPY":1000} {"BRL":3.3367,"JPY":1000} {"BRL":10.01} {"BRL":9.001}
-/-/112/- null 0 {} {"KWD":1.005} {} {} {}
-/-/-/summer null 1 {} {} {} {} {}`,
		ByLink: `
-/-/-/- null 5 {"BRL":90.1,"USD":5} {"BRL":10.01,"JPY":1000,"KWD":1.005} {"BRL":3.3367,"JPY":1000} {"BRL":10.01} {"BRL":9.001}
-/-/-/summer null 1 {} {} {} {} {}`,
		ByDay: `
-/-/-/- null 4 {"USD":5} {"BRL":10,"JPY":1000} {"BRL":10,"JPY":1000} {} {}
-/-/-/- null 2 {"BRL":90.1} {"BRL":0.01,"KWD":1.005} {"BRL":0.005} {"BRL":0.01} {"BRL":9010}`,
	} {
		got := ""
		for _, r := range report(t, f, known, g) {
			got += fmt.Sprintf("\n%s/%s/%s/%s %s %d", text(r.AdID), text(r.AdsetID), text(r.CampaignID), text(r.Link), or(r.AdName, "null"), r.Leads)
			for _, m := range []Amounts{r.Value, r.Spend, r.CostPerLead, r.CostPerPurchase, r.ROAS} {
				amounts, _ := json.Marshal(m)
				got += " " + string(amounts)
			}
		}
		if got != want {
			t.Errorf("by %s:%s\nwant%s", g, got, want)
		}
	}
	rows := report(t, f, known, ByAd)
	if or(rows[1].Headline, "") != "New" || rows[1].Day != nil || rows[1].LinkClicks != 7 || rows[1].Conversations != 3 {
		t.Errorf("the first ad: %+v", rows[1])
	}
	checkCSV(t, rows)
}

// TestCostPerPurchase: what was paid in a currency is divided by the purchases in it alone, also
// where they were counted before each had its currency counted.
func TestCostPerPurchase(t *testing.T) {
	sold := func(amounts ...string) func(*Counter) {
		return func(c *Counter) {
			for _, a := range amounts {
				value, currency, _ := strings.Cut(a, " ")
				c.Conversion(&Conversion{Name: capi.Purchase, Currency: currency, Value: value}, 0)
			}
		}
	}
	before := func(f figures) figures {
		return slices.DeleteFunc(f, func(c queue.Count) bool { return strings.HasPrefix(c.Field, fieldBought) })
	}
	one, two := Ad{ID: "1"}, Ad{ID: "2"}
	brl := []Spend{{AdID: "1", Day: "1970-01-01", Currency: "BRL", Amount: "30.00"}}
	both := append([]Spend{{AdID: "2", Day: "1970-01-01", Currency: "JPY", Amount: "600"}}, brl...)
	for name, c := range map[string]struct {
		f       figures
		spend   []Spend
		ad, day string
	}{
		"one currency":       {counted(0, one, sold("10 BRL", "20 BRL")), brl, `{"BRL":15}`, `{"BRL":15}`},
		"another, too":       {counted(0, one, sold("10 BRL", "20 USD", "20 USD")), brl, `{"BRL":30}`, `{"BRL":30}`},
		"nothing in its own": {counted(0, one, sold("20 USD")), brl, `{}`, `{}`},
		"one for nothing":    {counted(0, one, sold("10 BRL", "0 BRL", "0 USD")), brl, `{"BRL":15}`, `{"BRL":15}`},
		"all for nothing":    {counted(0, one, sold("0 BRL")), brl, `{}`, `{}`},
		"of its own ads": {append(counted(0, one, sold("10 BRL", "9 JPY")), counted(0, two, sold("10 BRL", "9 JPY", "9 JPY"))...),
			both, `{"BRL":30}`, `{"BRL":30,"JPY":300}`},
		"one without a value": {counted(0, one, sold("10 BRL", "5 USD", "")), brl, `{"BRL":30}`, `{"BRL":30}`},
		"before":              {before(counted(0, one, sold("10 BRL", "0 BRL"))), brl, `{"BRL":15}`, `{"BRL":15}`},
		"before and since": {append(before(counted(0, one, sold("10 BRL"))), counted(1, one, sold("10 BRL", "5 USD"))...),
			brl, `{"BRL":15}`, `{"BRL":30}`},
		"before, of either": {before(counted(0, one, sold("10 BRL", "20 USD"))), brl, `{}`, `{}`},
	} {
		known := Known{Spend: c.spend}
		for g, want := range map[Group]string{ByAd: c.ad, ByDay: c.day} {
			row := report(t, slices.Clone(c.f), known, g)[0]
			if got, _ := json.Marshal(row.CostPerPurchase); string(got) != want {
				t.Errorf("%s, by %s: %s, want %s", name, g, got, want)
			}
		}
	}
}

// checkCSV holds a table to the JSON: the same keys and figures.
func checkCSV(t *testing.T, rows []Row) {
	t.Helper()
	var file strings.Builder
	if err := WriteCSV(&file, rows); err != nil {
		t.Fatal(err)
	}
	table, err := csv.NewReader(strings.NewReader(file.String())).ReadAll()
	if err != nil || len(table) != len(rows)+1 {
		t.Fatalf("%v: %q", err, table)
	}
	if header := strings.Join(table[0], " "); header != "tenant adId adName adsetId adsetName campaignId campaignName headline link day "+
		"visits clicks contacts leads qualified reported pending purchases impressions linkClicks conversationsStarted "+
		"value_BRL value_USD spend_BRL spend_JPY spend_KWD costPerLead_BRL costPerLead_JPY costPerPurchase_BRL roas_BRL" {
		t.Errorf("header %s", header)
	}
	for i := range rows {
		b, err := json.Marshal(rows[i])
		if err != nil {
			t.Fatal(err)
		}
		var row map[string]any
		dec := json.NewDecoder(strings.NewReader(string(b)))
		dec.UseNumber()
		if err := dec.Decode(&row); err != nil {
			t.Fatal(err)
		}
		for j, name := range table[0] {
			key, currency, isAmount := strings.Cut(name, "_")
			v := row[key]
			if isAmount {
				v = v.(map[string]any)[currency]
			}
			if v == nil {
				v = ""
			}
			if got, want := table[i+1][j], fmt.Sprint(v); got != want && got != "'"+want {
				t.Errorf("row %d, %s: %q, want %q", i, name, got, want)
			}
		}
	}
}

func or(s *string, other string) string {
	if s == nil {
		return other
	}
	return *s
}

func text(s *string) string { return or(s, "-") }

// TestHarmless: no cell is a formula.
func TestHarmless(t *testing.T) {
	for cell, want := range map[string]string{"=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@A": "'@A", "": "", "a=b": "a=b", "Ação": "Ação"} {
		if got := harmless(cell); got != want {
			t.Errorf("%q: %q", cell, got)
		}
	}
}

// TestGroupsAddUp: whatever figures there are, each group has all of them, to the cent.
func TestGroupsAddUp(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		pick := func(of ...string) string { return of[r.IntN(len(of))] }
		var f figures
		known := Known{Names: map[string]Name{}}
		for day := range int64(4) {
			for _, ad := range []Ad{{}, {ID: "1"}, {ID: "2"}, {ID: "3"}, {Link: "a"}, {Link: "b"}} {
				if r.IntN(3) == 0 {
					continue
				}
				known.Names[ad.ID] = Name{"n", pick("", "11", "12"), "s", pick("", "111", "112"), "c"}
				f = append(f, counted(day, ad, func(c *Counter) {
					c.Click(0)
					c.Conversion(&Conversion{Name: pick("QualifiedLead", capi.Purchase, capi.LeadSubmitted), Currency: pick("BRL", "JPY"),
						Value: pick("0.1", "12345678901.005", "7")}, 0)
				})...)
				if ad.ID != "" {
					known.Spend = append(known.Spend, Spend{ad.ID, DayText(day + 1), pick("BRL", "KWD"), pick("0.10", "3.333", "0"), 1, 2, 3})
				}
			}
		}
		delete(known.Names, "")
		want := total(report(t, f, known, ByAdAndDay))
		for _, g := range Groups {
			if got := total(report(t, f, known, Group(g))); got != want {
				t.Errorf("seed %d, by %s:\n%s, want\n%s", seed, g, got, want)
			}
		}
	}
}

func total(rows []Row) string {
	var counts Counts
	value, spend := sums{}, sums{}
	for i := range rows {
		counts.add(&rows[i].Counts)
		for to, amounts := range map[*sums]Amounts{&value: rows[i].Value, &spend: rows[i].Spend} {
			for currency, n := range amounts {
				amount, _ := new(big.Rat).SetString(string(n))
				to.add(currency, amount)
			}
		}
	}
	return fmt.Sprint(counts, value, spend)
}

// TestParseGroup says what there is.
func TestParseGroup(t *testing.T) {
	for _, name := range append(Groups, "") {
		if g, err := ParseGroup(name); err != nil || string(g) != name {
			t.Errorf("%q: %q, %v", name, g, err)
		}
	}
	if _, err := ParseGroup("adsett"); err == nil || !strings.Contains(err.Error(), "write adset") {
		t.Errorf("adsett: %v", err)
	}
}
