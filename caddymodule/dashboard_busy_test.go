package caddymodule

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/leadgate/leadgate/internal/ads"
	"github.com/leadgate/leadgate/internal/dashboard"
	"github.com/leadgate/leadgate/internal/metrics"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/normalize"
)

// startBusyEdge is an edge with a past: what it shows is made up, but for what
// its destinations really do.
func startBusyEdge(t *testing.T) *edge {
	makeUpTraffic(t)
	s := newSink(t)
	s.status = func(d delivered) int {
		switch {
		case strings.Contains(string(d.body), "sticker"):
			return http.StatusUnprocessableEntity
		case d.header.Get("X-For") == "make" && strings.Contains(string(d.body), "Ship"):
			return http.StatusServiceUnavailable
		}
		return http.StatusOK
	}
	meta := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":{"message":"Error validating access token","type":"OAuthException","code":190,"error_subcode":463}}`))
	}))
	t.Cleanup(meta.Close)
	forward := func(name, options string) string {
		return "forward " + s.URL + "/webhook/" + name + " {\n name " + name + "\n" + options + "\n}\n"
	}
	e := startEdge(t, dashboardSite("tenant acme {\n match phone_number_id 106540352242922\n"+
		forward("n8n", "only messages")+forward("crm", "")+forward("make-leads", "only messages\nheader X-For make")+
		"capi whatsapp {\n name acme-meta\n dataset 1234567890\n access_token expired\n endpoint "+meta.URL+"\n linger 1ms\n}\n}\n"+
		"tenant globex {\n match phone_number_id 222540352242922\n"+forward("globex-chatwoot", "")+"}\n"))

	ctx := t.Context()
	_, q, err := activeQueue()
	if err != nil {
		t.Fatal(err)
	}
	provider, err := newProvider("meta")
	if err != nil {
		t.Fatal(err)
	}
	people := []string{"Maria Souza", "John Doe", "Aisha Khan", "Lena Vogel", "Tomás Rivera", "Wei Zhang", "Priya Nair"}
	texts := []string{"Hi! Is the blue one still available?", "What does it cost to ship to Lisbon?", "Ship it tomorrow please", "sticker",
		"Yes, Saturday works for me", "sticker with a cat", "Can I pay with a card?"}
	for i := range 42 {
		body := message(fmt.Sprintf("wamid.busy%d", i), fmt.Sprintf("155512%05d", 11111+i%7*1234), texts[i%len(texts)])
		if i%5 == 0 {
			body = click(fmt.Sprintf("wamid.busy%d", i), fmt.Sprintf("155512%05d", 11111+i%7*1234), fmt.Sprint("Aff-", i))
		}
		body = []byte(strings.Replace(string(body), "Maria", people[i%len(people)], 1))
		if i%4 == 3 {
			body = []byte(strings.Replace(string(body), "106540352242922", "222540352242922", 1))
		}
		e.post("/webhooks/meta", body)
		var batch normalize.Batch
		if err := provider.Normalize(nil, body, time.Now().Add(time.Duration(i-42)*9*time.Second).UnixMilli(), &batch); err != nil {
			t.Fatal(err)
		}
		batch.Events[0].SetTenant([]string{"acme", "acme", "acme", "globex"}[i%4])
		dashboard.RecordEvent(&batch.Events[0])
	}
	waitFor(t, "dead letters, a parked dataset and retries", func() bool {
		dead, states := 0, make(map[string]bool)
		for _, d := range e.overview().Destinations {
			dead, states[d.State] = dead+d.Dead, true
		}
		return dead > 15 && states["parked"] && states["retrying"]
	})
	makeUpAds(ctx, t, q)
	return e
}

// makeUpAds counts four weeks of clicks, leads and purchases.
func makeUpAds(ctx context.Context, t *testing.T, q queue.Queue) {
	random := rand.New(rand.NewPCG(1, 2))
	today := time.Now().UnixMilli() / queue.DayMS
	for i, headline := range []string{"Summer sale: 20 % off all tents", "Chat with us for a free quote", "New: the folding e-bike",
		"Book a test ride", "Last pieces in stock", "Refer a friend"} {
		group := queue.Group{Tenant: []string{"acme", "acme", "acme", "globex", "acme", "globex"}[i]}
		for day := range int64(28) {
			var id queue.ID
			id[0], id[1], id[2] = byte(i), byte(day), 0xfe
			group.Events = append(group.Events, queue.Event{ID: id, Time: time.Now().UnixMilli()})
			n := len(group.Events) - 1
			clicks := int64(float64(60-9*i) * (1 + .5*math.Sin(float64(day+int64(i))/3.5)) * (.7 + .6*random.Float64()))
			add := func(field string, n64 int64) {
				group.Counters = append(group.Counters, queue.Counter{Day: today - day, Key: fmt.Sprint("12021000000000", 1000+i), Field: field,
					Add: n64, When: queue.WhenNew, Of: n})
			}
			leads := int64(float64(clicks) * (.25 + .2*random.Float64()))
			add("clicks", clicks)
			add("contacts", clicks*4/5)
			add("leads", leads)
			add("qualified", leads/3)
			add("purchases", leads/5)
			add(ads.FateReported.Field("acme-meta"), leads+leads/3+leads/5)
			add("value "+[]string{"USD", "EUR"}[i%2]+" 2", leads/5*int64(4990+random.IntN(3000)))
			group.Counters = append(group.Counters, queue.Counter{Day: today - day, Key: fmt.Sprint("12021000000000", 1000+i), Field: "headline",
				Text: headline, When: queue.WhenNew, Of: n})
			for field, n64 := range map[string]int64{"visits": clicks / 2, "clicks": leads / 2} {
				group.Counters = append(group.Counters, queue.Counter{Day: today - day, Field: field, Add: n64, When: queue.WhenNew, Of: n,
					Key: "\x01link:" + []string{"summer", "table", "newsletter", "table", "summer", "summer"}[i]})
			}
		}
		if result := q.Append(ctx, []queue.Group{group})[0]; result.Err != nil {
			t.Fatal(result.Err)
		}
	}
}

// makeUpTraffic gives the process's recorder a day to remember, before the edge
// that will share it begins.
func makeUpTraffic(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	const step = 15 * time.Second
	const steps = int(24 * time.Hour / step)
	clock := time.Now().Add(-24 * time.Hour)
	total := metrics.NewTrafficReader().Read()
	total.Acks.Counts = make([]uint64, len(total.Acks.Bounds))
	total.Acks.Total = 0
	past := true
	r := dashboard.NewRecorder(func() time.Time {
		if past {
			return clock
		}
		return time.Now()
	}, func() metrics.Traffic {
		now := total
		now.Acks.Counts = slices.Clone(now.Acks.Counts)
		return now
	})
	r.Sample()
	for i := range steps {
		left := steps - 1 - i // until now
		wave := 1 + .6*math.Sin(float64(left)/40) + .25*math.Sin(float64(left)/7)
		n := uint64(wave * (6 + 8*random.Float64()) * float64(step.Milliseconds()) / 8000)
		if random.IntN(40) == 0 {
			total.Webhooks["unauthorized"] += 1 + n/5
			total.Deliveries["retried"] += 1 + n/5
		}
		if left > 130 && left < 137 {
			total.Webhooks["unavailable"] += n / 2
		}
		total.Webhooks["queued"] += n
		total.Deliveries["delivered"] += 2 * n
		slow := 5.6 + .5*math.Sin(float64(left)/9) + .3*random.Float64()
		for j := range total.Acks.Counts {
			total.Acks.Counts[j] += uint64(min(1, math.Pow(float64(j+1)/slow, 2)) * float64(n))
		}
		total.Acks.Total += n
		clock = clock.Add(step)
		r.Sample()
	}
	past = false
	if _, _, err := recorders.LoadOrNew("recorder", func() (caddy.Destructor, error) { return &recorder{r}, nil }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := releaseRecorder(); err != nil {
			t.Error(err)
		}
	})
}
