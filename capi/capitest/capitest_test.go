package capitest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

var now = time.Unix(1736535700, 0)

const good = `{"event_name":"LeadSubmitted","event_time":1736535600,"event_id":"e1","action_source":"business_messaging",` +
	`"messaging_channel":"whatsapp",` +
	`"user_data":{"whatsapp_business_account_id":"102290129340398","ctwa_clid":"ARx-1",` +
	`"ph":["fdc5edfb0d1c8bdd5ec5c03b1cf5b5ed4a0a2ac5ad5f5ffab0d9ac3cc6f79e8f"]},"custom_data":{"ctwa_clid":"ARx-1","ad_id":"238"}}`

const goodPurchase = `{"event_name":"Purchase","event_time":1736535600,"event_id":"e2","action_source":"business_messaging",` +
	`"messaging_channel":"messenger",` +
	`"user_data":{"page_id":"1029384756","page_scoped_user_id":"77"},"custom_data":{"currency":"usd","value":12.5,"contents":[{"id":"a"}]}}`

const goodInstagram = `{"event_name":"QualifiedLead","event_time":1736535600,"event_id":"e3","action_source":"business_messaging",` +
	`"messaging_channel":"instagram",` +
	`"user_data":{"instagram_business_account_id":"17841","ig_sid":"88"},"data_processing_options":["LDU"],` +
	`"data_processing_options_country":1,"data_processing_options_state":1000}`

const goodAutomatic = `{"event_name":"LeadSubmitted","event_time":1736535600,"event_id":"e4","action_source":"business_messaging",` +
	`"messaging_channel":"whatsapp",` +
	`"messaging_outcome_data":{"outcome_type":"automatic_events"},"user_data":{"whatsapp_business_account_id":"1","ctwa_clid":"x"}}`

func batchOf(events ...string) []byte {
	return []byte(`{"data":[` + strings.Join(events, ",") + `]}`)
}

func TestCheck(t *testing.T) {
	s := &Server{Now: func() time.Time { return now }}
	for _, ev := range []string{good, goodPurchase, goodInstagram, goodAutomatic} {
		if fail := s.Check(batchOf(ev), "1"); fail != nil {
			t.Errorf("%s: %v %s", ev, fail, fail.User)
		}
	}
	if fail := s.Check([]byte(`{"data":[`+good+`],"partner_agent":"leadgate","test_event_code":"TEST1"}`), "1"); fail != nil {
		t.Error(fail)
	}
	for _, c := range []struct {
		of, old, new string
		subcode      int
	}{
		{good, `"LeadSubmitted"`, `"Lead"`, 2804066},
		{good, `"LeadSubmitted"`, `"leadsubmitted"`, 2804066},
		{good, `"LeadSubmitted"`, `"Contact"`, 2804066},
		{good, `,"messaging_channel":"whatsapp"`, ``, 2804063},
		{good, `"messaging_channel":"whatsapp"`, `"messaging_channel":"sms"`, 2804063},
		{good, `"business_messaging"`, `"website"`, 0},
		{good, `"event_time":1736535600`, `"event_time":1735930899`, 0},
		{good, `1736535600`, `1735930898`, 2804003},
		{good, `1736535600`, `1736535600000`, 0},
		{good, `1736535600`, `1736535701`, 0},
		{good, `1736535600`, `"1736535600"`, 0},
		{good, `1736535600`, `1736535600.5`, 0},
		{good, `"event_id":"e1",`, ``, 0},
		{good, `"ctwa_clid":"ARx-1","ph"`, `"ph"`, 2804050},
		{good, `"ARx-1","ph"`, `"` + strings.Repeat("aB", 32) + `","ph"`, 2804087},
		{good, `"ARx-1","ph"`, `"A Rx","ph"`, 0},
		{good, `"whatsapp_business_account_id":"102290129340398",`, ``, 2804116},
		{good, `"whatsapp_business_account_id"`, `"page_id"`, 2804131},
		{good, `"ph":[`, `"fbc":"fb.1.1.x","ph":[`, 2804064},
		{good, `"ph":[`, `"fbp":"fb.1.1.x","ph":[`, 2804064},
		{good, `"ph":[`, `"client_ip_address":"127.0.0.1","ph":[`, 2804064},
		{good, `"ph":[`, `"client_user_agent":"x","ph":[`, 2804064},
		{good, `"ph":[`, `"phone":"x","ph":[`, 0},
		{good, `["fdc5edfb`, `["FDC5EDFB`, 0},
		{good, `["fdc5edfb0d1c8bdd5ec5c03b1cf5b5ed4a0a2ac5ad5f5ffab0d9ac3cc6f79e8f"]`, `["15551234567"]`, 0},
		{good, `["fdc5edfb0d1c8bdd5ec5c03b1cf5b5ed4a0a2ac5ad5f5ffab0d9ac3cc6f79e8f"]`, `[]`, 0},
		{good, `"ph":[`, `"em":"a@b.c","ph":[`, 0},
		{good, `"ad_id":"238"`, `"ad_id":null`, 0},
		{good, `"ad_id":"238"`, `"ad_id":[{"x":null}]`, 0},
		{good, `"ad_id":"238"`, `"ctwa_clid":"twice"`, 0},
		{good, `,"custom_data":{"ctwa_clid":"ARx-1","ad_id":"238"}`, `,"custom_data":{}`, 0},
		{good, `"event_name"`, `"opt_out":true,"event_name"`, 0},
		{good, `"event_name"`, `"event_source_url":"https://x","event_name"`, 0},
		{goodAutomatic, `"automatic_events"`, `"manual"`, 0},
		{goodPurchase, `"currency":"usd",`, ``, 2804081},
		{goodPurchase, `"usd"`, `"US$"`, 2804081},
		{goodPurchase, `,"value":12.5`, ``, 0},
		{goodPurchase, `12.5`, `"12.5"`, 0},
		{goodPurchase, `12.5`, `-1`, 0},
		{goodPurchase, `[{"id":"a"}]`, `[{"sku":"a"}]`, 0},
		{goodPurchase, `"page_id":"1029384756",`, ``, 2804050},
		{goodPurchase, `,"page_scoped_user_id":"77"`, ``, 2804050},
		{goodPurchase, `"Purchase"`, `"OrderCreated"`, -1},
		{strings.Replace(goodPurchase, `"currency":"usd",`, ``, 1), `"Purchase"`, `"OrderCreated"`, 2804081},
		{goodInstagram, `"ig_sid":"88"`, `"ig_sid":""`, 0},
		{goodInstagram, `"instagram_business_account_id":"17841",`, ``, 2804050},
		{goodInstagram, `"instagram_business_account_id"`, `"ig_account_id"`, -1},
		{goodInstagram, `["LDU"]`, `["CCPA"]`, 0},
		{goodInstagram, `,"data_processing_options_state":1000`, ``, 0},
	} {
		changed := strings.Replace(c.of, c.old, c.new, 1)
		if changed == c.of {
			t.Fatalf("%q is not in the event", c.old)
		}
		fail := s.Check(batchOf(changed), "1")
		switch {
		case c.subcode < 0:
			if fail != nil {
				t.Errorf("%s → %s: %v", c.old, c.new, fail)
			}
		case c.new == `"event_time":1735930899`: // seven days and the rounded second
			if fail != nil {
				t.Errorf("seven days: %v", fail)
			}
		case fail == nil || fail.Code != 100 || fail.Subcode != c.subcode:
			t.Errorf("%s → %s: %v", c.old, c.new, fail)
		}
	}
	for _, body := range []string{``, `[]`, `{}`, `{"data":[]}`, `{"data":{}}`, `{"data":[1]}`, `{"data":[null]}`, `{"data":[` + good + `]} x`,
		`{"data":[` + good + `],"access_token":"x"}`,
		`{"data":[` + good + `],"partner_agent":"x1"}`, `{"data":[` + good + `],"test_event_code":7}`, `{"data":[` + good +
			"],\"test_event_code\":\"\xff\"}",
		string(batchOf(good, goodAutomatic)), string(batchOf(good, goodPurchase)), `{"data":[` + good + strings.Repeat(","+good, 1000) + `]}`} {
		if fail := s.Check([]byte(body), "1"); fail == nil || fail.Code != 100 {
			t.Errorf("%.100s: %v", body, fail)
		}
	}
	if fail := s.Check([]byte(`{"data":[`+good+strings.Repeat(","+good, 999)+`]}`), "1"); fail != nil {
		t.Errorf("1000 events: %v", fail)
	}
	if fail := s.Check(batchOf(good, good, strings.Replace(good, "Submitted", "", 1)), "1"); fail == nil || fail.Event != 2 {
		t.Errorf("%v", fail)
	}
}

func TestDatasets(t *testing.T) {
	s := &Server{Now: func() time.Time { return now }, Clids: map[string]bool{"ARx-1": true},
		Datasets: map[string]Dataset{"1": {WabaID: "102290129340398"}, "2": {PageID: "1029384756"}, "3": {InstagramID: "17841"}, "4": {},
			"5": {WabaID: "6", PageID: "6", InstagramID: "6"}}}
	for _, c := range []struct {
		event, dataset string
		subcode        int
	}{
		{good, "1", 0}, {goodPurchase, "2", 0}, {goodInstagram, "3", 0},
		{good, "4", 2804132}, {good, "2", 2804132}, {good, "5", 2804118}, {goodPurchase, "5", 2804118}, {goodInstagram, "5", 2804118},
		{goodPurchase, "1", 2804118},
		{strings.ReplaceAll(good, "ARx-1", "ARx-2"), "1", 2804087},
		{strings.Replace(good, "whatsapp_business_account_id", "page_id", 1), "1", 2804131},
	} {
		fail := s.Check(batchOf(c.event), c.dataset)
		if (fail == nil) != (c.subcode == 0) || fail != nil && fail.Subcode != c.subcode {
			t.Errorf("%.40s in %s: %v, want %d", c.event, c.dataset, fail, c.subcode)
		}
	}
}

type reply struct {
	status int
	header http.Header
	body   string
	err    error
}

func do(t *testing.T, method, url, token, body string) reply {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return reply{err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(b), err}
}

func TestServer(t *testing.T) {
	var printed, refusedDatasets []string
	s := New(t, func(s *Server) {
		s.Token, s.AppSecret, s.Keep = "EAAtoken", "app_secret_123", 2
		s.Datasets = map[string]Dataset{"1": {WabaID: "102290129340398"}}
		s.Now = func() time.Time { return now }
		s.OnAccept = func(a Accepted) { printed = append(printed, fmt.Sprint(a.Request, " ", a.Dataset)) }
		s.OnRefuse = func(d string, e *Error) { refusedDatasets = append(refusedDatasets, fmt.Sprint(d, " ", e.Code)) }
	})
	const proof = "?appsecret_proof=e2f4025c78aeb0a2ca0cdbe1b761e2343d7a8230003895dad6dc39c35c7a0161"
	for _, c := range []struct {
		path, token           string
		status, code, subcode int
	}{
		{"/v27.0/1/events" + proof, "EAAtoken", 200, 0, 0},
		{"/v21.0/1/events" + proof + "&access_token=EAAtoken", "", 200, 0, 0},
		{"/v27.0/1/events", "EAAtoken", 400, 104, 0},
		{"/v27.0/1/events" + proof, "other", 401, 190, 467},
		{"/v27.0/1/events" + proof, "", 401, 190, 467},
		{"/v20.0/1/events" + proof, "EAAtoken", 400, 2635, 0},
		{"/v27.0/2/events" + proof, "EAAtoken", 400, 100, 33},
		{"/v27.0/1/messages", "EAAtoken", 404, 2500, 0},
		{"/1/events", "EAAtoken", 404, 2500, 0},
	} {
		r := do(t, "POST", s.URL()+c.path, c.token, string(batchOf(good)))
		var answer struct {
			EventsReceived int `json:"events_received"`
			TraceID        string
			Error          struct {
				Message, Type string
				Code          int
				Subcode       int    `json:"error_subcode"`
				TraceID       string `json:"fbtrace_id"`
			}
		}
		if err := json.Unmarshal([]byte(r.body), &answer); err != nil || r.status != c.status || answer.Error.Code != c.code ||
			answer.Error.Subcode != c.subcode {
			t.Errorf("%s: %d %s, %v", c.path, r.status, r.body, err)
		}
		if c.code == 0 && answer.EventsReceived != 1 || c.code != 0 && (answer.Error.Type != "OAuthException" || answer.Error.TraceID == "" ||
			answer.Error.Message == "") {
			t.Errorf("%s: %s", c.path, r.body)
		}
	}
	if got := strings.Join(printed, ","); got != "1 1,2 1" {
		t.Errorf("printed %s", got)
	}
	if got := strings.Join(refusedDatasets, ","); got != "1 104,1 190,1 190,1 2635,2 100, 2500, 2500" {
		t.Errorf("refused %s", got)
	}
	for range 5 {
		do(t, "POST", s.URL()+"/v27.0/1/events"+proof, "EAAtoken", string(batchOf(good)))
	}
	if s.Total() != 7 || s.Requests() != 14 || len(s.Accepted()) < 2 || len(s.Accepted()) > 4 {
		t.Errorf("%d events, %d requests, %d kept", s.Total(), s.Requests(), len(s.Accepted()))
	}
	r := do(t, "GET", s.URL()+"/_leadgate/accepted", "", "")
	var page struct {
		Requests, Total int
		Accepted        []Accepted
	}
	if err := json.Unmarshal([]byte(r.body), &page); err != nil || page.Total != 7 || page.Requests != 14 ||
		string(page.Accepted[0].Event) != good {
		t.Errorf("%s, %v", r.body, err)
	}
	if r := do(t, "PUT", s.URL()+"/_leadgate/accepted", "", ""); r.status != 405 {
		t.Error(r)
	}
	if r := do(t, "DELETE", s.URL()+"/_leadgate/accepted", "", ""); r.status != 204 || s.Total() != 0 {
		t.Error(r)
	}
	if r := do(t, "GET", s.URL()+"/_leadgate/accepted", "", ""); !strings.Contains(r.body, `"accepted":[]`) {
		t.Error(r)
	}
}

func TestScript(t *testing.T) {
	s := New(t, func(s *Server) { s.Now = func() time.Time { return now } })
	held := make(chan struct{})
	close(held)
	s.Script(1, Answer{Status: 503, Header: http.Header{"Retry-After": {"9"}}, Body: "busy"})
	s.Script(1, Answer{Cut: true})
	s.Script(1, Answer{Cut: true, Accept: true})
	s.Script(1, Answer{Delay: time.Microsecond, Hold: held, Pass: true})
	post := func() reply { return do(t, "POST", s.URL()+"/v27.0/1/events", "x", string(batchOf(good))) }
	if r := post(); r.status != 503 || r.header.Get("Retry-After") != "9" || r.body != "busy" || s.Total() != 0 {
		t.Errorf("%+v", r)
	}
	if r := post(); r.err == nil || s.Total() != 0 {
		t.Errorf("%+v", r)
	}
	if r := post(); r.err == nil || s.Total() != 1 {
		t.Errorf("%+v", r)
	}
	if r := post(); r.status != 200 || s.Total() != 2 {
		t.Errorf("%+v", r)
	}
	if r := post(); r.status != 200 || s.Total() != 3 || s.Requests() != 5 {
		t.Errorf("%+v", r)
	}
}
