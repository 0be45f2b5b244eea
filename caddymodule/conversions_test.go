package caddymodule

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/leadgate/leadgate/capi/capitest"
	"github.com/leadgate/leadgate/internal/freeport"
	"github.com/leadgate/leadgate/internal/queue"
	"github.com/leadgate/leadgate/internal/queue/redistest"
)

// conversionsSite is a tenant with a dataset, a destination that wants
// conversions, and the conversions endpoint.
func conversionsSite(meta *capitest.Server, s *sink) string {
	return strings.Replace(site(`
		tenant acme
		forward `+s.URL+` {
			only messages conversions
		}
		capi {
			dataset 1234567890
			access_token token
			endpoint `+meta.URL()+`
			linger 0s
		}
`), `	respond "next"`, `	leadgate_conversions /conversions {
		tenant acme
		token crm_token
		map won Purchase
		map qualified QualifiedLead
	}
	respond "next"`, 1)
}

type conversionAnswer struct {
	Results []struct {
		Status  string
		EventID *string
		Click   map[string]any
		Error   *string
		Fix     *string
	}
	Error string
}

func (e *edge) convert(body string, edit ...func(*http.Request)) (int, conversionAnswer) {
	e.t.Helper()
	req, err := http.NewRequest(http.MethodPost, e.url("/conversions"), strings.NewReader(body))
	if err != nil {
		e.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer crm_token")
	for _, f := range edit {
		f(req)
	}
	resp, text := e.do(req)
	var answer conversionAnswer
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		e.t.Fatalf("%d %s: %v", resp.StatusCode, text, err)
	}
	return resp.StatusCode, answer
}

// accepted waits until Meta has taken n events.
func acceptedEvents(t *testing.T, meta *capitest.Server, n int) []map[string]any {
	t.Helper()
	end := time.After(20 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for meta.Total() < n {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("Meta took %d events, not %d", meta.Total(), n)
		}
	}
	var events []map[string]any
	for _, a := range meta.Accepted() {
		var ev map[string]any
		if err := json.Unmarshal(a.Event, &ev); err != nil {
			t.Fatal(err)
		}
		events = append(events, ev)
	}
	return events
}

// TestFromClickToSale is a lead, and weeks later a sale from a phone number alone.
func TestFromClickToSale(t *testing.T) {
	meta, s := capitest.New(t), newSink(t)
	e := startEdge(t, conversionsSite(meta, s))
	// A Brazilian id without the ninth digit; the CRM knows the number with it.
	e.post("/webhooks/meta", click("wamid.lead", "553187654321", "Aff-sale"))
	first := s.next(t)
	if a := first.event["attribution"].(map[string]any); a["firstClick"].(map[string]any)["ctwaClid"] != "Aff-sale" {
		t.Errorf("attribution: %v", a)
	}
	lead := acceptedEvents(t, meta, 1)[0]
	if lead["event_name"] != "LeadSubmitted" || lead["event_id"] != first.event["id"] {
		t.Errorf("lead: %v", lead)
	}

	for i, who := range []string{`"waPhone":"+5531987654321"`, `"waPhone":"5531987654321"`, `"waId":"553187654321"`,
		`"messageId":"wamid.lead"`, `"ctwaClid":"Aff-sale"`} {
		status, answer := e.convert(fmt.Sprintf(`{"eventName":"won",%s,"value":"12.50","currency":"usd","orderId":"A-%d",`+
			`"email":"Maria@Example.com","externalId":"c-1"}`, who, i))
		if status != 200 || answer.Results[0].Status != "queued" || answer.Results[0].Click["ctwaClid"] != "Aff-sale" {
			t.Fatalf("%s: %d %+v", who, status, answer)
		}
		sale := acceptedEvents(t, meta, i+2)[i+1]
		user, custom := sale["user_data"].(map[string]any), sale["custom_data"].(map[string]any)
		if sale["event_name"] != "Purchase" || sale["event_id"] != *answer.Results[0].EventID || user["ctwa_clid"] != "Aff-sale" ||
			user["whatsapp_business_account_id"] != "102290129340398" ||
			custom["value"] != 12.5 || custom["currency"] != "USD" || custom["order_id"] != fmt.Sprintf("A-%d", i) || user["em"] == nil ||
			user["external_id"] == nil {
			t.Errorf("sale: %v", sale)
		}
		d := s.next(t)
		if d.event["kind"] != "conversion" || d.event["id"] != sale["event_id"] || d.event["waPhone"] != "+5531987654321" ||
			bytes.Contains(d.body, []byte("xample.com")) {
			t.Errorf("event: %s", d.body)
		}
	}
	// The same again is the same.
	if _, answer := e.convert(`{"eventName":"Purchase","waPhone":"+5531987654321","value":12.5,"currency":"USD",` +
		`"orderId":"A-0"}`); answer.Results[0].Status != "duplicate" {
		t.Errorf("a repetition: %+v", answer)
	}
	// The lead of this click has been reported.
	if _, answer := e.convert(`{"eventName":"Lead","waPhone":"+5531987654321"}`); answer.Results[0].Status != "duplicate" {
		t.Errorf("a second lead: %+v", answer)
	}
}

func TestConversionAnswers(t *testing.T) {
	meta, s := capitest.New(t), newSink(t)
	e := startEdge(t, conversionsSite(meta, s))
	e.post("/webhooks/meta", click("wamid.1", "15551234567", "Aff-1"))
	e.post("/webhooks/meta", message("wamid.2", "15559876543", "organic"))
	s.next(t)
	s.next(t)
	const who = `"waPhone":"+15551234567"`
	long, old, soon := strings.Repeat("x", 10), time.Now().Add(-8*24*time.Hour).Format(time.RFC3339), time.Now().Add(time.Hour).UnixMilli()
	for _, c := range []struct{ item, status, says string }{
		{`{"eventName":"QualifiedLead",` + who + `}`, "queued", ""},
		{`{"eventName":"qualified",` + who + `,"orderId":"deal-1"}`, "queued", ""},
		{`{"eventName":"QualifiedLead",` + who + `}`, "duplicate", ""},
		{`{ "waPhone":"+15551234567", "eventName":"QualifiedLead" }`, "duplicate", ""},
		{`{"eventName":"QualifiedLead","waPhone":"+15559876543"}`, "no_click", "no ad click"},
		{`{"eventName":"QualifiedLead","waPhone":"+15550000000"}`, "no_click", "no ad click"},
		{`{"eventName":"Purchase","waPhone":"+15559876543","value":1}`, "invalid", "currency"}, // also without a click
		{`{"eventName":"Purchase","waPhone":"+15559876543","currency":"EUR"}`, "invalid", "value"},
		{`{"eventName":"QualifiedLead","waPhone":"+15559876543","contents":[{"sku":1}]}`, "invalid", "contents"},
		{`{"eventName":"QualifiedLead"}`, "invalid", "names nobody"},
		{`{` + who + `}`, "invalid", "eventName is missing"},
		{`{"eventName":"Subscribe",` + who + `}`, "invalid", "Subscribe"},
		{`{"eventName":"Purchase",` + who + `}`, "invalid", "currency"},
		{`{"eventName":"Purchase",` + who + `,"currency":"USD"}`, "invalid", "value"},
		{`{"eventName":"Purchase",` + who + `,"currency":"USD","value":-1}`, "invalid", "negative"},
		{`{"eventName":"Purchase",` + who + `,"currency":"XQX","value":1}`, "invalid", "currency"},
		{`{"eventName":"Purchase",` + who + `,"currency":"USD","value":"a lot"}`, "invalid", "value"},
		{`{"eventName":"QualifiedLead","waPhone":"5551234567"}`, "invalid", "waPhone"},
		{`{"eventName":"QualifiedLead","waPhone":"` + long + `"}`, "invalid", "waPhone"},
		{`{"eventName":"QualifiedLead",` + who + `,"eventTime":"` + old + `"}`, "invalid", "7 days"},
		{`{"eventName":"QualifiedLead",` + who + `,"eventTime":` + fmt.Sprint(soon) + `}`, "invalid", "future"},
		{`{"eventName":"QualifiedLead",` + who + `,"eventTime":` + fmt.Sprint(time.Now().Unix()) + `}`, "invalid", "seconds"},
		{`{"eventName":"QualifiedLead",` + who + `,"eventTime":"yesterday"}`, "invalid", "eventTime"},
		{`{"eventName":"QualifiedLead",` + who + `,"touch":"middle"}`, "invalid", "touch"},
		{`{"eventName":"QualifiedLead",` + who + `,"channel":"sms"}`, "invalid", "channel"},
		{`{"eventName":"QualifiedLead",` + who + `,"email":"nobody"}`, "invalid", "email"},
		{`{"eventName":"QualifiedLead",` + who + `,"contents":"x"}`, "invalid", "contents"},
		{`"x"`, "invalid", "no object"},
		{`{"eventName":"QualifiedLead",` + who + `,"order_id":"7"}`, "invalid", "unknown field order_id: write orderId"},
		{`{"eventName":"QualifiedLead",` + who + `,"valeu":7}`, "invalid", "unknown field valeu"},
		{`{"eventName":"QualifiedLead",` + who + `,"orderId":{"id":7}}`, "invalid", "orderId is not a text or a number"},
		{`{"eventName":"QualifiedLead",` + who + `,"customData":[]}`, "invalid", "customData is not an object"},
		{`{"eventName":"QualifiedLead",` + who + `,"customData":{"tier":1,"value":9,"currency":"USD"}}`, "invalid", "customData has value"},
		{`{"eventName":"QualifiedLead",` + who + `,"orderId":"A-7","customData":{"order_id":"7"}}`, "invalid", "customData has order_id"},
		{`{"eventName":"QualifiedLead",` + who + `,"customData":{"ad_id":"120210000000000009"}}`, "invalid", "the contact's click says"},
		{`{"eventName":"QualifiedLead",` + who + `,"touch":true}`, "invalid", "touch is not a text"},
		{`{"eventName":"QualifiedLead",` + who + `,"orderId":"1","orderId":"2"}`, "invalid", "orderId stands twice"},
	} {
		status, answer := e.convert("[" + c.item + `,{"eventName":"QualifiedLead",` + who + `}]`)
		if status != 200 || len(answer.Results) != 2 {
			t.Fatalf("%s: %d %+v", c.item, status, answer)
		}
		r := answer.Results[0]
		if r.Status != c.status {
			t.Errorf("%s: %s %v, want %s", c.item, r.Status, str(r.Error), c.status)
			continue
		}
		if c.says != "" && !strings.Contains(str(r.Error), c.says) {
			t.Errorf("%s: %q, want %q", c.item, str(r.Error), c.says)
		}
		if (r.Status == "queued" || r.Status == "duplicate") != (r.EventID != nil) {
			t.Errorf("%s: %s with eventId %v", c.item, r.Status, r.EventID)
		}
	}

	for _, c := range []struct {
		name, body string
		edit       func(*http.Request)
		status     int
	}{
		{"no token", "{}", func(r *http.Request) { r.Header.Del("Authorization") }, 401},
		{"wrong token", "{}", func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, 401},
		{"token without scheme", "{}", func(r *http.Request) { r.Header.Set("Authorization", "crm_token") }, 401},
		{"no JSON", "{", nil, 400},
		{"a number", "1", nil, 400},
		{"all invalid", `[{},{"eventName":"x"}]`, nil, 422},
		{"no items", `[]`, nil, 200},
		{"too many items", "[" + strings.Repeat("{},", 1000) + "{}]", nil, 413},
		{"too large", `{"x":"` + strings.Repeat("x", 3<<20) + `"}`, nil, 413},
	} {
		edit := c.edit
		if edit == nil {
			edit = func(*http.Request) {}
		}
		if status, _ := e.convert(c.body, edit); status != c.status {
			t.Errorf("%s: %d, want %d", c.name, status, c.status)
		}
	}
}

func str(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// TestTouches credits the newest click, or the oldest where it is asked for.
func TestTouches(t *testing.T) {
	meta, s := capitest.New(t), newSink(t)
	e := startEdge(t, conversionsSite(meta, s))
	at := func(body []byte, ago time.Duration) []byte {
		now := time.Now()
		return bytes.Replace(body, fmt.Appendf(nil, `"timestamp":"%d"`, now.Unix()), fmt.Appendf(nil, `"timestamp":"%d"`,
			now.Add(-ago).Unix()), 1)
	}
	// Out of order, as webhooks come.
	for i, ago := range []time.Duration{2 * time.Hour, time.Hour, 3 * time.Hour} {
		e.post("/webhooks/meta", at(click(fmt.Sprintf("wamid.%d", i), "15551234567", fmt.Sprintf("Aff-%s", ago)), ago))
		s.next(t)
	}
	for touch, want := range map[string]string{"last": "Aff-1h0m0s", "first": "Aff-3h0m0s"} {
		_, answer := e.convert(`{"eventName":"QualifiedLead","waPhone":"+15551234567","touch":"` + touch + `"}`)
		if got := answer.Results[0].Click["ctwaClid"]; got != want {
			t.Errorf("%s: %v, want %s", touch, got, want)
		}
	}
}

func TestMistakesInConversions(t *testing.T) {
	block := site("tenant acme\n forward http://127.0.0.1:9/")
	for options, says := range map[string]string{
		"token x":                               "needs a tenant: write `tenant <name>`",
		"tenant acme":                           "needs a token: write `token {env.CRM_TOKEN}`",
		"tenant acme\n token x\n map won":       "map needs the CRM's word and an event name",
		"tenant acme\n token x\n colour red":    "leadgate_conversions has no option 'colour'",
		"tenant a/b\n token x":                  "tenant 'a/b' is not of letters",
		"tenant acme\n token {env.LG_NOT_SET}":  "LG_NOT_SET",
		"tenant acme\n tenant acme\n token x\n": "tenant is already specified",
	} {
		err := validate(t, strings.Replace(block, `	respond "next"`, "	leadgate_conversions /c {\n "+options+"\n}\n	respond \"next\"", 1))
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %s", options, err, says)
		}
	}
	withMeta := site("tenant acme\n capi {\n dataset 1\n access_token x\n }")
	const unknown = "	leadgate_conversions /c {\n tenant acme\n token x\n map won Sold\n}\n	respond \"next\""
	err := validate(t, strings.Replace(withMeta, `	respond "next"`, unknown, 1))
	if err == nil || !strings.Contains(err.Error(), `tenant acme: map won: the event name "Sold" is none that Meta takes`) {
		t.Errorf("an unknown name: %v", err)
	}
	e := &edge{t: t, port: freeport.New(t), dir: t.TempDir()}
	for tenant, says := range map[string]string{
		"acme": "tenant acme has neither capi nor google", "globex": "tenant globex is in no leadgate block",
	} {
		err := e.load(strings.Replace(block, `	respond "next"`, "	leadgate_conversions /c {\n tenant "+tenant+
			"\n token x\n}\n	respond \"next\"", 1))
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %s", tenant, err, says)
		}
	}
}

// TestClickWithoutClidToSale is a sale from ads that bring no click id, with both
// stores: Messenger's and Instagram's, known by their person, and WhatsApp Status's,
// which Meta takes no conversion for.
func TestClickWithoutClidToSale(t *testing.T) {
	for _, store := range []string{"embedded", "redis"} {
		t.Run(store, func(t *testing.T) {
			meta, s := capitest.New(t), newSink(t)
			config := conversionsSite(meta, s)
			if store == "redis" {
				config = strings.Replace(config, "queue embedded %DIR%/queue", "queue redis "+redistest.Start(t).URL(), 1)
			}
			e := startEdge(t, config)
			now := time.Now()
			messaging := func(object, sender, account, mid string) []byte {
				return fmt.Appendf(nil, `{"object":%q,"entry":[{"id":%q,"time":%d,"messaging":[{"sender":{"id":%q},"recipient":{"id":%q},`+
					`"timestamp":%d,`+
					`"message":{"mid":%q,"text":"Hi","referral":{"ref":"","source":"ADS","type":"OPEN_THREAD","ad_id":"120210000000000001",`+
					`"ads_context_data":{"ad_title":"Sale"}}}}]}]}`,
					object, account, now.UnixMilli(), sender, account, now.UnixMilli(), mid)
			}
			e.post("/webhooks/meta", messaging("page", "7301234567890123", "1029384756", "m_1"))
			e.post("/webhooks/meta", messaging("instagram", "8301234567890123", "17841400000000001", "m_2"))
			e.post("/webhooks/meta", bytes.Replace(click("wamid.status", "15551234567", "x"), []byte(`,"ctwa_clid":"x"`), nil, 1))
			acceptedEvents(t, meta, 2)
			for i, c := range []struct{ channel, who, key, id string }{
				{"messenger", `"userId":"7301234567890123"`, "page_scoped_user_id", "7301234567890123"},
				{"instagram", `"userId":"8301234567890123"`, "ig_sid", "8301234567890123"},
				{"messenger", `"messageId":"m_1"`, "page_scoped_user_id", "7301234567890123"},
			} {
				_, answer := e.convert(fmt.Sprintf(`{"eventName":"Purchase","channel":%q,%s,"value":7.25,"currency":"EUR","orderId":"A-%d"}`,
					c.channel, c.who, i))
				if r := answer.Results[0]; r.Status != "queued" || r.Click["adId"] != "120210000000000001" {
					t.Fatalf("%s: %+v", c.who, r)
				}
				sale := acceptedEvents(t, meta, i+3)[i+2]
				if user := sale["user_data"].(map[string]any); sale["event_name"] != "Purchase" || sale["messaging_channel"] != c.channel ||
					user[c.key] != c.id {
					t.Errorf("%s: %v", c.who, sale)
				}
			}
			_, answer := e.convert(`{"eventName":"Purchase","waPhone":"+15551234567","value":7.25,"currency":"EUR"}`)
			if r := answer.Results[0]; r.Status != "no_click" || r.Error == nil || !strings.Contains(*r.Error, "no ctwa_clid") {
				t.Errorf("an ad in WhatsApp Status: %+v", r)
			}
		})
	}
}

// recordingQueue keeps the events that it is given.
type recordingQueue struct {
	queue.Queue
	events chan queue.Event
}

func (q recordingQueue) Append(ctx context.Context, groups []queue.Group) []queue.Result {
	for i := range groups {
		for _, ev := range groups[i].Events {
			q.events <- ev
		}
	}
	return q.Queue.Append(ctx, groups)
}

// TestPostedConversionHasATime keeps its id from being looked up on each day of the
// window, as that of an event without a time is.
func TestPostedConversionHasATime(t *testing.T) {
	meta, s := capitest.New(t), newSink(t)
	e := startEdge(t, conversionsSite(meta, s))
	e.post("/webhooks/meta", click("wamid.1", "15551234567", "Aff-1"))
	var open *engine
	engines.Range(func(_, value any) bool {
		open = value.(*engine)
		return false
	})
	recording := recordingQueue{*open.ready.Load(), make(chan queue.Event, 1)}
	open.ready.Store(new(queue.Queue(recording)))
	if _, answer := e.convert(`{"eventName":"QualifiedLead","waPhone":"+15551234567"}`); answer.Results[0].Status != "queued" {
		t.Fatalf("%+v", answer)
	}
	if ev := <-recording.events; time.Since(time.UnixMilli(ev.Time)).Abs() > time.Hour {
		t.Errorf("its time is %d", ev.Time)
	}
}
